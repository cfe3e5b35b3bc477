"""Is anything acknowledged lost when hosts and database servers die? Real processes, real servers.

``python -m benchmarks.failover_log [--rounds N] [--seed N] [--json FILE]``. Two hosts run on two
PostgreSQL servers, one a copy that every commit waits for. A conference is directed all the time,
each command with a key and sent until it is acknowledged; meanwhile leader, standby and database
are killed, stopped and cut off at random moments, two faults beside one another now and then. At
the end every acknowledged command must be in the log once, at the number that was said, and every
epoch must have been committed in by one host. Exit code 1 where that does not hold.

Everything stays on 127.0.0.1 and in folders that are thrown away. A round takes some five seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from benchmarks.failover_log.both_hosts import World, world
from benchmarks.failover_log.log_comparison import Findings
from benchmarks.failover_log.troubles import FAULTS, Fault
from benchmarks.until_told import run_until_told
from monitoring.statistics import percentile

CALM = 0.6  # seconds of directing between two faults, at most
BESIDE = 0.2  # the part of rounds with a second fault, of a host, beside the first
HOSTS = ("leader killed", "leader stopped", "leader cut off", "standby killed", "standby cut off")


def plan(rounds: int, rng: random.Random) -> list[list[str]]:
    """Every kind as often as every other one, in random order; some with a second one beside."""
    names = rng.sample(list(FAULTS), len(FAULTS))
    order = [names[number % len(names)] for number in range(rounds)]
    rng.shuffle(order)
    return [[name, rng.choice(HOSTS)] if rng.random() < BESIDE else [name] for name in order]


async def hit(made: World, names: list[str], rng: random.Random) -> float:
    """One round; the longest time in it without an acknowledgement, in seconds."""
    await asyncio.sleep(rng.random() * CALM)
    begun = time.monotonic()
    faults: list[Fault] = [FAULTS[name] for name in names]
    await asyncio.gather(*(fault(made, rng) for fault in faults))
    await made.director.directs(time.monotonic())
    return made.director.longest(begun)


async def run(rounds: int, seed: int) -> tuple[Findings, dict[str, list[float]], int]:
    """All rounds: what was found, how long nothing was acknowledged by kind, and how many commands
    were repeated."""
    rng = random.Random(seed)
    waits: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="diem-cau-failover-") as folder:
        async with world(Path(folder)) as made:
            await made.director.directs(time.monotonic())
            for number, names in enumerate(plan(rounds, rng), 1):
                waits[names[0]].append(await hit(made, names, rng))
                print(
                    f"{number:4} {' + '.join(names)}: {waits[names[0]][-1]:.2f} s, "
                    f"{len(made.director.acknowledged)} acknowledged",
                    flush=True,
                )
            return await made.findings(), waits, made.director.repeated


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=48)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found, waits, repeated = run_until_told(run(asked.rounds, asked.seed))
    print(f"\n{'nothing acknowledged for, s':34} rounds  median    p95    most")
    for name, seconds in waits.items():
        ordered = sorted(seconds)
        print(
            f"{name:34} {len(seconds):6} {percentile(ordered, 0.5):7.2f} "
            f"{percentile(ordered, 0.95):6.2f} {ordered[-1]:7.2f}"
        )
    print(
        f"\n{asked.rounds} rounds, {found.acknowledged} commands acknowledged, {repeated} sent "
        f"again, {found.events} events: {found.lost} lost, {found.moved} elsewhere than said, "
        f"{found.doubled} doubled, {found.holes} numbers missing; {found.epochs} epochs, "
        f"{found.shared} with two hosts"
    )
    if asked.json is not None:
        report = {"rounds": asked.rounds, "seed": asked.seed, "waits": waits, **found._asdict()}
        asked.json.write_text(json.dumps(report, indent=1), "utf-8")
    sys.exit(0 if found.good else 1)


if __name__ == "__main__":
    main()
