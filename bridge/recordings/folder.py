"""What there is to know of the folder of recordings. Reads the disk."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


class Folder(NamedTuple):
    """The folder at a look: octets in it and free beside it, whether it can be written, and how
    many of the recordings that are kept have no file in it."""

    octets: int = 0
    free: int = 0
    writable: bool = True
    missing: int = 0


def look_at(folder: Path, kept: Iterable[Path]) -> Folder:
    """Look at a folder; ``kept`` are the files that are to be there."""
    octets = free = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # deleted meanwhile
            octets += path.stat().st_size if path.is_file() else 0
    with contextlib.suppress(OSError):
        free = shutil.disk_usage(folder).free
    missing = sum(not path.is_file() for path in kept)
    return Folder(octets, free, os.access(folder, os.W_OK | os.X_OK), missing)


def make(folder: Path) -> str:
    """Make the folder where it is not there; why it could not be made, "" where it is."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        return error.strerror or str(error)
    return ""
