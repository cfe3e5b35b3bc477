"""What the finishing of a recording is told and tells; read by the control process, too."""

from __future__ import annotations

import msgspec

MADE = "made.json"  # beside the file: what came of it, until the log has it


Timed = tuple[tuple[float, str], ...]
"""Texts, each with when it begins to hold (UTC seconds)."""


class Subtitles(msgspec.Struct, frozen=True, kw_only=True):
    """A track of texts. ``language`` is of ISO 639-2, as "vie"."""

    language: str
    name: str
    texts: Timed


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be finished. ``file`` is made. ``language``, of ISO 639-2, is that of titles and
    names; ``names`` are those of the tracks of programme, content, sound and single voices."""

    folder: str
    file: str
    title: str
    language: str = "vie"
    names: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    chapters: Timed = ()
    subtitles: tuple[Subtitles, ...] = ()


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
