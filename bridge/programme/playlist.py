"""A live playlist of HLS (RFC 8216): which segments there are, and what it says. Pure.

Segments are never changed and never numbered anew: a window moves over them. What it was is kept
beside them, so a process that is started again goes on behind the last number, with a
discontinuity.
"""

from __future__ import annotations

import datetime

import msgspec
from msgspec.structs import replace

TARGET = 2  # seconds: every segment is shorter than half a second more
LONGEST = 2.4  # seconds
SHOWN = 6  # segments that a playlist names
KEPT = 6  # more that may still be fetched, by who has read an older playlist
PLAYLIST = "index.m3u8"


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A segment: its number, the number of its initialisation, its length, and when it began (UTC
    seconds). ``broken``: it does not go on where the one before ended."""

    number: int
    initialisation: int
    seconds: float
    began: float
    broken: bool = False

    @property
    def name(self) -> str:
        """Of its file."""
        return f"s{self.number}.m4s"


def initialisation_name(number: int) -> str:
    """The file that a player reads before segments of this initialisation."""
    return f"i{number}.mp4"


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """The segments that can be fetched, oldest first; ``number`` and ``initialisation`` are the
    next ones, ``passed`` counts the discontinuities before the first segment."""

    number: int = 0
    initialisation: int = 0
    passed: int = 0
    segments: tuple[Segment, ...] = ()

    def add(self, seconds: float, began: float, *, fresh: bool, broken: bool) -> Window:
        """One more segment: ``fresh`` with an initialisation of its own. Raises ValueError for a
        length that no segment has."""
        if not 0 < seconds < TARGET + 0.5:
            raise ValueError(f"a segment of {seconds} s")
        initialisation = self.initialisation + fresh
        if not initialisation:
            raise ValueError("a segment without an initialisation")
        segment = Segment(
            number=self.number,
            initialisation=initialisation,
            seconds=seconds,
            began=began,
            broken=broken and self.number > 0,
        )
        segments = (*self.segments, segment)
        gone = segments[: max(0, len(segments) - SHOWN - KEPT)]
        return Window(
            number=self.number + 1,
            initialisation=initialisation,
            passed=self.passed + sum(old.broken for old in gone),
            segments=segments[len(gone) :],
        )

    @property
    def files(self) -> frozenset[str]:
        """The names of all files that may be fetched."""
        maps = {initialisation_name(segment.initialisation) for segment in self.segments}
        return frozenset({segment.name for segment in self.segments} | maps)

    def emptied(self) -> Window:
        """The same without its segments: what comes goes on with its numbers."""
        return replace(
            self, passed=self.passed + sum(old.broken for old in self.segments), segments=()
        )

    def text(self) -> str:
        """The playlist."""
        hidden = max(0, len(self.segments) - SHOWN)
        shown = self.segments[hidden:]
        first = shown[0].number if shown else self.number
        passed = self.passed + sum(segment.broken for segment in self.segments[:hidden])
        lines = [
            "#EXTM3U",
            "#EXT-X-VERSION:7",
            f"#EXT-X-TARGETDURATION:{TARGET}",
            f"#EXT-X-MEDIA-SEQUENCE:{first}",
            f"#EXT-X-DISCONTINUITY-SEQUENCE:{passed}",
        ]
        initialisation = 0
        for segment in shown:
            if segment.broken:
                lines.append("#EXT-X-DISCONTINUITY")
            if segment.initialisation != initialisation:
                initialisation = segment.initialisation
                lines.append(f'#EXT-X-MAP:URI="{initialisation_name(initialisation)}"')
            lines += [
                f"#EXT-X-PROGRAM-DATE-TIME:{_date(segment.began)}",
                f"#EXTINF:{segment.seconds:.5f},",
                segment.name,
            ]
        return "\n".join(lines) + "\n"


def _date(at: float) -> str:
    made = datetime.datetime.fromtimestamp(at, datetime.UTC)
    return made.isoformat(timespec="milliseconds").replace("+00:00", "Z")


encoder = msgspec.json.Encoder()
decoder = msgspec.json.Decoder(Window)
