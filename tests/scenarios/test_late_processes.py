"""A process that gets no processor is no thin line: lines are wide here, and the worker or the room
does not run for moments. Estimation must neither pause what the line carries nor stay low."""

from __future__ import annotations

import functools
import random

import pytest

from bridge.media import messages as m
from tests.scenarios.world import World, good

END = 12.0
THUMBNAILS = tuple(f"t{number}" for number in range(1, 3))
SOCKET = 90  # datagrams that a socket of Linux has room for by default


def meeting(seed: int) -> World:
    """One room on a good line: a programme and two thumbnails."""
    world = World(seed=seed)
    for number in range(3):
        world.camera(f"c{number}")
    world.receiver("r", good(), ["programme", *THUMBNAILS])
    world.show("r", "programme", "c0", importance=0)
    for number, slot in enumerate(THUMBNAILS, 1):
        world.show("r", slot, f"c{number}", importance=2 + number, max_height=180)
    world.hear("c0")
    return world


def naps(seed: int, shortest: float, longest: float, every: float) -> list[tuple[float, float]]:
    """When a process stops, and for how long, from the fourth second on, and not in the last
    ones."""
    chance = random.Random(seed)
    found = []
    at = 4.0
    while at < END - 4:
        length = min(chance.uniform(shortest, longest), END - 3 - at)
        found.append((at, length))
        at += length + chance.uniform(0.5, 1.5) * every
    return found


def pauses(world: World) -> list[float]:
    """For how long each slot that was paused once it had been shown was so, in seconds."""
    since: dict[str, float] = {}
    shown: set[str] = set()
    found = []
    for at, event in world.events:
        if not isinstance(event, m.SlotShowing) or event.transport != "r":
            continue
        if event.paused and event.slot in shown:
            since.setdefault(event.slot, at)
        elif not event.paused:
            shown.add(event.slot)
            if event.slot in since:
                found.append(at - since.pop(event.slot))
    return [*found, *(world.now - at for at in since.values())]


def all_is_shown(world: World) -> None:
    """The best layer and every thumbnail, three seconds after the last nap."""
    slots = world.transport("r").slots
    assert not any(slots[name].paused for name in ("programme", *THUMBNAILS))
    layer = slots["programme"].layer
    assert layer is not None
    assert layer.rid == "f"


def test_the_worker_does_not_run_for_moments() -> None:
    world = meeting(1)
    for at, length in naps(1, 0.3, 2.0, 1.0):
        world.at(at, functools.partial(world.sleep, length))
    world.run(END)
    assert max(pauses(world), default=0.0) <= 1.0
    all_is_shown(world)


@pytest.mark.parametrize(
    ("shortest", "longest", "every"), [(0.02, 0.08, 0.06), (0.1, 0.3, 0.4), (0.3, 1.0, 1.5)]
)
def test_the_room_does_not_run_for_moments(shortest: float, longest: float, every: float) -> None:
    """What waited is taken in at once, or so slowly that the next nap comes soon after."""
    world = meeting(3)
    room = world.receivers["r"]
    room.pace = 1e-3
    for at, length in naps(3, shortest, longest, every):
        world.at(at, functools.partial(room.sleep, world.start + at + length))
    world.run(END)
    assert max(pauses(world), default=0.0) <= 1.0
    all_is_shown(world)


def test_a_socket_that_overflows_now_and_then_is_no_thin_line() -> None:
    """The room sleeps for so long that its socket has no room: loss that comes once in a while."""
    world = meeting(4)
    room = world.receivers["r"]
    room.room = SOCKET
    for at in (4.0, 7.0):
        world.at(at, functools.partial(room.sleep, world.start + at + 0.8))
    world.run(END)
    assert max(pauses(world), default=0.0) <= 1.0
    all_is_shown(world)
