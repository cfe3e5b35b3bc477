"""The attendance of points of other bridges, added up from a conference's log. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from bridge.conference import peer_events as p
from bridge.conference.model import Title

MAX_ROWS = 5000  # of a report: a province has some hundreds of communes


class MemberRow(msgspec.Struct, frozen=True, kw_only=True):
    """A point of another bridge, which is ``point`` here. Times are UTC seconds."""

    point: str
    member: str
    name: Title
    joined_at: float | None
    left_at: float | None
    present_seconds: float


@dataclass(slots=True)
class _Counted:
    name: Title
    joined_at: float | None = None
    left_at: float | None = None
    since: float | None = None
    present: float = 0.0

    def call(self, name: Title) -> None:
        self.name = name

    def step(self, seconds: float) -> None:
        if self.since is not None:
            self.since += seconds

    def come(self, at: float) -> None:
        if self.since is None:
            self.since, self.left_at = at, None
            self.joined_at = at if self.joined_at is None else self.joined_at

    def leave(self, at: float) -> None:
        if self.since is not None:
            self.present += max(0.0, at - self.since)
            self.since, self.left_at = None, at


@dataclass(slots=True)
class Members:
    """All of them, while a log is read. While another bridge is away nothing is known of its
    points, so they count as away."""

    _rows: dict[tuple[str, str], _Counted] = field(default_factory=dict)
    _here: dict[str, set[str]] = field(default_factory=dict)

    def note(self, event: p.MembersNoted, at: float) -> None:
        """Points came or left."""
        here = self._here.setdefault(event.point, set())
        for member in event.members:
            key = (event.point, member.id)
            if key not in self._rows and len(self._rows) >= MAX_ROWS:
                continue
            name = Title(vi=member.vi, en=member.en)
            row = self._rows.setdefault(key, _Counted(name))
            row.call(name)
            if member.present:
                here.add(member.id)
                row.come(at)
            else:
                here.discard(member.id)
                row.leave(at)
        for ident in event.gone:
            here.discard(ident)
            if (event.point, ident) in self._rows:
                self._rows[event.point, ident].leave(at)

    def lose(self, point: str, at: float) -> None:
        """Another bridge is not heard any more."""
        for ident in self._here.get(point, ()):
            self._rows[point, ident].leave(at)

    def find(self, point: str, at: float) -> None:
        """It is there again: so are its points that were, until it says otherwise."""
        for ident in self._here.get(point, ()):
            self._rows[point, ident].come(at)

    def step(self, seconds: float) -> None:
        """The clock jumped."""
        for row in self._rows.values():
            row.step(seconds)

    def rows(self, until: float) -> tuple[MemberRow, ...]:
        """Every point that was heard of, up to ``until``."""
        found = []
        for (point, member), row in self._rows.items():
            present = row.present + (max(0.0, until - row.since) if row.since is not None else 0.0)
            found.append(
                MemberRow(
                    point=point,
                    member=member,
                    name=row.name,
                    joined_at=row.joined_at,
                    left_at=row.left_at,
                    present_seconds=round(present, 1),
                )
            )
        return tuple(found)
