"""The workers that serve viewers: that of the points, or processes of their own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Protocol

from bridge.audience.placement import Load, place
from bridge.audience.relaying import Relays
from bridge.audience.serving import Place, PointsPlace, RelayedPlace
from bridge.audience.viewers import Viewer
from bridge.audience.worker_health import POINTS, AudienceWorker, worker_health
from bridge.control.control import Control
from bridge.control.placing.active_workers import FIRST, Send
from bridge.control.relay_dial import Trouble
from bridge.control.worker_supervision import supervise
from bridge.media import messages as m
from bridge.media.parts import MAX_RELAYS, MAX_TRANSPORTS

KEPT = 64  # of the points' worker: transports for consoles, self-tests and taps, beside two a point
ROOM = MAX_TRANSPORTS - MAX_RELAYS  # viewers of a worker of the audience
SILENT = 3.0  # seconds after which a machine that serves viewers and says nothing is given up
LISTENING = 1.5  # seconds between two looks for silence; after a longer pause it means nothing
OnEvent = Callable[[m.Event], None]


class Link(Protocol):
    """`bridge.control.worker_link.WorkerLink`, as far as it is needed here."""

    @property
    def connected(self) -> bool: ...

    def send(self, command: m.Command) -> None: ...

    async def run(self) -> None: ...

    async def stats(self) -> m.Stats | None: ...

    def kill(self) -> None: ...

    def ask_to_end(self) -> None: ...

    async def shutdown(self) -> None: ...


# Makes the link to the worker of a name; it gets what the worker says, and is told of its end.
MakeLink = Callable[[str, OnEvent, Callable[[], None]], Link]


class Member:
    """One worker of the audience: the link to it, what it was told, and its last figures."""

    def __init__(
        self, name: str, fleet: Fleet, make: MakeLink, voices: Callable[[], int], *, remote: bool
    ) -> None:
        self.name = name
        self.heard_at = 0.0
        self.stats: m.Stats | None = None
        self._fleet = fleet
        self.link = make(name, self.on_event, self.on_down)
        self.place = RelayedPlace(name, self.link.send, voices, remote=remote)

    def on_event(self, event: m.Event) -> None:
        self.hear()
        self._fleet.take(self.place, event)

    def hear(self) -> None:
        """It has said something, or could not have been heard."""
        self.heard_at = self._fleet.clock()

    def on_down(self) -> None:
        self.stats = None
        self._fleet.lose(self.place)

    def note(self, stats: m.Stats) -> None:
        """Its figures now."""
        self.stats = stats

    async def run(self) -> None:
        """Keep it running and connected until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.link.run())
            tasks.create_task(supervise(self.link, self.note))


