"""Replaces functions inside aiortc and aioice; no other module reaches into them.
`tests/endpoints/webrtc/test_aiortc_seams.py` checks that the pinned versions still have what is
replaced here.

* Decoding is sampled: a simulated point receives a dozen streams, and decoding all of them
  for twelve points would fill a small machine. Pictures are decoded at key frames, sound in
  short windows.
* Sent datagrams are marked (DSCP AF41), and a point's line can be impaired.
* Host candidates come from the address the point was given, because aioice leaves loopback
  out and each of the demo's points has a loopback address of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import socket
from typing import Any

import aioice.ice
import aiortc.rtcrtpreceiver
from aiortc.codecs import get_decoder
from aiortc.codecs.base import Decoder
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtcrtpparameters import RTCRtpCodecParameters

from endpoints.netem.impairment import Hop

AUDIO_PERIOD = 25  # frames of 20 ms; of these
AUDIO_WINDOW = 7  # are decoded in a row: 140 ms, of which the first 40 ms settle the decoder
H264_SPS = 7
AF41 = 34  # DSCP of video

line: contextvars.ContextVar[Hop | None] = contextvars.ContextVar("line", default=None)

local_address: contextvars.ContextVar[str | None] = contextvars.ContextVar(
    "local_address", default=None
)


class SampledVideoDecoder(Decoder):
    """Decodes key frames only."""

    def __init__(self, decoder: Decoder, codec: str) -> None:
        self._decoder = decoder
        self._codec = codec

    def decode(self, encoded_frame: JitterFrame) -> list[Any]:
        data = encoded_frame.data
        if self._codec == "VP8":
            key = bool(data) and not data[0] & 1
        else:
            key = any(
                data[at + 4] & 0x1F == H264_SPS
                for at in range(min(len(data) - 4, 64))
                if data[at : at + 4] == b"\0\0\0\1"
            )
        return list(self._decoder.decode(encoded_frame)) if key else []


class SampledAudioDecoder(Decoder):
    """Decodes `AUDIO_WINDOW` frames out of `AUDIO_PERIOD`."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._count = 0

    def decode(self, encoded_frame: JitterFrame) -> list[Any]:
        self._count += 1
        if self._count % AUDIO_PERIOD >= AUDIO_WINDOW:
            return []
        return list(self._decoder.decode(encoded_frame))


def _sampled_decoder(codec: RTCRtpCodecParameters) -> Decoder:
    decoder = get_decoder(codec)
    if codec.mimeType.lower().startswith("video/"):
        return SampledVideoDecoder(decoder, codec.name)
    return SampledAudioDecoder(decoder)


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
    setattr(aiortc.rtcrtpreceiver, "get_decoder", _sampled_decoder)  # noqa: B010
    setattr(aioice.ice, "get_host_addresses", _host_addresses)  # noqa: B010
    install_lines()


def install_lines() -> None:
    """Install DSCP marks and impaired lines only, for a process that decodes everything."""
    setattr(aioice.ice.StunProtocol, "connection_made", _connection_made)  # noqa: B010
    setattr(aioice.ice.StunProtocol, "datagram_received", _datagram_received)  # noqa: B010
