"""Media tracks that a point sends: drawn pictures as video, a tone as sound."""

from __future__ import annotations

import asyncio
import fractions
import time
from collections.abc import Callable
from typing import Any

from aiortc import MediaStreamTrack
from aiortc.codecs.opus import OpusEncoder
from av import AudioFrame, Packet, VideoFrame

from endpoints.webrtc import test_card, tone

FRAME_RATE = 15  # pictures a second
VIDEO_CLOCK = 90_000  # Hz, of RTP timestamps
TONE_SETTLE, TONE_LOOP = 10, 50  # packets: left out at the start, repeated
VIDEO_TIME, SOUND_TIME = fractions.Fraction(1, VIDEO_CLOCK), fractions.Fraction(1, tone.RATE)
MOST_BEHIND = 5  # packets; what a pause left out is not made up for


class SourceTrack(MediaStreamTrack):
    """A track that sends only while its event `active` is set: inside a conference."""

    def __init__(self) -> None:
        super().__init__()
        self.active = asyncio.Event()


class PictureTrack(SourceTrack):
    """Video of pictures that are drawn as they are sent, `FRAME_RATE` a second."""

    kind = "video"

    def __init__(self, draw: Callable[[int], test_card.Plane]) -> None:
        """``draw`` makes the picture of a moment (monotonic milliseconds), planar YUV 4:2:0."""
        super().__init__()
        self._draw = draw
        self._start = time.monotonic()
        self._count = 0

    async def recv(self) -> VideoFrame:
        await self.active.wait()
        self._count = max(self._count + 1, int((time.monotonic() - self._start) * FRAME_RATE))
        due = self._start + self._count / FRAME_RATE
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        picture = self._draw(round(time.monotonic() * 1000))
        frame = VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = self._count * (VIDEO_CLOCK // FRAME_RATE)
        frame.time_base = VIDEO_TIME
        return frame


class CardTrack(PictureTrack):
    """Video of a point's test card."""

    def __init__(self, number: int, *, width: int = 320, height: int = 180) -> None:
        """``number`` is the point's, 1 to 255; width and height are pixels, both even."""
        super().__init__(test_card.TestCard(number, width=width, height=height).render)


def encoded_tone(number: int) -> list[bytes]:
    """A point's tone as a loop of Opus packets, 20 ms each. Encoding sound for twelve points live
    would cost more than all the rest of them; pictures are encoded live."""
    encoder = OpusEncoder()
    packets: list[bytes] = []
    for index in range(TONE_SETTLE + TONE_LOOP):
        samples = tone.samples(number, index * tone.FRAME, tone.FRAME)
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = tone.RATE
        frame.pts = index * tone.FRAME
        frame.time_base = fractions.Fraction(1, tone.RATE)
        packets += encoder.encode(frame)[0]
    return packets[-TONE_LOOP:]


class ToneTrack(SourceTrack):
    """Sound of a point's tone as Opus, 50 packets a second."""

    kind = "audio"

    def __init__(self, number: int) -> None:
        super().__init__()
        self._packets = encoded_tone(number)
        self._start = time.monotonic()
        self._count = 0

    async def recv(self) -> Packet[Any]:
        await self.active.wait()
        passed = int((time.monotonic() - self._start) * tone.RATE / tone.FRAME)
        self._count = max(self._count, passed - MOST_BEHIND)
        due = self._start + self._count * tone.FRAME / tone.RATE
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        packet: Packet[Any] = Packet(self._packets[self._count % TONE_LOOP])
        packet.pts = self._count * tone.FRAME
        packet.time_base = SOUND_TIME
        self._count += 1
        return packet
