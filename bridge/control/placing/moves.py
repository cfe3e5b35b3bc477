"""Brings points to the worker that holds their conference, make before break: a page makes another
transport while it plays the present one, changes over when the new one's pictures flow, and the
former one goes when nobody is shown anything of it any more."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

from bridge.conference.model import State
from bridge.control.placing.active_workers import ActiveWorkers
from bridge.control.publisher import Publisher
from bridge.control.sessions import PEER, Session, Sessions
from bridge.signalling.move_messages import Move

log = logging.getLogger("control")

ASK_AGAIN = 6.0  # seconds until a page that has not come is asked again
GIVE_UP = 15.0  # seconds after which a point that does not come over is called anew, with a gap
LINGER = 10.0  # seconds that a former transport is kept for those who have not come
IDLE_AT_ONCE = 2  # points outside of conferences that are asked to move at a time


class _Asked(NamedTuple):
    """Where a session was asked to move, when first and when last; monotonic."""

    worker: str
    first: float
    last: float


class Moves:
    """Asks for moves and ends them. ``clock`` is monotonic. Who is told by `tell` hears of
    conferences whose points have come to another worker."""

    def __init__(
        self,
        sessions: Sessions,
        workers: ActiveWorkers,
        publisher: Publisher,
        running: Callable[[], Sequence[State]],
        clock: Callable[[], float],
    ) -> None:
        self._sessions = sessions
        self._workers = workers
        self._publisher = publisher
        self._running = running
        self._clock = clock
        self._asked: dict[str, _Asked] = {}
        self._coming: dict[str, float] = {}  # conferences whose points are on the way, since when
        self._moved: Callable[[str], None] = _nobody
        self.made = 0
        """How many moves were made, and how many were not and cut a picture."""
        self.cut = 0

    def tell(self, moved: Callable[[str], None]) -> None:
        """Whom to tell that another worker holds a conference."""
        self._moved = moved

    def place_of(self, session: Session) -> str:
        """The worker that a session belongs to, "" while there is none."""
        return self._workers.place_of(session, self._running())

    @property
    def under_way(self) -> int:
        """How many sessions are on the way, or hold a former transport still."""
        away = sum(self._away(session) for session in self._sessions.all())
        return away + sum(session.move.keeps for session in self._sessions.all())

    def _away(self, session: Session) -> bool:
        here = self._workers.holder(session.transport)
        return session.transport_up and here not in ("", self.place_of(session))

    def came_over(self, session: Session) -> None:
        """A page plays its new transport from now on."""
        beside, former = session.move.beside, session.transport
        if not session.move.keeps or (session.move.arrived is not None and not beside):
            return
        if beside and not session.move.up:
            return  # it says so before it can be
        self._workers.close(session.come_over(self._clock()))
        self._asked.pop(session.id, None)
        self.made += 1
        log.info("a %s has moved", session.kind, extra={"point": session.point, "from": former})

    def settle(self) -> None:
        """Ask for what is to move, and end what has."""
        running = self._running()
        now, idle = self._clock(), 0
        for conference in self._workers.settle(running):
            log.warning("conference %s goes to another worker", conference)
            self._coming[conference] = now
        known = {session.id for session in self._sessions.all()}
        self._asked = {ident: asked for ident, asked in self._asked.items() if ident in known}
        for session in self._sessions.all():
            if not session.transport_up or session.kind == "echo":
                continue
            wanted = self._workers.place_of(session, running)
            here = self._workers.holder(session.transport)
            if not wanted or not here or here == wanted:
                self._asked.pop(session.id, None)
                if self._workers.holder(session.move.beside) not in ("", wanted):
                    self._workers.close(session.drop_beside())
                continue
            inside = session.watched(running) is not None
            idle += not inside
            if inside or idle <= IDLE_AT_ONCE:
                self._ask(session, wanted, now, inside=inside)
        self._note_those_there(running, now)
        for session in self._sessions.all():
            if session.move.keeps and session.move.arrived is not None:
                self._release(session, running, now)

    def _note_those_there(self, running: Sequence[State], now: float) -> None:
        """Tell of conferences whose points have come over: before anything of them is closed at
        the former worker."""
        states = {state.booking.id: state for state in running}
        for conference, since in list(self._coming.items()):
            state = states.get(conference)
            if state is not None and now - since < LINGER and self._awaited(state, running):
                continue
            del self._coming[conference]
            if state is not None:
                self._moved(conference)

    def _ask(self, session: Session, wanted: str, now: float, *, inside: bool) -> None:
        """Ask a page to make a transport at another worker; at last without regard for a gap."""
        asked = self._asked.get(session.id)
        if asked is None or asked.worker != wanted:
            asked = _Asked(wanted, now, now)
        elif inside and now - asked.first >= GIVE_UP:
            log.warning("a %s does not move", session.kind, extra={"point": session.point})
            self.cut += 1
            for transport in session.release_all():
                self._workers.close(transport)
            session.media_ended(now)
            self._publisher.ask_for_offer(session, "moved")
            self._asked.pop(session.id, None)
            return
        elif now - asked.last < ASK_AGAIN or session.move.up:
            return
        else:
            asked = asked._replace(last=now)
        self._asked[session.id] = asked
        session.post(Move(step="build"))

    def _release(self, session: Session, running: Sequence[State], now: float) -> None:
        """End a former transport once nobody is shown anything of it."""
        arrived = session.move.arrived
        assert arrived is not None
        state = session.watched(running)
        if (
            state is not None
            and now - arrived < LINGER
            and (self._awaited(state, running) or self._left_by_one(session, state))
        ):
            return
        self._workers.close(session.leave_former())
        session.post(Move(step="leave"))

    def _left_by_one(self, session: Session, state: State) -> bool:
        """Whether another bridge, which has moved while we have not, sends by the former way still:
        rooms of it are shown ours there."""
        former = session.move.former
        stays = self._workers.holder(former) == self._workers.home(state.booking.id)
        return session.role == PEER and stays and self._workers.arrives(former, "camera")

    def _awaited(self, state: State, running: Sequence[State]) -> bool:
        """Whether somebody in a conference is still shown, by way of a former worker or host, what
        others send there."""
        home = self._workers.home(state.booking.id)
        for session in self._sessions.all():
            if session.client is None or session.kind == "echo":
                continue
            if session.watched(running) is not state:
                continue
            if session.move.keeps and session.move.arrived is None:
                return True
            if session.transport_up and self._workers.holder(session.transport) != home:
                return True
        for point, seat in state.seats.items():
            session_ = self._sessions.of_point(point)
            if seat.present and session_ is not None and not session_.transport_up:
                return True  # on the way from another host
        return False


def _nobody(conference: str) -> None:
    """Nobody is told yet."""
