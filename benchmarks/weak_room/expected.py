"""The lines of the table, what must hold on each, and what was seen. Pure."""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from benchmarks.weak_room.veth import Line

SETTLE = 5.0  # seconds from a change until its figures count
MEASURE = 15.0  # seconds of figures
STEP = 0.5  # seconds between two looks


class Row(NamedTuple):
    """A line: how it was ``before``, how it is from the change on, and what must hold, as the
    table says it: least lines and frames per second of the programme (0: no picture is asked
    for), longest freeze in seconds, most sound made up. ``looks`` names whose picture and sound
    these are: the room's, the others' of it, or both."""

    name: str
    line: Line
    before: Line = Line()
    height: int = 0
    rate: float = 0.0
    freeze: float = 0.0
    concealed: float = 0.01
    looks: str = "room"


MBIT = 1_000_000
ROWS = (
    Row("600 kbit/s down", Line(down=600_000), Line(), 360, 10, 0.5, 0.01),
    Row("300 kbit/s down", Line(down=300_000), Line(), 180, 7, 0, 0.01),
    Row("100 kbit/s down", Line(down=100_000), Line(), 0, 0, 0, 0.02),
    Row("5 Mbit/s → 600 kbit/s", Line(down=600_000), Line(down=5 * MBIT), 360, 10, 1.0, 0.01),
    Row("600 kbit/s → 5 Mbit/s", Line(down=5 * MBIT), Line(down=600_000), 720, 10, 0, 0.01),
    Row("30 % lost both ways", Line(5 * MBIT, 5 * MBIT, 0.3), concealed=0.03, looks="both"),
    Row("50 % lost both ways", Line(5 * MBIT, 5 * MBIT, 0.5), concealed=0.10, looks="both"),
    Row("bursts of 4, 20 %", Line(5 * MBIT, 5 * MBIT, 0.2, 4), concealed=0.05, looks="both"),
    Row("300 kbit/s up", Line(up=300_000), Line(), 180, 7, 0, 0.01, "others"),
)


class Seen(NamedTuple):
    """What a page's statistics say at a moment: of its programme and of the voice it hears."""

    at: float
    height: int
    decoded: int
    freezes: int
    frozen: float
    heard: float
    concealed: float
    others: int  # frames of all other pictures


@dataclass(slots=True)
class View:
    """What one page saw in a window."""

    height: int = 0  # least lines
    rate: float = 0.0  # frames per second
    freeze: float = 0.0  # longest, seconds
    concealed: float = 0.0  # share of the sound that was made up
    others: float = 0.0  # frames per second of all other pictures


@dataclass(slots=True)
class Figures:
    """A row's figures. ``base`` is what the others saw before the change."""

    room: View
    others: View
    base: View
    queue: float  # seconds, the longest from two seconds after the change on
    best_after: float | None  # seconds until the programme had its best layer
    key_frames: int  # asked of the others' sources after the change
    seconds: float
    estimate: int = 0
    layers: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def view(seen: list[Seen]) -> View:
    """Reduce what a page saw to the figures of the table."""
    if len(seen) < 2:
        return View()
    first, last = seen[0], seen[-1]
    seconds = last.at - first.at
    freeze = still = 0.0
    since = first.at
    for before, now in itertools.pairwise(seen):
        if now.freezes > before.freezes:
            freeze = max(freeze, (now.frozen - before.frozen) / (now.freezes - before.freezes))
        if now.decoded > before.decoded:
            since = now.at
        still = max(still, now.at - since)
    if still > 2 * STEP:  # a freeze is counted when it ends
        freeze = max(freeze, still)
    sound = last.heard - first.heard
    return View(
        height=min((s.height for s in seen if s.height), default=0),
        rate=round((last.decoded - first.decoded) / seconds, 1),
        freeze=round(freeze, 2),
        concealed=round((last.concealed - first.concealed) / sound, 4) if sound > 0 else 1.0,
        others=round((last.others - first.others) / seconds, 1),
    )


def misses(row: Row, figures: Figures) -> list[str]:
    """What of a row does not hold, as words for the table."""
    found = []
    rises = row.name.startswith("600 kbit/s →")  # its layer has three seconds more than all else
    for name, seen in (("room", figures.room), ("others", figures.others)):
        if row.looks not in (name, "both"):
            continue
        if row.height and seen.height < row.height and not rises:
            found.append(f"{seen.height} lines")
        if row.rate and seen.rate < row.rate:
            found.append(f"{seen.rate:.0f} fps")
        if row.freeze and seen.freeze > row.freeze:
            found.append(f"freeze {seen.freeze:.1f} s")
        if seen.concealed > row.concealed:
            found.append(f"{name} {100 * seen.concealed:.1f} % made up")
    if row.name.startswith("5 Mbit") and figures.queue > 0.2:
        found.append(f"queue {1000 * figures.queue:.0f} ms")
    if rises and (figures.best_after is None or figures.best_after > 8):
        found.append("best layer late")
    if figures.base.others and figures.others.others < 0.95 * figures.base.others:
        found.append("the others' pictures")
    if figures.key_frames > max(1, figures.seconds / 2):
        found.append(f"{figures.key_frames} key frames")
    return found
