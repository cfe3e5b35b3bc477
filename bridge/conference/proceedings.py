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

LEAST = 0.5  # seconds of a part of a turn that is told


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A point had the floor on an item: from ``at`` (UTC seconds), for ``seconds`` without the time
    that it was away."""

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
class _Open:
    """Who has the floor now, on which item. ``at`` is when this part of the turn began (UTC
    seconds); ``used`` are its seconds up to ``since``, None where the point is away; ``told`` are
    the seconds of the parts on earlier items."""

    item: int
    point: str
    at: float
    since: float | None
    used: float = 0.0
    told: float = 0.0

    def pause(self, at: float) -> None:
        if self.since is not None:
            self.used += max(0.0, at - self.since)
        self.since = None


@dataclass(slots=True)
class _Turns:
    """Who had the floor, by the number of the item that was dealt with (0: none). A turn that goes
    on while the next item begins is told in parts, under the item that each belongs to."""

    of: dict[int, list[Turn]] = field(default_factory=dict)
    item: int = 0
    open: _Open | None = None

    def begin(self, item: int, at: float) -> None:
        self.item = item
        turn = self.open
        if turn is None or turn.item == item:
            return
        away = turn.since is None
        turn.pause(at)
        self._tell(turn, turn.used)
        told = turn.told + turn.used
        self.open = _Open(item, turn.point, at, None if away else at, told=told)

    def grant(self, point: str, at: float) -> None:
        self.open = _Open(self.item, point, at, at)

    def left(self, point: str, at: float) -> None:
        if self.open is not None and self.open.point == point:
            self.open.pause(at)

    def joined(self, point: str, at: float) -> None:
        if self.open is not None and self.open.point == point and self.open.since is None:
            self.open.since = at

    def stepped(self, seconds: float) -> None:
        """The clock was set; what was measured does not change by that."""
        if self.open is not None and self.open.since is not None:
            self.open.since += seconds

    def end(self, seconds: float) -> None:
        """The turn took so long altogether."""
        turn = self.open
        if turn is None:
            return
        left = seconds - turn.told
        if not turn.told or left >= LEAST:  # it had ended when the next item began
            self._tell(turn, max(0.0, left))
        self.open = None

    def used(self, now: float) -> float:
        """How long the turn that goes on has taken altogether."""
        turn = self.open
        if turn is None:
            return 0.0
        going = max(0.0, now - turn.since) if turn.since is not None else 0.0
        return turn.told + turn.used + going

    def _tell(self, turn: _Open, seconds: float) -> None:
        told = Turn(point=turn.point, at=turn.at, seconds=round(seconds, 3))
        self.of.setdefault(turn.item, []).append(told)


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
                turns.begin(event.number, entry.at)
            case e.PointLeft() | e.Dropped():
                turns.left(event.point, entry.at)
            case e.PointJoined():
                turns.joined(event.point, entry.at)
            case e.ClockStepped():
                turns.stepped(event.seconds)
            case e.FloorGranted():
                turns.grant(event.point, entry.at)
            case e.FloorEnded():
                turns.end(event.seconds)
            case e.RecordingNoted(writing=True):
                recorded = True
    made = report(log, now)
    if turns.open is not None:
        turns.end(round(turns.used(made.until), 1))
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
