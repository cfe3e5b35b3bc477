"""The report of a conference, worked out from its log: who came, who dropped, who spoke, on what
lines. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from bridge.conference import desk_call_events as d
from bridge.conference import events as e
from bridge.conference.attendance import Person
from bridge.conference.decided import Decided, DecisionRow
from bridge.conference.member_rows import MemberRow, Members
from bridge.conference.model import Booking, Paper, Title
from bridge.conference.peer_events import MembersNoted
from bridge.conference.person_events import PersonEvent, persons_after
from bridge.conference.vote_events import VoteEvent, votes_after
from bridge.conference.voting import Vote

LEVELS = ("good", "fair", "poor", "bad", "unknown")


class Interruption(msgspec.Struct, frozen=True, kw_only=True):
    """A point was gone from ``at`` to ``until`` (None: it did not come back)."""

    at: float
    until: float | None
    reason: str


class PointRow(msgspec.Struct, frozen=True, kw_only=True):
    """One point. Seconds; ``up`` and ``down`` are seconds spent at each level of quality."""

    point: str
    expected: bool
    chair: bool
    joined_at: float | None
    left_at: float | None
    present_seconds: float
    interruptions: tuple[Interruption, ...]
    requests: int
    turns: int
    floor_seconds: float
    call_problem: str
    up: dict[str, float]
    down: dict[str, float]
    pictures: dict[str, float] = {}
    """Seconds by picture of the programme: its lines, "sound" where the line carried none, "shown"
    where its lines are not known."""


class PaperRow(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a paper that the conference had, and for how many seconds a page of it was
    shown. ``sha256`` is of the file as it was brought."""

    paper: str
    version: int
    title: str
    pages: int
    sha256: str
    shown_seconds: float = 0.0


