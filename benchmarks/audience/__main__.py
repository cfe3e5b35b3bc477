"""An audience on workers of its own: viewers held without loss, and what the points notice of them.

``python -m benchmarks.audience [--viewers N,N,…] [--workers N] [--seconds S] [--feedback KIND]``.
The points' worker has the first core, all else the last one. Twelve points send and see each other;
one of them is the programme, with as many packets as 1.2 Mbit/s of picture and a voice have, and
two workers serve it to raw WebRTC viewers (ICE, DTLS, SRTP). Phases with and without an audience
alternate. Viewers say nothing but a check every second, or with ``--feedback remb`` or
``transport-cc`` what a browser says (`benchmarks.audience.viewer_reports`); then the audience's
workers estimate their lines. They share one socket, by an address of 127.0.0.0/8 each, and the
kernel hands it whole batches.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import multiprocessing
import os
import secrets
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple, get_args

from benchmarks import load
from benchmarks.audience.crowd import Counted, crowd
from benchmarks.audience.viewer_reports import Kind
from benchmarks.forwarding import CORES, NO_ESTIMATION, POINTS, STEP_TIMEOUT, Worker, join
from benchmarks.machine_facts import machine
from benchmarks.synthetic_peer import ClientIdentity, open_message
from benchmarks.worker_control import slots_for
from bridge.media import messages as m
from bridge.media.parts import MASTER_SIZE
from monitoring.statistics import percentile

RATE = 189  # packets a second of 1,080 octets: 139 of a picture of 1.2 Mbit/s and 50 of a voice
SETTLE, WAKES = 1.5, 5  # seconds before a phase, and key frames in them


class Step(NamedTuple):
    """One phase: what of the programme viewers did not get at first, 0–1 (``loss``), what they got,
    p99 of the points' delay in s, shares of a core."""

    viewers: int
    loss: float
    counted: Counted
    p99: float
    points: float
    audience: list[float]
    rss: list[int]


# --- the workers ---------------------------------------------------------------------------------


def relay(points: Worker, audience: Worker, number: int) -> str:
    """Open both ends of a relay; returns its name."""
    ident, down, up = f"relay{number}", *(secrets.token_hex(MASTER_SIZE) for _ in range(2))
    (slot,) = slots_for([0])
    host, port = audience.target
    points.send(
        m.OpenRelay(
            transport=ident,
            label=ident,
            keys=m.RelayKeys(inbound=up, outbound=down),
            far=m.MediaAddress(host=host, port=port),
            slots=(slot,),
            cname="b",
        )
    )
    far = points.wait(m.RelayOpened).address
    source = m.SourceSpec(
        name="programme",
        mid="",
        kind="video",
        codec="vp8",
        payload_type=slot.payload_type,
        rtx_payload_type=slot.rtx_payload_type,
        ssrcs=(m.StreamSsrc(ssrc=slot.ssrc, rtx_ssrc=slot.rtx_ssrc),),
    )
    audience.send(
        m.OpenRelay(
            transport=ident,
            label=ident,
            keys=m.RelayKeys(inbound=down, outbound=up),
            far=far,
            sources=(source,),
            cname="b",
        )
    )
    audience.stats()
    return ident


def admit(
    audience: list[Worker], relays: list[str], count: int, fingerprint: str, feedback: Kind
) -> list[m.Open]:
    """Open viewers, in turn on each worker."""
    specs = []
    for number in range(count):
        at = number % len(audience)
        spec = open_message(
            f"v{number}",
            fingerprint=fingerprint,
            slots=slots_for([0]),
            extensions=m.Extensions(transport_cc=3) if feedback == "transport-cc" else None,
            patient=True,
        )
        specs.append(spec)
        audience[at].send(spec)
        source = m.SourceRef(transport=relays[at], name="programme")
        route = m.Route(transport=spec.transport, slot="s0", source=source)
        audience[at].send(m.SetRoutes(routes=(route,)))
        if number % 50 == 49:
            for worker in audience:
                worker.stats()  # keeps both pipes from filling
    return specs


def show(points: Worker, relays: list[str], *, on: bool) -> None:
    """Let the programme go over the relays, or not."""
    source = m.SourceRef(transport="c0p0", name="camera") if on else None
    routes = tuple(m.Route(transport=ident, slot="s0", source=source) for ident in relays)
    points.send(m.SetRoutes(routes=routes))
    points.stats()