class Fleet:
    """All of them. ``names`` are those of workers of the audience on this machine, ``remote`` of
    those on others; where there are none, those of the points serve viewers, too. ``send``
    posts to one of these. ``hosts`` are the addresses of those on other machines, ``ports`` is
    where each listens (TCP for those), ``trouble`` why one of these cannot be connected to."""

    def __init__(
        self,
        control: Control,
        send: Send,
        names: Sequence[str],
        make: MakeLink,
        remote: Sequence[str] = (),
        *,
        hosts: Mapping[str, str] = MappingProxyType({}),
        ports: Mapping[str, int] = MappingProxyType({}),
        trouble: Callable[[str], Trouble] = lambda _: "",
    ) -> None:
        self._control = control
        self._hosts = hosts
        self._ports = ports
        self._trouble = trouble
        self.clock = control.clock
        self._looked = 0.0
        self._began = control.conductor.now()
        self._since: dict[str, float] = {}  # when a worker came or went last, UTC seconds
        topology = control.topology
        self.points = {
            worker: PointsPlace(control.routes, worker, partial(send, worker))
            for worker in control.routes.by_name
        }
        self.members = [
            Member(
                name,
                self,
                make,
                lambda: topology.current.media.audio_slots,
                remote=name in remote,
            )
            for name in (*names, *remote)
        ]
        self.places: Mapping[str, Place] = (
            {member.name: member.place for member in self.members}
            if self.members
            else {one.name: one for one in self.points.values()}
        )
        self.relays = Relays(
            topology,
            control.routes,
            {member.name: member.place for member in self.members},
            control.conductor.running,
            control.clock,
        )
        self._on_event: Callable[[Place, m.Event], None] = _nobody
        self._on_down: Callable[[Place], None] = _nobody_left

    def tell(
        self, on_event: Callable[[Place, m.Event], None], on_down: Callable[[Place], None]
    ) -> None:
        """Whom to tell what workers say of viewers, and that one is gone with all it served."""
        self._on_event, self._on_down = on_event, on_down

    async def run(self) -> None:
        """Keep all workers running until cancelled."""
        await asyncio.gather(*(member.run() for member in self.members))

    def ask_to_end(self) -> None:
        """Tell those that are ours to end."""
        for member in self.members:
            member.link.ask_to_end()

    async def shutdown(self) -> None:
        """End those that are ours."""
        await asyncio.gather(*(member.link.shutdown() for member in self.members))

    # --- where viewers go -----------------------------------------------------------------

    def choose(
        self,
        conference: str,
        viewers: Iterable[Viewer],
        carries: Callable[[str], bool] = lambda _: True,
    ) -> Place | None:
        """Where one more viewer of a conference is served; None where there is no room. ``carries``
        tells whether the links to a machine's address have room for one more relay."""
        found = place(
            load
            for load in self.loads(conference, viewers)
            if (load.relayed or not self.host(load.name) or carries(self.host(load.name)))
            and self.may_serve(load.name, conference)
        )
        return self.places[found] if found is not None else None

    def may_serve(self, name: str, conference: str) -> bool:
        """Whether viewers of a conference may be at a worker: of the points' only at its own."""
        home = self._control.routes.home(conference)
        return bool(self.members) or not home or self.points[home].name == name

    def host(self, name: str) -> str:
        """The address of a machine elsewhere; "" for a worker of this one."""
        return self._hosts.get(name, "")

    def legs(self) -> list[str]:
        """The addresses of machines elsewhere, each as often as conferences are relayed to it."""
        return [host for name, host in self._hosts.items() for _ in range(self.relays.up(name))]

    def loads(self, conference: str, viewers: Iterable[Viewer]) -> list[Load]:
        """The workers that are there, with what they serve."""
        count = Counter(viewer.place for viewer in viewers)
        room = ROOM
        if not self.members:
            room = MAX_TRANSPORTS - KEPT - 2 * len(self._control.topology.points)
        return [
            Load(name, count[name], room, self.relays.relayed(name, conference))
            for name, one in self.places.items()
            if one.inventory is not None
        ]

    def health(self, viewers: Iterable[Viewer]) -> list[AudienceWorker]:
        """How each of them is. Where there is none for viewers alone, that of the points is."""
        count = Counter(viewer.place for viewer in viewers)
        loads = {load.name: load for load in self.loads("", ())}
        routes = self._control.routes
        media = self._control.topology.current.bridge.media
        return [
            worker_health(
                name or POINTS,
                remote=one.remote,
                ready=one.inventory is not None,
                since=self._since.get(name, self._began),
                viewers=count[name],
                room=loads[name].room if name in loads else ROOM,
                conferences=(self.relays.up(name) if self.members else routes.held(name or FIRST)),
                port=self._ports.get(name, media.port),
                trouble=self._trouble(name),
            )
            for name, one in self.places.items()
        ]

    def _note(self, name: str) -> None:
        """A worker has come, or is gone."""
        self._since[name] = self._control.conductor.now()

    @property
    def ready(self) -> bool:
        """Whether anybody could be served now."""
        return self._control.routes.ready and any(
            one.inventory is not None for one in self.places.values()
        )

    def settle(self, viewers: Iterable[Viewer]) -> None:
        """Relay what viewers need."""
        if self.members:
            self._notice_silence()
            self.relays.settle(dict.fromkeys((v.place, v.conference) for v in viewers))

    def _notice_silence(self) -> None:
        """A machine that is gone says nothing. One that serves somebody tells what it sends once a
        second, so its viewers need not wait until the kernel notices."""
        now = self.clock()
        listened, self._looked = now - self._looked < LISTENING, now
        for member in self.members:
            if not listened:  # nobody was here to hear it
                member.hear()
            silent = now - member.heard_at > SILENT
            if silent and member.place.remote and self.relays.up(member.name):
                self.lose(member.place)
                member.link.kill()

    def apply(self) -> None:
        """Tell workers of the audience what has changed in the conferences."""
        states = self._control.conductor.running()
        for member in self.members:
            member.place.apply(states)

    # --- what workers say -----------------------------------------------------------------

    def on_points_event(self, event: m.Event, worker: str = FIRST) -> None:
        """Take an event of a worker of points in."""
        one = self.points[worker]
        if isinstance(event, m.Inventory):
            self._note(one.name)
            self._close_others()
            self.relays.points_there()
        if self.members:
            self.relays.on_points_event(event)
        else:
            self._on_event(one, event)

    def _close_others(self) -> None:
        """It still holds what it served under another topology."""
        listeners = self._control.routes.listeners
        for ident in list(listeners.viewers if self.members else listeners.relays):
            self._control.routes.close(ident)

    def on_points_down(self, worker: str = FIRST) -> None:
        """A worker of points is gone."""
        one = self.points[worker]
        self._note(one.name)
        if self.members:
            self.relays.points_there()
        else:
            self._on_down(one)

    def conference_moved(self, conference: str) -> None:
        """Another worker of points holds a conference from now on."""
        self.relays.conference_moved(conference)

    def take(self, one: RelayedPlace, event: m.Event) -> None:
        """Take an event of a worker of the audience in."""
        match event:
            case m.Inventory():
                if one.inventory is None:
                    self._note(one.name)
                one.take_inventory(event)
                self.relays.place_there(one)
            case m.SlotShowing():
                one.showing(event)
            case m.StateChanged():
                self.relays.on_place_event(one, event)
            case _:
                pass
        self._on_event(one, event)
        if isinstance(event, m.Inventory):
            one.apply(self._control.conductor.running())

    def lose(self, one: RelayedPlace) -> None:
        """A worker of the audience is gone, and everything it held."""
        if one.inventory is not None:
            self._note(one.name)
        one.lost()
        self.relays.place_lost(one.name)
        self._on_down(one)


def _nobody(one: Place, event: m.Event) -> None:
    """Nobody is told yet."""


def _nobody_left(one: Place) -> None:
    """Nobody is told yet."""
