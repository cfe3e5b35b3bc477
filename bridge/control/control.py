"""The control process's middle: conferences, sessions and worker brought together.

Every change runs the same way: the conductor commits it, then the worker is sent the difference
between its routes and the plan, and clients are sent what they see.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from bridge.base import logs
from bridge.base.i18n import sentence
from bridge.base.observer import Observer
from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.model import State
from bridge.conference.plan import PROGRAMME, RoutingPlan, feed_of, plan, slot_names
from bridge.conference.typed import HELP
from bridge.control import views
from bridge.control.calling import Calls
from bridge.control.conductor import Conductor
from bridge.control.sessions import Session, Sessions
from bridge.control.worker_routes import WorkerRoutes
from bridge.media import messages as m
from bridge.signalling import protocol, sdp
from bridge.signalling.answer import CONSOLE_SOURCES, ROOM_SOURCES, Local, negotiate
from config.schema import Topology

log = logging.getLogger("control")

MILESTONES = (e.Opened, e.Started, e.Ended, e.PointJoined, e.PointLeft, e.Taken, e.FloorGranted)
SPARE_LINES = 8  # media lines an offer may have beyond slots and sources


class Control:
    """State of the control process. ``send`` posts to the worker, ``clock`` is monotonic."""

    def __init__(
        self,
        topology: Topology,
        sessions: Sessions,
        send: Callable[[m.Command], None],
        clock: Callable[[], float],
    ) -> None:
        self.topology = topology
        self.sessions = sessions
        self.conductor: Conductor  # set by the composition root, which needs `changed` for it
        self.upcoming: tuple[protocol.Upcoming, ...] = ()
        self.quality: dict[str, protocol.Quality] = {}
        self.send = send
        self.clock = clock
        self.observer = Observer()
        # Not `send` itself: tests put another in its place.
        self._routes = WorkerRoutes(sessions, lambda command: self.send(command))  # noqa: PLW0108
        self._calls = Calls()
        self._lost: set[str] = set()
        self._publishing = False
        self._heard_of_worker = False

    @property
    def points(self) -> tuple[str, ...]:
        return tuple(point.id for point in self.topology.points)

    # --- worker -------------------------------------------------------------------------

    @property
    def worker_ready(self) -> bool:
        return self._routes.inventory is not None

    @property
    def worker_id(self) -> str:
        """The identity of the worker that is connected; "" for none."""
        inventory = self._routes.inventory
        return inventory.worker if inventory is not None else ""

    def on_event(self, event: m.Event) -> None:
        """Take an event of the worker in."""
        match event:
            case m.Inventory():
                self._reconcile(event)
            case m.StateChanged():
                self._transport_state(event)
            case m.SlotShowing():
                self._routes.showing(event)
                self.observer.showing(event.slot, event.waited_ms / 1000)
                self.publish()
            case m.Levels():
                self._levels(event)
            case m.Error():
                log.error("the worker refused %s: %s", event.command, event.detail)
            case _:
                pass

    def _levels(self, event: m.Levels) -> None:
        levels: dict[str, int] = {
            point: level
            for transport, level in event.levels.items()
            if (point := self._routes.owner(transport)) is not None
        }
        self.observer.levels(levels)
        message = protocol.Levels(levels=levels, now=self.conductor.now())
        for session in self.sessions.all():
            session.post(message)

    def on_worker_down(self) -> None:
        """Every transport is gone; the rooms are told to offer again."""
        self._routes.lost()
        self._heard_of_worker = True
        for session in self.sessions.all():
            if session.transport:
                self._lose_media(session, "worker_restarted")
        self._sync()
        self.publish()

    def _reconcile(self, inventory: m.Inventory) -> None:
        """Bring what a worker holds and what this process knows together."""
        self._routes.take_inventory(inventory)
        self._heard_of_worker = True
        held = {transport.transport: transport for transport in inventory.transports}
        for session in self.sessions.all():
            if session.transport and session.transport not in held:
                self._lose_media(session, "worker_restarted")
        # All owners first, one plan at the end: a plan made in between would take sources that
        # are not known yet out of the slots that show them.
        kept: list[m.TransportState] = []
        for ident, transport in held.items():
            owner = self.sessions.by_transport(ident)
            if owner is None and transport.state == "connected":
                # This process was restarted: the media goes on until its page is back.
                owner = self.sessions.by_label(transport.label)
                if owner is not None and owner.transport and owner.transport in held:
                    owner = None  # an older one of the same session
            if owner is None:
                self.send(m.Close(transport=ident))
                continue
            owner.transport = ident
            owner.transport_up = transport.state == "connected"
            self._routes.adopt(transport, owner.point)
            if owner.client is None and any(
                s.name == "content" and s.layers for s in transport.sources
            ):
                # Its page will say so itself; until then the shared screen must not go dark.
                owner.status = replace(owner.status, sharing=True)
            kept.append(transport)
        for transport in kept:
            self._routes.adopt_pictures(transport)
        self._sync()
        self._apply_plan()
        self.publish()

    def _transport_state(self, event: m.StateChanged) -> None:
        session = self.sessions.by_transport(event.transport)
        if session is None:
            return
        with logs.context(point=session.point):
            why = f" ({event.reason})" if event.reason else ""
            log.info("media of a %s: %s%s", session.kind, event.state, why)
        if event.state == "connected":
            session.transport_up = True
            if session.point is not None:
                self._lost.discard(session.point)
                self.observer.connected(session.point, self.clock())
        elif event.state in ("vanished", "failed", "closed"):
            session.transport_up = False
            session.idle_since = self.clock()
            if session.point is not None:
                self._lost.add(session.point)
                self.observer.disconnected(session.point, event.state)
            if event.state != "vanished":  # a vanished peer may come back on its own
                self._close_transport(session)
                if event.state == "failed":
                    # Who closed its own is about to offer anew, and would take a request for
                    # another offer as one more: a storm of offers.
                    session.post(protocol.Media(reason=event.state))
        self._sync(event.reason or event.state)
        self._apply_plan()
        self.publish()

    def _lose_media(self, session: Session, reason: str) -> None:
        if session.transport_up and session.point is not None:
            self.observer.disconnected(session.point, reason)
        session.transport = ""
        session.transport_up = False
        session.idle_since = self.clock()
        if session.point is not None:
            self._lost.add(session.point)
        session.post(protocol.Media(reason=reason))

    def _close_transport(self, session: Session) -> None:
        if not session.transport:
            return
        ident, session.transport = session.transport, ""
        session.transport_up = False
        self._routes.close(ident)

    # --- conferences --------------------------------------------------------------------

    def changed(self, ident: str, state: State, recorded: Sequence[e.Recorded]) -> None:
        """The conductor committed events: carry them out and tell."""
        self.observer.changed(ident, state, recorded)
        self._log_milestones(ident, recorded)
        if state.phase == "ended":
            self._routes.end_group(ident)
        self._sync()
        self._apply_plan()
        if recorded:
            message = protocol.Events(conference=ident, events=tuple(recorded))
            for session in self.sessions.all():
                if session.watching == ident and session.may("watch"):
                    session.post(message)
                elif not session.watching and session.may("watch"):
                    session.watching = ident  # a console without a conference sees the first
                    session.post(message)
        self.publish()

    def _log_milestones(self, ident: str, recorded: Sequence[e.Recorded]) -> None:
        """What one looks for in a journal; the whole is in the log of the conference."""
        for item in recorded:
            if isinstance(item.event, MILESTONES):
                with logs.context(conference=ident, point=getattr(item.event, "point", None)):
                    log.info("%s", e.kind_of(item.event))

    def watched(self, session: Session) -> State | None:
        """The conference whose pictures a session gets."""
        if session.kind == "echo":
            return None
        running = {state.booking.id: state for state in self.conductor.running()}
        if session.point is not None:
            return self.conductor.conference_of(session.point)
        if session.watching not in running and running:
            session.watching = next(iter(running))
        return running.get(session.watching)

    def changed_watch(self, session: Session) -> None:
        """A console looks at another conference: other pictures for it."""
        if self.watched(session) is not None:
            self._apply_plan()
        self.publish()

    def _sync(self, reason: str = "lost") -> None:
        """Tell conferences which of their points have media and which have not. While the
        worker was not heard of (this process has just started) nothing is known."""
        if not self._heard_of_worker:
            return
        for state in self.conductor.running():
            for point, seat in state.seats.items():
                session = self.sessions.of_point(point)
                up = session is not None and session.transport_up
                if up and seat.called and not seat.present and not (state.closed and not seat.ever):
                    self.conductor.fact(state.booking.id, c.PointUp(point=point))
                elif seat.present and not up:
                    why = reason if session is not None else "left"
                    self.conductor.fact(state.booking.id, c.PointDown(point=point, reason=why))

    def call(self) -> None:
        """Nudge points that are to be in a conference and are not; once a second or so."""
        reasons: dict[str, str] = {}
        for point in self.points:
            session = self.sessions.of_point(point)
            if session is None:
                reasons[point] = "call.offline"
            elif session.client is None:
                reasons[point] = "call.page_away"
            else:
                reasons[point] = "call.no_media"
        for point, reason, note in self._calls.step(
            self.conductor.running(), reasons, self.clock()
        ):
            session = self.sessions.of_point(point)
            if session is not None and not session.transport_up:
                session.post(protocol.Media(reason="called"))
            state = self.conductor.conference_of(point)
            if note and state is not None:
                self.conductor.fact(state.booking.id, c.CallFailed(point=point, reason=reason))

    def _apply_plan(self) -> None:
        """Send the worker what differs from the plans."""
        self._routes.apply(self.conductor.running(), self.watched)

    # --- sessions -----------------------------------------------------------------------

    def may_take_over(self, point: str, device: str) -> bool:
        """Whether a device may open a session of a point: nobody else is there."""
        present = self.sessions.of_point(point)
        return present is None or present.device == device or not present.alive

    def add_session(self, session: Session) -> Session | None:
        """A device, or a user, has shown who it is. Returns the session it replaced."""
        session.idle_since = self.clock()
        replaced = self.sessions.add(session)
        if replaced is not None:
            if replaced.client is None and replaced.transport_up:
                # Its page lost the WebSocket for good: same seat, same media.
                session.transport = replaced.transport
                session.transport_up = True
                replaced.transport = ""
            else:
                self._close_transport(replaced)
                self._bid_farewell(replaced, "taken_over")
        self._sync()
        self.publish()
        return replaced

    def _bid_farewell(self, session: Session, reason: str) -> None:
        key = f"ended.{reason}"
        session.post(protocol.Ended(reason=reason, sentence=sentence(key)))  # type: ignore[arg-type]
        if session.client is not None:
            session.client.finish()

    def end_session(self, session: Session, reason: str = "") -> None:
        """The client said bye, was away for too long, or may not be here any more. Its media
        stops at once."""
        if reason:
            self._bid_farewell(session, reason)
        if session.transport_up and session.point is not None:
            self.observer.disconnected(session.point, "left")
        self._close_transport(session)
        self.sessions.remove(session)
        if session.point is not None:
            self._lost.discard(session.point)
        elif session.status.sharing:
            for state in self.conductor.running():
                mine = state.content == f"user:{session.user}"
                if mine and not self._routes.shares(session):
                    self.conductor.fact(state.booking.id, c.StopShare())
        self._sync("left")
        self._apply_plan()
        self.publish()

    def sweep(self) -> list[Session]:
        """End sessions that nobody came back for; call it every few seconds."""
        gone = self.sessions.expired(self.clock())
        for session in gone:
            self.end_session(session)
        return gone

    def status(self, session: Session, status: protocol.RoomStatus) -> None:
        """A page tells what it really does."""
        if session.status != status:
            session.status = status
            if not status.sharing:
                # A page that was loaded anew has no screen to show any more.
                sharer = f"point:{session.point}" if session.point else f"user:{session.user}"
                for state in self.conductor.running():
                    if state.content == sharer and not self._routes.shares(session):
                        self.conductor.fact(state.booking.id, c.StopShare())
            self._apply_plan()
            self.publish()

    def notice(self, key: str, **arguments: str) -> None:
        """Tell operators something."""
        message = protocol.Notice(at=self.conductor.now(), sentence=sentence(key, **arguments))
        for session in self.sessions.all():
            if session.may("watch"):
                session.post(message)

    # --- offers -------------------------------------------------------------------------

    def slot_map(self, session: Session) -> protocol.SlotMap:
        if session.kind == "echo":
            return protocol.SlotMap(video=(PROGRAMME,), audio=("audio:0",))
        slots = self.topology.media.audio_slots
        video, audio = slot_names(self.points, session.point, slots)
        return protocol.SlotMap(video=video, audio=audio)

    def _sources(self, session: Session) -> dict[str, tuple[str, ...]]:
        if session.kind == "echo":
            return ROOM_SOURCES
        if session.point is None:
            return dict(CONSOLE_SOURCES) if session.may("direct") else {}
        point = self.topology.point(session.point)
        return ROOM_SOURCES if point is not None and point.role == "member" else {}

    def offer(self, session: Session, text: str) -> str:
        """Negotiate; return the answer. Raises `sdp.SdpError`, or LookupError while no worker
        is ready."""
        if self._routes.inventory is None:
            raise LookupError
        slots = self.slot_map(session)
        limit = len(slots.video) + len(slots.audio) + 3 + SPARE_LINES
        parsed = sdp.parse(text, max_media=limit)
        ident = f"{session.point or session.kind}-{secrets.token_hex(4)}"
        spec, answer = negotiate(
            parsed,
            transport=ident,
            label=session.label,
            video_slots=slots.video,
            audio_slots=slots.audio,
            sources=self._sources(session),
            local=self._local(),
        )
        self._close_transport(session)
        session.transport = ident
        self._routes.open(spec, session.point)
        if session.point is not None:
            self.observer.offered(session.point, self.clock())
        self._sync("new_offer")
        self._apply_plan()
        self.publish()
        return answer

    def _local(self) -> Local:
        inventory = self._routes.inventory
        assert inventory is not None
        public = self.topology.bridge.media.public
        addresses = inventory.addresses
        if public:
            addresses = tuple(m.MediaAddress(host=host, port=addresses[0].port) for host in public)
        return Local(
            ufrag=secrets.token_hex(4),
            password=secrets.token_hex(16),
            fingerprint=inventory.fingerprint,
            addresses=addresses,
            video_codec=self.topology.media.codec,
            random_ssrc=lambda: secrets.randbits(32),
            video_bitrate=1000 * sum(layer.bitrate for layer in self.topology.media.layers),
        )

    # --- topology -----------------------------------------------------------------------

    def swap_topology(self, topology: Topology) -> None:
        """Use another topology from now on. Rooms outside conferences offer again where the
        points changed; those inside do when their conference has ended."""
        changed = self.points != tuple(point.id for point in topology.points)
        self.topology = topology
        for session in self.sessions.all():
            if session.point is not None and session.point not in self.points:
                self.end_session(session, "revoked")
                continue
            session.post(self.welcome(session, resumed=True))
            inside = session.point is not None and self.conductor.conference_of(session.point)
            if changed and not inside:
                session.post(protocol.Media(reason="topology"))
        self._apply_plan()
        self.publish()

    # --- publishing ---------------------------------------------------------------------

    def welcome(self, session: Session, *, resumed: bool) -> protocol.Welcome:
        bridge = self.topology.bridge
        return protocol.Welcome(
            version=protocol.VERSION,
            session=session.token,
            kind=session.kind,
            resumed=resumed,
            media=session.transport_up,
            point=session.point,
            user=session.user,
            role=session.role,
            bridge=views.as_sentence(bridge.name),
            contact=bridge.contact or "",
            zone=bridge.zone,
            points=views.point_infos(self.topology),
            slots=self.slot_map(session),
            layers=views.layer_infos(self.topology),
            may_direct=session.may("direct"),
            now=self.conductor.now(),
            usage=HELP if session.may("direct") else (),
        )

    def point_states(self) -> dict[str, protocol.PointState]:
        """What is known of every point: the same for everybody."""
        states: dict[str, protocol.PointState] = {}
        for point in self.points:
            session = self.sessions.of_point(point)
            conference = self.conductor.conference_of(point)
            seat = conference.seats[point] if conference is not None else None
            if seat is not None and seat.present:
                states[point] = "in_session"
            elif session is not None and session.client is not None:
                called = seat is not None and seat.called
                states[point] = "connecting" if called else "ready"
            else:
                states[point] = "lost" if point in self._lost else "offline"
        return states

    def view(
        self, session: Session, points: dict[str, protocol.PointState] | None = None
    ) -> protocol.State:
        """What one client sees, with the number of its last one."""
        state = self.watched(session)
        current: RoutingPlan | None = plan(state) if state is not None else None
        slots: dict[str, protocol.SlotView] = {}
        for name in self.slot_map(session).video:
            feed = feed_of(current, session.point, name) if current is not None else None
            shown, layer = self._routes.shown(session.transport, name)
            wanted: str | None = None
            if feed is not None:
                wanted = feed.point or f"user:{feed.user}"
            slots[name] = protocol.SlotView(wanted=wanted, shown=shown, layer=layer)
        console = session.may("watch")
        running = self.conductor.running()
        problem = self.conductor.problem
        return protocol.State(
            seq=session.seq,
            programme=slots[PROGRAMME].wanted or "",
            points=points if points is not None else self.point_states(),
            slots=slots,
            conference=(
                views.conference_view(state, session.point)
                if state is not None and (console or session.point is not None)
                else None
            ),
            conferences=tuple(views.summary(s) for s in running) if console else (),
            rooms=self._rooms() if console else {},
            upcoming=self.upcoming,
            worker=self.worker_ready,
            unsaved=(
                sentence("store.unsaved", count=str(self.conductor.unsaved))
                if problem and console
                else None
            ),
        )

    def _rooms(self) -> dict[str, protocol.RoomStatus]:
        sessions = [self.sessions.of_point(point) for point in self.points]
        return {s.point: s.status for s in sessions if s is not None and s.point is not None}

    def publish(self) -> None:
        """Send every client its state, once for all changes of this turn of the loop."""
        if not self._publishing:
            self._publishing = True
            asyncio.get_running_loop().call_soon(self._publish)

    def _publish(self) -> None:
        self._publishing = False
        points = self.point_states()
        for session in self.sessions.all():
            if session.client is None:
                continue
            view = self.view(session, points)
            if view != session.last_state:
                session.seq += 1
                session.last_state = replace(view, seq=session.seq)
                session.post(session.last_state)

    def publish_lines(self, quality: dict[str, protocol.Quality]) -> None:
        """New figures of the lines: consoles see all, a room its own. Changes of level are
        facts of the conference."""
        for point, line in quality.items():
            before = self.quality.get(point)
            state = self.conductor.conference_of(point)
            known = (before.up, before.down) if before is not None else ("unknown", "unknown")
            changed = known != (line.up, line.down)
            if changed and state is not None and state.seats[point].present:
                note = c.NoteQuality(point=point, up=line.up, down=line.down)
                self.conductor.fact(state.booking.id, note)
        self.quality = quality
        for session in self.sessions.all():
            if session.may("watch"):
                session.post(protocol.Lines(quality=quality))
            elif session.point in quality:
                session.post(protocol.Lines(quality={session.point: quality[session.point]}))
