"""What is done to hosts, to database servers and to the lines between them. Each fault is healed
again: what a person or a service manager would do is part of it."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable

from benchmarks.failover_log.both_hosts import World
from benchmarks.failover_log.cuttable import Line
from benchmarks.failover_log.database_pair import Server
from benchmarks.failover_log.host_process import HostProcess

Fault = Callable[[World, random.Random], Awaitable[None]]


async def _while(rng: random.Random, least: float, most: float) -> None:
    await asyncio.sleep(rng.uniform(least, most))


# --- hosts -----------------------------------------------------------------------------------


async def leader_killed(world: World, rng: random.Random) -> None:
    (await world.leader()).signal(signal.SIGKILL)


async def standby_killed(world: World, rng: random.Random) -> None:
    (await world.other()).signal(signal.SIGKILL)


async def leader_lost(world: World, rng: random.Random) -> None:
    """Its whole machine, with its media worker; it comes back later."""
    host = await world.leader()
    await host.lose()
    await _while(rng, 0.0, 3.0)
    host.start()


async def _stopped(process: HostProcess | Server, rng: random.Random) -> None:
    """It hangs with its connections open."""
    process.signal(signal.SIGSTOP)
    try:
        await _while(rng, 0.2, 4.0)
    finally:
        process.signal(signal.SIGCONT)


async def leader_stopped(world: World, rng: random.Random) -> None:
    await _stopped(await world.leader(), rng)


async def standby_stopped(world: World, rng: random.Random) -> None:
    await _stopped(await world.other(), rng)


async def _cut_off(world: World, host: HostProcess | None, line: Line, rng: random.Random) -> None:
    world.cut(line, host)
    try:
        await _while(rng, 0.2, 4.0)
    finally:
        world.cut("whole", host)


async def leader_cut_off(world: World, rng: random.Random) -> None:
    await _cut_off(world, await world.leader(), rng.choice(("silent", "refused")), rng)


async def standby_cut_off(world: World, rng: random.Random) -> None:
    await _cut_off(world, await world.other(), rng.choice(("silent", "refused")), rng)


async def both_cut_off(world: World, rng: random.Random) -> None:
    await _cut_off(world, None, rng.choice(("silent", "refused")), rng)


# --- the database ----------------------------------------------------------------------------


async def _copy_again(world: World) -> None:
    """The server that lost its place becomes a copy of the other one, and commits wait for it."""
    await asyncio.to_thread(world.servers.copy.stop)
    await asyncio.to_thread(world.servers.together)


async def primary_killed(world: World, rng: random.Random) -> None:
    """The copy takes its place."""
    await asyncio.to_thread(world.servers.primary.kill)
    await _while(rng, 0.0, 1.0)
    await asyncio.to_thread(world.servers.fail_over)
    await _while(rng, 0.0, 1.0)
    await _copy_again(world)


async def primary_back(world: World, rng: random.Random) -> None:
    """The copy takes its place, and it comes back as it was before it is made a copy."""
    await asyncio.to_thread(world.servers.primary.kill)
    await asyncio.to_thread(world.servers.fail_over)
    await asyncio.to_thread(world.servers.copy.start)
    await _while(rng, 0.5, 2.0)
    await _copy_again(world)


async def primary_cut_off(world: World, rng: random.Random) -> None:
    """Hosts do not reach it, but it runs; the copy takes its place; then they reach it again."""
    primary = world.servers.primary
    world.cut(rng.choice(("silent", "refused")), server=primary)
    try:
        await _while(rng, 0.0, 1.0)
        await asyncio.to_thread(world.servers.fail_over)
        await _while(rng, 0.0, 1.0)
    finally:
        world.cut("whole", server=primary)
    await _while(rng, 0.5, 2.0)
    await _copy_again(world)


async def primary_without_disk(world: World, rng: random.Random) -> None:
    await asyncio.to_thread(world.servers.primary.lose_disk)
    await asyncio.to_thread(world.servers.fail_over)
    await _copy_again(world)


async def primary_restarted(world: World, rng: random.Random) -> None:
    """A power cut of the database's machine, which comes back with what is on its disk."""
    await asyncio.to_thread(world.servers.primary.kill)
    await _while(rng, 0.0, 1.0)
    await asyncio.to_thread(world.servers.primary.start)


async def primary_stopped(world: World, rng: random.Random) -> None:
    await _stopped(world.servers.primary, rng)


async def copy_killed(world: World, rng: random.Random) -> None:
    """Nothing is acknowledged until it is back."""
    await asyncio.to_thread(world.servers.copy.kill)
    await _while(rng, 0.2, 4.0)
    await asyncio.to_thread(world.servers.copy.start)


async def copy_stopped(world: World, rng: random.Random) -> None:
    await _stopped(world.servers.copy, rng)


FAULTS: dict[str, Fault] = {
    "leader killed": leader_killed,
    "leader's machine lost": leader_lost,
    "leader stopped": leader_stopped,
    "leader cut off": leader_cut_off,
    "standby killed": standby_killed,
    "standby stopped": standby_stopped,
    "standby cut off": standby_cut_off,
    "both cut off": both_cut_off,
    "database killed, copy promoted": primary_killed,
    "… and comes back as it was": primary_back,
    "database cut off, copy promoted": primary_cut_off,
    "database lost its disk": primary_without_disk,
    "database restarted": primary_restarted,
    "database stopped": primary_stopped,
    "copy killed": copy_killed,
    "copy stopped": copy_stopped,
}
