"""The control process's middle: conference, sessions and worker brought together.

Every change runs through the same three steps: decide and apply in the pure conference, send
the worker the difference between its routes and the plan, publish the state to the clients.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable

from bridge.conference import machine
from bridge.conference.model import (
    Command,
    PointDown,
    PointId,
    PointUp,
    Refusal,
    State,
    Take,
)
from bridge.conference.plan import CONTENT, PROGRAMME, Plan, feed_of, plan, slot_names
from bridge.media import messages as m
from bridge.signalling import protocol, sdp
from bridge.signalling.answer import Local, negotiate
from bridge.signalling.sessions import Session, Sessions
from bridge.texts import sentence
from config.schema import Name, Topology

log = logging.getLogger("control")

AUDIO_GROUP = "conference"
SPARE_LINES = 8  # media lines an offer may have beyond slots and sources


def as_sentence(name: Name) -> protocol.Sentence:
    return protocol.Sentence(vi=name.vi, en=name.text("en"))


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
        self._send = send
        self._clock = clock
        self.points = tuple(PointId(p.id) for p in topology.points)
        self.state: State = machine.start(
            self.points,
            PointId(topology.conference.chair),
            frozenset(PointId(p.id) for p in topology.points if p.role == "observer"),
        )
        self._inventory: m.Inventory | None = None
        self._routes: dict[tuple[str, str], m.Route] = {}
        self._shown: dict[tuple[str, str], tuple[str | None, str]] = {}
        self._owners: dict[str, PointId | None] = {}  # transport → its point
        self._slots: dict[str, tuple[str, ...]] = {}  # transport → its video slots
        self._audio: m.SetAudio | None = None
        self._lost: set[PointId] = set()
        self._publishing = False

    # --- worker -------------------------------------------------------------------------

    @property
    def worker_ready(self) -> bool:
        return self._inventory is not None

    def on_event(self, event: m.Event) -> None:
        """Take an event of the worker in."""
        match event:
            case m.Inventory():
                self._reconcile(event)
            case m.StateChanged():
                self._transport_state(event)
            case m.SlotShowing():
                source = event.source
                point = self._point_of(source.transport) if source is not None else None
                self._shown[event.transport, event.slot] = (point, event.layer)
                self.publish()
            case m.Levels():
                levels: dict[str, int] = {
                    point: level
                    for transport, level in event.levels.items()
                    if (point := self._point_of(transport)) is not None
                }
                for session in self.sessions.all():
                    session.post(protocol.Levels(levels=levels))
            case m.Error():
                log.error("the worker refused %s: %s", event.command, event.detail)
            case _:
                pass

    def on_worker_down(self) -> None:
        """Every transport is gone; the rooms are told to offer again."""
        self._inventory = None
        self._routes.clear()
        self._shown.clear()
        self._slots.clear()
        self._owners.clear()
        self._audio = None
        for session in self.sessions.all():
            if session.transport:
                self._lose_media(session, "worker_restarted")
        self.publish()

    def _reconcile(self, inventory: m.Inventory) -> None:
        """Bring what a worker holds and what this process knows together."""
        self._inventory = inventory
        self._routes.clear()
        self._audio = None
        held = {transport.transport: transport for transport in inventory.transports}
        for session in self.sessions.all():
            if session.transport and session.transport not in held:
                self._lose_media(session, "worker_restarted")
        # All owners first, one plan at the end: a plan made in between would take sources that
        # are not known yet out of the slots that show them.
        kept: list[m.TransportState] = []
        for ident, transport in held.items():
            owner = self.sessions.by_transport(ident)
            point = PointId(transport.label)
            alive = transport.state == "connected" and point in self.points
            if owner is None and alive and self.sessions.of_point(point) is None:
                # This process was restarted: the point's media goes on until its room is back.
                owner = self.sessions.adopt(point, ident, self._clock())
                self._owners[ident] = point
                self._step(PointUp(point))
            if owner is None:
                self._send(m.Close(transport=ident))
            else:
                kept.append(transport)
        for transport in kept:
            ident = transport.transport
            self._slots[ident] = tuple(s.name for s in transport.slots if s.kind == "video")
            for slot in transport.slots:
                shown = self._point_of(slot.shown.transport) if slot.shown else None
                self._shown[ident, slot.name] = (shown, slot.layer)
        self._apply_plan()
        self.publish()

    def _transport_state(self, event: m.StateChanged) -> None:
        session = self.sessions.by_transport(event.transport)
        if session is None:
            return
        log.info("%s: %s %s", session.point or "viewer", event.state, event.reason)
        if event.state == "connected":
            session.transport_up = True
            if session.point is not None:
                self._lost.discard(session.point)
                self._decide(PointUp(session.point))
        elif event.state in ("vanished", "failed", "closed"):
            session.transport_up = False
            session.idle_since = self._clock()
            if session.point is not None:
                self._lost.add(session.point)
                self._decide(PointDown(session.point, event.reason))
            if event.state != "vanished":  # a vanished peer may come back on its own
                self._close_transport(session)
                session.post(protocol.Media(reason=event.state))
        self.publish()

    def _lose_media(self, session: Session, reason: str) -> None:
        session.transport = ""
        session.transport_up = False
        session.idle_since = self._clock()
        if session.point is not None:
            self._lost.add(session.point)
            self._decide(PointDown(session.point, reason))
        session.post(protocol.Media(reason=reason))

    def _close_transport(self, session: Session) -> None:
        if not session.transport:
            return
        ident, session.transport = session.transport, ""
        session.transport_up = False
        self._send(m.Close(transport=ident))
        self._slots.pop(ident, None)
        self._owners.pop(ident, None)
        self._routes = {key: route for key, route in self._routes.items() if key[0] != ident}
        self._shown = {key: shown for key, shown in self._shown.items() if key[0] != ident}

    def _point_of(self, transport: str) -> PointId | None:
        return self._owners.get(transport)

    # --- conference ---------------------------------------------------------------------

    def _step(self, command: Command) -> Refusal | bool:
        """Decide and apply; return whether the state changed, or why not."""
        outcome = machine.decide(self.state, command)
        if isinstance(outcome, Refusal):
            return outcome
        for event in outcome:
            self.state = machine.apply(self.state, event)
        return bool(outcome)

    def _decide(self, command: Command) -> Refusal | None:
        """Decide, apply, and let worker and clients know."""
        outcome = self._step(command)
        if isinstance(outcome, Refusal):
            return outcome
        if outcome:
            self._apply_plan()
            self.publish()
        return None

    def take(self, point: str) -> protocol.Sentence | None:
        """Bring a point on air; return why not."""
        refusal = self._decide(Take(PointId(point)))
        return None if refusal is None else sentence(refusal.key, **dict(refusal.arguments))

    def _apply_plan(self) -> None:
        """Send the worker what differs from the plan."""
        current: Plan = plan(self.state)
        changes: list[m.Route] = []
        members: list[str] = []
        for session in self.sessions.all():
            if not session.transport:
                continue
            members.append(session.transport)
            for slot in self._slots.get(session.transport, ()):
                feed = feed_of(current, session.point, slot)
                source = None
                if feed is not None:
                    ident = self._transport_of(feed.point)
                    if ident:
                        source = m.SourceRef(transport=ident, name=feed.source)
                route = m.Route(
                    transport=session.transport,
                    slot=slot,
                    source=source,
                    prefer="highest" if feed is None or feed.highest else "lowest",
                )
                if self._routes.get((session.transport, slot)) != route:
                    self._routes[session.transport, slot] = route
                    changes.append(route)
        if changes:
            self._send(m.SetRoutes(routes=tuple(changes)))
        audio = m.SetAudio(
            group=AUDIO_GROUP,
            members=tuple(members),
            allowed=self._microphones(current.speakers),
            floor=self._microphones(current.floor),
        )
        if audio != self._audio:
            self._audio = audio
            self._send(audio)

    def _microphones(self, points: tuple[PointId, ...]) -> tuple[m.SourceRef, ...]:
        idents = [self._transport_of(point) for point in points]
        return tuple(m.SourceRef(transport=t, name="microphone") for t in idents if t)

    def _transport_of(self, point: PointId) -> str:
        session = self.sessions.of_point(point)
        return session.transport if session is not None else ""

    # --- sessions -----------------------------------------------------------------------

    def open_session(self, point: PointId | None) -> Session:
        """A point (or a viewer) has shown its key. Takes over from an earlier session."""
        session, replaced = self.sessions.create(point, self._clock())
        if replaced is not None:
            if replaced.client is None and replaced.transport_up:
                # Adopted, or its page lost the WebSocket for good: same seat, same media.
                session.transport = replaced.transport
                session.transport_up = True
                replaced.transport = ""
            else:
                self._close_transport(replaced)
                replaced.post(
                    protocol.Ended(reason="taken_over", sentence=sentence("ended.taken_over"))
                )
                if replaced.client is not None:
                    replaced.client.finish()
        self.publish()
        return session

    def end_session(self, session: Session) -> None:
        """The client said bye, or has been away for too long."""
        self._close_transport(session)
        self.sessions.remove(session)
        if session.point is not None:
            self._lost.discard(session.point)
            self._decide(PointDown(session.point, "left"))
        self._apply_plan()
        self.publish()

    def sweep(self) -> None:
        """End sessions that nobody came back for; call it every few seconds."""
        for session in self.sessions.expired(self._clock()):
            self.end_session(session)

    def slot_map(self, session: Session) -> protocol.SlotMap:
        slots = self.topology.media.audio_slots
        video, audio = slot_names(self.points, session.point, slots)
        return protocol.SlotMap(video=video, audio=audio)

    def offer(self, session: Session, text: str) -> str:
        """Negotiate; return the answer. Raises `sdp.SdpError`, or LookupError while no worker
        is ready."""
        if self._inventory is None:
            raise LookupError
        slots = self.slot_map(session)
        limit = len(slots.video) + len(slots.audio) + 3 + SPARE_LINES
        parsed = sdp.parse(text, max_media=limit)
        ident = f"{session.point or 'viewer'}-{secrets.token_hex(4)}"
        spec, answer = negotiate(
            parsed,
            transport=ident,
            label=session.point or "",
            video_slots=slots.video,
            audio_slots=slots.audio,
            may_send=session.point is not None and session.point not in self.state.observers,
            local=self._local(),
        )
        self._close_transport(session)
        session.transport = ident
        self._owners[ident] = session.point
        self._slots[ident] = tuple(s.name for s in spec.slots if s.kind == "video")
        self._send(spec)
        self._apply_plan()
        self.publish()
        return answer

    def _local(self) -> Local:
        assert self._inventory is not None
        public = self.topology.bridge.media.public
        addresses = self._inventory.addresses
        if public:
            addresses = tuple(m.MediaAddress(host=host, port=addresses[0].port) for host in public)
        return Local(
            ufrag=secrets.token_hex(4),
            password=secrets.token_hex(16),
            fingerprint=self._inventory.fingerprint,
            addresses=addresses,
            video_codec=self.topology.media.codec,
            random_ssrc=lambda: secrets.randbits(32),
        )

    # --- publishing ---------------------------------------------------------------------

    def welcome(self, session: Session, *, resumed: bool) -> protocol.Welcome:
        topology = self.topology
        return protocol.Welcome(
            version=protocol.VERSION,
            session=session.token,
            resumed=resumed,
            media=session.transport_up,
            point=session.point,
            title=as_sentence(topology.conference.title),
            bridge=as_sentence(topology.bridge.name),
            points=tuple(
                protocol.PointInfo(
                    id=point.id,
                    name=as_sentence(point.name),
                    tier=point.tier,
                    chair=point.id == topology.conference.chair,
                )
                for point in topology.points
            ),
            slots=self.slot_map(session),
            layers=tuple(
                protocol.LayerInfo(
                    rid=layer.rid,
                    height=layer.height,
                    bitrate=layer.bitrate,
                    frame_rate=layer.frame_rate,
                )
                for layer in topology.media.layers
            ),
            may_take=session.may_take,
        )

    def point_states(self) -> dict[str, protocol.PointState]:
        states: dict[str, protocol.PointState] = {}
        for point in self.points:
            session = self.sessions.of_point(point)
            if point in self.state.present:
                states[point] = "in_session"
            elif session is not None and session.client is not None:
                states[point] = "connecting"
            else:
                states[point] = "lost" if point in self._lost else "offline"
        return states

    def view(self, session: Session) -> protocol.State:
        """The state as one client sees it, with the number of its last one."""
        current = plan(self.state)
        slots: dict[str, protocol.SlotView] = {}
        for name in self.slot_map(session).video:
            feed = feed_of(current, session.point, name)
            shown, layer = self._shown.get((session.transport, name), (None, ""))
            wanted: str | None = feed.point if feed is not None else None
            if name == CONTENT and shown is None:
                wanted = None  # nobody shares a screen
            slots[name] = protocol.SlotView(wanted=wanted, shown=shown, layer=layer)
        programme = feed_of(current, session.point, PROGRAMME)
        return protocol.State(
            seq=session.seq,
            on_air=self.state.on_air,
            programme=programme.point if programme is not None else "",
            points=self.point_states(),
            slots=slots,
        )

    def publish(self) -> None:
        """Send every client its state, once for all changes of this turn of the loop."""
        if not self._publishing:
            self._publishing = True
            asyncio.get_running_loop().call_soon(self._publish)

    def _publish(self) -> None:
        self._publishing = False
        for session in self.sessions.all():
            view = self.view(session)
            if view != session.last_state:
                session.seq += 1
                view = protocol.State(
                    seq=session.seq,
                    on_air=view.on_air,
                    programme=view.programme,
                    points=view.points,
                    slots=view.slots,
                )
                session.last_state = view
                session.post(view)
