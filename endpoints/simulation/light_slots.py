"""What a light simulated point receives: RTP of its slots, opened and decoded in samples. Pure but
for the decoders: times are arguments, in monotonic seconds.

Pictures are looked at where they can be key frames, and at the picture after each; those of a loop,
which refer to their key picture alone, once in `PICTURE_EVERY` and after a loss, too. Sound is
looked at in short windows. All other packets are counted by their headers and stay sealed. Octets
that were decoded once are not decoded again (`Seen`): the same octets show the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import av
import numpy as np
from aiortc.codecs.opus import OpusDecoder
from aiortc.jitterbuffer import JitterFrame
from av import AudioFrame
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from bridge.media import rtp
from endpoints.webrtc import test_card, tone
from endpoints.webrtc.light_reception import Reception, vp8_part
from endpoints.webrtc.observation import Observations
from endpoints.webrtc.reading import luma_of

PICTURE_EVERY = 2.0  # seconds between samples of a picture
SOUND_EVERY = 0.25  # seconds between samples of sound
SOUND_PACKETS = 7  # in a row, if none is known: 140 ms, of which the first 40 ms settle the decoder
# The packet of which it is sure what it carries, counted from the end: of the four in which a tone
# is found the second. The outer ones have 4 % of the tapered energy, and in the decoder's delay the
# third may still sound like the one before.
SURE = 3
ASK_AGAIN = 0.5  # seconds between requests for a key frame
MOST_LOOPS = 64  # key pictures of which the readings are kept; every point has one each minute
MOST_SOUNDS = 16_384  # packets of sound that are kept: those of the loops of 300 points

Unseal = Callable[[bytes], bytes]
"""Opens a sealed RTP packet; returns b"" for one that is not good."""


class Shown(NamedTuple):
    """What a picture shows, and its height in pixels."""

    reading: test_card.Reading
    height: int


@dataclass(slots=True)
class Loop:
    """A key picture of a loop, and the pictures that were decoded with it."""

    key: Shown
    pictures: dict[bytes, Shown] = field(default_factory=dict)


class Seen:
    """Cache of decoded packets: which card a picture shows, whose tone a packet carries. The points
    of a process share it."""

    def __init__(self) -> None:
        self._loops: dict[bytes, Loop] = {}
        self._tones: dict[bytes, int] = {}

    def loop(self, key: bytes) -> Loop | None:
        """The loop of a key picture; None where it was not decoded yet."""
        return self._loops.get(key)

    def add_loop(self, key: bytes, shown: Shown) -> Loop:
        """A key picture was decoded."""
        while len(self._loops) >= MOST_LOOPS:
            self._loops.pop(next(iter(self._loops)))
        self._loops[key] = loop = Loop(shown)
        return loop

    def tone(self, payload: bytes) -> int:
        """The number of the point whose tone this packet carries; 0 where that is not known."""
        return self._tones.get(payload, 0)

    def add_tone(self, payload: bytes, number: int) -> None:
        """A packet was decoded as the tone of a point."""
        if len(self._tones) < MOST_SOUNDS:
            self._tones[payload] = number


class Pictures:
    """One video slot."""

    clock = 90_000  # Hz

    def __init__(self, name: str, ssrc: int, observations: Observations, seen: Seen) -> None:
        self.reception = Reception(ssrc, self.clock)
        self.asked_at: float | None = None  # when a key frame was asked for last
        self.name = name
        self._observations = observations
        self._seen = seen
        self._decoder = _vp8()
        self._parts: list[bytes] = []
        self._wanted = False  # the frame that arrives is gathered, and nothing of it is missing
        self._timestamp = -1
        self._keyed = False  # there was a key frame, and nothing shows that one is missing since
        self._next = False  # look at the picture that follows
        self._key = b""  # the key frame of the last
        self._primed = False  # the decoder has it
        self._looped = False  # it is of a loop
        self._loop: Loop | None = None
        self._sampled_at = 0.0

    def take(
        self, sealed: bytes, sequence: int, timestamp: int, marker: bool, now: float, unseal: Unseal
    ) -> None:
        """Take an RTP packet."""
        step = self.reception.arrived(sequence, timestamp, now)
        if step <= 0:
            return  # late; its frame was given up
        if step != 1:
            self._lost(step, timestamp == self._timestamp)
        if timestamp != self._timestamp:
            self._timestamp = timestamp
            self._parts.clear()
            # A key picture has several packets, so this one cannot be it.
            self._wanted = not (marker and self._looped and not self._due(now))
        if not self._wanted:
            return
        start, part = vp8_part(rtp.payload(unseal(sealed)) or b"")
        if not self._parts:
            if not start:  # its beginning is lost
                self._wanted = False
                self._doubt()
                return
            if not part or (part[0] & 1 and not self._due(now)):  # RFC 6386 section 9.1
                self._wanted = False
                return
        self._parts.append(part)
        if marker:
            self._wanted = False
            self._frame(b"".join(self._parts), now)

    def wants_key(self, now: float) -> bool:
        """Whether a key frame is to be asked for now."""
        waits = not self._keyed and self.reception.packets > 0
        if waits and (self.asked_at is None or now - self.asked_at >= ASK_AGAIN):
            self.asked_at = now
            return True
        return False

    def _lost(self, step: int, inside: bool) -> None:
        """Packets are missing, ``inside`` a frame of which others came."""
        self._next = False
        if self._looped:
            self._sampled_at = 0.0  # the next picture shows whether a key picture was among them
        elif step > 2 or inside:
            self._doubt()
        if inside:
            self._wanted = False

    def _doubt(self) -> None:
        """What is missing may have been a key frame. Pictures of a loop show it by themselves."""
        if self._looped:
            self._sampled_at = 0.0
        else:
            self._keyed = False

    def _due(self, now: float) -> bool:
        return self._next or (self._looped and now - self._sampled_at >= PICTURE_EVERY)

    def _frame(self, data: bytes, now: float) -> None:
        self._sampled_at = now
        if not data[0] & 1:
            self._key_frame(data, now)
            return
        self._next = False
        shown = self._loop.pictures.get(data) if self._loop is not None else None
        if shown is None:
            if not self._primed:
                self._decode(self._key)
                self._primed = True
            shown = self._decode(data)
            if shown is not None and self._loop is not None:
                self._loop.pictures[data] = shown
        if shown is not None:
            self._observations.saw(self.name, shown.reading, shown.height, now)
        # A key picture that was lost on the way leaves pictures that cannot be read.
        self._keyed = shown is not None or not self._looped

    def _key_frame(self, data: bytes, now: float) -> None:
        self._keyed = True
        if self._looped and data == self._key:
            return  # somebody else asked for it
        self._key, self._next, self._primed = data, True, False
        self._loop = self._seen.loop(data)
        shown = self._loop.key if self._loop is not None else None
        if shown is None:
            shown = self._decode(data)
            self._primed = True
        self._looped = shown is not None and shown.reading.loop_ms is not None
        if shown is None:
            return
        self._observations.saw(self.name, shown.reading, shown.height, now)
        if self._looped and self._loop is None:
            self._loop = self._seen.add_loop(data, shown)

    def _decode(self, data: bytes) -> Shown | None:
        frames: list[VideoFrame] = []
        with contextlib.suppress(av.FFmpegError):
            frames = self._decoder.decode(av.Packet(data))
        for frame in frames:
            luma = luma_of(frame)
            reading = test_card.read(luma)
            if reading is not None:
                return Shown(reading, luma.shape[0])
        return None


class Sounds:
    """One audio slot."""

    clock = tone.RATE

    def __init__(self, name: str, ssrc: int, observations: Observations, seen: Seen) -> None:
        self.reception = Reception(ssrc, self.clock)
        self.name = name
        self._observations = observations
        self._seen = seen
        self._decoder = OpusDecoder()
        self._detector = tone.Detector()
        self._gathered: list[tuple[bytes, int]] = []  # a sample: payloads and timestamps so far
        self._sampled_at = -SOUND_EVERY

    def take(
        self, sealed: bytes, sequence: int, timestamp: int, marker: bool, now: float, unseal: Unseal
    ) -> None:
        """Take an RTP packet."""
        del marker
        if self.reception.arrived(sequence, timestamp, now) <= 0:
            return
        if not self._gathered and now - self._sampled_at < SOUND_EVERY:
            return
        payload = rtp.payload(unseal(sealed))
        if not payload:
            return
        self._gathered.append((payload, timestamp))
        number = self._seen.tone(payload)
        if not number and len(self._gathered) == SOUND_PACKETS:
            number = self._decode_gathered()
        if number:
            self._observations.heard(self.name, number, now)
        if number or len(self._gathered) == SOUND_PACKETS:
            self._gathered.clear()
            self._sampled_at = now

    def _decode_gathered(self) -> int:
        number = 0
        for count, (payload, timestamp) in enumerate(self._gathered, 1):
            found = self._decode(payload, timestamp)
            if found and count >= SURE:
                self._seen.add_tone(self._gathered[count - SURE][0], found)
            number = found or number
        return number

    def _decode(self, payload: bytes, timestamp: int) -> int:
        number = 0
        with contextlib.suppress(av.FFmpegError):
            for decoded in self._decoder.decode(JitterFrame(data=payload, timestamp=timestamp)):
                assert isinstance(decoded, AudioFrame)
                samples = decoded.to_ndarray().reshape(-1, 2)[:, 0]
                number = self._detector.feed(samples.astype(np.float64), timestamp) or number
        return number


def _vp8() -> VideoCodecContext:
    codec = av.CodecContext.create("vp8", "r")
    assert isinstance(codec, VideoCodecContext)
    codec.options = {"threads": "1"}  # more would cost more than they save, at this size
    return codec
