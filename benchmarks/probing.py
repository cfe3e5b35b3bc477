"""What probing costs: ``python -m benchmarks.probing [--seconds N] [--points N]``.

Twelve points, three classes, five packets a second, authenticated, on loopback; the reflectors run
in a process of their own. Prints the share of a core that each side takes, how late packets were
sent, and what a reflector holds."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import replace
from typing import Annotated

import typer

from endpoints.reflector.engine import Reflector
from endpoints.reflector.socket import ReflectorSocket
from monitoring.probing import stamp, timestamps
from monitoring.probing.prober import CLASSES, Prober, Step, Target
from monitoring.quality.line_state import Health

SOURCE = "127.0.15.100"
KEY = b"k" * 32
PORT = 50900
LOAD = (1000, 2000, 3000)  # packets a second at one reflector
LOAD_SECONDS = 5.0


def address(n: int) -> str:
    return f"127.0.15.{n + 1}"


async def reflect(points: int) -> None:
    """The reflectors; each line of standard input is answered with the CPU seconds so far."""
    error = timestamps.ErrorEstimate(True, False, 0.001)
    sockets = [
        ReflectorSocket(
            Reflector(senders=frozenset({SOURCE}), key=KEY, error=error), address(n), PORT
        )
        for n in range(points)
    ]
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.readline():
        print(time.process_time(), flush=True)
    for made in sockets:
        made.close()


async def measure(points: int, seconds: float) -> dict[str, object]:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.probing",
        "--reflect",
        "--points",
        str(points),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    await child.stdout.readline()

    async def theirs() -> float:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(b"\n")
        return float(await child.stdout.readline())

    prober = Prober([SOURCE])
    style = stamp.Style(key=KEY)
    targets = {
        address(n): Target(address(n), PORT, style, True, tuple(CLASSES.values()), 5.0)
        for n in range(points)
    }
    prober.set_targets(targets)
    running = asyncio.create_task(prober.run())
    health = {name: Health(name) for name in targets}
    await asyncio.sleep(2)
    began, ours, reflectors = time.monotonic(), time.process_time(), await theirs()
    while time.monotonic() - began < seconds:
        await asyncio.sleep(1)
        for name, state in health.items():
            state.feed(prober.sessions(name), time.monotonic(), time.time())
    spent = time.monotonic() - began
    sender = (time.process_time() - ours) / spent
    reflector = (await theirs() - reflectors) / spent
    lost = sum(p.down.lost + p.up.lost for n in targets for p in prober.sessions(n).values())
    held = []
    for packets in LOAD:
        before = await theirs()
        step = Step(1.0, packets, 1.0, LOAD_SECONDS, 0, 0)
        target = targets[address(0)]
        found = await prober.ramp(target._replace(style=replace(style, size=0)), [step])
        probe = found[0][1]
        cpu = (await theirs() - before) / (LOAD_SECONDS + 1)
        held.append(
            {
                "packets_per_second": packets,
                "sent": probe.sent_count,
                "lost": probe.sent_count - probe.up.expected + probe.up.lost,
                "reflector_cpu": round(cpu, 4),
            }
        )
    p50, p99 = prober.lateness()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    child.stdin.close()
    await child.wait()
    packets_a_second = points * len(CLASSES) * 5
    return {
        "points": points,
        "packets_per_second": packets_a_second,
        "sender_cpu": round(sender, 4),
        "reflectors_cpu": round(reflector, 4),
        "together_cpu": round(sender + reflector, 4),
        "us_per_round_trip": round((sender + reflector) / packets_a_second * 1e6, 1),
        "late_ms": {"p50": round(1e3 * p50, 2), "p99": round(1e3 * p99, 2)},
        "lost": lost,
        "held": held,
    }


def main(
    points: Annotated[int, typer.Option(min=1, max=100)] = 12,
    seconds: Annotated[float, typer.Option(min=2, max=600)] = 20.0,
    reflect_only: Annotated[bool, typer.Option("--reflect", hidden=True)] = False,
) -> None:
    """Measure, and print JSON."""
    if reflect_only:
        asyncio.run(reflect(points))
        return
    print(json.dumps(asyncio.run(measure(points, seconds)), indent=2))


if __name__ == "__main__":
    typer.run(main)
