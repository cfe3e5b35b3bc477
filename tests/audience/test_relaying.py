"""Relays follow what viewers need; each is opened with keys of its own, at both ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace

from bridge.audience import relaying
from bridge.audience.relaying import Relays
from bridge.audience.serving import RelayedPlace
from bridge.conference.model import State
from bridge.control.active_topology import ActiveTopology
from bridge.control.placing.active_workers import FIRST, ActiveWorkers
from bridge.control.sessions import Sessions
from bridge.media import messages as m
from bridge.media.relay_end import problem
from tests.control_support import INVENTORY, TOPOLOGY, Bridge

STATS = m.Stats(
    request=1,
    uptime=1.0,
    cpu_seconds=0.5,
    rss_bytes=100,
    loop_lag_ms=0.0,
    gso=True,
    counters={"packets_out": 7, "dropped.unknown_address": 3},
    delay_us=(0.0, 0.0, 0.0),
    transports=(),
)


@dataclass
class World:
    """The points' worker, two of an audience, and one conference."""

    state: State
    now: float = 100.0
    points: list[m.Command] = field(default_factory=list)
    sent: dict[str, list[m.Command]] = field(default_factory=lambda: {"1": [], "2": []})
    running: list[State] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.running.append(self.state)
        self.routes = ActiveWorkers(Sessions(), lambda _, command: self.points.append(command))
        self.worker = self.routes.by_name[FIRST]
        self.worker.take_inventory(INVENTORY)
        self.routes.settle(self.running)
        self.places = {
            name: RelayedPlace(name, sent.append, lambda: 3) for name, sent in self.sent.items()
        }
        for place in self.places.values():
            place.take_inventory(INVENTORY)
        self.relays = self.fresh()
        self.conference = self.state.booking.id

    def fresh(self) -> Relays:
        """A control process that has just started."""
        return Relays(
            ActiveTopology(TOPOLOGY),
            self.routes,
            self.places,
            lambda: self.running,
            lambda: self.now,
        )

    def settle(self, *workers: str) -> None:
        self.relays.settle([(worker, self.conference) for worker in workers])

    def opened(self) -> list[m.OpenRelay]:
        return [command for command in self.points if isinstance(command, m.OpenRelay)]

    def at(self, worker: str, kind: type[m.Command]) -> list[m.Command]:
        return [command for command in self.sent[worker] if isinstance(command, kind)]

    def bring_up(self, worker: str) -> m.OpenRelay:
        """Both ends of the newest relay say that they are there."""
        relay = self.opened()[-1]
        address = m.MediaAddress(host="127.0.0.1", port=41_000 + len(self.opened()))
        self.relays.on_points_event(m.RelayOpened(transport=relay.transport, address=address))
        self.said(worker, relay.transport, "connected")
        return relay

    def said(self, worker: str, relay: str, state: m.State) -> None:
        event = m.StateChanged(transport=relay, state=state, reason="Because.")
        self.relays.on_place_event(self.places[worker], event)

    def watch(self, worker: str, name: str, slots: tuple[str, ...]) -> None:
        place = self.places[worker]
        held = m.TransportState(
            transport=name,
            label=f"viewer:anybody::{self.conference}",
            state="connected",
            profile="",
            sources=(),
            slots=tuple(
                m.SlotState(
                    name=slot,
                    kind="audio" if slot.startswith("audio") else "video",
                    wanted=None,
                    shown=None,
                )
                for slot in slots
            ),
        )
        inventory = place.inventory
        assert inventory is not None
        place.take_inventory(replace(inventory, transports=(*inventory.transports, held)))


@pytest.fixture
async def world(bridge: Bridge) -> World:
    return World(bridge.state(await bridge.open()))


def test_nobody_watches_nothing_is_relayed(world: World) -> None:
    world.settle()
    assert world.points == []


def test_both_ends_get_the_same_keys_crosswise_and_nobody_hears_before_both_are_there(
    world: World,
) -> None:
    world.settle("1")
    world.settle("1")
    (sender,) = world.opened()
    assert problem(sender) == ""
    assert world.at("1", m.OpenRelay) == []
    assert world.conference not in dict(world.routes.listeners.listening()).values()
    world.bring_up("1")
    (receiver,) = world.at("1", m.OpenRelay)
    assert isinstance(receiver, m.OpenRelay)
    assert problem(receiver) == ""
    assert (receiver.keys.inbound, receiver.keys.outbound) == (
        sender.keys.outbound,
        sender.keys.inbound,
    )
    assert receiver.far.port == 41_001
    ssrcs = {slot.name: (slot.ssrc, slot.rtx_ssrc) for slot in sender.slots}
    assert ssrcs == {s.name: (s.ssrcs[0].ssrc, s.ssrcs[0].rtx_ssrc) for s in receiver.sources}
    assert (sender.transport, world.conference) in world.routes.listeners.listening()


def test_each_worker_has_a_relay_and_keys_of_its_own(world: World) -> None:
    world.settle("1", "2")
    one, two = world.opened()
    assert len({*_keys(one), *_keys(two)}) == 4


def _keys(relay: m.OpenRelay) -> Iterator[str]:
    yield from (relay.keys.inbound, relay.keys.outbound)


