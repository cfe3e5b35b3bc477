"""What an attack costs, and what the honest notice of it: the real worker, real sockets.

``python -m benchmarks.hostile [--json FILE] [--only WORDS] [--seconds S]``. One conference of
twelve runs at 6,600 packets a second; turns without and with an attack alternate, and each figure
is compared with that of the quiet turn before it. The worker runs on the first core, the load and
the attacker on the last. Everything stays on 127.0.0.1 and ends by itself.

The first of the twelve is whose keys a hostile member has: it is left out of what is counted.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import load
from benchmarks.attacks import Attack, Maker, attacks
from benchmarks.forwarding import CORES, NO_ESTIMATION, POINTS, WARM_UP, Worker, join
from benchmarks.machine_facts import machine
from bridge.media import messages as m
from monitoring.statistics import percentile

RATE = 50.0  # packets per second and source
MAX_SECONDS = 30.0
PAUSE = 1.2  # seconds in which budgets and allowances fill again
STEP = 0.002  # seconds between two handfuls of an attacker


def flood(attack: Attack, target: tuple[str, int], seconds: float, sent: Any) -> None:
    """Send an attack at its rate, at most what there is time for; ``sent`` takes the count."""
    start = time.monotonic()
    count = 0
    size = len(attack.datagrams)
    while (elapsed := time.monotonic() - start) < seconds:
        due = round(elapsed * attack.rate)
        while count < due:
            with contextlib.suppress(OSError):
                attack.sender.sendto(attack.datagrams[count % size], target)
            count += 1
        time.sleep(STEP)
    sent.value = count


def turn(
    worker: Worker, meeting: list[load.Endpoint], seconds: float, attack: Attack | None
) -> dict[str, Any]:
    """Some seconds of the meeting, with an attack beside it or without."""
    load.wake(meeting[1:], worker.target)
    worker.stats()
    context = multiprocessing.get_context("fork")
    sent = context.Value("q", 0)
    before = worker.stats()
    process = None
    if attack is not None:
        arguments = (attack, worker.target, seconds, sent)
        process = context.Process(target=flood, args=arguments, daemon=True)
        process.start()
    result = load.run(
        meeting[1:],
        target=worker.target,
        group=POINTS - 1,
        packets_per_second=RATE,
        seconds=seconds,
        paced=False,
    )
    if process is not None:
        process.join()
    after = worker.stats()
    honest = {f"c0p{n}" for n in range(1, POINTS)}

    def requested(stats: m.Stats) -> int:
        own = (t for t in stats.transports if t.transport in honest)
        return sum(source.key_frame_requests for t in own for source in t.sources)

    return {
        "cpu": after.cpu_seconds - before.cpu_seconds,
        "sent": sent.value,
        "lost": result.expected - result.received,
        "expected": result.expected,
        "p50_ms": round(percentile(result.delays, 0.5) * 1000, 3),
        "p99_ms": round(percentile(result.delays, 0.99) * 1000, 3),
        "key_frames": requested(after) - requested(before),
        "dropped": {
            name.removeprefix("dropped."): after.counters[name] - before.counters[name]
            for name in after.counters
            if name.startswith("dropped.") and after.counters[name] != before.counters[name]
        },
    }


def measure(make: Maker, seconds: float) -> dict[str, Any]:
    """A quiet turn and one with the attack, against one worker."""
    with tempfile.TemporaryDirectory() as folder:
        worker = Worker(Path(folder), options=NO_ESTIMATION)
        meeting: list[load.Endpoint] = []
        attack: Attack | None = None
        try:
            meeting = join(worker, 1)
            turn(worker, meeting, WARM_UP, None)
            quiet = turn(worker, meeting, seconds, None)
            attack = make(meeting, worker.target, seconds)
            loud = turn(worker, meeting, seconds, attack)
            time.sleep(PAUSE)
            after = turn(worker, meeting, seconds, None)
        finally:
            worker.close()
            sockets: set[socket.socket] = {peer.socket for peer in meeting}
            if attack is not None:
                sockets.add(attack.sender)
            for each in sockets:
                each.close()
    base = (quiet["cpu"] + after["cpu"]) / 2
    return {
        "attack": attack.name,
        "who": attack.who,
        "per_second": round(loud["sent"] / seconds),
        "cpu_us_per_datagram": round((loud["cpu"] - base) / max(1, loud["sent"]) * 1e6, 2),
        "core_share": round(loud["cpu"] / seconds, 3),
        "quiet": quiet,
        "attacked": loud,
        "afterwards": after,
    }


def line(row: dict[str, Any]) -> str:
    quiet, loud = row["quiet"], row["attacked"]
    most = sorted(loud["dropped"].items(), key=lambda item: -item[1])[:2]
    reasons = ", ".join(f"{name} {count}" for name, count in most)
    return (
        f"{row['attack']:30} {row['who']:21} {row['per_second']:7} "
        f"{row['cpu_us_per_datagram']:8.2f} {row['core_share']:5.2f} {loud['lost']:6} "
        f"{quiet['p99_ms']:8.2f} {loud['p99_ms']:8.2f} {loud['key_frames']:4}  {reasons}"
    )


def run(seconds: float, only: str, show: Callable[[str], None]) -> dict[str, Any]:
    """All attacks whose names hold ``only``; ``show`` gets a line after each."""
    os.sched_setaffinity(0, {CORES[-1]})
    show(
        f"{'attack':30} {'who':21} {'per s':>7} {'µs each':>8} {'core':>5} {'lost':>6} "
        f"{'p99':>8} {'attacked':>8} {'keys':>4}  refused as"
    )
    rows = []
    for name, make in attacks().items():
        if only in name:
            rows.append(measure(make, seconds))
            show(line(rows[-1]))
    os.sched_setaffinity(0, set(CORES))
    return {"machine": machine(), "seconds": seconds, "rows": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    parser.add_argument("--seconds", type=float, default=4.0, help="per turn")
    parser.add_argument("--only", default="", help="only attacks whose name holds this")
    options = parser.parse_args()
    figures = run(min(options.seconds, MAX_SECONDS), options.only, lambda t: print(t, flush=True))
    print(json.dumps(figures["machine"], ensure_ascii=False))
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
