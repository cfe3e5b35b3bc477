"""The one way to write a file that others must not read."""

from __future__ import annotations

import os
from pathlib import Path

PRIVATE, PUBLIC = 0o600, 0o644


def write_private(path: Path, data: str | bytes, mode: int = PRIVATE) -> None:
    """Write a file whole or not at all, readable by its owner only (or by ``mode``) from its
    first octet on. What was there is replaced at once. Raises OSError."""
    content = data.encode() if isinstance(data, str) else data
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    # O_EXCL: neither follows a link that somebody put there nor keeps another's permissions.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    temporary.replace(path)
