"""A point's picture as VP8 that was encoded once: a key picture, and a loop of pictures that refer
to the key picture alone. So any of them may follow any other, or be lost, and a request for a key
frame is answered at once, at any phase of the loop.

libvpx makes such pictures as the upper of two temporal layers: they change no reference (RFC 6386
section 9.7), and with error resilience no probabilities either (section 9.11).
"""

from __future__ import annotations

import fractions

import av
from av import VideoFrame
from av.video.codeccontext import VideoCodecContext

from endpoints.simulation.meeting_room import MeetingRoom
from endpoints.webrtc.test_card import Plane, loop_time

SECONDS = 2  # a swing of the pendulum
PICTURES = 30  # of a loop: 15 a second
QUANTISER = 20  # 0–63; the same for all, so that pictures fit a key picture that is made later
OPTIONS = {
    "deadline": "realtime",
    "cpu-used": "4",
    "lag-in-frames": "0",
    "error-resilient": "default",
    "qmin": str(QUANTISER),
    "qmax": str(QUANTISER),
    "ts-parameters": (
        "ts_number_layers=2:ts_target_bitrate=1000,2000:ts_rate_decimator=2,1:"
        "ts_periodicity=2:ts_layer_id=0,1:ts_layering_mode=2"
    ),
}


def phase_ms(index: int) -> int:
    """When in the loop a picture is shown, ms."""
    return index * SECONDS * 1000 // PICTURES


class PictureLoop:
    """The encoded pictures of a room. `fill` encodes those of the loop."""

    def __init__(self, room: MeetingRoom, hour: int, minute: int) -> None:
        """``hour`` and ``minute`` are what the clock on the wall shows at first."""
        self._room = room
        self._shown = (hour, minute)
        self.key: bytes = self._encode(self._key_picture(hour, minute))[0]
        """The key picture. Its card has no time."""
        self.pictures: list[bytes] = []
        """The pictures of the loop, which all refer to the key picture; not all are there before
        `fill` is through."""

    def fill(self) -> None:
        """Encode the pictures of the loop. It takes half a second: in another thread, if that is
        too long; nothing else of the loop changes meanwhile."""
        base = self._key_picture(*self._shown)
        while len(self.pictures) < PICTURES:
            picture = self._picture(len(self.pictures), *self._shown)
            self.pictures.append(self._encode(base, picture)[1])

    def show(self, hour: int, minute: int) -> bool:
        """Set the clock on the wall; True where the key picture is a new one, which then has to be
        sent. The pictures of the loop leave the clock as it is; before all are there, it stays."""
        if (hour, minute) == self._shown or len(self.pictures) < PICTURES:
            return False
        self._shown = (hour, minute)
        self.key = self._encode(self._key_picture(hour, minute))[0]
        return True

    def _key_picture(self, hour: int, minute: int) -> Plane:
        return self._room.render(0, loop_time(0, 0), hour, minute)

    def _picture(self, index: int, hour: int, minute: int) -> Plane:
        at = phase_ms(index)
        return self._room.render(at, loop_time(at, SECONDS), hour, minute)

    def _encode(self, *pictures: Plane) -> list[bytes]:
        """Encode pictures, the first as a key picture."""
        codec = av.CodecContext.create("libvpx", "w")
        assert isinstance(codec, VideoCodecContext)
        codec.width, codec.height = self._room.width, self._room.height
        codec.pix_fmt = "yuv420p"
        codec.bit_rate = 2_000_000
        codec.time_base = fractions.Fraction(1, 15)
        codec.thread_count = 1
        codec.options = OPTIONS
        encoded: list[bytes] = []
        for number, picture in enumerate(pictures):
            frame = VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts = number
            encoded += [bytes(packet) for packet in codec.encode(frame)]
        return encoded
