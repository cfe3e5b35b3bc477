"""Operators who speak to one room (talkback): who speaks to whom now, when that is over, and when
it is refused. No event of a conference: nothing of it is kept but a line of the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridge.conference.model import Refusal, State
from bridge.control.active_topology import ActiveTopology
from bridge.control.conductor import Conductor
from bridge.control.sessions import Session, Sessions
from bridge.control.sound_groups import PrivateLine

LIMIT = 120.0  # seconds at most: a key that is held down by something else ends by itself


@dataclass(frozen=True, slots=True)
class Talk:
    """``user`` speaks to a point since ``at`` (UTC seconds), until ``until`` (monotonic) at the
    latest, over these transports."""

    user: str
    point: str
    at: float
    until: float
    line: PrivateLine


class Talkback:
    """All that goes on now. ``worker_of`` tells which worker holds a transport, ``clock`` is
    monotonic."""

    def __init__(
        self,
        topology: ActiveTopology,
        sessions: Sessions,
        conductor: Conductor,
        worker_of: Callable[[str], str],
        clock: Callable[[], float],
    ) -> None:
        self._topology = topology
        self._sessions = sessions
        self._conductor = conductor
        self._worker_of = worker_of
        self._clock = clock
        self._talks: dict[str, tuple[Session, Talk]] = {}  # by the console's session

    def begin(self, console: Session, point: str) -> Refusal | None:
        """An operator wants to speak to a point; why it may not be, None where it speaks now. Who
        spoke to another point speaks to this one instead."""
        self.end(console)
        refused = self._refused(console, point)
        if refused is not None:
            return refused
        room = self._sessions.of_point(point)
        assert room is not None
        talk = Talk(
            user=console.user or "",
            point=point,
            at=self._conductor.now(),
            until=self._clock() + LIMIT,
            line=PrivateLine(console.transport, room.transport),
        )
        self._talks[console.id] = (console, talk)
        return None

    def end(self, console: Session) -> bool:
        """A console speaks no more; whether it did."""
        return self._talks.pop(console.id, None) is not None

    def look(self) -> bool:
        """Forget those that are over; whether there were any."""
        over = [
            ident for ident, (console, talk) in self._talks.items() if self._over(console, talk)
        ]
        for ident in over:
            del self._talks[ident]
        return bool(over)

    def talks(self) -> dict[str, Talk]:
        """Who speaks to whom, by point."""
        return {
            talk.point: talk
            for console, talk in self._talks.values()
            if not self._over(console, talk)
        }

    def lines(self) -> tuple[PrivateLine, ...]:
        """The transports that are joined, and those by which a room that moves is heard besides."""
        return tuple(
            talk.line._replace(others=room.transports[1:])
            for point, talk in self.talks().items()
            if (room := self._sessions.of_point(point)) is not None
        )

    def _refused(self, console: Session, point: str) -> Refusal | None:
        found = self._topology.current.point(point)
        if found is None or found.desk is not None:
            return Refusal(key="refusal.unknown_point", arguments={"point": point})
        if self._topology.current.peer_of(point) is not None:
            # What it is sent is heard by all rooms of its conference: nothing there is private.
            return Refusal(key="talk.other_bridge", arguments={"point": point})
        state = self._conductor.conference_of(point)
        if state is not None and state.director not in (None, console.user):
            return Refusal(key="refusal.other_director", arguments={"user": str(state.director)})
        talk = self.talks().get(point)
        if talk is not None:
            return Refusal(key="talk.busy", arguments={"user": talk.user, "point": point})
        if not console.transport_up:
            return Refusal(key="talk.no_media")
        room = self._sessions.of_point(point)
        if room is None or not room.transport_up:
            return Refusal(key="talk.away", arguments={"point": point})
        if self._worker_of(room.transport) != self._worker_of(console.transport):
            return Refusal(key="talk.elsewhere", arguments={"point": point})
        if _everybody_sees(state, point):
            return Refusal(key="talk.on_air", arguments={"point": point})
        return None

    def _over(self, console: Session, talk: Talk) -> bool:
        """Whether a talk has ended by itself: one of the two has left, or has another transport;
        its time is over; the point has come on air."""
        room = self._sessions.of_point(talk.point)
        if room is None or not (room.transport_up and console.transport_up):
            return True
        if PrivateLine(console.transport, room.transport) != talk.line or console.client is None:
            return True
        if self._clock() >= talk.until:
            return True
        return _everybody_sees(self._conductor.conference_of(talk.point), talk.point)


def _everybody_sees(state: State | None, point: str) -> bool:
    """Whether a point is on air, or has the floor, in a meeting that has begun: its voice cannot
    be taken out of the meeting, and all would see it listen to somebody whom they do not hear."""
    if state is None or state.phase != "live":
        return False
    return point == state.on_air or (state.floor is not None and state.floor.point == point)
