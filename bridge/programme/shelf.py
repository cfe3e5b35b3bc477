"""Segments as files, for whoever may fetch them: each is whole before its name is there, and the
playlist names only what is."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

import msgspec

from bridge.programme import playlist

WINDOW = "window.json"
SUFFIX = ".hls"
STALE = 20.0  # seconds after which what lies there is no part of what comes


def name_of(conference: str) -> str:
    """What the files of a conference's programme process are called. A path of a socket holds 107
    octets."""
    return "p" + hashlib.sha256(conference.encode()).hexdigest()[:10]


def folder_of(sockets: Path, conference: str) -> Path:
    """Where the segments of a conference lie."""
    return sockets / f"{name_of(conference)}{SUFFIX}"


class Shelf:
    """The folder of one conference's segments. Raises OSError where it cannot be written."""

    def __init__(self, folder: Path, now: float) -> None:
        """``now`` is UTC seconds. What a process before this one has left is gone on with."""
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder
        self.window = _read(folder)
        segments = self.window.segments
        if segments and not 0 <= now - segments[-1].began < STALE:
            self.window = self.window.emptied()
        self._write_window()
        self._sweep()

    def put(
        self, data: bytes, initialisation: bytes, seconds: float, began: float, *, broken: bool
    ) -> None:
        """One more segment; with an ``initialisation`` where it has a new one."""
        window = self.window.add(seconds, began, fresh=bool(initialisation), broken=broken)
        if initialisation:
            self._write(playlist.initialisation_name(window.initialisation), initialisation)
        self._write(window.segments[-1].name, data)
        self.window = window
        self._write_window()
        self._sweep()

    def clear(self) -> None:
        """Nobody may fetch anything any more; numbers go on from here."""
        self.window = self.window.emptied()
        self._write_window()
        self._sweep()

    def _write_window(self) -> None:
        self._write(WINDOW, playlist.encoder.encode(self.window))
        self._write(playlist.PLAYLIST, self.window.text().encode())

    def _write(self, name: str, data: bytes) -> None:
        # Not to the disk: after a power cut nobody watches.
        temporary = self._folder / f"{name}.new"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        temporary.replace(self._folder / name)

    def _sweep(self) -> None:
        kept = self.window.files | {WINDOW, playlist.PLAYLIST}
        for path in self._folder.iterdir():
            if path.name not in kept:
                with contextlib.suppress(OSError):
                    path.unlink()


def _read(folder: Path) -> playlist.Window:
    try:
        return playlist.decoder.decode((folder / WINDOW).read_bytes())
    except (OSError, msgspec.MsgspecError):
        return playlist.Window()
