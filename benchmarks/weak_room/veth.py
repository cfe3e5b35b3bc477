"""The line of the weak room: two network namespaces and a veth pair with token buckets and loss,
both the kernel's. Needs root, ip, tc and iptables.

The bridge and everybody else are in the hub's namespace, the room is alone in its own.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

BRIDGE = "10.78.1.1"  # inside the hub; the room has no route to it
LINE = "10.78.0.1"  # the hub's end of the line: relay and web server
ROOM = "10.78.0.2"
WEB_PORT = 8080
QUEUE = 0.3  # seconds that the queues of the line hold: a home router's
BURST = 5000  # octets that leave at once; a few packets
OPEN = 100_000_000  # bit/s of a direction that nothing limits


@dataclass(frozen=True, slots=True)
class Line:
    """What the line carries: bit/s (0: `OPEN`), the share of packets of media lost, the mean
    length of a run of losses (1: independent, the kernel's; longer runs are the relay's), and
    seconds of delay each way."""

    down: int = 0
    up: int = 0
    loss: float = 0.0
    burst: float = 1.0
    delay: float = 0.02


def sh(command: str) -> str:
    """Run a command; its output. Raises CalledProcessError."""
    return subprocess.run(command.split(), check=True, capture_output=True, text=True).stdout


class Network:
    """The two namespaces; their names carry the process id that made them."""

    def __init__(self, owner: int) -> None:
        self.hub = f"dcw{owner}hub"
        self.room = f"dcw{owner}room"

    def make(self) -> None:
        for name in (self.hub, self.room):
            sh(f"ip netns add {name}")
            self.inside(name, "ip link set lo up")
        sh(f"ip link add h0 netns {self.hub} type veth peer name p0 netns {self.room}")
        for name, device, address in ((self.hub, "h0", LINE), (self.room, "p0", ROOM)):
            self.inside(name, f"ip addr add {address}/30 dev {device}")
            self.inside(name, f"ip link set {device} up")
            self.inside(name, f"tc qdisc add dev {device} root {_bucket(0)}")
        self.inside(self.hub, f"ip addr add {BRIDGE}/32 dev lo")
        # A page on plain HTTP may use a camera on loopback only, and so may the bridge serve it:
        # the room's loopback is carried over the line to the hub's.
        there = f"-p tcp --dport {WEB_PORT} -j DNAT --to-destination"
        nat = "iptables -t nat -A"
        for name in (self.hub, self.room):
            self.inside(name, "sysctl -qw net.ipv4.conf.all.route_localnet=1")
        self.inside(self.room, f"{nat} OUTPUT -d 127.0.0.1 {there} {LINE}:{WEB_PORT}")
        self.inside(self.room, f"{nat} POSTROUTING -o p0 -p tcp -j MASQUERADE")
        self.inside(self.hub, f"{nat} PREROUTING -i h0 {there} 127.0.0.1:{WEB_PORT}")

    def inside(self, name: str, command: str) -> str:
        return sh(f"ip netns exec {name} {command}")

    def be(self, line: Line) -> None:
        """Carry so much from now on. Only media are lost (UDP): a page's WebSocket is TCP, which
        thirty per cent of loss brings to a standstill on every network."""
        for name, device, rate in ((self.hub, "h0", line.down), (self.room, "p0", line.up)):
            self.inside(name, f"tc qdisc change dev {device} root {_bucket(rate)}")
            self.inside(name, "iptables -F INPUT")
            if line.loss and line.burst == 1:
                chance = f"-m statistic --mode random --probability {line.loss}"
                self.inside(name, f"iptables -A INPUT -i {device} -p udp {chance} -j DROP")

    def queue(self) -> int:
        """Octets that wait for the way down."""
        found = re.search(
            r"backlog (\d+)([KM]?)b", self.inside(self.hub, "tc -s qdisc show dev h0")
        )
        return int(found[1]) * {"": 1, "K": 1024, "M": 1 << 20}[found[2]] if found else 0

    def remove(self) -> None:
        for name in (self.hub, self.room):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def _bucket(rate: int) -> str:
    rate = rate or OPEN
    burst = max(BURST, rate // 800)  # a tick of 10 ms at least
    return f"tbf rate {rate}bit burst {burst} limit {int(rate * QUEUE / 8) + burst}"


@contextlib.contextmanager
def network() -> Iterator[Network]:
    """The namespaces, gone afterwards."""
    made = Network(os.getpid())
    try:
        made.make()
        yield made
    finally:
        made.remove()
