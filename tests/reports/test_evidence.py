"""An evidence pack is made piece by piece."""

from __future__ import annotations

import datetime
import io
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from bridge.reports import evidence

MADE = datetime.datetime(2026, 11, 26, 9, 30)


def pieces(path: Path, sha256: str = "") -> list[bytes]:
    checked = evidence.check(path)
    return list(evidence.pack("r", path, sha256 or checked.sha256, [("a.txt", b"a")], [], MADE))


def test_a_long_recording_is_never_held_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "long.mkv"
    size = 24 << 20
    with path.open("wb") as file:
        file.truncate(size)
    tracemalloc.start()
    try:
        checked = evidence.check(path)
        made = evidence.pack("r", path, checked.sha256, [], [], MADE)
        longest = total = 0
        for piece in made:
            longest, total = max(longest, len(piece)), total + len(piece)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert checked.octets == size
    assert total > size
    assert longest < 2 * evidence.CHUNK
    assert most < size / 4


def test_what_is_packed_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "r.mkv"
    for data in (b"", b"x", bytes(evidence.CHUNK), bytes(evidence.CHUNK + 1)):
        path.write_bytes(data)
        with zipfile.ZipFile(io.BytesIO(b"".join(pieces(path)))) as pack:
            assert pack.testzip() is None
            assert pack.read("r/r.mkv") == data
            assert pack.getinfo("r/a.txt").date_time == (2026, 11, 26, 9, 30, 0)


def test_a_recording_that_is_another_one_has_no_end(tmp_path: Path) -> None:
    path = tmp_path / "r.mkv"
    path.write_bytes(b"changed")
    with pytest.raises(ValueError, match="has changed"):
        pieces(path, "ab" * 32)
