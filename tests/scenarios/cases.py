"""RFC 8867 section 5: the test cases that apply, as worlds that have run."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable

from endpoints.netem.impairment import Impairment, Profile
from tests.scenarios.world import Path, World

DELAY = 0.05  # seconds one way, section 4.1
QUEUE = 0.3


def profile(rate: float, delay: float = DELAY) -> Profile:
    return Profile(rate=rate, delay=delay, queue=QUEUE)


def flows(
    count: int,
    rate: float,
    *,
    delays: tuple[float, ...] = (),
    starts: tuple[float, ...] = (),
    seed: int = 1,
) -> tuple[World, Impairment]:
    """Receivers behind one bottleneck, each of which would like some 3 Mbit/s; they may begin
    one after another. ``delays`` are what each has on its way besides the bottleneck's."""
    world = World(seed=seed)
    bottleneck = Impairment(profile(rate), seed)
    for source in ("c0", "c1"):
        world.camera(source)
    for number in range(count):
        extra = delays[number] if delays else 0.0
        name = f"r{number}"
        path = Path(bottleneck, Impairment(Profile(delay=DELAY + extra), seed + 9), extra)
        world.receiver(name, path, ["programme", "t1"])
        start = starts[number] if starts else 0.0
        world.at(start, functools.partial(begin, world, name))
    world.hear("c0")
    world.watch(bottleneck, rate)
    return world, bottleneck


def begin(world: World, name: str) -> None:
    world.show(name, "programme", "c0", importance=0)
    world.show(name, "t1", "c1", importance=3)


def stop(world: World, name: str) -> None:
    for slot in ("programme", "t1"):
        world.show(name, slot, None)


def capacity(world: World, line: Impairment, steps: tuple[tuple[float, float], ...]) -> None:
    for at, rate in steps:
        world.at(at, functools.partial(world.change, line, profile(rate)))


def single_flow() -> World:
    """5.1: 1, 2.5, 0.6, 1 Mbit/s."""
    world, line = flows(1, 1e6)
    capacity(world, line, ((12, 2.5e6), (22, 6e5), (34, 1e6)))
    world.run(44)
    return world


def two_flows() -> World:
    """5.2: 4, 2, 3.5, 1, 2 Mbit/s for two."""
    world, line = flows(2, 4e6)
    capacity(world, line, ((10, 2e6), (20, 3.5e6), (32, 1e6), (42, 2e6)))
    world.run(50)
    return world


def congested_feedback() -> World:
    """5.3: 2, 1, 0.5, 2 Mbit/s there; the way back is narrow, with a queue of its own."""
    world, line = flows(1, 2e6)
    back = Impairment(Profile(rate=40_000, delay=DELAY, queue=QUEUE), 5)
    world.paths["r0"] = Path(line, back)
    capacity(world, line, ((10, 1e6), (18, 5e5), (28, 2e6)))
    world.run(40)
    return world


def competing_flows() -> World:
    """5.4: three flows on 3.5 Mbit/s, from 0, 6 and 12 s."""
    world, _ = flows(3, 3.5e6, starts=(0, 6, 12))
    world.run(36)
    return world


def round_trip_times() -> World:
    """5.5: five flows on 4 Mbit/s with 10 to 150 ms one way."""
    world, _ = flows(5, 4e6, delays=(0.0, 0.015, 0.04, 0.09, 0.14), starts=(0, 2, 4, 6, 8))
    world.run(36)
    return world


def long_tcp() -> World:
    """5.6: a greedy TCP flow joins on 2 Mbit/s."""
    world, line = flows(1, 2e6)
    world.tcp(line, start=10, end=34, delay=DELAY)
    world.run(36)
    return world


def short_tcp() -> World:
    """5.7: bursts of TCP, 30 to 500 kB every few seconds, on 2 Mbit/s."""
    world, line = flows(1, 2e6)
    chance = random.Random(3)
    at = 8.0
    while at < 28:
        world.tcp(line, start=at, end=28, delay=DELAY, octets=round(chance.uniform(3e4, 5e5)))
        at += chance.expovariate(1 / 5)
    world.run(32)
    return world


def pause_and_resume() -> World:
    """5.8: of three flows on 3.5 Mbit/s one rests from 12 to 22 s."""
    world, _ = flows(3, 3.5e6)
    world.at(12, functools.partial(stop, world, "r0"))
    world.at(22, functools.partial(begin, world, "r0"))
    world.run(38)
    return world


CASES: dict[str, Callable[[], World]] = {
    "5.1": single_flow,
    "5.2": two_flows,
    "5.3": congested_feedback,
    "5.4": competing_flows,
    "5.5": round_trip_times,
    "5.6": long_tcp,
    "5.7": short_tcp,
    "5.8": pause_and_resume,
}
