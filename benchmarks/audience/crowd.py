"""The viewers of the benchmark, in a process of their own: all behind one socket."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import select
import socket
import struct
import time
from collections import Counter
from multiprocessing.connection import Connection
from typing import NamedTuple

from benchmarks.audience.viewer_reports import Feedback, Kind
from benchmarks.forwarding import CORES, STEP_TIMEOUT
from benchmarks.synthetic_peer import ClientIdentity, SyntheticPeer
from bridge.media import messages as m
from bridge.media import srtp
from bridge.media.shell.udp import enlarge_buffers

FIRST = int(ipaddress.ip_address("127.1.0.1"))
UDP_GRO, SOL_UDP = 104, 17
IP_PKTINFO = 8
PKTINFO = struct.Struct("=i4s4s")
CHECK_EVERY = 1.0  # seconds
AT_ONCE = 20  # viewers that join at the same time


class Counted(NamedTuple):
    """What viewers got: packets of the picture, repaired ones beside them, how many they asked
    for again, and how many numbers there were from the first that came to the last. The last three
    are 0 where viewers say nothing."""

    received: int
    repaired: int
    asked: int
    numbers: int


class Crowd:
    """All viewers behind one socket."""

    def __init__(
        self,
        identity: ClientIdentity,
        specs: list[m.Open],
        targets: list[tuple[str, int]],
        feedback: Kind = "none",
    ) -> None:
        self._kind = feedback
        self.feedback: dict[bytes, Feedback] = {}
        sock = self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        enlarge_buffers(sock, 64 << 20)
        sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        sock.bind(("0.0.0.0", 0))  # noqa: S104 - only 127.0.0.0/8 is sent to
        self.peers: dict[bytes, SyntheticPeer] = {}
        self.targets: dict[bytes, tuple[str, int]] = {}
        for number, (spec, target) in enumerate(zip(specs, targets, strict=True)):
            address = (FIRST + number).to_bytes(4, "big")
            self.peers[address] = SyntheticPeer(identity, spec)
            self.targets[address] = target
        self.received: Counter[bytes] = Counter()
        self._counted = [0, 0, 0, 0]
        self.checked = 0.0

    def send(self, address: bytes, data: bytes) -> None:
        info = (socket.IPPROTO_IP, IP_PKTINFO, PKTINFO.pack(0, address, bytes(4)))
        with contextlib.suppress(BlockingIOError):
            self.socket.sendmsg([data], [info], 0, self.targets[address])

    def drain(self, *, joining: bool = False) -> None:
        """Take in what is there: count packets, or hand DTLS to whom it is for."""
        recvmsg = self.socket.recvmsg
        with contextlib.suppress(BlockingIOError):
            for _ in range(10_000):
                data, ancillary, _, _ = recvmsg(65_536, 128)
                size, to = len(data), b""
                for level, kind, value in ancillary:
                    if level == SOL_UDP and kind == UDP_GRO:
                        size = int.from_bytes(value[:4], "little")
                    elif kind == IP_PKTINFO:
                        to = value[8:12]
                if 128 <= data[0] <= 191 and not 192 <= data[1] <= 223:
                    self.received[to] += -(-len(data) // size)
                    if to in self.feedback:
                        self.feedback[to].batch(data, size, time.monotonic())
                elif joining and 20 <= data[0] <= 63:
                    for answer in self.peers[to].dtls(data):
                        self.send(to, answer)

    def join(self) -> None:
        """ICE and DTLS of all, some at a time."""
        waiting = list(self.peers)
        while waiting:
            batch, waiting = waiting[:AT_ONCE], waiting[AT_ONCE:]
            for address in batch:
                self.send(address, self.peers[address].check())
                for hello in self.peers[address].dtls():
                    self.send(address, hello)
            deadline = time.monotonic() + STEP_TIMEOUT
            while any(self.peers[address].keys is None for address in batch):
                if time.monotonic() > deadline:
                    raise TimeoutError("handshakes of viewers did not end")
                select.select([self.socket], [], [], 0.01)
                self.drain(joining=True)
            self.check()
        self.socket.setsockopt(SOL_UDP, UDP_GRO, 1)
        if self._kind != "none":
            for address, peer in self.peers.items():
                assert peer.keys is not None
                seal = srtp.Outbound(peer.keys)
                media = peer.open.slots[0].ssrc
                self.feedback[address] = Feedback(self._kind, seal, media)

    def report(self) -> None:
        """Everybody says what has arrived, where they do."""
        now = time.monotonic()
        for address, viewer in self.feedback.items():
            for compound in viewer.due(now):
                self.send(address, compound)

    def count(self) -> Counted:
        """What has come since the last call."""
        viewers = self.feedback.values()
        said = [(v.received, v.repaired, v.asked, v.expected) for v in viewers]
        totals = [sum(column) for column in zip(*said, strict=True)] or [0, 0, 0, 0]
        news = [now - before for now, before in zip(totals, self._counted, strict=True)]
        self._counted = totals
        plain = sum(self.received.values())
        self.received.clear()
        return Counted(news[0] if self.feedback else plain, *news[1:])

    def check(self) -> None:
        """Everybody says that they are still there."""
        if time.monotonic() - self.checked >= CHECK_EVERY:
            self.checked = time.monotonic()
            for address, peer in self.peers.items():
                if peer.keys is not None:
                    self.send(address, peer.check())

    def run(self, pipe: Connection) -> None:
        """Count until told to end; answer questions for counts."""
        while True:
            select.select([self.socket.fileno(), pipe.fileno()], [], [], 0.05)
            self.drain()
            self.check()
            self.report()
            if pipe.poll():
                if pipe.recv() == "end":
                    return
                self.drain()
                pipe.send(self.count())


def crowd(
    pipe: Connection,
    identity: ClientIdentity,
    specs: list[m.Open],
    targets: list[tuple[str, int]],
    feedback: Kind,
) -> None:
    """The process of the viewers."""
    os.sched_setaffinity(0, {CORES[-1]})
    viewers = Crowd(identity, specs, targets, feedback)
    viewers.join()
    pipe.send("joined")
    viewers.run(pipe)
