"""``python -m benchmarks.estimation [--json FILE]``: what estimation adds to a packet's cost.

The load of `benchmarks.forwarding`, against a worker that estimates its receivers' lines and one
that does not (``--no-estimation``), by turns. In both the peers report what has arrived ten times a
second each, as browsers do, so that reading the reports is part of the price. Takes ten minutes;
everything stays on 127.0.0.1 and ends by itself.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from pathlib import Path

from benchmarks.forwarding import CORES, NO_ESTIMATION, PATHS, POINTS, Measured, measure
from benchmarks.machine_facts import machine

RATES = (50, 200)  # packets a second and source
SETTLED = 45.0  # seconds until the estimates of good lines are where they stay: pictures are paced,
# and so cost twice as much, while a line is looked for, and half a minute after it seemed full


def cost(run: Measured) -> float:
    """CPU µs of the worker per packet that it sent."""
    return run.cpu / max(1, run.grown("packets_out")) * 1e6


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.estimation", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=int, action="append", help=f"of {RATES}; both if left out")
    parser.add_argument("--seconds", type=float, default=6.0, help="per turn")
    parser.add_argument("--path", choices=PATHS, default="compiled", help="how it forwards")
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    options = parser.parse_args()
    os.sched_setaffinity(0, {CORES[-1]})
    rows = []
    print("| packets/s | without, µs | with, µs | ratio | lost |\n|---|---|---|---|---|")
    for rate in options.rate or RATES:
        found: dict[bool, list[float]] = {False: [], True: []}
        lost = 0
        for _ in range(options.rounds):
            for estimates in (False, True):
                run = measure(
                    rate=rate,
                    seconds=options.seconds,
                    warm_up=SETTLED,
                    path=options.path,
                    options=() if estimates else NO_ESTIMATION,
                    reporting=True,
                )
                found[estimates].append(cost(run))
                lost += run.result.expected - run.result.received
        without, aware = (statistics.median(found[each]) for each in (False, True))
        total = rate * POINTS * (POINTS - 1)
        ratio = aware / without
        print(f"| {total:,} | {without:.2f} | {aware:.2f} | {ratio:.2f} | {lost} |", flush=True)
        rows.append({"rate": total, "without": found[False], "with": found[True], "lost": lost})
    if options.json:
        text = json.dumps({"machine": machine(), "path": options.path, "rows": rows}, indent=2)
        options.json.write_text(text + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
