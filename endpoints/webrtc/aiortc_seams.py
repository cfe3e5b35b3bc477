"""Replaces functions inside aiortc and aioice; no other module reaches into them.
`tests/endpoints/webrtc/test_aiortc_seams.py` checks that the pinned versions still have what is
replaced here.

* Decoding is sampled: a simulated point receives a dozen streams, and decoding all of them
  for twelve points would fill a small machine. Pictures are decoded at key frames, sound in
  short windows.
* A packet that is lost for good holds up a picture for half a second. aiortc waits for it until 512
  more have come, which in a thumbnail takes half a minute.
* Sent datagrams are marked (DSCP AF41), and a point's line can be impaired.
* Host candidates come from the address the point was given, because aioice leaves loopback
  out and each of the demo's points has a loopback address of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import queue
import socket
import time
from typing import Any

import aioice.ice
import aiortc.rtcrtpreceiver
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket

from endpoints.netem.impairment import Hop

AUDIO_PERIOD = 25  # frames of 20 ms; of these
AUDIO_WINDOW = 7  # are decoded in a row: 140 ms, of which the first 40 ms settle the decoder
H264_SPS = 7
PATIENCE = 0.5  # seconds that a picture waits for a packet
AF41 = 34  # DSCP of video
ROOM = 1 << 20  # octets of received datagrams that a socket is to keep; the kernel has a bound

line: contextvars.ContextVar[Hop | None] = contextvars.ContextVar("line", default=None)

local_address: contextvars.ContextVar[str | None] = contextvars.ContextVar(
    "local_address", default=None
)


def is_key(codec: str, data: bytes) -> bool:
    """Whether an encoded picture is a key frame. ``codec`` is VP8 or H264."""
    if codec == "VP8":
        return bool(data) and not data[0] & 1  # RFC 6386 section 9.1
    return any(
        data[at + 4] & 0x1F == H264_SPS
        for at in range(min(len(data) - 4, 64))
        if data[at : at + 4] == b"\0\0\0\1"
    )


class SampledQueue(queue.Queue[Any]):
    """The frames that a receiver's thread is to decode: of pictures the key frames, of sound
    `AUDIO_WINDOW` frames out of `AUDIO_PERIOD`. The others are dropped and do not wake it.

    Until a first key frame has come, one other picture in `PATIENCE` is passed on, too: a receiver
    does not know that packets before its first one were lost, and asks for a key frame only when
    its decoder fails."""

    clock = staticmethod(time.monotonic)

    def __init__(self) -> None:
        super().__init__()
        self._sounds = 0
        self._keyed = False
        self._failed_at = float("-inf")

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        if item is not None and not self._is_sampled(*item):
            return
        super().put(item, block, timeout)

    def _is_sampled(self, codec: RTCRtpCodecParameters, frame: JitterFrame) -> bool:
        if codec.mimeType.lower().startswith("video/"):
            key = is_key(codec.name, frame.data)
            self._keyed = self._keyed or key
            return key or self._is_to_fail()
        self._sounds += 1
        return self._sounds % AUDIO_PERIOD < AUDIO_WINDOW

    def _is_to_fail(self) -> bool:
        """Whether a picture is to be given to the decoder although it cannot be decoded."""
        now = self.clock()
        if self._keyed or now - self._failed_at < PATIENCE:
            return False
        self._failed_at = now
        return True


class SampledQueues:
    """What aiortc's receivers find where they look for the module `queue`."""

    Queue = SampledQueue


class ImpatientJitterBuffer(JitterBuffer):
    """aiortc's, but a packet that was asked for and does not come is given up after `PATIENCE`, and
    a key frame is asked for."""

    clock = staticmethod(time.monotonic)

    def __init__(self, capacity: int, prefetch: int = 0, is_video: bool = False) -> None:
        super().__init__(capacity, prefetch, is_video)
        self._moved_at = self.clock()  # when there was a whole frame, or nothing missing

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        lost, frame = super().add(packet)
        now = self.clock()
        if frame is not None or not self._is_video:
            self._moved_at = now
        elif now - self._moved_at > PATIENCE:
            self._moved_at = now
            missing = self._missing_before(packet.sequence_number)
            if missing:
                self.smart_remove(missing)
                return True, self._remove_frame(packet.sequence_number)
        return lost, frame

    def _missing_before(self, sequence: int) -> int:
        """How many packets, from the first that is waited for, end with one that is missing."""
        assert self._origin is not None
        count = (sequence - self._origin) & 0xFFFF
        gone = [
            n for n in range(count) if self._packets[(self._origin + n) % self.capacity] is None
        ]
        return gone[-1] + 1 if gone else 0


class ImpairedTransport:
    """A datagram transport whose sent packets pass an impaired line; everything else is the
    transport's own."""

    def __init__(self, transport: asyncio.DatagramTransport, hop: Hop) -> None:
        self._transport = transport
        self._hop = hop

    def sendto(self, data: bytes, address: Any = None) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for at in self._hop.up.offer(now, len(data)):
            if at <= now:
                self._transport.sendto(data, address)
            else:
                loop.call_at(at, self._later, data, address)

    def _later(self, data: bytes, address: Any) -> None:
        if not self._transport.is_closing():
            self._transport.sendto(data, address)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


_real_made = aioice.ice.StunProtocol.connection_made
_real_received = aioice.ice.StunProtocol.datagram_received


def _connection_made(self: Any, transport: Any) -> None:
    hop = line.get()
    self.hop = hop
    mark(transport.get_extra_info("socket"), AF41)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
    shown: Any = transport if hop is None else ImpairedTransport(transport, hop)
    _real_made(self, shown)


def _datagram_received(self: Any, data: Any, address: Any) -> None:
    hop: Hop | None = self.hop
    if hop is None:
        _real_received(self, data, address)
        return
    loop = asyncio.get_running_loop()
    now = loop.time()
    for at in hop.down.offer(now, len(data)):
        if at <= now:
            _real_received(self, data, address)
        else:
            loop.call_at(at, _real_received, self, data, address)


def mark(sock: Any, dscp: int) -> None:
    """Set the DSCP of what a socket sends. Sound and picture share one 5-tuple (BUNDLE), so all
    of it gets the mark of the picture."""
    six = sock.family == socket.AF_INET6
    level, option = (
        (socket.IPPROTO_IPV6, socket.IPV6_TCLASS) if six else (socket.IPPROTO_IP, socket.IP_TOS)
    )
    with contextlib.suppress(OSError):  # media without a mark are better than none
        sock.setsockopt(level, option, dscp << 2)


_real_addresses = aioice.ice.get_host_addresses


def _host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    address = local_address.get()
    return [address] if address is not None else _real_addresses(use_ipv4, use_ipv6)


def install() -> None:
    """Replace the functions for the whole process; to be called once."""
    setattr(aiortc.rtcrtpreceiver, "queue", SampledQueues)  # noqa: B010
    setattr(aiortc.rtcrtpreceiver, "JitterBuffer", ImpatientJitterBuffer)  # noqa: B010
    setattr(aioice.ice, "get_host_addresses", _host_addresses)  # noqa: B010
    # A warning for every picture that `SampledQueue` lets fail is none.
    logging.getLogger("aiortc.rtcrtpreceiver").setLevel(logging.ERROR)
    install_lines()


def install_lines() -> None:
    """Install DSCP marks and impaired lines only, for a process that decodes everything."""
    setattr(aioice.ice.StunProtocol, "connection_made", _connection_made)  # noqa: B010
    setattr(aioice.ice.StunProtocol, "datagram_received", _datagram_received)  # noqa: B010
