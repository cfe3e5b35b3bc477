"""The load: the same for every SFU. Twelve sources send frames as bursts of packets; one thread
polls every socket, never blocking in a receive, so that no SFU is charged for waking it.

After `benchmarks.load`; here senders and receivers may be separate sockets, each with a target of
its own, and every (socket, SSRC) is counted.
"""

from __future__ import annotations

import heapq
import random
import resource
import select
import socket
import struct
import time
from dataclasses import dataclass, field

from benchmarks.peers.raw_peer import Peer
from bridge.media import srtp
from bridge.media.rtp import HEADER
from bridge.media.shell.udp import SO_TIMESTAMPNS

FRAMES_PER_SECOND = 25
PAYLOAD = 1080  # octets of RTP payload; 1,108 on the wire with header and tag
SAMPLE = 16  # one received datagram in so many is opened and timed
MAGIC = b"\xd1\xe3\xca\x55"
MAGIC_AT = 40  # in the payload; the eight octets with the time follow
STRAGGLERS = 3.0  # seconds after the last packet in which what is missing may still arrive
MIN_MEDIA = 1000  # shorter packets are padding or probes of an SFU, not ours

_TIMESPEC = struct.Struct("=qq")
_NS = struct.Struct("!Q")


@dataclass(slots=True)
class Source:
    """One published video stream."""

    peer: Peer
    ssrc: int
    payload_type: int = 96
    index: int = 1000
    timestamp: int = 0
    picture: int = 0


@dataclass(slots=True)
class Result:
    seconds: float
    sent: int
    expected: int
    received: int
    streams: int
    late_ms: float  # how late a burst was sent, at most
    cpu: float  # of this process
    delays: list[float] = field(default_factory=list)


class Generator:
    def __init__(self, sources: list[Source], peers: list[Peer], fanout: int) -> None:
        self.sources, self.peers, self.fanout = sources, peers, fanout
        self._by_fd = {p.sock.fileno(): p for p in peers}
        self._poll = select.poll()
        for fd in self._by_fd:
            self._poll.register(fd, select.POLLIN)
        self._counter = 0
        self._delays: list[float] = []

    def streams(self) -> int:
        return sum(len(p.streams) for p in self.peers)

    def prime(self, timeout: float) -> bool:
        """Key frames until every receiver has every stream (or the time is over)."""
        wanted = len(self.sources) * self.fanout
        deadline = time.monotonic() + timeout
        good = 0
        while time.monotonic() < deadline:
            for peer in self.peers:
                peer.streams.clear()
            for source in self.sources:
                burst(source, 2, key_frame=True)
            end = time.monotonic() + 0.2
            while time.monotonic() < end:
                if not self._drain():
                    time.sleep(0.001)
            good = good + 1 if self.streams() >= wanted else 0
            if good == 3:
                return True
        return False

    def settle(self, quiet: float, timeout: float) -> bool:
        """Until nothing has arrived for ``quiet`` seconds."""
        last = start = time.monotonic()
        while time.monotonic() - last < quiet:
            before = sum(p.received for p in self.peers)
            self._drain()
            now = time.monotonic()
            if sum(p.received for p in self.peers) != before:
                last = now
            if now - start > timeout:
                return False
            time.sleep(0.001)
        return True

    def run(self, packets_per_frame: int, seconds: float, tail: float = 0.3) -> Result:
        rng = random.Random(1)
        interval = 1 / FRAMES_PER_SECOND
        for peer in self.peers:
            peer.received = 0
            peer.streams.clear()
        self._delays.clear()
        usage = resource.getrusage(resource.RUSAGE_SELF)
        cpu = usage.ru_utime + usage.ru_stime
        start = time.monotonic() + 0.05
        events = [(start + rng.random() * interval, i) for i in range(len(self.sources))]
        heapq.heapify(events)
        end = start + seconds
        sent = 0
        late = 0.0
        alive_at = 0.0
        while True:
            now = time.monotonic()
            missing = sent * self.fanout - sum(p.received for p in self.peers)
            if now >= end + STRAGGLERS or (now >= end + tail and missing <= 0):
                break
            busy = False
            while events[0][0] <= now < end:
                due, index = heapq.heappop(events)
                heapq.heappush(events, (due + interval, index))
                late = max(late, now - due)
                sent += burst(self.sources[index], packets_per_frame)
                busy = True
                now = time.monotonic()
            busy = self._drain() or busy
            if now >= alive_at:  # checks keep the transports alive, whatever the SFU wants
                alive_at = now + 0.1
                for peer in self.peers:
                    peer.tick(now)
            if not busy:
                time.sleep(0.0001)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        self._delays.sort()
        return Result(
            seconds=seconds,
            sent=sent,
            expected=sent * self.fanout,
            received=sum(p.received for p in self.peers),
            streams=self.streams(),
            late_ms=late * 1000,
            cpu=usage.ru_utime + usage.ru_stime - cpu,
            delays=list(self._delays),
        )

    def _drain(self) -> bool:
        busy = False
        by_fd = self._by_fd
        counter = self._counter
        for fd, _ in self._poll.poll(0):
            peer = by_fd[fd]
            recv = peer.sock.recv
            streams = peer.streams
            got = 0
            try:
                while True:
                    counter += 1
                    if counter % SAMPLE:
                        data = recv(2048)
                    else:
                        data, ancillary, _, _ = peer.sock.recvmsg(2048, 64)
                        self._sample(peer, data, ancillary)
                    if len(data) >= MIN_MEDIA and data[0] & 0xC0 == 0x80:
                        got += 1
                        ssrc = data[8:12]
                        streams[ssrc] = streams.get(ssrc, 0) + 1
                    elif data and data[0] < 64:
                        assert peer.target is not None
                        peer.handle(data, peer.target)
                    else:
                        peer.other += 1
            except (BlockingIOError, ConnectionRefusedError):
                pass
            peer.received += got
            busy = busy or got > 0
        self._counter = counter
        return busy

    def _sample(self, peer: Peer, data: bytes, ancillary: list[tuple[int, int, bytes]]) -> None:
        if len(data) < MIN_MEDIA or data[0] & 0xC0 != 0x80:
            return
        payload = _open(peer, data)
        at = payload.find(MAGIC, MAGIC_AT - 16, MAGIC_AT + 32)
        if at < 0:
            return
        for level, kind, value in ancillary:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = _TIMESPEC.unpack(value)
                (sent_at,) = _NS.unpack_from(payload, at + 4)
                self._delays.append(seconds + nanoseconds * 1e-9 - sent_at * 1e-9)


