"""Conferences that are held without loss on one worker, and on two.

``python -m benchmarks.several_workers [--json FILE]``. Each worker has a core of its own, and a
process that loads it with conferences of twelve at 26,400 packets a second each, on the other
core. More conferences are tried until some of a packet is lost. On a machine of two cores the
load takes as much of them as the workers do, so two workers cannot hold twice as many here: what
a second one adds is told by the cores that the workers used, and by ``--rate``, at which less is
sent. Everything stays on 127.0.0.1 and ends by itself.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.forwarding import CORES, measure
from benchmarks.machine_facts import machine
from monitoring.statistics import percentile

RATE = 200  # packets per second and source: 26,400 of a conference of twelve are sent
SECONDS = 5.0
MOST = 12  # conferences in all
TIMEOUT = 180.0  # seconds that all of one step may take
FIRST = -20  # the niceness of what is measured, where that is allowed


@dataclass(frozen=True)
class Half:
    """What one worker did with its conferences."""

    conferences: int
    packets_per_second: float
    core_share: float
    lost: int
    expected: int
    p99_ms: float


def load(
    number: int,
    conferences: int,
    rate: float,
    seconds: float,
    together: multiprocessing.synchronize.Barrier,
    found: multiprocessing.queues.Queue[Half],
) -> None:
    """Load worker ``number`` from a process of its own."""
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, FIRST)
    os.sched_setaffinity(0, {CORES[(number + 1) % len(CORES)]})
    run = measure(
        rate=rate,
        seconds=seconds,
        conferences=conferences,
        core=CORES[number % len(CORES)],
        together=lambda: together.wait(TIMEOUT),
    )
    result = run.result
    found.put(
        Half(
            conferences,
            round(run.grown("packets_out") / result.seconds),
            round(run.cpu / result.seconds, 3),
            result.expected - result.received,
            result.expected,
            round(percentile(result.delays, 0.99) * 1000, 2) if result.delays else 0.0,
        )
    )


def step(workers: int, conferences: int, rate: float, seconds: float) -> list[Half]:
    """So many conferences on so many workers, spread evenly."""
    context = multiprocessing.get_context("spawn")
    together, found = context.Barrier(workers), context.Queue()
    shares = [conferences // workers + (n < conferences % workers) for n in range(workers)]
    children = [
        context.Process(target=load, args=(n, share, rate, seconds, together, found))
        for n, share in enumerate(shares)
    ]
    try:
        for child in children:
            child.start()
        return [found.get(timeout=TIMEOUT) for _ in children]
    finally:
        for child in children:
            child.join(5)
            if child.is_alive():
                child.kill()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.several_workers")
    parser.add_argument("--rate", type=float, default=RATE, help="packets per second and source")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--most", type=int, default=MOST, help="conferences in all")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(
        f"{'workers':>7} {'conferences':>11} {'pkt/s':>8} {'cores':>6} {'lost':>7} {'of':>9} "
        f"{'p99 ms':>7}"
    )
    rows, held = [], dict.fromkeys((1, 2), 0)
    for workers in held:
        for conferences in range(2, options.most + 1, 2):
            halves = step(workers, conferences, options.rate, options.seconds)
            lost = sum(half.lost for half in halves)
            rows.append({"workers": workers, "halves": [asdict(half) for half in halves]})
            print(
                f"{workers:7} {conferences:11} "
                f"{sum(half.packets_per_second for half in halves):8.0f} "
                f"{sum(half.core_share for half in halves):6.2f} {lost:7} "
                f"{sum(half.expected for half in halves):9} "
                f"{max(half.p99_ms for half in halves):7.1f}",
                flush=True,
            )
            if lost:
                break
            held[workers] = conferences
    print(f"held without loss: {held[1]} on one worker, {held[2]} on two")
    if options.json is not None:
        document = {"machine": machine(), "rows": rows, "held": held}
        options.json.write_text(json.dumps(document, indent=2), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
