"""Private files: whole or not at all, and for their owner only."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from bridge.base.files import PUBLIC, write_private


def test_a_private_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("older")
    path.chmod(0o644)
    write_private(path, "khóa\n")
    assert path.read_text("utf-8") == "khóa\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    write_private(path, b"\x00\xff", PUBLIC)
    assert path.read_bytes() == b"\x00\xff"
    assert stat.S_IMODE(path.stat().st_mode) & 0o600 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["key"]


def test_a_link_that_somebody_left_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.write_text("untouched")
    (tmp_path / "key.new").symlink_to(target)
    write_private(tmp_path / "key", "secret")
    assert target.read_text() == "untouched"
    assert (tmp_path / "key").read_text() == "secret"


def test_what_cannot_be_written_leaves_the_older_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key"
    write_private(path, "older")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_private(path, "newer")
    assert path.read_text() == "older"


def test_a_power_cut_leaves_the_older_or_the_newer_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its octets are on the disk before it has its name, and the name is before it is used."""
    done: list[str] = []
    replace, fsync = Path.replace, os.fsync

    def noted_fsync(descriptor: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "octets")
        fsync(descriptor)

    def noted_replace(path: Path, target: Path) -> Path:
        done.append("name")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    write_private(tmp_path / "key", "khóa\n")
    assert done == ["octets", "name", "folder"]
