"""What a light simulated point receives: RTP of its slots, decoded in samples. Pure but for the
decoders: times are arguments, in monotonic seconds.

Pictures are decoded at key frames and at the picture after each; those of a loop, which refer to
their key picture alone, once in `PICTURE_EVERY` too. Sound is decoded in short windows.
"""

from __future__ import annotations

import contextlib
import struct

import av
import numpy as np
from aiortc.codecs.opus import OpusDecoder
from aiortc.jitterbuffer import JitterFrame
from av import AudioFrame
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from endpoints.webrtc import test_card, tone
from endpoints.webrtc.observation import Observations
from endpoints.webrtc.reading import luma_of

PICTURE_EVERY = 2.0  # seconds between samples of a picture
SOUND_EVERY = 0.5  # seconds between samples of sound
SOUND_PACKETS = 7  # in a row: 140 ms, of which the first 40 ms settle the decoder
ASK_AGAIN = 0.5  # seconds between requests for a key frame

_BLOCK = struct.Struct("!IIIIII")


def payload_of(packet: bytes) -> bytes:
    """The payload of an RTP packet (RFC 3550 section 5); empty where it is malformed."""
    at = 12 + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        if len(packet) < at + 4:
            return b""
        at += 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")
    end = len(packet)
    if packet[0] & 0x20 and packet:
        end -= packet[-1]
    return packet[at:end] if at < end else b""


def vp8_part(payload: bytes) -> tuple[bool, bytes]:
    """Whether a VP8 payload begins a frame, and its part of the frame (RFC 7741 section 4.2)."""
    if not payload:
        return False, b""
    start = payload[0] & 0x1F == 0x10  # S set, partition 0
    at = 1
    if payload[0] & 0x80 and len(payload) > 1:
        flags = payload[1]
        at = 2
        if flags & 0x80:
            at += 2 if len(payload) > at and payload[at] & 0x80 else 1
        at += bool(flags & 0x40) + bool(flags & 0x30)
    return start, payload[at:]


