"""What a light simulated point sends: its picture loop and its tone as RTP, and RTCP reports. Pure:
times are arguments; packets are returned, not sent."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from endpoints.simulation.picture_loop import PICTURES, SECONDS, PictureLoop, phase_ms
from endpoints.webrtc import tone
from endpoints.webrtc.light_sdp import AUDIO_TYPE, LEVEL_ID, VIDEO_TYPE

PART = 1150  # octets of a frame in one packet
LEVEL = 12  # -dBov of the tone (RFC 6464)
MOST_BEHIND = 5  # sound packets; what a pause left out is not made up for
NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970
FRAME_SECONDS = tone.FRAME / tone.RATE
VIDEO_CLOCK = 90_000  # Hz

_RTP = struct.Struct("!BBHII")
_REPORT = struct.Struct("!BBHIIIIII")
_LEVEL = struct.pack("!HHBBH", 0xBEDE, 1, LEVEL_ID << 4, 0x80 | LEVEL, 0)  # RFC 8285, voice


class SoundSender:
    """A tone as RTP, one packet every 20 ms of monotonic time."""

    def __init__(self, ssrc: int, packets: list[bytes]) -> None:
        """``packets`` are played over and over."""
        self.ssrc = ssrc
        self.sent = self.octets = 0
        self._packets = packets
        self._sequence = ssrc & 0x7FFF
        self._next = 0  # number of the next packet, counted in steps of 20 ms of the clock

    def due(self, now: float) -> Iterator[bytes]:
        """The packets that are to be sent until ``now``."""
        number = int(now / FRAME_SECONDS)
        self._next = max(self._next, number - MOST_BEHIND)
        while self._next <= number:
            yield self._packet(self._next)
            self._next += 1

    def _packet(self, number: int) -> bytes:
        payload = self._packets[number % len(self._packets)]
        self._sequence = self._sequence + 1 & 0xFFFF
        self.sent += 1
        self.octets += len(payload)
        head = _RTP.pack(
            0x90, AUDIO_TYPE, self._sequence, self.timestamp(number * FRAME_SECONDS), self.ssrc
        )
        return head + _LEVEL + payload

    @staticmethod
    def timestamp(at: float) -> int:
        """The RTP timestamp of a moment."""
        return round(at * tone.RATE) & 0xFFFFFFFF


class PictureSender:
    """A picture loop as RTP, in step with monotonic time."""

    def __init__(self, ssrc: int, loop: PictureLoop) -> None:
        self.ssrc = ssrc
        self.sent = self.octets = 0
        self._loop = loop
        self._sequence = ssrc & 0x7FFF
        self._picture_id = ssrc & 0x7FFF
        self._last = -1  # number of the last picture, counted in loops from time 0
        self._key_due = True

    def want_key(self) -> None:
        """Send the key picture with the next one."""
        self._key_due = True

    def due(self, now: float) -> Iterator[bytes]:
        """The packets of the picture that is to be shown at ``now``, if it was not sent yet. A
        key picture goes before it, half a picture earlier."""
        loops, phase = divmod(round(now * 1000), SECONDS * 1000)
        index = phase * PICTURES // (SECONDS * 1000)
        number = loops * PICTURES + index
        if number == self._last:
            return
        self._last = number
        at = loops * SECONDS + phase_ms(index) / 1000
        if self._key_due:
            self._key_due = False
            yield from self._frame(self._loop.key, at - SECONDS / PICTURES / 2)
        if index < len(self._loop.pictures):
            yield from self._frame(self._loop.pictures[index], at)

    def _frame(self, data: bytes, at: float) -> Iterator[bytes]:
        timestamp = self.timestamp(at)
        self._picture_id = self._picture_id + 1 & 0x7FFF
        for start in range(0, len(data), PART):
            part = data[start : start + PART]
            last = start + PART >= len(data)
            self._sequence = self._sequence + 1 & 0xFFFF
            self.sent += 1
            self.octets += len(part)
            yield b"".join(
                (
                    _RTP.pack(
                        0x80,
                        VIDEO_TYPE | (0x80 if last else 0),
                        self._sequence,
                        timestamp,
                        self.ssrc,
                    ),
                    # VP8's descriptor with a PictureID of 15 bits (RFC 7741 section 4.2).
                    bytes((0x80 if start else 0x90, 0x80)),
                    (0x8000 | self._picture_id).to_bytes(2, "big"),
                    part,
                )
            )

    @staticmethod
    def timestamp(at: float) -> int:
        """The RTP timestamp of a moment."""
        return round(at * VIDEO_CLOCK) & 0xFFFFFFFF


def sender_report(sender: SoundSender | PictureSender, now: float, wall: float) -> bytes:
    """A sender report (RFC 3550 section 6.4.1); ``wall`` is UTC seconds at ``now``."""
    seconds, part = divmod(wall + NTP_EPOCH, 1)
    return _REPORT.pack(
        0x80,
        200,
        6,
        sender.ssrc,
        int(seconds) & 0xFFFFFFFF,
        int(part * (1 << 32)),
        sender.timestamp(now),
        sender.sent & 0xFFFFFFFF,
        sender.octets & 0xFFFFFFFF,
    )


def receiver_report(ssrc: int, blocks: list[bytes]) -> bytes:
    """A receiver report of at most 31 blocks (RFC 3550 section 6.4.2)."""
    body = b"".join(blocks[:31])
    count = len(body) // 24
    return struct.pack("!BBHI", 0x80 | count, 201, 1 + 6 * count, ssrc) + body


def picture_loss(ssrc: int, media: int) -> bytes:
    """A picture loss indication (RFC 4585 section 6.3.1)."""
    return struct.pack("!BBHII", 0x81, 206, 2, ssrc, media)
