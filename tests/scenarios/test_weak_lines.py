"""The rows of "figures to reach" in simulated time: one room on a weak line, another on a good one.

The live table is `benchmarks.weak_lines`; here the same must hold without a network, from five
seconds after the change on.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence

import pytest

from bridge.control.admission.fair_shares import fair_shares
from bridge.control.admission.link_tree import Tree
from bridge.media import messages as m
from bridge.media import rtcp
from endpoints.netem.impairment import Impairment, Profile
from tests.scenarios.rooms import LAYERS
from tests.scenarios.world import (
    Path,
    World,
    frames,
    good,
    jain,
    longest_gap,
    longest_queue,
    mean_rate,
    thin,
)

THUMBNAILS = ("t1", "t2")


SLOW_LAYERS = [
    m.LayerSpec(rid=rid, height=height, bitrate=bitrate, frame_rate=15)
    for rid, height, bitrate in (("q", 180, 150_000), ("h", 360, 400_000), ("f", 720, 1_500_000))
]


def meeting(path: Path, *, seed: int = 1, layers: Sequence[m.LayerSpec] = LAYERS) -> World:
    """A weak room ``r`` and a good one ``g``, a programme and two thumbnails."""
    world = World(seed=seed)
    for number in range(3):
        world.camera(f"c{number}", layers=layers)
    for name, line in (("r", path), ("g", good())):
        world.receiver(name, line, ["programme", *THUMBNAILS])
        show(world, name)
    world.hear("c0")
    return world


def show(world: World, name: str) -> None:
    world.show(name, "programme", "c0", importance=0)
    for number, slot in enumerate(THUMBNAILS, 1):
        world.show(name, slot, f"c{number}", importance=2 + number, max_height=180)


def showing(world: World, receiver: str, slot: str) -> list[tuple[float, m.SlotShowing]]:
    return [
        (at, event)
        for at, event in world.events
        if isinstance(event, m.SlotShowing) and (event.transport, event.slot) == (receiver, slot)
    ]


def layer_at(world: World, receiver: str, when: float, slot: str = "programme") -> m.SlotShowing:
    return [event for at, event in showing(world, receiver, slot) if at <= when][-1]


def voice_lost(world: World, receiver: str) -> float:
    """The share of speech that did not come, of all."""
    stream = world.receivers[receiver].stream("audio:0")
    return stream.lost / max(1, stream.lost + stream.received)


def asked(world: World, source: str) -> int:
    return sum(encoder.key_frames for encoder in world.cameras[source].encoders)


def untouched(world: World, start: float, end: float) -> None:
    """The good room has its best layer and its frames all the while."""
    times = frames(world, "g", "programme", start, end)
    assert layer_at(world, "g", end).layer == "f"
    assert len(times) >= 0.95 * 30 * (end - start)
    assert voice_lost(world, "g") == 0


def test_600_kbit_s_down() -> None:
    world = meeting(thin(600_000))
    world.watch(world.paths["r"].down, 600_000)
    world.run(20)
    times = frames(world, "r", "programme", 5, 20)
    assert layer_at(world, "r", 20).layer == "h"
    assert len(times) >= 10 * 15
    assert longest_gap(times, 5, 20) < 0.5
    assert longest_queue(world, 5, 20) < 0.15
    assert voice_lost(world, "r") < 0.01
    untouched(world, 5, 20)
    assert asked(world, "c0") <= 3 + 20 / 2


def test_300_kbit_s_down() -> None:
    world = meeting(thin(300_000))
    world.run(20)
    times = frames(world, "r", "programme", 6, 20)
    assert len(times) >= 7 * 14
    assert voice_lost(world, "r") < 0.01
    untouched(world, 5, 20)


def test_ten_rooms_behind_one_3_mbit_s_link() -> None:
    """Each is bound to its fair share of what the topology says of the link, as the control
    process does it."""
    world = World(seed=1)
    link = Impairment(Profile(rate=3e6, delay=0.02, queue=0.3), 1)
    for number in range(3):
        world.camera(f"c{number}")
    rooms = [f"r{number}" for number in range(10)]
    for number, room in enumerate(rooms):
        back = Impairment(Profile(delay=0.02), 50 + number)
        world.receiver(room, Path(link, back), ["programme", *THUMBNAILS])
        show(world, room)
    world.hear("c0")
    world.watch(link, 3e6)
    tree = Tree(budgets={"link": 2700}, ways=dict.fromkeys(rooms, ("link",)))  # 3 Mbit/s, 90 %
    shares = fair_shares(tree, dict.fromkeys(rooms, (50.0, 150.0)))
    bounds = {room: round(1000 * share) for room, share in shares.items()}
    assert world.bench.core.command(m.SetBounds(bounds=bounds), world.bench.now) == ""
    world.run(16)
    for room in rooms:
        assert len(frames(world, room, "programme", 6, 16)) >= 7 * 10
        assert voice_lost(world, room) == 0
    assert jain([mean_rate(world, room, 6, 16) for room in rooms]) >= 0.95
    assert longest_queue(world, 6, 16) < 0.15


def test_a_picture_that_a_busy_process_ended_is_back_soon() -> None:
    """A process on the way that does not run for a second and a half is a full line by all that
    can be seen, and leaves sound alone. Once it runs nothing waits, and a trial shows that."""
    path = thin(600_000)
    world = meeting(path, layers=SLOW_LAYERS)
    stopped = Profile(rate=600_000, delay=0.3, queue=0.3)
    runs = Profile(rate=600_000, delay=0.02, queue=0.3)
    world.at(10, functools.partial(world.change, path.down, stopped))
    world.at(11.5, functools.partial(world.change, path.down, runs))
    world.run(22)
    times = frames(world, "r", "programme", 10, 22)
    assert longest_gap(times, 10, 22) < 3.5
    assert len([at for at in times if at > 17]) >= 10 * 5
    assert voice_lost(world, "r") < 0.01


def test_a_line_that_is_measured_is_not_called_weak() -> None:
    world = meeting(good())
    world.run(5)
    reasons = [shown.paused for slot in THUMBNAILS for _, shown in showing(world, "r", slot)]
    assert "measuring" in reasons, "one begins with little"
    assert "line" not in reasons
    assert all(showing(world, "r", slot)[-1][1].layer for slot in THUMBNAILS)


def test_100_kbit_s_down_is_sound_only_and_said_so() -> None:
    world = meeting(thin(100_000))
    world.run(6)
    stream = world.receivers["r"].stream("audio:0")
    lost = stream.lost
    world.run(20)
    assert layer_at(world, "r", 20).paused == "line"
    assert frames(world, "r", "programme", 6, 20) == []
    assert stream.lost - lost < 0.02 * 14 * 50
    untouched(world, 5, 20)


def test_5_mbit_s_to_600_kbit_s_and_back() -> None:
    path = thin(5_000_000)
    world = meeting(path)
    world.watch(path.down, 5_000_000)
    worse = Profile(rate=600_000, delay=0.02, queue=0.3)
    better = Profile(rate=5_000_000, delay=0.02, queue=0.3)
    world.at(10, functools.partial(world.change, path.down, worse))
    world.at(24, functools.partial(world.change, path.down, better))
    world.run(34)
    assert layer_at(world, "r", 10).layer == "f"
    times = frames(world, "r", "programme", 10, 24)
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert max(gaps) <= 1.0
    assert sum(gap > 0.5 for gap in gaps) <= 1, "one freeze"
    assert longest_queue(world, 12, 24) < 0.2
    assert layer_at(world, "r", 33).layer == "f", "the best layer again"
    untouched(world, 5, 34)


def test_a_pause_is_told_within_200_ms() -> None:
    world = meeting(good())
    world.run(4)
    world.bench.core.command(m.SetBounds(bounds={"r": 120_000}), world.bench.now)
    world.run(4.2)
    told = [
        event
        for at, event in world.events
        if at > 4 and isinstance(event, m.SlotShowing) and event.paused
    ]
    assert {event.slot for event in told} == {"programme", *THUMBNAILS}
    assert {event.paused for event in told} == {"link"}
    octets = world.receivers["r"].stream("programme").octets
    world.run(6)
    assert world.receivers["r"].stream("programme").octets == octets, "nothing of it is sent"


def test_only_layers_that_somebody_is_shown_are_asked_for() -> None:
    world = meeting(thin(600_000))
    world.show("g", "programme", None)
    world.run(9)
    sending = [encoder.spec.rid for encoder in world.cameras["c1"].encoders if encoder.enabled]
    assert sending == ["q"], "thumbnails need no more"
    world.show("g", "programme", "c1")
    world.run(12)
    assert layer_at(world, "g", 12).layer == "f", "asked for again"


def test_without_estimation_everybody_is_sent_the_best_layer() -> None:
    world = World(estimation=False)
    for number in range(2):
        world.camera(f"c{number}")
    world.receiver("r", thin(600_000), ["programme", *THUMBNAILS[:1]])
    world.show("r", "programme", "c0", importance=0)
    world.show("r", THUMBNAILS[0], "c1", importance=2, max_height=180)
    world.run(2)
    assert layer_at(world, "r", 2).layer == "f"
    assert [encoder.enabled for encoder in world.cameras["c1"].encoders] == [True, False, False]


@pytest.mark.parametrize(("loss", "burst"), [(0.3, 1.0), (0.2, 4.0)])
def test_loss_of_the_lines_own_does_not_end_the_picture(loss: float, burst: float) -> None:
    path = Path(
        Impairment(Profile(rate=5_000_000, delay=0.02, queue=0.3, loss=loss, burst=burst), 1),
        Impairment(Profile(delay=0.02, loss=loss), 2),
    )
    world = meeting(path)
    world.run(16)
    assert not layer_at(world, "r", 16).paused
    assert mean_rate(world, "r", 10, 16) > 250_000
    untouched(world, 5, 16)


def test_a_viewer_that_asks_for_little_is_shown_who_is_taken() -> None:
    """A viewer's programme may pause. What a receiver without transport-cc asks for is delay's
    alone: it holds back no picture, also not that of a point that brings in more than the last."""
    world = World(seed=3)
    for name, rate in (("c0", 90_000), ("c1", 150_000)):
        world.camera(name, layers=[m.LayerSpec(rid="", height=180, bitrate=rate, frame_rate=15)])
    viewer = world.receiver("v", good(), ["programme"], extensions=m.Extensions())
    for second in range(1, 16):
        remb = rtcp.build_receiver_report(9, ()) + rtcp.build_remb(9, 60_000, [500_000])
        world.at(second, lambda remb=remb: world._up(viewer.peer, remb))  # type: ignore[misc]
    for second, point in ((0, "c0"), (5, "c1"), (8, "c0"), (11, "c1")):
        world.at(second, lambda point=point: world.show("v", "programme", point))  # type: ignore[misc]
    world.hear("c0")
    world.run(15)
    told = showing(world, "v", "programme")
    assert [e.source.transport for at, e in told if e.source] == ["c0", "c1", "c0", "c1"]
    assert not [at for at, event in told if event.paused]
