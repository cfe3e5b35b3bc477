"""What the finishing of a recording is told and tells; read by the control process, too."""

from __future__ import annotations

import msgspec

MADE = "made.json"  # beside the file: what came of it, until the log has it


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be finished. ``file`` is made; ``chapters`` are UTC seconds and titles."""

    folder: str
    file: str
    title: str
    tags: tuple[tuple[str, str], ...] = ()
    chapters: tuple[tuple[float, str], ...] = ()


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """A part as it is in the file: when it began (UTC seconds), and where it is found (s)."""

    at: float
    offset: float
    seconds: float


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """A finished file. ``cut`` are octets at the ends of parts that were not whole."""

    octets: int
    seconds: float
    sha256: str
    cut: int
    stretches: tuple[Stretch, ...]
