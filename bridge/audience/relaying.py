"""Brings relays to what viewers need: one for each conference and worker of the audience with
viewers of it. A relay that fails is closed at both ends, and another one with fresh keys takes its
place."""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bridge.audience import relay_orders
from bridge.audience.relay_orders import Relay
from bridge.audience.serving import RelayedPlace
from bridge.conference.model import State
from bridge.control.active_topology import ActiveTopology
from bridge.control.placing.active_workers import ActiveWorkers
from bridge.media import messages as m
from bridge.media.parts import MASTER_SIZE

log = logging.getLogger("audience")

OPENING = 3.0  # seconds until both ends of a relay must be there
PAUSE = 0.5  # seconds between two tries
ADOPTING = 10.0  # seconds that a process which has just started waits for what workers hold
LINGER = 30.0  # seconds that a relay stays whose last viewer has left


@dataclass(slots=True)
class _Held:
    """A relay, whether both ends are there, and since when that or its last need is so."""

    relay: Relay
    since: float
    up: bool = False
    needed: float = 0.0

    def need(self, now: float) -> None:
        self.needed = now

    def come_up(self) -> None:
        self.up = True


@dataclass(slots=True)
class Relays:
    """All relays of this process. ``routes`` are those of the points' workers, ``clock`` is
    monotonic."""

    topology: ActiveTopology
    routes: ActiveWorkers
    places: Mapping[str, RelayedPlace]
    running: Callable[[], Sequence[State]]
    clock: Callable[[], float]
    opened: Counter[str] = field(default_factory=Counter)
    """How many were opened, by worker."""
    failed: Counter[str] = field(default_factory=Counter)
    _held: dict[str, _Held] = field(default_factory=dict)
    _tried: dict[tuple[str, str], float] = field(default_factory=dict)
    _until: float = 0.0

    def up(self, worker: str) -> int:
        """How many of a worker carry something."""
        return sum(held.up for held in self._held.values() if held.relay.worker == worker)

    def relayed(self, worker: str, conference: str) -> bool:
        """Whether a conference goes to a worker already, or is about to."""
        return self._find(worker, conference) is not None

    # --- what is needed -------------------------------------------------------------------

    def settle(self, needs: Iterable[tuple[str, str]]) -> None:
        """Open what viewers need, by worker and conference, and close what nobody does."""
        now = self.clock()
        if not self.routes.ready:
            return
        self._adopt()
        conferences = {state.booking.id for state in self.running()}
        for worker, conference in needs:
            place = self.places.get(worker)
            here = self.routes.inventory_of(conference) if conference in conferences else None
            if place is None or place.inventory is None or here is None:
                continue
            held = self._find(worker, conference)
            if held is not None:
                held.need(now)
            elif now - self._tried.get((worker, conference), -PAUSE) >= PAUSE:
                self._open(place, place.inventory, conference, now)
        for held in list(self._held.values()):
            relay = held.relay
            if not held.up and now - held.since > OPENING:
                self._fail(held, "it did not open")
            elif relay.conference not in conferences or now - held.needed > LINGER:
                self._close(held)
        self._tried = {key: at for key, at in self._tried.items() if now - at < PAUSE}

    def _open(
        self, place: RelayedPlace, inventory: m.Inventory, conference: str, now: float
    ) -> None:
        media = self.topology.current.media
        count = relay_orders.ssrcs_needed(media.audio_slots)
        relay = Relay(
            f"relay-{secrets.token_hex(8)}",
            place.name,
            conference,
            tuple(secrets.SystemRandom().sample(range(1 << 16, 1 << 32), count)),
            # Drawn for this relay alone, and kept nowhere: see `bridge.media.relay_end`.
            secrets.token_hex(MASTER_SIZE),
            secrets.token_hex(MASTER_SIZE),
        )
        self._tried[place.name, conference] = now
        self._held[relay.id] = _Held(relay, now, needed=now)
        self.opened[place.name] += 1
        self.routes.open_listener(relay_orders.sending_end(relay, inventory.addresses[0], media))

    # --- what the workers say -------------------------------------------------------------

    def on_points_event(self, event: m.Event) -> None:
        """Take an event of the points' worker in."""
        match event:
            case m.RelayOpened():
                held = self._held.get(event.transport)
                place = self.places.get(held.relay.worker) if held is not None else None
                if held is not None and place is not None:
                    media = self.topology.current.media
                    place.send(relay_orders.receiving_end(held.relay, event.address, media))
            case m.StateChanged():
                held = self._held.get(event.transport)
                if held is not None and event.state not in ("connected", "checking"):
                    self._fail(held, event.reason)
            case _:
                pass

    def on_place_event(self, place: RelayedPlace, event: m.StateChanged) -> None:
        """Take in what a worker of the audience says of its end of a relay."""
        held = self._held.get(event.transport)
        if held is None:
            return
        if event.state != "connected":
            self._fail(held, event.reason)
            return
        held.come_up()
        log.info("conference %s is relayed to worker %s", held.relay.conference, place.name)
        self.routes.listeners.begin(held.relay.id)
        place.feed(held.relay.conference, held.relay.id)
        self._apply(place)

    def place_there(self, place: RelayedPlace) -> None:
        """A worker of the audience has said what it holds: relays whose end it has go on."""
        for held in list(self._held.values()):
            if held.relay.worker != place.name:
                continue
            end = place.held.pop(held.relay.id, None)
            if end is None or end.state != "connected":
                self._close(held)
            else:
                place.feed(held.relay.conference, held.relay.id)

    def points_there(self) -> None:
        """A worker of points has said what it holds, or is gone: a spare one that took over has
        nothing."""
        for held in list(self._held.values()):
            if held.relay.id not in self.routes.listeners.relays:
                self._close(held)

    def conference_moved(self, conference: str) -> None:
        """Another worker holds a conference: it is relayed from there."""
        for held in list(self._held.values()):
            if held.relay.conference == conference:
                self._close(held)
                self._tried.pop((held.relay.worker, conference), None)

    def place_lost(self, name: str) -> None:
        """A worker of the audience is gone."""
        for held in list(self._held.values()):
            if held.relay.worker == name:
                self._close(held)

    def _adopt(self) -> None:
        """After a restart of this process: keep relays whose ends both are there, close others."""
        self._until = self._until or self.clock() + ADOPTING
        for ident, label in list(self.routes.listeners.relays.items()):
            if ident in self._held:
                continue
            place = self.places.get(relay_orders.worker_of(label))
            if place is not None and place.inventory is None and self.clock() < self._until:
                continue  # it has not been connected to yet
            end = place.held.pop(ident, None) if place is not None else None
            if place is None or end is None or end.state != "connected":
                self.routes.close(ident)
                continue
            relay = relay_orders.of_label(ident, label)
            self._held[ident] = _Held(relay, self.clock(), up=True, needed=self.clock())
            place.feed(relay.conference, ident)
            self._apply(place)
        for place in self.places.values():
            for ident in list(place.held):
                place.close(ident)

    # --- the end of one -------------------------------------------------------------------

    def _fail(self, held: _Held, reason: str) -> None:
        relay = held.relay
        log.warning("the relay to worker %s ends: %s", relay.worker, reason.rstrip("."))
        self.failed[relay.worker] += 1
        self._close(held)

    def _close(self, held: _Held) -> None:
        relay = held.relay
        del self._held[relay.id]
        if relay.id in self.routes.listeners.relays:
            self.routes.close(relay.id)
        place = self.places.get(relay.worker)
        if place is not None:
            place.close(relay.id)
            if place.relays.get(relay.conference) == relay.id:
                place.feed(relay.conference, "")

    def _find(self, worker: str, conference: str) -> _Held | None:
        wanted = (worker, conference)
        held = self._held.values()
        return next((h for h in held if (h.relay.worker, h.relay.conference) == wanted), None)

    def _apply(self, place: RelayedPlace) -> None:
        states = self.running()
        self.routes.apply(states)
        place.apply(states)
