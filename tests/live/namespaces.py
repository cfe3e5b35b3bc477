"""Twelve points in network namespaces of their own, joined to a hub by veth pairs with
token-bucket rates. ``python -m tests.live.namespaces`` makes them, probes them, breaks some, and
prints what was measured as JSON; everything is gone afterwards. Needs root, ip, tc and iptables.

The kernel loses and re-marks packets here, so nothing of ours is both the fault and its measure.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from endpoints.reflector.engine import Reflector
from endpoints.reflector.socket import ReflectorSocket
from monitoring.probing import stamp, timestamps
from monitoring.probing.prober import CLASSES, Prober, Step, Target
from monitoring.quality.line_state import Health

COUNT = 12
PORT = 862
ENOUGH = 1801  # packets of every point that are looked at, however long they take
RATE = 40.0  # packets a second and class: enough of them in a short time
LOSS = 0.05
FAST, SLOW = "20mbit", "1mbit"
KEY = b"k" * 32
CLONE_NEWNET = 0x40000000
LOSS_DOWN, LOSS_UP, REMARK_DOWN, REMARK_UP, NARROW, CUT = range(6)
NAMES = {
    LOSS_DOWN: "loss_down",
    LOSS_UP: "loss_up",
    REMARK_DOWN: "remark_down",
    REMARK_UP: "remark_up",
    NARROW: "narrow",
    CUT: "cut",
}


def sh(command: str) -> None:
    subprocess.run(command.split(), check=True, capture_output=True, text=True)


def inside(name: str, command: str) -> None:
    sh(f"ip netns exec {name} {command}")


@contextlib.contextmanager
def within(name: str) -> Iterator[None]:
    """This thread's sockets are made in a namespace, and stay there."""
    libc = ctypes.CDLL(None, use_errno=True)
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        if libc.setns(there, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        yield
    finally:
        libc.setns(here, CLONE_NEWNET)
        os.close(here)
        os.close(there)


class Net:
    """The hub and its points; names carry our process id."""

    def __init__(self) -> None:
        self._prefix = f"dc{os.getpid()}"
        self.hub = f"{self._prefix}hub"
        self.points = [f"{self._prefix}p{n}" for n in range(COUNT)]

    def address(self, n: int) -> tuple[str, str]:
        """Of the hub's end and the point's."""
        return f"10.77.{n}.1", f"10.77.{n}.2"

    def make(self) -> None:
        for name in (self.hub, *self.points):
            sh(f"ip netns add {name}")
            inside(name, "ip link set lo up")
        for n, name in enumerate(self.points):
            ours, theirs = self.address(n)
            sh(f"ip link add h{n} netns {self.hub} type veth peer name p0 netns {name}")
            inside(self.hub, f"ip addr add {ours}/30 dev h{n}")
            inside(name, f"ip addr add {theirs}/30 dev p0")
            inside(self.hub, f"ip link set h{n} up")
            inside(name, "ip link set p0 up")
            inside(name, f"ip route add default via {ours}")
            rate = SLOW if n == NARROW else FAST
            for where, device in ((self.hub, f"h{n}"), (name, "p0")):
                inside(
                    where,
                    f"tc qdisc add dev {device} root tbf rate {rate} burst 16kb latency 60ms",
                )
        # One address of the hub for all: the one that probes come from.
        inside(self.hub, "ip addr add 10.77.255.1/32 dev lo")
        random = f"-m statistic --mode random --probability {LOSS} -j DROP"
        inside(self.points[LOSS_DOWN], f"iptables -A INPUT -p udp {random}")
        inside(self.hub, f"iptables -A INPUT -p udp -s {self.address(LOSS_UP)[1]} {random}")
        mark = "-p udp -j DSCP --set-dscp 0"
        inside(self.points[REMARK_DOWN], f"iptables -t mangle -A PREROUTING {mark}")
        inside(self.points[REMARK_UP], f"iptables -t mangle -A POSTROUTING {mark}")

    def dropped(self) -> dict[str, int]:
        """Packets that the kernel has dropped so far, by fault."""
        found = {}
        for n, name in ((LOSS_DOWN, self.points[LOSS_DOWN]), (LOSS_UP, self.hub)):
            listed = subprocess.run(
                ["ip", "netns", "exec", name, *["iptables", "-nvxL", "INPUT"]],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            found[NAMES[n]] = sum(
                int(line.split()[0]) for line in listed.splitlines() if " DROP " in line
            )
        return found

    def cut(self, n: int, up: bool) -> None:
        inside(self.hub, f"ip link set h{n} {'up' if up else 'down'}")

    def remove(self) -> None:
        for name in (self.hub, *self.points):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


async def measure(net: Net) -> dict[str, Any]:
    error = timestamps.ErrorEstimate(True, False, 0.001)
    sockets: list[ReflectorSocket] = []
    for n, name in enumerate(net.points):
        with within(name):
            reflector = Reflector(senders=frozenset({"10.77.255.1"}), key=KEY, error=error)
            sockets.append(ReflectorSocket(reflector, net.address(n)[1], PORT))
    style = stamp.Style(key=KEY)
    targets = {
        str(n): Target(net.address(n)[1], PORT, style, True, tuple(CLASSES.values()), RATE)
        for n in range(COUNT)
    }
    with within(net.hub):
        prober = Prober(["10.77.255.1"])
        prober.set_targets(targets)
    running = asyncio.create_task(prober.run())
    health = {name: Health(name) for name in targets}
    figures: dict[str, Any] = {}

    looked: list[float] = []

    async def look(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await asyncio.sleep(0.1)
            looked.append(time.monotonic())
            for name, state in health.items():
                figures[name], _ = state.feed(prober.sessions(name), time.monotonic(), time.time())

    pauses: list[float] = []

    async def cut(up: bool) -> float:
        """Take a line away or give it back; seconds until that is known. They count from before the
        command, which ends some time after the kernel has done it."""
        began = time.monotonic()
        net.cut(CUT, up=up)
        looked[:] = [began]
        while figures[str(CUT)].reachable is not up:
            await look(0.1)
        pauses.extend(b - a for a, b in itertools.pairwise(looked))
        return time.monotonic() - began

    await look(1.0)
    while min(sum(p.down.expected for p in prober.sessions(n).values()) for n in targets) < ENOUGH:
        await look(1.0)
    found: dict[str, Any] = {
        "dropped": net.dropped(),
        "points": {
            name: {
                "fault": NAMES.get(int(name), ""),
                "reachable": state.reachable,
                "down": [
                    sum(p.down.expected for p in prober.sessions(name).values()),
                    sum(p.down.lost for p in prober.sessions(name).values()),
                ],
                "up": [
                    sum(p.up.expected for p in prober.sessions(name).values()),
                    sum(p.up.lost for p in prober.sessions(name).values()),
                ],
                "marks": {k: [m.sent, m.down, m.up] for k, m in state.marks.items()},
                "round_trip": state.round_trip,
            }
            for name, state in figures.items()
        },
    }
    found["lost_after"] = await cut(up=False)
    others = {n: f.reachable for n, f in figures.items() if int(n) != CUT}
    await look(2)
    found["back_after"] = await cut(up=True)
    found["longest_pause"] = max(pauses)
    found["others_reachable"] = all(others.values())
    # What the narrow line and a good one carry: 2 Mbit/s each way, both at once.
    steps = [
        Step(share, 2e6 * share / 8 / 1228, 1.0, 1.5, 2000 * share, 2000 * share)
        for share in (0.25, 1.0)
    ]

    async def ramp(n: int) -> list[list[float]]:
        target = targets[str(n)]
        large = target._replace(style=replace(target.style, size=1200))
        probes = await prober.ramp(large, steps)
        return [[step.share, probe.sent_count, len(probe.samples)] for step, probe in probes]

    narrow, good = await asyncio.gather(ramp(NARROW), ramp(COUNT - 1))
    found["ramps"] = {"narrow": narrow, "good": good}
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    for socket in sockets:
        socket.close()
    return found


def main() -> None:
    net = Net()
    try:
        net.make()
        print(json.dumps(asyncio.run(measure(net))))
    except subprocess.CalledProcessError as error:
        print(f"{' '.join(error.cmd)}: {error.stderr}", file=sys.stderr)
        sys.exit(1)
    finally:
        net.remove()


if __name__ == "__main__":
    main()
