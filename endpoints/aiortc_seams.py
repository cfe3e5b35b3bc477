"""The one place that reaches into aiortc and aioice. `tests/endpoints/test_seams.py` shows
that the pinned versions still have what is used here.

* Decoding is sampled: a simulated point receives a dozen streams, and decoding all of them
  for twelve points would fill a small machine. Pictures are decoded at key frames, sound in
  short windows.
* Host candidates come from the address the point was given, because aioice leaves loopback
  out and the demo's points each live on one of their own.
"""

from __future__ import annotations

import contextvars
from typing import Any

import aioice.ice
import aiortc.rtcrtpreceiver
from aiortc.codecs import get_decoder
from aiortc.codecs.base import Decoder
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtcrtpparameters import RTCRtpCodecParameters

AUDIO_PERIOD = 25  # frames of 20 ms; of these
AUDIO_WINDOW = 7  # are decoded in a row: 140 ms, of which the first 40 ms settle the decoder
H264_SPS = 7

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


_real_addresses = aioice.ice.get_host_addresses


def _host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    address = local_address.get()
    return [address] if address is not None else _real_addresses(use_ipv4, use_ipv6)


def install() -> None:
    """Put the seams in; for the whole process, once."""
    setattr(aiortc.rtcrtpreceiver, "get_decoder", _sampled_decoder)  # noqa: B010
    setattr(aioice.ice, "get_host_addresses", _host_addresses)  # noqa: B010