def burst(source: Source, count: int, key_frame: bool = False) -> int:
    """Send one frame; return how many of its packets the kernel took."""
    peer = source.peer
    assert peer.outbound is not None
    assert peer.outbound.seal is not None
    assert peer.target is not None
    seal, salt = peer.outbound.seal, peer.outbound.salt
    source.timestamp += 90_000 // FRAMES_PER_SECOND
    source.picture = (source.picture + 1) & 0x7FFF
    for number in range(count):
        payload = vp8_payload(
            PAYLOAD, key_frame=key_frame, start=number == 0, picture=source.picture
        )
        _NS.pack_into(payload, MAGIC_AT + 4, time.time_ns())
        source.index += 1
        marker = 0x80 if number == count - 1 else 0
        header = HEADER.pack(
            0x80,
            marker | source.payload_type,
            source.index & 0xFFFF,
            source.timestamp & 0xFFFFFFFF,
            source.ssrc,
        )
        nonce = srtp.nonce(salt, source.ssrc, source.index)
        try:
            peer.sock.sendto(header + seal(nonce, bytes(payload), header), peer.target)
        except (BlockingIOError, ConnectionRefusedError):
            return number
    return count


def announce(sources: list[Source]) -> None:
    """A key frame from everyone."""
    for source in sources:
        burst(source, 1, key_frame=True)


def _open(peer: Peer, data: bytes) -> bytes:
    offset = 12 + 4 * (data[0] & 0x0F)
    if data[0] & 0x10:
        offset += 4 + 4 * int.from_bytes(data[offset + 2 : offset + 4], "big")
    sequence_number = int.from_bytes(data[2:4], "big")
    ssrc = int.from_bytes(data[8:12], "big")
    for rollover in range(4):
        nonce = srtp.nonce(peer.open_salt, ssrc, rollover << 16 | sequence_number)
        try:
            assert peer.open_seal is not None
            return peer.open_seal(nonce, data[offset:], data[:offset])
        except Exception:  # noqa: S112 - InvalidTag: another rollover count
            continue
    raise ValueError("a sampled packet could not be opened")


def vp8_payload(size: int, *, key_frame: bool, start: bool, picture: int) -> bytearray:
    """A VP8 payload with a 15-bit PictureID; a key frame has its start code and 640×480."""
    head = bytearray((0x90 if start else 0x80, 0x80, 0x80 | picture >> 8 & 0x7F, picture & 0xFF))
    if key_frame and start:
        head += bytes((0x10, 0x02, 0x00, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0xE0, 0x01))
    else:
        head += bytes((0x11, 0x02, 0x00))
    payload = head + bytes(size - len(head))
    payload[MAGIC_AT : MAGIC_AT + 4] = MAGIC
    return payload