def test_one_that_does_not_open_or_falls_silent_is_replaced_with_fresh_keys(world: World) -> None:
    world.settle("1")
    first = world.opened()[-1]
    world.now += relaying.OPENING + 1
    world.settle("1")
    assert m.Close(transport=first.transport) in world.points
    world.now += relaying.PAUSE
    world.settle("1")
    second = world.bring_up("1")
    assert not set(_keys(first)) & set(_keys(second))
    world.said("1", second.transport, "vanished")
    assert m.Close(transport=second.transport) in world.points
    assert m.Close(transport=second.transport) in world.sent["1"]
    world.now += relaying.PAUSE
    world.settle("1")
    assert len(world.opened()) == 3
    assert world.relays.failed["1"] == 2


def test_one_that_nobody_needs_stays_for_a_while(world: World) -> None:
    world.settle("1")
    relay = world.bring_up("1")
    world.now += relaying.LINGER - 1
    world.settle()
    assert m.Close(transport=relay.transport) not in world.points
    world.now += 2
    world.settle()
    assert m.Close(transport=relay.transport) in world.points


def test_a_conference_that_ends_is_relayed_no_more(world: World) -> None:
    world.settle("1")
    relay = world.bring_up("1")
    world.running.clear()
    world.settle("1")
    assert m.Close(transport=relay.transport) in world.points
    assert m.Close(transport=relay.transport) in world.sent["1"]


def test_a_spare_worker_that_takes_the_points_over_gets_a_fresh_relay_at_once(
    world: World,
) -> None:
    """Nobody says that the worker before it is gone: only that this one holds nothing."""
    world.settle("1")
    first = world.bring_up("1")
    world.worker.take_inventory(replace(INVENTORY, worker="spare"))
    world.relays.points_there()
    assert m.Close(transport=first.transport) in world.sent["1"]
    assert m.Close(transport=first.transport) not in world.points, "it never had it"
    world.now += relaying.PAUSE
    world.settle("1")
    second = world.bring_up("1")
    assert world.places["1"].relays == {world.conference: second.transport}
    world.relays.points_there()
    assert world.relays.up("1") == 1


def test_viewers_are_shown_what_is_relayed_and_few_lines_hear_the_loudest(world: World) -> None:
    world.watch("1", "v1", ("programme", "content", "audio:0", "audio:1", "audio:2"))
    world.watch("1", "v2", ("programme", "audio:0"))
    world.settle("1")
    relay = world.bring_up("1").transport
    routes = [r for c in world.at("1", m.SetRoutes) for r in c.routes]  # type: ignore[union-attr]
    shown = {(r.transport, r.slot): r.source for r in routes}
    assert shown == {
        **{
            ("v1", name): m.SourceRef(transport=relay, name=name)
            for name in ("programme", "content", "audio:0", "audio:1", "audio:2")
        },
        ("v2", "programme"): m.SourceRef(transport=relay, name="programme"),
    }
    (mix,) = world.at("1", m.SetAudio)
    assert isinstance(mix, m.SetAudio)
    assert mix.members == ("v2",)
    assert [ref.name for ref in mix.allowed] == ["audio:0", "audio:1", "audio:2"]
    count = len(world.sent["1"])
    world.places["1"].apply(world.running)
    assert len(world.sent["1"]) == count, "differences only"


def test_a_restarted_control_process_keeps_a_relay_whose_ends_both_are_there(
    world: World,
) -> None:
    world.settle("1", "2")
    kept, gone = world.opened()
    place = world.places["1"]
    there = m.TransportState(
        transport=kept.transport,
        label=kept.label,
        state="connected",
        profile="",
        sources=(),
        slots=(),
    )
    place.take_inventory(replace(INVENTORY, transports=(there,)))
    world.relays = world.fresh()
    before = len(world.points)
    world.settle("1", "2")
    assert m.Close(transport=gone.transport) in world.points[before:]
    assert m.Close(transport=kept.transport) not in world.points
    assert world.relays.up("1") == 1
    assert place.relays == {world.conference: kept.transport}
    opened = [c for c in world.points[before:] if isinstance(c, m.OpenRelay)]
    assert [relay.label for relay in opened] == [gone.label]


async def test_figures_of_an_audiences_workers_are_there_from_the_start(tmp_path: Path) -> None:
    audience = TOPOLOGY.bridge.audience.model_copy(update={"workers": 2})
    topology = TOPOLOGY.model_copy(
        update={"bridge": TOPOLOGY.bridge.model_copy(update={"audience": audience})}
    )
    bridge = Bridge(tmp_path, topology=topology)
    await bridge.start()
    try:
        found = bridge.process.collector.snapshot()
        assert found.value("audience_workers", "away") == 2
        first, _ = bridge.process.audience.fleet.members
        first.on_event(INVENTORY)
        first.note(STATS)
        found = bridge.process.collector.snapshot()
        assert found.value("audience_workers", "ready") == 1
        assert found.value("worker_packets_forwarded_total", "1") == 7
        assert found.value("worker_packets_dropped_total", "1", "unknown_address") == 3
        first.on_down()
        found = bridge.process.collector.snapshot()
        assert found.value("audience_workers", "away") == 2
        assert found.value("worker_packets_forwarded_total", "1") == 7, "never goes back"
    finally:
        await bridge.stop()
