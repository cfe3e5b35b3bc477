"""Synthetic load for a forwarder: conferences of twelve sources, eleven receivers each.

One thread sends video frames as bursts of packets and polls every receiving socket; it never
blocks in a receive, so that the forwarder is not charged for waking it. Every packet carries
the time it was sent; delays are read from sampled packets, against the kernel's receive
timestamp, so that polling does not count as delay.
"""

from __future__ import annotations

import heapq
import random
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.synthetic_peer import SyntheticPeer, vp8_payload
from bridge.media import rtcp, srtp
from bridge.media.rtp import HEADER
from bridge.media.shell.udp import SO_TIMESTAMPNS, enlarge_buffers
from bridge.media.transport_cc import Recorder

FRAMES_PER_SECOND = 25
PAYLOAD = 1080  # octets; with header, extension and tag 1,108 on the wire
REPORT_EVERY = 0.1  # seconds between two reports of what has arrived: a browser sends 10 to 20
SAMPLE = 16  # one received datagram in so many is opened and timed
SOCKET_BUFFER = 8 << 20
STRAGGLERS = 3.0  # seconds after the last packet in which what is missing may still arrive
TIME_AT = 8  # offset in the payload of the eight octets with the time
MEDIA_BYTE = 0x80  # second octet: RTP payload types, not RTCP's 192–223

_TIMESPEC = struct.Struct("=qq")
_NS = struct.Struct("!Q")


@dataclass(slots=True)
class Endpoint:
    """One peer's socket, keys and stream. Without keys packets go in the clear."""

    socket: socket.socket
    ssrc: int
    peer: SyntheticPeer | None = None
    seal: srtp.Outbound | None = None
    keys: srtp.MasterKeys | None = None
    open_seal: Callable[[bytes, bytes, bytes], bytes] | None = None
    open_salt: int = 0
    index: int = 1000
    timestamp: int = 0
    received: int = 0
    arrivals: Recorder | None = None  # of the packets that it reports, where it reports any
    reported: float = 0.0


def endpoint(host: str, ssrc: int) -> Endpoint:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    enlarge_buffers(sock, SOCKET_BUFFER)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.bind((host, 0))
    return Endpoint(sock, ssrc)


@dataclass(slots=True)
class Result:
    """What a run measured; delays in seconds, sorted."""

    seconds: float
    sent: int
    expected: int
    received: int
    delays: list[float] = field(default_factory=list)


def run(
    endpoints: list[Endpoint],
    *,
    target: tuple[str, int],
    group: int,
    packets_per_second: float,
    seconds: float,
    paced: bool,
    seed: int = 1,
) -> Result:
    """Send ``packets_per_second`` per source for ``seconds``; count and time what arrives.

    ``paced`` spaces packets evenly instead of in frames. Bounded by its arguments.
    """
    rng = random.Random(seed)
    burst = 1 if paced else max(1, round(packets_per_second / FRAMES_PER_SECOND))
    interval = burst / packets_per_second
    start = time.monotonic() + 0.05
    events = [(start + rng.random() * interval, i) for i in range(len(endpoints))]
    heapq.heapify(events)
    end = start + seconds
    sent = 0
    delays: list[float] = []
    counter = 0
    for peer in endpoints:
        _drain(peer, 1, delays)  # what earlier traffic left behind
        peer.received = 0
    delays.clear()
    while True:
        now = time.monotonic()
        # What is on its way is waited for: a forwarder that gets no processor for a while is late,
        # and has lost nothing.
        missing = sent * (group - 1) - sum(peer.received for peer in endpoints)
        if now >= end + STRAGGLERS or (now >= end and missing <= 0):
            break
        busy = False
        while events and events[0][0] <= now and now < end:
            due, index = heapq.heappop(events)
            heapq.heappush(events, (due + interval, index))
            sent += _burst(endpoints[index], target, burst)
            busy = True
        for peer in endpoints:
            counter, got = _drain(peer, counter, delays)
            busy = busy or got
            if peer.arrivals and now - peer.reported >= REPORT_EVERY:
                peer.reported = now
                _report(peer, target)
        if not busy:
            time.sleep(0.0001)
    received = sum(peer.received for peer in endpoints)
    delays.sort()
    return Result(seconds, sent, sent * (group - 1), received, delays)


