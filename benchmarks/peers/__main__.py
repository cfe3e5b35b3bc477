"""This worker and other SFUs under one load, one after another: twelve publishers, eleven
receivers each.

``python -m benchmarks.peers [--rounds N] [--seconds S] [--json FILE] [--mediasoup FOLDER …]``.
Our worker is measured on both paths; of the others, those whose programs are given or found. Every
other round runs backwards. The SFU is pinned to the first core, the load to the last; nothing
leaves 127.0.0.1, and everything ends by itself. docs/performance.md says how the others are built,
what is equal for all, and what is not.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine_facts import machine
from benchmarks.peers.burst_load import FRAMES_PER_SECOND, Generator
from benchmarks.peers.galene import Galene
from benchmarks.peers.janus import Janus
from benchmarks.peers.livekit import LiveKit
from benchmarks.peers.measured_server import core_busy, cost
from benchmarks.peers.mediasoup import Mediasoup
from benchmarks.peers.programs import Programs, on_the_path
from benchmarks.peers.raw_peer import Identity, Pump
from benchmarks.peers.sfu import Sfu
from benchmarks.peers.this_worker import ThisWorker
from monitoring.statistics import percentile

POINTS = 12
STREAMS = POINTS * (POINTS - 1)
BURSTS = (2, 8, 16)  # packets a frame: 6,600, 26,400 and 52,800 forwarded a second
WARM_UP = 1.0
QUIET = 0.05  # share of a core that others may use before the figures are not to be quoted
CORES = sorted(os.sched_getaffinity(0))  # the SFU gets the first, the load the last
OURS = ("compiled", "python")
OTHERS: dict[str, type[Sfu]] = {
    "mediasoup": Mediasoup,
    "janus": Janus,
    "livekit": LiveKit,
    "galene": Galene,
}

Row = dict[str, Any]


def made(name: str, folder: Path, programs: Programs) -> Sfu:
    """The SFU of a row."""
    if name in OURS:
        return ThisWorker(folder, CORES[0], programs, name)
    return OTHERS[name](folder, CORES[0], programs)


def measure(sfu: Sfu, name: str, seconds: float, bursts: Sequence[int]) -> list[Row]:
    """All loads against one SFU; it is started once."""
    sfu.start()
    pump = Pump()
    rows: list[Row] = []
    try:
        joined = sfu.join(pump, Identity(), POINTS)
        pump.stop()
        generator = Generator(joined.sources, joined.peers, POINTS - 1)
        if not generator.prime(20):
            raise RuntimeError(f"only {generator.streams()} of {STREAMS} streams flow")
        for burst in bursts:
            generator.settle(0.3, 10)
            generator.run(burst, WARM_UP, tail=0.0)
            generator.settle(0.3, 10)
            pids = sfu.server.pids()
            before, busy = cost(pids), core_busy(CORES[0])
            start = time.monotonic()
            result = generator.run(burst, seconds)
            wall = time.monotonic() - start
            after, busy_after = cost(pids), core_busy(CORES[0])
            used = after.run - before.run
            rows.append(
                {
                    "sfu": name,
                    "name": sfu.name,
                    "version": sfu.version,
                    "note": sfu.note,
                    "packets_per_second": STREAMS * burst * FRAMES_PER_SECOND,
                    "received_per_second": round(result.received / result.seconds),
                    "cpu_us_per_packet": round(used / max(1, result.received) * 1e6, 2),
                    "core_share": round(used / wall, 3),
                    "others_on_core": round((busy_after[0] - busy[0] - used) / wall, 3),
                    "lost": result.expected - result.received,
                    "expected": result.expected,
                    "streams": result.streams,
                    "delay_ms": {
                        str(part): round(percentile(result.delays, part / 100) * 1000, 3)
                        for part in (50, 99)
                        if result.delays
                    },
                    "rss_mib": round(after.rss / 2**20),
                    "load_late_ms": round(result.late_ms, 1),
                }
            )
        for peer in joined.peers:
            peer.close()
    finally:
        pump.stop()
        sfu.stop()
    return rows


def line(row: Row) -> str:
    """One measurement."""
    delay = row["delay_ms"]
    return (
        f"{row['sfu']:10} {row['packets_per_second']:8} {row['cpu_us_per_packet']:7.2f} "
        f"{row['core_share']:5.2f} {row['lost']:7} {delay.get('50', 0):7.2f} "
        f"{delay.get('99', 0):7.2f} {row['rss_mib']:5} {row['load_late_ms']:7.1f}"
    )


def table(rows: list[Row]) -> str:
    """Medians over the rounds, lowest and highest behind them; one line for each SFU."""
    rates = sorted({row["packets_per_second"] for row in rows})
    lines = [
        "| µs of CPU per packet | " + " | ".join(f"{rate:,}/s" for rate in rates) + " |",
        "|---|" + "---|" * len(rates),
    ]
    for name in dict.fromkeys(row["sfu"] for row in rows):
        cells = []
        for rate in rates:
            of = [r for r in rows if r["sfu"] == name and r["packets_per_second"] == rate]
            costs = [r["cpu_us_per_packet"] for r in of]
            if not costs:
                cells.append("")
                continue
            lost = max(100 * r["lost"] / max(1, r["expected"]) for r in of)
            said = f", up to {lost:.2g} % lost" if lost >= 0.005 else ""
            middle = statistics.median(costs)
            cells.append(f"{middle:.1f} ({min(costs):.1f}–{max(costs):.1f}{said})")
        first = next(r for r in rows if r["sfu"] == name)
        title = (
            f"{first['name']}, {name}" if name in OURS else f"{first['name']} {first['version']}"
        )
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def foreign(seconds: float = 2.0) -> list[float]:
    """How busy each core is with nothing of ours running."""
    before = [core_busy(core)[0] for core in CORES]
    time.sleep(seconds)
    after = [core_busy(core)[0] for core in CORES]
    return [round((b - a) / seconds, 3) for a, b in zip(before, after, strict=True)]


def run(
    programs: Programs,
    names: Sequence[str],
    *,
    rounds: int,
    seconds: float,
    bursts: Sequence[int],
    keep: Path,
    show: Callable[[str], None],
) -> tuple[list[Row], dict[str, str]]:
    """All rounds; the rows, and why an SFU has none. Logs are kept in ``keep``."""
    rows: list[Row] = []
    failures: dict[str, str] = {}
    for number in range(rounds):
        for name in list(names)[:: -1 if number % 2 else 1]:
            folder = keep / f"{name}-{number}-{os.getpid()}"
            folder.mkdir(parents=True)
            try:
                found = measure(made(name, folder, programs), name, seconds, bursts)
            except Exception as error:  # one's failure is not the others'
                failures[name] = f"{type(error).__name__}: {error}"
                show(f"{name:10} failed: {failures[name]}")
                continue
            rows += [{**row, "round": number + 1} for row in found]
            for row in found:
                show(line(row))
    return rows, failures


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--janus", type=Path, default=on_the_path("janus"))
    parser.add_argument("--janus-config", type=Path, default=Path("/etc/janus"))
    parser.add_argument("--mediasoup", type=Path, help="folder whose node_modules holds it")
    parser.add_argument("--mediasoup-worker", type=Path, help="where it is not in the package")
    parser.add_argument("--node", type=Path, default=Path("node"))
    parser.add_argument("--livekit", type=Path, default=on_the_path("livekit-server"))
    parser.add_argument("--galene", type=Path, default=on_the_path("galene"))
    parser.add_argument("--galene-static", type=Path, help="its folder `static`")
    parser.add_argument("--only", help="names, comma-separated: compiled, python, janus, …")
    parser.add_argument("--seconds", type=float, default=8.0, help="measured per load")
    parser.add_argument("--rounds", type=int, default=3, help="every other one backwards")
    parser.add_argument("--bursts", default=",".join(map(str, BURSTS)), help="packets a frame")
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    parser.add_argument("--keep", type=Path, help="folder for logs")
    options = parser.parse_args()
    if len(CORES) < 2:
        print("Two cores are needed: one for the SFU, one for the load.", file=sys.stderr)
        return 1
    programs = Programs(
        janus=options.janus,
        janus_config=options.janus_config,
        mediasoup=options.mediasoup,
        mediasoup_worker=options.mediasoup_worker,
        node=options.node,
        livekit=options.livekit,
        galene=options.galene,
        galene_static=options.galene_static,
    )
    there = [*OURS, *programs.found]
    names = options.only.split(",") if options.only else there
    unknown = sorted(set(names) - set(there))
    if unknown:
        print(f"Not here: {', '.join(unknown)}. Found: {', '.join(there)}.", file=sys.stderr)
        return 1
    os.sched_setaffinity(0, {CORES[-1]})
    before = foreign()
    if max(before) > QUIET:
        print("note: the machine is not quiet; only the ratios of this run mean anything")
    print(f"{'SFU':10} {'pkt/s':>8} {'µs/pkt':>7} {'core':>5} {'lost':>7} {'p50':>7} {'p99':>7} ms")
    with tempfile.TemporaryDirectory() as temporary:
        rows, failures = run(
            programs,
            names,
            rounds=max(1, min(options.rounds, 20)),
            seconds=min(options.seconds, 60.0),
            bursts=tuple(int(x) for x in options.bursts.split(",")),
            keep=options.keep or Path(temporary),
            show=lambda text: print(text, flush=True),
        )
    print(table(rows))
    facts = {**machine(), "foreign_load": [before, foreign()]}
    print(json.dumps(facts, ensure_ascii=False))
    if options.json is not None:
        report = {"machine": facts, "rows": rows, "failures": failures}
        options.json.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