def phase(
    points: Worker,
    audience: list[Worker],
    endpoints: list[load.Endpoint],
    pipe: Connection,
    viewers: int,
    seconds: float,
) -> Step:
    """Load everything for some seconds."""
    for _ in range(WAKES):  # gates open at key frames, and so does whoever was taken for gone
        load.wake(endpoints, points.target)
        points.stats()
        time.sleep(SETTLE / WAKES)
    workers = [points, *audience]
    pipe.send("count")
    pipe.recv()
    before, began = [worker.stats() for worker in workers], time.monotonic()
    first = endpoints[0].index
    result = load.run(
        endpoints,
        target=points.target,
        group=POINTS,
        packets_per_second=RATE,
        seconds=seconds,
        paced=False,
    )
    after, passed = [worker.stats() for worker in workers], time.monotonic() - began
    time.sleep(0.5)
    pipe.send("count")
    counted: Counted = pipe.recv()
    expected = viewers * (endpoints[0].index - first)
    shares = [
        (new.cpu_seconds - old.cpu_seconds) / passed for old, new in zip(before, after, strict=True)
    ]
    if result.received < result.expected:
        print(f"  points lost {result.expected - result.received} of {result.expected}")
    return Step(
        viewers,
        1 - counted.received / expected if expected else 0.0,
        counted,
        percentile(result.delays, 99) if result.delays else math.nan,
        shares[0],
        shares[1:],
        [stats.rss_bytes >> 20 for stats in after],
    )


def measure(viewers: int, workers: int, seconds: float, rounds: int, feedback: Kind) -> None:
    """Alternate phases without and with so many viewers."""
    with contextlib.ExitStack() as stack:
        entered = (stack.enter_context(tempfile.TemporaryDirectory()) for _ in range(workers + 1))
        folders = list(map(Path, entered))
        points = Worker(folders[0], options=NO_ESTIMATION)
        stack.callback(points.close)
        audience = []
        for folder in folders[1:]:
            estimates = () if feedback != "none" else NO_ESTIMATION
            audience.append(Worker(folder, options=estimates))
            stack.callback(audience[-1].close)
            os.sched_setaffinity(audience[-1].process.pid, {CORES[-1]})
        os.sched_setaffinity(0, {CORES[-1]})
        endpoints = join(points, 1)
        for peer in endpoints:
            stack.callback(peer.socket.close)
        relays = [relay(points, worker, at) for at, worker in enumerate(audience)]
        identity = ClientIdentity.generate()
        specs = admit(audience, relays, viewers, identity.fingerprint, feedback)
        targets = [audience[number % workers].target for number in range(viewers)]
        here, there = multiprocessing.Pipe()
        given = (there, identity, specs, targets, feedback)
        child = multiprocessing.Process(target=crowd, args=given, daemon=True)
        child.start()
        stack.callback(child.kill)
        began = time.monotonic()
        while not here.poll(0.5):
            load.wake(endpoints, points.target)  # points would be taken for gone
            if not child.is_alive() or time.monotonic() - began > 10 * STEP_TIMEOUT:
                raise TimeoutError("viewers did not join")
        here.recv()
        print(f"{viewers} viewers joined in {time.monotonic() - began:.0f} s", flush=True)
        for _ in range(rounds):
            for on in (False, True):
                show(points, relays, on=on)
                step = phase(points, audience, endpoints, here, viewers if on else 0, seconds)
                shares = " ".join(f"{share:.0%}" for share in step.audience)
                print(
                    f"  {'with' if on else 'without':8} loss {step.loss:.3%}  points' p99 "
                    f"{step.p99 * 1e3:.2f} ms  points' worker {step.points:.0%}  "
                    f"audience's {shares}  resident {step.rss} MiB",
                    flush=True,
                )
                if on and feedback != "none":
                    said = step.counted
                    print(
                        f"           of {said.numbers} numbers {said.numbers - said.received} did "
                        f"not come at first, {said.asked} were asked for, {said.repaired} repaired",
                        flush=True,
                    )
        here.send("end")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--viewers", default="100,200,400,700,1000", help="numbers")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each phase")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument(
        "--feedback", choices=get_args(Kind), default="none", help="what viewers report"
    )
    options = parser.parse_args()
    print(machine())
    for viewers in map(int, options.viewers.split(",")):
        seconds = min(options.seconds, 60.0)
        measure(viewers, options.workers, seconds, options.rounds, options.feedback)


if __name__ == "__main__":
    main()