class Reception:
    """Counts of one stream, for receiver reports (RFC 3550 section 6.4.1)."""

    def __init__(self, ssrc: int, clock: int) -> None:
        self.ssrc = ssrc
        self.packets = 0
        self._clock = clock
        self._first = -1
        self._highest = 0  # extended by the number of wraps
        self._jitter = 0.0
        self._transit: float | None = None
        self._expected_before = self._received_before = 0
        self._report_at = 0.0  # of the sender's last report
        self._report = 0  # the middle of its NTP time

    def arrived(self, sequence: int, timestamp: int, now: float) -> int:
        """Count a packet; return by how much its sequence number is over the highest so far."""
        if self._first < 0:
            self._first = self._highest = sequence
            self.packets = 1
            return 1
        step = (sequence - self._highest + 0x8000 & 0xFFFF) - 0x8000
        self._highest = max(self._highest, self._highest + step)
        self.packets += 1
        transit = now * self._clock - timestamp
        if self._transit is not None:
            self._jitter += (abs(transit - self._transit) - self._jitter) / 16
        self._transit = transit
        return step

    @property
    def lost(self) -> int:
        """Packets lost so far."""
        return max(0, self._highest - self._first + 1 - self.packets) if self.packets else 0

    def reported(self, middle: int, now: float) -> None:
        """The sender's report came, with this middle of its NTP time."""
        self._report, self._report_at = middle, now

    def block(self, now: float) -> bytes:
        """A report block since the one before."""
        expected = self._highest - self._first + 1
        since = expected - self._expected_before
        lost = max(0, since - (self.packets - self._received_before))
        self._expected_before, self._received_before = expected, self.packets
        fraction = min(255, lost * 256 // since) if since > 0 else 0
        delay = round((now - self._report_at) * 65536) if self._report else 0
        return _BLOCK.pack(
            self.ssrc,
            fraction << 24 | min(self.lost, 0x7FFFFF),
            self._highest & 0xFFFFFFFF,
            round(min(self._jitter, 0xFFFFFFFF)),
            self._report,
            delay & 0xFFFFFFFF,
        )


class Pictures:
    """One video slot."""

    clock = 90_000  # Hz

    def __init__(self, name: str, ssrc: int, observations: Observations) -> None:
        self.reception = Reception(ssrc, self.clock)
        self.asked_at: float | None = None  # when a key frame was asked for last
        self.name = name
        self._observations = observations
        self._decoder = _vp8()
        self._parts: list[bytes] = []
        self._whole = False  # no part of the frame that is gathered is missing
        self._timestamp = -1
        self._keyed = False  # a key frame was decoded, and nothing is missing since
        self._next = False  # decode the picture that follows
        self._looped = False
        self._key = b""  # the key frame that was decoded last
        self._sampled_at = 0.0

    def take(self, packet: bytes, sequence: int, timestamp: int, marker: bool, now: float) -> None:
        """Take an RTP packet."""
        step = self.reception.arrived(sequence, timestamp, now)
        if step <= 0:
            return  # late; its frame was given up
        start, part = vp8_part(payload_of(packet))
        if timestamp != self._timestamp:
            self._timestamp = timestamp
            self._parts.clear()
            self._whole = start
        if step != 1:
            self._whole = self._whole and start and not self._parts
            self._next = False
        if self._whole:
            self._parts.append(part)
            if marker:
                self._frame(b"".join(self._parts), now)
                self._whole = False

    def wants_key(self, now: float) -> bool:
        """Whether a key frame is to be asked for now."""
        waits = not self._keyed and self.reception.packets > 0
        if waits and (self.asked_at is None or now - self.asked_at >= ASK_AGAIN):
            self.asked_at = now
            return True
        return False

    def _frame(self, data: bytes, now: float) -> None:
        if not data:
            return
        if not data[0] & 1:  # RFC 6386 section 9.1
            self._keyed = True
            if self._looped and data == self._key:
                return  # somebody else asked for it; the decoder has it already
            self._next, self._key = True, data
            reading = self._decode(data, now)
            self._looped = reading is not None and reading.loop_ms is not None
        elif self._next or (self._looped and now - self._sampled_at >= PICTURE_EVERY):
            self._next = False
            # A key picture that was lost on the way leaves pictures that cannot be read.
            self._keyed = self._decode(data, now) is not None or not self._looped

    def _decode(self, data: bytes, now: float) -> test_card.Reading | None:
        self._sampled_at = now
        frames: list[VideoFrame] = []
        with contextlib.suppress(av.FFmpegError):
            frames = self._decoder.decode(av.Packet(data))
        for frame in frames:
            luma = luma_of(frame)
            reading = test_card.read(luma)
            if reading is not None:
                self._observations.saw(self.name, reading, luma.shape[0], now)
                return reading
        return None


class Sounds:
    """One audio slot."""

    clock = tone.RATE

    def __init__(self, name: str, ssrc: int, observations: Observations) -> None:
        self.reception = Reception(ssrc, self.clock)
        self.name = name
        self._observations = observations
        self._decoder = OpusDecoder()
        self._detector = tone.Detector()
        self._window = 0  # packets that are still to be decoded
        self._sampled_at = -SOUND_EVERY

    def take(self, packet: bytes, sequence: int, timestamp: int, marker: bool, now: float) -> None:
        """Take an RTP packet."""
        del marker
        if self.reception.arrived(sequence, timestamp, now) <= 0:
            return
        if not self._window:
            if now - self._sampled_at < SOUND_EVERY:
                return
            self._sampled_at = now
            self._window = SOUND_PACKETS
        self._window -= 1
        frame = JitterFrame(data=payload_of(packet), timestamp=timestamp)
        with contextlib.suppress(av.FFmpegError):
            for decoded in self._decoder.decode(frame):
                assert isinstance(decoded, AudioFrame)
                samples = decoded.to_ndarray().reshape(-1, 2)[:, 0]
                number = self._detector.feed(samples.astype(np.float64), timestamp)
                if number:
                    self._observations.heard(self.name, number, now)
                    self._window = 0


def _vp8() -> VideoCodecContext:
    codec = av.CodecContext.create("vp8", "r")
    assert isinstance(codec, VideoCodecContext)
    codec.options = {"threads": "1"}  # more would cost more than they save, at this size
    return codec
