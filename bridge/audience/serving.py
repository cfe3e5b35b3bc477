"""Where viewers are served: by the worker of the points, or by workers of an audience, each fed by
one relay for each conference. What each was told last; it is sent differences. No clock, no I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from bridge.conference.model import State
from bridge.conference.plan import AUDIO, CONTENT, plan
from bridge.control.listeners import VIEWER, conference_of
from bridge.control.picture_heights import importance_of
from bridge.control.placing.active_workers import FIRST, ActiveWorkers
from bridge.control.worker_routes import MAX_ROUTES
from bridge.media import messages as m

FEW = "few:"  # before a conference: the mix of viewers with fewer lines of sound than it has voices


class Place(Protocol):
    """A worker that serves viewers. ``name`` is "" for that of the points."""

    @property
    def name(self) -> str: ...

    @property
    def remote(self) -> bool:
        """Whether it is on another machine."""

    @property
    def inventory(self) -> m.Inventory | None: ...

    @property
    def viewers(self) -> Mapping[str, str]:
        """The labels of viewers, by transport."""

    def open(self, spec: m.Open) -> None: ...

    def close(self, ident: str) -> None: ...

    def paused(self, ident: str, slot: str) -> bool:
        """Whether a viewer's line carries no more of what a slot is to show."""

    def apply(self, states: Sequence[State]) -> None: ...

    def send(self, command: m.Command) -> None: ...


class PointsPlace:
    """A worker of points serves viewers of its conferences, too. Its name is "" for the first."""

    remote = False

    def __init__(
        self, routes: ActiveWorkers, worker: str, send: Callable[[m.Command], None]
    ) -> None:
        self.name = "" if worker == FIRST else worker
        self._routes = routes
        self._here = routes.by_name[worker]
        self.send = send
        self.open = self._here.open_listener
        self.close = routes.close
        self.apply = routes.apply

    @property
    def inventory(self) -> m.Inventory | None:
        return self._here.inventory

    @property
    def viewers(self) -> Mapping[str, str]:
        found = self._routes.listeners.viewers
        return {ident: label for ident, label in found.items() if self._here.holds(ident)}

    def paused(self, ident: str, slot: str) -> bool:
        return bool(self._here.shown(ident, slot).paused)


class RelayedPlace:
    """A worker of the audience. ``send`` posts to it, ``voices`` are those of a conference."""

    def __init__(
        self,
        name: str,
        send: Callable[[m.Command], None],
        voices: Callable[[], int],
        *,
        remote: bool = False,
    ) -> None:
        self.name = name
        self.remote = remote
        self.send = send
        self._voices = voices
        self.inventory: m.Inventory | None = None
        self.viewers: dict[str, str] = {}
        self.relays: dict[str, str] = {}
        """Transports of relays by conference: those whose both ends are there."""
        self.held: dict[str, m.TransportState] = {}
        """Ends of relays that it held when it was connected to, by transport."""
        self._slots: dict[str, tuple[str, ...]] = {}
        self._paused: set[tuple[str, str]] = set()
        self._told: dict[str, tuple[str, bool]] = {}  # viewer → its relay, and what it is shown
        self._audio: dict[str, m.SetAudio] = {}

    def lost(self) -> None:
        """The worker is gone, and everything it held."""
        self.inventory = None
        self.viewers.clear()
        self.relays.clear()
        self.held.clear()
        self._slots.clear()
        self._told.clear()
        self._audio.clear()
        self._paused.clear()

    def take_inventory(self, inventory: m.Inventory) -> None:
        """The worker is there, with what it holds; everything is told again."""
        self.lost()
        self.inventory = inventory
        for transport in inventory.transports:
            ident = transport.transport
            if transport.label.startswith(VIEWER):
                self.viewers[ident] = transport.label
                self._slots[ident] = tuple(slot.name for slot in transport.slots)
                self._paused |= {(ident, slot.name) for slot in transport.slots if slot.paused}
            else:
                self.held[ident] = transport

    def open(self, spec: m.Open) -> None:
        self.viewers[spec.transport] = spec.label
        self._slots[spec.transport] = tuple(slot.name for slot in spec.slots)
        self.send(spec)

    def close(self, ident: str) -> None:
        if self.inventory is not None:
            self.send(m.Close(transport=ident))
        self.viewers.pop(ident, None)
        self._slots.pop(ident, None)
        self.held.pop(ident, None)
        self._paused = {key for key in self._paused if key[0] != ident}
        self._told.pop(ident, None)

    def showing(self, event: m.SlotShowing) -> None:
        key = (event.transport, event.slot)
        if event.paused:
            self._paused.add(key)
        else:
            self._paused.discard(key)

    def paused(self, ident: str, slot: str) -> bool:
        return (ident, slot) in self._paused

    def feed(self, conference: str, relay: str) -> None:
        """A conference comes by this relay from now on; "" for none."""
        if relay:
            self.relays[conference] = relay
        else:
            self.relays.pop(conference, None)

    def apply(self, states: Sequence[State]) -> None:
        """Send what differs from what the conferences ask."""
        if self.inventory is None:
            return
        most = self._voices()
        shares = {state.booking.id: plan(state).content is not None for state in states}
        changes: list[m.Route] = []
        few: dict[str, list[str]] = {}
        for viewer, label in self.viewers.items():
            conference = conference_of(label)
            relay = self.relays.get(conference, "")
            if not relay or conference not in shares:
                continue
            voices = sum(slot.startswith(AUDIO) for slot in self._slots[viewer])
            if voices < most:
                few.setdefault(conference, []).append(viewer)
            told = relay, shares[conference]
            if self._told.get(viewer) != told:
                self._told[viewer] = told
                changes += self._routes(viewer, *told, mixed=voices < most)
        for at in range(0, len(changes), MAX_ROUTES):
            self.send(m.SetRoutes(routes=tuple(changes[at : at + MAX_ROUTES])))
        self._mix(few)

    def _routes(self, viewer: str, relay: str, shared: bool, *, mixed: bool) -> Iterator[m.Route]:
        """Each slot of a viewer and what is relayed under its name; sound, unless it is mixed."""
        slots = self._slots[viewer]
        for slot in slots:
            sound = slot.startswith(AUDIO)
            if sound and mixed:
                continue
            # Whoever has one picture sees what is shown.
            name = CONTENT if shared and not sound and CONTENT not in slots else slot
            yield m.Route(
                transport=viewer,
                slot=slot,
                source=m.SourceRef(transport=relay, name=name),
                importance=importance_of(slot),
                may_pause=True,
            )

    def _mix(self, few: Mapping[str, Sequence[str]]) -> None:
        """Who takes fewer voices than there are hears the loudest."""
        groups = {
            f"{FEW}{conference}": m.SetAudio(
                group=f"{FEW}{conference}",
                members=tuple(members),
                allowed=tuple(
                    m.SourceRef(transport=self.relays[conference], name=f"{AUDIO}{number}")
                    for number in range(self._voices())
                ),
            )
            for conference, members in few.items()
        }
        for ident in set(self._audio) - set(groups):
            del self._audio[ident]
            self.send(m.SetAudio(group=ident, members=(), allowed=()))
        for ident, group in groups.items():
            if self._audio.get(ident) != group:
                self._audio[ident] = group
                self.send(group)
