"""What is found of the folder of recordings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge.recordings.folder import look_at, make


def test_a_folder_is_made_and_looked_at(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "recordings"
    assert make(folder) == ""
    assert folder.stat().st_mode & 0o077 == 0
    (folder / "hop-1-r1").mkdir()
    kept = folder / "hop-1-r1" / "hop-1-r1.mkv"
    kept.write_bytes(bytes(1000))
    found = look_at(folder, [kept, folder / "hop-2-r1" / "hop-2-r1.mkv"])
    assert (found.octets, found.writable, found.missing) == (1000, True, 1)
    assert found.free > 0


def test_a_folder_that_is_away_or_no_folder(tmp_path: Path) -> None:
    assert look_at(tmp_path / "gone", [tmp_path / "gone" / "r1"]) == (0, 0, False, 1)
    (tmp_path / "file").touch()
    assert "File exists" in make(tmp_path / "file")
    assert "Not a directory" in make(tmp_path / "file" / "recordings")


def test_a_folder_that_is_read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: mode & os.W_OK == 0)
    assert not look_at(tmp_path, []).writable
