"""How to write a file that others must not read.

Where one is checked before it has its name (papers, files out of the database), or need not outlive
a power cut (segments), its room writes it itself.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

PRIVATE, PUBLIC = 0o600, 0o644


def write_private(path: Path, data: str | bytes, mode: int = PRIVATE) -> None:
    """Write a file whole or not at all, readable by its owner only (or by ``mode``) from its
    first octet on. What was there is replaced at once, and not even a power cut leaves less than
    one of the two. Raises OSError."""
    with private_file(path, mode) as file:
        file.write(data.encode() if isinstance(data, str) else data)


@contextlib.contextmanager
def private_file(path: Path, mode: int = PRIVATE) -> Iterator[BinaryIO]:
    """A file to write, as `write_private` does; it is in place when all is written, and an error
    on the way leaves what was there."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    # O_EXCL: neither follows a link that somebody put there nor keeps another's permissions.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(descriptor)  # else a power cut may leave an empty file under the new name
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    temporary.replace(path)
    names_to_disk(path.parent)


def names_to_disk(folder: Path) -> None:
    """Bring the names in a folder to the disk: else a power cut may forget one. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
