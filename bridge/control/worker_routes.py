"""The control process's picture of the worker: whose transport is whose, what every slot is to
show and what it shows. Sends the worker differences only. No clock, no waiting."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from bridge.conference.model import State
from bridge.conference.plan import CONTENT, PROGRAMME, THUMBNAIL, Feed, RoutingPlan, feed_of
from bridge.conference.thumbnails import on_page, stand
from bridge.control.listeners import Listeners
from bridge.control.picture_heights import height_for, importance_of
from bridge.control.sessions import Session, Sessions
from bridge.control.slots import pictures
from bridge.control.sound_groups import PrivateLine, echo_of, with_private_lines
from bridge.media import messages as m


class Shown(NamedTuple):
    """Whose picture a slot shows ("user:NAME" for an operator's screen), which layer of it, and
    the RTP timestamp of the first one, where it is known. ``paused`` is why nothing more of it is
    sent, "" where it is."""

    point: str | None
    layer: str = ""
    since: int | None = None
    paused: str = ""


MAX_ROUTES = 1000  # of one message: some 200 kB, and a take may change as many as there are viewers
EMPTY = Shown(None)
Spec = m.Open | m.OpenRelay  # of a page, or of another bridge
NOTHING = m.Prepare(sources=())


class WorkerRoutes:
    """What the worker was told and what it showed last; tells it what differs from the plans.
    ``send`` posts to the worker, ``heights`` are those of a camera's layers."""

    def __init__(
        self,
        sessions: Sessions,
        send: Callable[[m.Command], None],
        heights: Callable[[], tuple[int, ...]] = tuple,
        listeners: Listeners | None = None,
    ) -> None:
        """``listeners`` are those of all workers."""
        self._sessions = sessions
        self._heights = heights
        self._send = send
        self.inventory: m.Inventory | None = None
        self._owners: dict[str, str | None] = {}  # transport → its point
        self._slots: dict[str, tuple[str, ...]] = {}  # transport → its video slots
        self.listeners = listeners if listeners is not None else Listeners()
        self._stands: dict[str, dict[str, str]] = {}  # transport → points in thumbnail slots
        self._shown: dict[tuple[str, str], Shown] = {}
        self._routes: dict[tuple[str, str], m.Route] = {}
        self._audio: dict[str, m.SetAudio] = {}
        self._prepared = NOTHING
        self._ended: set[str] = set()  # audio groups to end
        self._arriving: set[tuple[str, str]] = set()  # transport and name of sources that send
        self.heard_of = False
        """Whether it is known what the worker holds, if there is one: not while this process
        has just started."""

    @property
    def ready(self) -> bool:
        """Whether a worker is connected."""
        return self.inventory is not None

    @property
    def worker(self) -> str:
        """The identity of the worker that is connected; "" for none."""
        return self.inventory.worker if self.inventory is not None else ""

    def holds(self, transport: str) -> bool:
        """Whether a transport is this worker's, or was its predecessor's."""
        return transport in self._owners or transport in self._slots

    # --- what the worker holds ----------------------------------------------------------

    def lost(self) -> None:
        """The worker is gone, and everything it held."""
        self.inventory = None
        for transport in self._slots:
            self.listeners.close(transport)
        self._owners.clear()
        self._slots.clear()
        self._stands.clear()
        self._shown.clear()
        self._routes.clear()
        self._audio.clear()
        self._prepared = NOTHING
        self._ended.clear()
        self._arriving.clear()
        self.heard_of = True

    def take_inventory(self, inventory: m.Inventory) -> None:
        """A worker is there. What it was told before is unknown, so all is told again: what it
        knows already changes nothing there."""
        owners = dict(self._owners)
        self.lost()
        self._owners = owners
        self.inventory = inventory
        self._ended = set(inventory.audio)

    def adopt(self, transport: m.TransportState, point: str | None) -> None:
        """A transport that the worker holds belongs to a session of ``point``."""
        self._owners[transport.transport] = point
        self._slots[transport.transport] = pictures(transport.slots)
        for source in transport.sources:
            self._note(transport.transport, source.name, bool(source.layers))

    def adopt_listener(self, transport: m.TransportState) -> bool:
        """Keep a tap, a viewer or a relay that the worker holds; False where it is none."""
        if not self.listeners.adopt(transport.transport, transport.label):
            return False
        self.listeners.begin(transport.transport)
        self._slots[transport.transport] = pictures(transport.slots)
        return True

    def open_listener(self, spec: m.Open | m.OpenTap | m.OpenRelay) -> None:
        """Give a tap, a viewer or a relay the programme of the conference in its label, from the
        next `apply` on; a relay only once its far end is there (`Listeners.begin`)."""
        self.listeners.adopt(spec.transport, spec.label)
        self._slots[spec.transport] = pictures(spec.slots)
        self._send(spec)

    def adopt_pictures(self, transport: m.TransportState) -> None:
        """What its slots show; once all owners are known."""
        for slot in transport.slots:
            key = (transport.transport, slot.name)
            self._shown[key] = Shown(self.named(slot.shown), slot.layer)
        # Who stood in a slot stays in it over a restart of this process.
        self._stands[transport.transport] = {
            slot.name: name
            for slot in transport.slots
            if slot.name.startswith(THUMBNAIL) and (name := self.named(slot.wanted)) is not None
        }

    def open(
        self, spec: Spec, point: str | None, stands: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Open a session's transport; ``stands`` are the points that stand in its thumbnail slots
        already."""
        self._owners[spec.transport] = point
        self._slots[spec.transport] = pictures(spec.slots)
        self._stands[spec.transport] = dict(stands)
        self._send(spec)

    def close(self, transport: str) -> None:
        """Close a transport, "" for none: its media stops at once."""
        if not transport:
            return
        self._send(m.Close(transport=transport))
        self._slots.pop(transport, None)
        self.listeners.close(transport)
        self._stands.pop(transport, None)
        self._owners.pop(transport, None)
        self._routes = {key: route for key, route in self._routes.items() if key[0] != transport}
        self._shown = {key: shown for key, shown in self._shown.items() if key[0] != transport}
        self._arriving = {key for key in self._arriving if key[0] != transport}

    def showing(self, event: m.SlotShowing) -> None:
        key = (event.transport, event.slot)
        before, name = self.shown(*key), self.named(event.source)
        since = event.timestamp
        if event.paused:
            if before.point != name:
                name = None  # paused before anything of it came
            since = before.since
        self._shown[key] = Shown(name, event.layer, since, event.paused)

    def shown(self, transport: str, slot: str) -> Shown:
        """What a slot shows now."""
        return self._shown.get((transport, slot), EMPTY)

    def paused(self, transport: str) -> tuple[str, ...]:
        """Slots of a transport that are sent nothing because its line carries no more."""
        slots = self._slots.get(transport, ())
        return tuple(slot for slot in slots if self.shown(transport, slot).paused)

    def sends(self, event: m.SourceChanged) -> None:
        """A source began to send, or stopped."""
        self._note(event.transport, event.name, bool(event.layers))

    def _note(self, transport: str, name: str, sends: bool) -> None:
        if sends:
            self._arriving.add((transport, name))
        else:
            self._arriving.discard((transport, name))

    def arrives(self, transport: str, name: str) -> bool:
        """Whether media of a source arrives at the worker now."""
        return (transport, name) in self._arriving

    def stands(self, transport: str) -> Mapping[str, str]:
        """The points in the thumbnail slots of a transport, by slot."""
        return self._stands.get(transport, {})

    def thumbnails(self, transport: str) -> int:
        """How many thumbnail slots a transport has negotiated."""
        slots = self._slots.get(transport, ())
        return sum(1 for slot in slots if slot.startswith(THUMBNAIL))

    def owner(self, transport: str) -> str | None:
        return self._owners.get(transport)

    def named(self, source: m.SourceRef | None) -> str | None:
        """Whose source it is ("user:NAME" for an operator's screen)."""
        if source is None:
            return None
        session = self._sessions.by_transport(source.transport)
        if session is not None and session.point is None:
            return f"user:{session.user}"
        return self._owners.get(source.transport)

    # --- what it is to do ---------------------------------------------------------------

    def end_group(self, group: str) -> None:
        """A conference has ended: so has its mix."""
        self._ended.add(group)

    def apply(
        self,
        states: Sequence[State],
        plans: Mapping[str, RoutingPlan],
        private: Sequence[PrivateLine] = (),
    ) -> None:
        """Send what differs from the plans of the running conferences; on ``private`` lines
        operators speak to rooms."""
        if self.inventory is None:
            return
        changes: list[m.Route] = []
        members: dict[str, list[str]] = {}
        groups: dict[str, m.SetAudio] = {}
        for session in self._sessions.all():
            for transport in session.transports:
                if transport not in self._owners:
                    continue
                if session.kind == "echo":
                    group = self._echo(session, changes)
                    groups[group.group] = group
                    continue
                state = session.watched(states)
                self._show(session, transport, state, plans, changes)
                if state is not None and (session.point is None or session.point in state.present):
                    members.setdefault(state.booking.id, []).append(transport)
        for listener, conference in self.listeners.listening():
            programme = plans.get(conference)
            if programme is not None and listener in self._slots:
                members.setdefault(conference, []).append(listener)
                slots = self._slots[listener]
                for slot in slots:
                    feed = feed_of(programme, None, slot, {})
                    if CONTENT not in slots and programme.content is not None:
                        feed = programme.content  # whoever has one picture sees what is shown
                    self._route(listener, slot, self._source(feed), feed, changes)
        for at in range(0, len(changes), MAX_ROUTES):
            self._send(m.SetRoutes(routes=tuple(changes[at : at + MAX_ROUTES])))
        self._prepare([current.preview for current in plans.values()])
        for ident, listening in members.items():
            groups[ident] = m.SetAudio(
                group=ident,
                members=tuple(listening),
                allowed=self._microphones(plans[ident].speakers) + self._film(plans[ident]),
                floor=self._microphones(plans[ident].floor) + self._film(plans[ident]),
            )
        self._mix(with_private_lines(groups, private, self._owners.keys()))

    def _show(
        self,
        session: Session,
        transport: str,
        state: State | None,
        plans: Mapping[str, RoutingPlan],
        changes: list[m.Route],
    ) -> None:
        """What the slots of one transport are to show."""
        current = plans[state.booking.id] if state is not None else None
        stands = self._stand(session, transport, state)
        for slot in self._slots.get(transport, ()):
            feed = feed_of(current, session.point, slot, stands) if current is not None else None
            size = session.sizes.get(slot)
            shown = None if size == 0 else feed  # hidden: nobody would see it
            pane = current.panes.get(stands.get(slot, ""), 0) if current is not None else 0
            self._route(transport, slot, self._source(shown), shown, changes, size, pane)

    def _stand(self, session: Session, transport: str, state: State | None) -> dict[str, str]:
        """The points in the thumbnail slots of a transport from now on, by slot."""
        names = self._slots.get(transport, ())
        slots = tuple(name for name in names if name.startswith(THUMBNAIL))
        before = self._stands.get(transport, {})
        points: tuple[str, ...] = ()
        if state is not None:
            points = on_page(state, session.point, len(slots), session.page)
        stands = self._stands[transport] = stand(points, before, slots)
        return stands

    def _mix(self, groups: Mapping[str, m.SetAudio]) -> None:
        for ident in (self._ended | set(self._audio)) - set(groups):
            self._audio.pop(ident, None)
            self._send(m.SetAudio(group=ident, members=(), allowed=()))
        self._ended.clear()
        for ident, group in groups.items():
            if self._audio.get(ident) != group:
                self._audio[ident] = group
                self._send(group)

    def _source(self, feed: Feed | None) -> m.SourceRef | None:
        if feed is None or feed.dark:
            return None
        if feed.source == "camera" and self._camera_fails(feed.point):
            return None  # known before its last packet is a second old
        ident = self._sharing(feed.user) if feed.user else self._transport_of(feed.point)
        return m.SourceRef(transport=ident, name=feed.source) if ident else None

    def _route(
        self,
        transport: str,
        slot: str,
        source: m.SourceRef | None,
        feed: Feed | None,
        changes: list[m.Route],
        size: int | None = None,
        pane: int = 0,
    ) -> None:
        route = m.Route(
            transport=transport,
            slot=slot,
            source=source,
            prefer="highest" if feed is None or feed.highest else "lowest",
            importance=importance_of(slot, pane),
            max_height=self._height(feed, size),
            may_pause=True,
        )
        if self._routes.get((transport, slot)) != route:
            self._routes[transport, slot] = route
            changes.append(route)

    def _height(self, feed: Feed | None, size: int | None) -> int:
        """Above how many lines a picture makes no sense where it is shown; 0 for no limit. A
        shared screen is text: it is sent as it is."""
        if feed is None or size is None or feed.source != "camera":
            return 0
        return height_for(size, self._heights())

    def _prepare(self, previews: Sequence[Feed | None]) -> None:
        """What stands on preview goes on air next: its best layer is to be there by then, as good
        as the largest programme that any page shows."""
        sources = {source: None for feed in previews if (source := self._source(feed)) is not None}
        shown_to = (
            s for s in self._sessions.all() if s.point is not None and s.transport in self._owners
        )
        sizes = [session.sizes.get(PROGRAMME) for session in shown_to]
        known = [size for size in sizes if size]
        limit = height_for(max(known), self._heights()) if known and None not in sizes else 0
        prepared = m.Prepare(sources=tuple(sources), max_height=limit)
        if prepared != self._prepared:
            self._prepared = prepared
            self._send(prepared)

    def _echo(self, session: Session, changes: list[m.Route]) -> m.SetAudio:
        """A self-test: its own camera and voice come back through the bridge."""
        camera = m.SourceRef(transport=session.transport, name="camera")
        for slot in self._slots.get(session.transport, ()):
            self._route(session.transport, slot, camera, None, changes)
        return echo_of(session.transport, session.id)

    def _microphones(self, points: tuple[str, ...]) -> tuple[m.SourceRef, ...]:
        found = ((self._transport_of(p), name) for p in points for name in self._sessions.voices(p))
        return tuple(m.SourceRef(transport=ident, name=name) for ident, name in found if ident)

    def _film(self, current: RoutingPlan) -> tuple[m.SourceRef, ...]:
        """The sound of a film that an operator plays to all; it keeps its slot whatever is loud."""
        ident = self._sharing(current.film) if current.film else ""
        return (m.SourceRef(transport=ident, name="film"),) if ident else ()

    def _transport_of(self, point: str) -> str:
        """Where what a point sends comes in here, "" for nowhere."""
        session = self._sessions.of_point(point)
        return self._here(session) if session is not None else ""

    def _here(self, session: Session) -> str:
        return next((t for t in session.transports if t in self._owners), "")

    def _camera_fails(self, point: str) -> bool:
        """Whether a point's page has said that it has no picture to send."""
        session = self._sessions.of_point(point)
        return session is not None and bool(session.status.camera_fault)

    def _sharing(self, user: str) -> str:
        """Where a screen that a user shares comes in here, "" for nowhere."""
        for session in self._sessions.of_user(user):
            if session.status.sharing and (transport := self._here(session)):
                return transport
        return ""
