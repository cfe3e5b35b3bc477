"""Opens, takes over and ends sessions, and tells conferences which of their points have media."""

from __future__ import annotations

from collections.abc import Callable

from bridge.base.observer import Observer
from bridge.conference import commands as c
from bridge.conference.model import Refusal
from bridge.control.active_topology import ActiveTopology
from bridge.control.calling import Calls
from bridge.control.conductor import Conductor
from bridge.control.link_bounds import LinkBounds
from bridge.control.placing.active_workers import ActiveWorkers
from bridge.control.placing.moves import Moves
from bridge.control.publisher import Farewell, Publisher
from bridge.control.sessions import Session, Sessions
from bridge.control.talkback import Talkback
from bridge.signalling.protocol import RoomStatus


class Presence:
    """Keeps sessions, conferences and the worker's routes in step. ``clock`` is monotonic."""

    def __init__(
        self,
        topology: ActiveTopology,
        sessions: Sessions,
        conductor: Conductor,
        routes: ActiveWorkers,
        moves: Moves,
        publisher: Publisher,
        bounds: LinkBounds,
        observer: Observer,
        clock: Callable[[], float],
        talkback: Talkback,
    ) -> None:
        self._topology = topology
        self._sessions = sessions
        self._conductor = conductor
        self._routes = routes
        self._moves = moves
        self._publisher = publisher
        self._bounds = bounds
        self._observer = observer
        self._clock = clock
        self._talkback = talkback
        self._calls = Calls()
        self._expected = float("-inf")  # until when points may still be on the way here

    # --- conferences and media ----------------------------------------------------------

    def settle(self, reason: str = "lost") -> None:
        """Something about media or conferences has changed: tell conferences who is present,
        the worker what to route, and clients what they see. ``reason`` is why media is gone."""
        self._sync(reason)
        self._reroute()

    def _reroute(self) -> None:
        running = self._conductor.running()
        self._moves.settle()
        self._routes.apply(running)
        self._bounds.settle(running)
        self._publisher.publish()

    def _sync(self, reason: str = "lost") -> None:
        """Tell conferences which of their points have media and which have not. While the
        worker was not heard of (this process has just started) nothing is known."""
        if not self._routes.heard_of:
            return
        self._bar()
        for state in self._conductor.running():
            for point, seat in state.seats.items():
                session = self._sessions.of_point(point)
                up = session is not None and session.transport_up
                if up and seat.called and not seat.present and not (state.closed and not seat.ever):
                    self._conductor.fact(state.booking.id, c.PointUp(point=point))
                elif seat.present and not up and not self._comes(session):
                    why = reason if session is not None else "left"
                    self._conductor.fact(state.booking.id, c.PointDown(point=point, reason=why))

    def _bar(self) -> None:
        """End the media of other bridges whose point is in a conference that they may not be in: it
        may have been for another one, and who is not connected does not end it."""
        for peer in self._topology.current.peers:
            session = self._sessions.of_point(peer.point)
            state = self._conductor.conference_of(peer.point)
            if session is None or state is None or peer.may_join(state.booking.template):
                continue
            if transports := session.release_all():
                session.media_ended(self._clock())
                for transport in transports:
                    self._routes.close(transport)

    def expect(self, seconds: float) -> None:
        """Points are on the way here from another host, which forwards for them meanwhile."""
        self._expected = self._clock() + seconds

    def _comes(self, session: Session | None) -> bool:
        """Whether a point may be on its way still."""
        fresh = session is None or not session.media_lost
        return fresh and self._clock() < self._expected

    def call(self) -> None:
        """Nudge points that are to be in a conference and are not, and those that are to be at
        another worker; once a second or so."""
        self._moves.settle()
        if self._talkback.look():
            self._reroute()
        if self._expected != float("-inf") and self._clock() >= self._expected:
            self._expected = float("-inf")
            self.settle("left")
        reasons = {point: self._why_away(point) for point in self._topology.points}
        for point, reason, note in self._calls.step(
            self._conductor.running(), reasons, self._clock()
        ):
            session = self._sessions.of_point(point)
            if session is not None and not session.transport_up:
                self._publisher.ask_for_offer(session, "called")
            state = self._conductor.conference_of(point)
            if note and state is not None:
                self._conductor.fact(state.booking.id, c.CallFailed(point=point, reason=reason))

    def _why_away(self, point: str) -> str:
        session = self._sessions.of_point(point)
        if session is None:
            return "call.offline"
        return "call.page_away" if session.client is None else "call.no_media"

    # --- sessions -----------------------------------------------------------------------

    def may_take_over(self, point: str, device: str | None, user: str | None = None) -> bool:
        """Whether a device, or an officer who has logged in, may open a session of a point: nobody
        else is there. Nobody may where another bridge is the point."""
        if self._topology.current.peer_of(point) is not None:
            return False
        present = self._sessions.of_point(point)
        if present is None or not present.alive:
            return True
        return (present.device, present.user) == (device, user)

    def add(self, session: Session) -> Session | None:
        """A device, or a user, has shown who it is. Returns the session it replaced."""
        session.idle_since = self._clock()
        replaced = self._sessions.add(session)
        if replaced is not None:
            session.media_lost = replaced.media_lost
            if replaced.client is None and replaced.transport_up:
                # Its page lost the WebSocket for good: same seat, same media.
                session.take_over(replaced)
            else:
                self._publisher.bid_farewell(replaced, "taken_over")
            for transport in replaced.release_all():
                self._routes.close(transport)
        self._sync()
        self._publisher.publish()
        return replaced

    def end(self, session: Session, reason: Farewell | None = None) -> None:
        """The client said bye or was away for too long; with a reason it may not be here any
        more, and is told. Its media stops at once."""
        if reason is not None:
            self._publisher.bid_farewell(session, reason)
        if session.transport_up and session.point is not None:
            self._observer.disconnected(session.point, "left")
        for transport in session.release_all():
            self._routes.close(transport)
        self._sessions.remove(session)
        if session.point is None and session.status.sharing:
            self._stop_share(f"user:{session.user}", session)
        self.settle("left")

    def sweep(self) -> list[Session]:
        """End sessions that nobody came back for; returns them. Call it every few seconds."""
        gone = self._sessions.expired(self._clock())
        for session in gone:
            self.end(session)
        return gone

    def end_consoles(self) -> None:
        """End the sessions of all users, and their self-tests: their accounts are not what they
        were."""
        for session in self._sessions.all():
            if session.point is None or session.login is not None:
                self.end(session, "logged_out")

    def end_login(self, login: str) -> None:
        """End the sessions of a login that ended: their media and WebSockets stop at once."""
        for session in self._sessions.all():
            if session.login == login and login:
                self.end(session, "logged_out")

    def watch(self, session: Session, conference: str) -> None:
        """A console looks at another conference: other pictures for it."""
        session.look_at(conference)
        self._reroute()

    def turn_to(self, session: Session, page: int) -> None:
        """A page wants the thumbnails of another page of points."""
        if session.page != page:
            session.turn_to(page)
            self._reroute()

    def talk(self, session: Session, point: str | None) -> Refusal | None:
        """A console speaks to a point, or (None) to nobody any more; why it may not, None where it
        does."""
        spoke = point is None and self._talkback.end(session)
        refused = self._talkback.begin(session, point) if point is not None else None
        if spoke or point is not None:
            self._reroute()
        return refused

    def page_gone(self, session: Session) -> None:
        """The page of a session is not connected any more: it speaks to nobody."""
        if self._talkback.end(session):
            self._reroute()
        self._publisher.publish()

    def came_over(self, session: Session) -> None:
        """A page plays the transport that it has made beside the former one."""
        self._moves.came_over(session)
        self.settle()
        self._bounds.ask(session)

    def sizes(self, session: Session, sizes: dict[str, int]) -> None:
        """A page shows its slots in other sizes."""
        if session.sizes != sizes:
            session.shows(sizes)
            self._reroute()

    def status(self, session: Session, status: RoomStatus) -> None:
        """A page tells what it really does."""
        if session.status == status:
            return
        session.does(status)
        if not status.sharing:
            # A page that was loaded anew has no screen to show any more.
            sharer = f"point:{session.point}" if session.point else f"user:{session.user}"
            self._stop_share(sharer, session)
        self._reroute()

    def _stop_share(self, sharer: str, session: Session) -> None:
        for state in self._conductor.running():
            if state.content == sharer and not self._routes.shares(session):
                self._conductor.fact(state.booking.id, c.StopShare())

    # --- topology -----------------------------------------------------------------------

    def topology_changed(self, *, points_changed: bool) -> None:
        """Another topology is in use: sessions of points that are gone end. Rooms outside
        conferences offer again where the points changed; those inside do when their conference
        has ended."""
        for session in self._sessions.all():
            if session.point is not None and session.point not in self._topology.points:
                self.end(session, "revoked")
                continue
            session.post(self._publisher.welcome(session, resumed=True))
            inside = session.point is not None and self._conductor.conference_of(session.point)
            if points_changed and not inside:
                self._publisher.ask_for_offer(session, "topology")
        self._reroute()