class ItemRow(msgspec.Struct, frozen=True, kw_only=True):
    """An item of the agenda that was dealt with: when it began (UTC seconds), for how long
    altogether, and how many minutes were planned."""

    number: int
    title: str
    point: str | None
    minutes: int | None
    began_at: float
    seconds: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A conference in figures; times are UTC seconds."""

    conference: str
    title: Title
    template: str
    recording: str
    planned_start: float | None
    planned_end: float | None
    opened_at: float
    started_at: float | None
    ended_at: float | None
    until: float
    directors: tuple[str, ...]
    points: tuple[PointRow, ...]
    events: int
    audience_peak: int = 0
    """The most who watched at once."""
    audience_minutes: float = 0.0
    """Minutes that all of them watched, added up."""
    papers: tuple[PaperRow, ...] = ()
    """In the order in which they came; a new version is a row of its own."""
    items: tuple[ItemRow, ...] = ()
    """Items of the agenda in the order in which they began."""
    decisions: tuple[DecisionRow, ...] = ()
    """What was decided, in the order in which it was written down."""
    votes: tuple[Vote, ...] = ()
    """In the order in which they were opened."""
    persons: dict[str, Person] = {}
    """The delegates, by id; what they are called stands beside the log."""
    members: tuple[MemberRow, ...] = ()
    """Points of other bridges, as those told."""


@dataclass(slots=True)
class _Audience:
    """Who watched, and since when so many."""

    peak: int = 0
    seconds: float = 0.0
    viewers: int = 0
    since: float = 0.0

    def note(self, viewers: int, peak: int, at: float) -> None:
        self.seconds += self.viewers * max(0.0, at - self.since)
        self.peak = max(self.peak, peak, viewers)
        self.viewers, self.since = viewers, at


@dataclass(slots=True)
class _Papers:
    """What papers there were, and how long each version was shown."""

    rows: dict[tuple[str, int], PaperRow] = field(default_factory=dict)
    shown: tuple[str, int] | None = None
    since: float = 0.0

    def attach(self, paper: Paper, at: float) -> None:
        key = (paper.id, paper.version)
        self.rows.setdefault(
            key,
            PaperRow(
                paper=paper.id,
                version=paper.version,
                title=paper.title,
                pages=paper.pages,
                sha256=paper.sha256,
            ),
        )
        if self.shown is not None and self.shown[0] == paper.id:
            self.show(key, at)

    def show(self, key: tuple[str, int] | None, at: float) -> None:
        if self.shown is not None and self.shown in self.rows:
            row = self.rows[self.shown]
            seconds = round(row.shown_seconds + max(0.0, at - self.since), 1)
            self.rows[self.shown] = replace(row, shown_seconds=seconds)
        self.shown, self.since = key, at


@dataclass(slots=True)
class _Items:
    """Which items were dealt with, and since when the last of them is."""

    rows: dict[int, ItemRow] = field(default_factory=dict)
    current: int = 0
    since: float = 0.0

    def begin(self, event: e.ItemBegun, at: float) -> None:
        self.end(at)
        before = self.rows.get(event.number)
        self.rows[event.number] = ItemRow(
            number=event.number,
            title=event.title,
            point=event.point,
            minutes=event.minutes,
            began_at=at if before is None else before.began_at,
            seconds=0.0 if before is None else before.seconds,
        )
        self.current, self.since = event.number, at

    def end(self, at: float) -> None:
        row = self.rows.get(self.current)
        if row is not None:
            seconds = round(row.seconds + max(0.0, at - self.since), 1)
            self.rows[self.current] = msgspec.structs.replace(row, seconds=seconds)
        self.current = 0


@dataclass(slots=True)
class _Row:
    expected: bool
    chair: bool
    joined_at: float | None = None
    since: float | None = None
    left_at: float | None = None
    present: float = 0.0
    interruptions: list[Interruption] = field(default_factory=list)
    requests: int = 0
    turns: int = 0
    floor: float = 0.0
    problem: str = ""
    quality: tuple[str, str] = ("unknown", "unknown")
    quality_since: float = 0.0
    up: dict[str, float] = field(default_factory=dict)
    down: dict[str, float] = field(default_factory=dict)
    picture: str = "none"
    pictures: dict[str, float] = field(default_factory=dict)

    def leave(self, at: float, reason: str) -> None:
        if self.since is None:
            return
        self.note(at)
        self.present += max(0.0, at - self.since)
        self.since, self.left_at, self.picture = None, at, "none"
        if reason:
            self.interruptions.append(Interruption(at=at, until=None, reason=reason))

    def join(self, at: float) -> None:
        if self.joined_at is None:
            self.joined_at = at
        self.since, self.left_at, self.quality_since = at, None, at
        self.problem = ""
        if self.interruptions and self.interruptions[-1].until is None:
            last = self.interruptions[-1]
            self.interruptions[-1] = Interruption(at=last.at, until=at, reason=last.reason)

    def note(self, at: float) -> None:
        """Count the time at the present quality up to ``at``."""
        if self.since is None:
            return
        seconds = max(0.0, at - self.quality_since)
        for spent, level in ((self.up, self.quality[0]), (self.down, self.quality[1])):
            spent[level] = spent.get(level, 0.0) + seconds
        if self.picture != "none":
            self.pictures[self.picture] = self.pictures.get(self.picture, 0.0) + seconds
        self.quality_since = at


def report(log: Iterable[e.Recorded], now: float) -> Report:
    """Add a log up. A conference that still runs is reported up to ``now``.
    Raises ValueError for an empty log."""
    rows: dict[str, _Row] = {}
    booking: Booking | None = None
    opened = started = ended = None
    conference, count = "", 0
    directors: list[str] = []
    floor: tuple[str, float] | None = None
    audience, papers, items, decided = _Audience(), _Papers(), _Items(), Decided()
    votes: tuple[Vote, ...] = ()
    persons: dict[str, Person] = {}
    members = Members()
    for recorded in log:
        event, at = recorded.event, recorded.at
        count += 1
        decided.take(recorded)
        match event:
            case e.Opened():
                booking, opened, conference = event.booking, at, recorded.conference
                expected = booking.expected or booking.points
                rows = {p: _Row(p in expected, p == booking.chair) for p in booking.points}
            case e.Started():
                started = at
                items, votes = _Items(), ()  # what was tried out in the trial session
            case e.ItemBegun():
                items.begin(event, at)
            case e.Ended():
                ended = at
                for row in rows.values():
                    row.leave(at, "")
            case e.DirectorSet() if event.user and event.user not in directors:
                directors.append(event.user)
            case d.OfficerRung():  # who did not answer, and is rung again, has the row already
                rows.setdefault(event.officer, _Row(False, False))
            case e.PointJoined():
                rows[event.point].join(at)
                members.find(event.point, at)
            case e.PointLeft() | e.Dropped():
                reason = "dropped" if isinstance(event, e.Dropped) else event.reason
                rows[event.point].leave(at, reason)
                members.lose(event.point, at)
            case MembersNoted():
                members.note(event, at)
            case e.CallProblem():
                rows[event.point].problem = event.reason
            case e.FloorRequested():
                rows[event.point].requests += 1
            case e.FloorGranted():
                rows[event.point].turns += 1
                floor = (event.point, at)
            case e.FloorEnded():
                rows[event.point].floor += event.seconds
                floor = None
            case e.QualityNoted():
                rows[event.point].note(at)
                rows[event.point].quality = (event.up, event.down)
            case e.PictureNoted():
                rows[event.point].note(at)
                rows[event.point].picture = event.picture
            case e.AudienceNoted():
                audience.note(sum(event.viewers.values()), event.peak, at)
            case e.PaperAttached():
                papers.attach(event.paper, at)
            case e.PageShown():
                papers.show((event.paper, event.version), at)
            case e.PaperPutAway():
                papers.show(None, at)
            case _ if isinstance(event, PersonEvent):
                persons = persons_after(persons, event)
            case _ if isinstance(event, VoteEvent):
                votes = votes_after(votes, event, at)
            case e.ClockStepped():
                papers.since += event.seconds
                audience.since += event.seconds
                members.step(event.seconds)
                items.since += event.seconds
                for row in rows.values():
                    row.since = row.since + event.seconds if row.since is not None else None
                    row.quality_since += event.seconds
                if floor is not None:
                    floor = (floor[0], floor[1] + event.seconds)
    if booking is None or opened is None:
        raise ValueError("a log starts with opened")
    until = ended if ended is not None else now
    for row in rows.values():
        if row.since is not None:
            row.note(until)
            row.present += max(0.0, until - row.since)
    if floor is not None:
        rows[floor[0]].floor += max(0.0, until - floor[1])
    audience.note(0, 0, until)
    papers.show(None, until)
    items.end(until)
    return Report(
        conference=conference,
        title=booking.title,
        template=booking.template,
        recording=booking.rules.recording,
        planned_start=booking.start,
        planned_end=booking.end,
        opened_at=opened,
        started_at=started,
        ended_at=ended,
        until=until,
        directors=tuple(directors),
        points=tuple(_finished(point, row) for point, row in rows.items()),
        events=count,
        audience_peak=audience.peak,
        audience_minutes=round(audience.seconds / 60, 1),
        papers=tuple(papers.rows.values()),
        items=tuple(items.rows.values()),
        decisions=tuple(decided.rows.values()),
        votes=votes,
        persons=persons,
        members=members.rows(until),
    )


def _finished(point: str, row: _Row) -> PointRow:
    return PointRow(
        point=point,
        expected=row.expected,
        chair=row.chair,
        joined_at=row.joined_at,
        left_at=row.left_at,
        present_seconds=round(row.present, 1),
        interruptions=tuple(row.interruptions),
        requests=row.requests,
        turns=row.turns,
        floor_seconds=round(row.floor, 1),
        call_problem=row.problem,
        up={level: round(row.up[level], 1) for level in LEVELS if level in row.up},
        down={level: round(row.down[level], 1) for level in LEVELS if level in row.down},
        pictures={name: round(row.pictures[name], 1) for name in sorted(row.pictures)},
    )


def commonest(levels: dict[str, float]) -> str:
    """The level most of the time was spent at, what is known first."""
    known = {level: seconds for level, seconds in levels.items() if level != "unknown"}
    return max(known or {"unknown": 0.0}, key=lambda level: (known or {"unknown": 0.0})[level])