def _report(peer: Endpoint, target: tuple[str, int]) -> None:
    """Tell the sender what has arrived, as a browser does."""
    assert peer.arrivals is not None
    assert peer.seal is not None
    while fci := peer.arrivals.flush():
        empty = rtcp.build_receiver_report(peer.ssrc, ())
        compound = empty + rtcp.build_transport_cc(peer.ssrc, 0, fci)
        peer.socket.sendto(peer.seal.protect_rtcp(compound), target)


def _burst(peer: Endpoint, target: tuple[str, int], count: int) -> int:
    peer.timestamp += 90_000 // FRAMES_PER_SECOND
    for number in range(count):
        payload = vp8_payload(PAYLOAD, key_frame=False, start=number == 0)
        _NS.pack_into(payload, TIME_AT, time.time_ns())
        peer.index += 1
        marker = 0x80 if number == count - 1 else 0
        header = HEADER.pack(
            0x80, marker | 96, peer.index & 0xFFFF, peer.timestamp & 0xFFFFFFFF, peer.ssrc
        )
        if peer.seal is not None and peer.seal.seal is not None:
            nonce = srtp.nonce(peer.seal.salt, peer.ssrc, peer.index)
            packet = header + peer.seal.seal(nonce, bytes(payload), header)
        else:
            packet = header + bytes(payload) + bytes(16)
        try:
            peer.socket.sendto(packet, target)
        except BlockingIOError:
            return number
    return count


def wake(endpoints: list[Endpoint], target: tuple[str, int]) -> None:
    """A key frame of every source: one that was silent for a while counts as gone."""
    for peer in endpoints:
        key_frame(peer, target)


def key_frame(peer: Endpoint, target: tuple[str, int]) -> None:
    """One packet that opens the gate of every slot that waits for this source."""
    payload = vp8_payload(200, key_frame=True, start=True)
    peer.index += 1
    peer.timestamp += 3600
    header = HEADER.pack(
        0x80, 0x80 | 96, peer.index & 0xFFFF, peer.timestamp & 0xFFFFFFFF, peer.ssrc
    )
    assert peer.seal is not None
    assert peer.seal.seal is not None
    nonce = srtp.nonce(peer.seal.salt, peer.ssrc, peer.index)
    peer.socket.sendto(header + peer.seal.seal(nonce, bytes(payload), header), target)


def _drain(peer: Endpoint, counter: int, delays: list[float]) -> tuple[int, bool]:
    recv = peer.socket.recv
    got = 0
    try:
        while True:
            counter += 1
            if counter % SAMPLE:
                data = recv(2048)
            else:
                data, ancillary, _, _ = peer.socket.recvmsg(2048, 64)
                _sample(peer, data, ancillary, delays)
            if len(data) > PAYLOAD and data[0] & 0xC0 == MEDIA_BYTE and not 192 <= data[1] <= 223:
                got += 1
                if peer.arrivals is not None:
                    peer.arrivals.add(data[17] << 8 | data[18], time.monotonic())
    except BlockingIOError:
        pass
    peer.received += got
    return counter, got > 0


def _sample(
    peer: Endpoint, data: bytes, ancillary: list[tuple[int, int, bytes]], delays: list[float]
) -> None:
    if data[0] & 0xC0 != MEDIA_BYTE or 192 <= data[1] <= 223 or len(data) < 1000:
        return
    payload = _open(peer, data)
    for level, kind, value in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack(value)
            (sent_at,) = _NS.unpack_from(payload, TIME_AT)
            delays.append(seconds + nanoseconds * 1e-9 - sent_at * 1e-9)


def _open(peer: Endpoint, data: bytes) -> bytes:
    """The payload: decrypted where there are keys. The packet index is taken to be below
    2^16 plus one wrap, which holds for the lengths run here."""
    offset = 12 if not data[0] & 0x10 else 16 + 4 * int.from_bytes(data[14:16], "big")
    if peer.open_seal is None:
        return data[offset:]
    sequence_number = int.from_bytes(data[2:4], "big")
    ssrc = int.from_bytes(data[8:12], "big")
    for rollover in range(8):
        nonce = srtp.nonce(peer.open_salt, ssrc, rollover << 16 | sequence_number)
        try:
            return peer.open_seal(nonce, data[offset:], data[:offset])
        except Exception:  # noqa: S112 - InvalidTag: another rollover count
            continue
    raise ValueError("a sampled packet could not be opened")
