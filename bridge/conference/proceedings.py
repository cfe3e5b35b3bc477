"""What was dealt with in a conference, worked out from its log: items with who spoke to them and
what was decided. It is what minutes are drafted from. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from bridge.conference import events as e
from bridge.conference.decided import DecisionRow
from bridge.conference.model import Item
from bridge.conference.report import Report, report


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A point had the floor: from ``at`` (UTC seconds), for ``seconds`` without the time that it
    was away."""

    point: str
    at: float
    seconds: float


class Matter(msgspec.Struct, frozen=True, kw_only=True):
    """An item that was dealt with. ``began_at`` is UTC seconds; ``seconds`` is how long it took
    altogether, where it was come back to."""

    number: int
    title: str
    point: str | None
    began_at: float
    seconds: float
    turns: tuple[Turn, ...] = ()
    decisions: tuple[DecisionRow, ...] = ()


class Proceedings(msgspec.Struct, frozen=True, kw_only=True):
    """A conference as its minutes tell it. ``turns`` and ``decisions`` are those that belong to no
    item that was dealt with; ``left_over`` are items that nobody began."""

    report: Report
    matters: tuple[Matter, ...] = ()
    turns: tuple[Turn, ...] = ()
    decisions: tuple[DecisionRow, ...] = ()
    left_over: tuple[Item, ...] = ()
    recorded: bool = False
    """Whether something of it was recorded."""


@dataclass(slots=True)
class _Turns:
    """Who had the floor, by the number of the item that was dealt with (0: none)."""

    of: dict[int, list[Turn]] = field(default_factory=dict)
    item: int = 0
    open: tuple[int, str, float] | None = None

    def begin(self, item: int) -> None:
        self.item = item

    def grant(self, point: str, at: float) -> None:
        self.open = (self.item, point, at)

    def end(self, seconds: float) -> None:
        if self.open is None:
            return
        item, point, at = self.open
        self.of.setdefault(item, []).append(Turn(point=point, at=at, seconds=seconds))
        self.open = None


def proceedings(log: Sequence[e.Recorded], now: float) -> Proceedings:
    """Add a log up, from the start of the conference on. One that still runs is told up to ``now``
    (UTC seconds). Raises ValueError for an empty log."""
    turns = _Turns()
    agenda: tuple[Item, ...] = ()
    recorded = False
    for entry in log:
        event = entry.event
        match event:
            case e.Opened():
                agenda = event.booking.agenda
            case e.AgendaSet():
                agenda = event.items
            case e.Started():
                turns = _Turns()  # what was tried out in the trial session
            case e.ItemBegun():
                turns.begin(event.number)
            case e.FloorGranted():
                turns.grant(event.point, entry.at)
            case e.FloorEnded():
                turns.end(event.seconds)
            case e.RecordingNoted(writing=True):
                recorded = True
    made = report(log, now)
    if turns.open is not None:
        turns.end(round(max(0.0, made.until - turns.open[2]), 1))
    begun = {row.number for row in made.items}
    return Proceedings(
        report=made,
        matters=tuple(
            Matter(
                number=row.number,
                title=row.title,
                point=row.point,
                began_at=row.began_at,
                seconds=row.seconds,
                turns=tuple(turns.of.get(row.number, ())),
                decisions=tuple(d for d in made.decisions if d.item == row.number),
            )
            for row in made.items
        ),
        turns=tuple(turns.of.get(0, ())),
        decisions=tuple(d for d in made.decisions if d.item not in begun),
        left_over=tuple(item for item in agenda if item.number not in begun),
        recorded=recorded,
    )
