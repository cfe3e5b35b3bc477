"""``python -m benchmarks.weak_room.senders``: the other points of a meeting, in a process of their
own. Reads a line of JSON with ``url``, ``points`` (``id``, ``key``, ``number``) and their local
``address``; ends when its input does.

The points only send, out of loops that are encoded before: what is measured is one room, and a
dozen decoders would be most of the load.
"""

from __future__ import annotations

import asyncio
import fractions
import json
import sys
import time
from typing import Any

from aiortc.codecs.vpx import Vp8Encoder
from av import Packet, VideoFrame

from endpoints.webrtc.peer import Peer
from endpoints.webrtc.test_card import TestCard
from endpoints.webrtc.tracks import FRAME_RATE, VIDEO_CLOCK, SourceTrack, ToneTrack

LOOP = 2 * FRAME_RATE  # pictures; the first one is a key frame


def film(number: int) -> list[bytes]:
    """Two seconds of a point's test card in 320 × 180 as VP8."""
    encoder = Vp8Encoder()
    card = TestCard(number, width=320, height=180)
    pictures = []
    for index in range(LOOP):
        frame = VideoFrame.from_ndarray(card.render(index * 1000 // FRAME_RATE), format="yuv420p")
        frame.pts = index * VIDEO_CLOCK // FRAME_RATE
        frame.time_base = fractions.Fraction(1, VIDEO_CLOCK)
        payloads, _ = encoder.encode(frame, force_keyframe=index == 0)
        pictures.append(b"".join(_plain(payload) for payload in payloads))
    return pictures


def _plain(payload: bytes) -> bytes:
    """A payload without its VP8 descriptor (RFC 7741 section 4.2), as aiortc writes it."""
    size = 1
    if payload[0] & 0x80:
        size += 1
        if payload[1] & 0x80:
            size += 2 if payload[2] & 0x80 else 1
    return payload[size:]


class FilmTrack(SourceTrack):
    """Video out of a loop."""

    kind = "video"

    def __init__(self, pictures: list[bytes]) -> None:
        super().__init__()
        self._pictures = pictures
        self._start = time.monotonic()
        self._count = 0

    async def recv(self) -> Packet[Any]:
        await self.active.wait()
        self._count = max(self._count + 1, int((time.monotonic() - self._start) * FRAME_RATE))
        await asyncio.sleep(max(0.0, self._start + self._count / FRAME_RATE - time.monotonic()))
        packet: Packet[Any] = Packet(self._pictures[self._count % LOOP])
        packet.pts = self._count * (VIDEO_CLOCK // FRAME_RATE)
        packet.time_base = fractions.Fraction(1, VIDEO_CLOCK)
        return packet


class Sender(Peer):
    """A point that offers no line for what it would receive."""

    def _message(self, message: dict[str, Any]) -> None:
        if message["type"] == "welcome":
            message["slots"] = {"video": [], "audio": []}
        super()._message(message)


async def main() -> None:
    config = json.loads(await asyncio.to_thread(sys.stdin.readline))
    tasks = []
    for point in config["points"]:
        number = point["number"]
        pictures = film(number)
        peer = Sender(
            config["url"],
            point["id"],
            point["key"],
            sources=lambda n=number, p=pictures: (ToneTrack(n), FilmTrack(p)),  # type: ignore[misc]
            address=config["address"],
        )
        tasks.append(asyncio.create_task(peer.run()))
        await asyncio.sleep(0)
    await asyncio.to_thread(sys.stdin.readline)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
