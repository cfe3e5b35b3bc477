"""Voices are decoded, laid over one another by their clocks, and encoded once."""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np
from numpy.typing import NDArray

from bridge.media.rtp import unwrap

RATE = 48_000  # Hz of Opus, RFC 7587
BLOCK = 960  # samples of what is mixed at a time: 20 ms
RING = 8 * RATE  # samples between the oldest that is not mixed yet and the newest that came
APART = 0.02  # seconds by which a voice's clock and its place may differ before it is moved

Samples = NDArray[np.float32]


class Voice:
    """One stream of Opus: its decoder, and where its samples lie."""

    def __init__(self) -> None:
        self._decoder = av.CodecContext.create("libopus", "r")
        self._decoder.sample_rate = RATE
        self._decoder.layout = "mono"
        self._timestamp = 0
        self._place: int | None = None  # of the sample with that timestamp

    def decode(self, payload: bytes) -> Samples:
        """The samples of a packet; none where it cannot be decoded."""
        try:
            frames = self._decoder.decode(av.Packet(payload))
        except av.FFmpegError:
            return np.zeros(0, np.float32)
        parts = [_mono(frame.to_ndarray(), len(frame.layout.channels)) for frame in frames]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def place(self, timestamp: int, wanted: int) -> int:
        """Where a packet's samples go: on from the last ones, or to ``wanted`` where its clock
        says that this is too far off."""
        if self._place is not None:
            ahead = unwrap(timestamp, self._timestamp, 32) - self._timestamp
            place = self._place + ahead
            if abs(place - wanted) <= APART * RATE:
                self._timestamp, self._place = timestamp, place
                return place
        self._timestamp, self._place = timestamp, wanted
        return wanted


def _mono(samples: NDArray[np.generic], channels: int) -> Samples:
    """Planes or interleaved samples of any type as one channel from -1 to 1."""
    scale = 32768.0 if samples.dtype == np.int16 else 1.0
    flat = samples.astype(np.float32) / scale
    if channels > 1:
        planes = flat if flat.shape[0] == channels else flat.reshape(-1, channels).T
        flat = planes.mean(axis=0)
    return np.ascontiguousarray(flat.reshape(-1), np.float32)


class Mixer:
    """A line of samples from an instant on: voices are laid onto it, blocks are taken off it."""

    def __init__(self, start: float) -> None:
        """``start`` is UTC seconds of the first sample."""
        self._start = start
        self._ring = np.zeros(RING, np.float32)
        self._taken = 0  # samples that were taken off
        self._voices: dict[int, Voice] = {}
        self.late = 0  # packets that came after their time

    def lay(self, ssrc: int, timestamp: int, instant: float, payload: bytes) -> None:
        """Add a packet of a voice; ``instant`` is UTC seconds of its first sample."""
        voice = self._voices.get(ssrc)
        if voice is None:
            voice = self._voices[ssrc] = Voice()
        samples = voice.decode(payload)
        place = voice.place(timestamp, round((instant - self._start) * RATE))
        cut = max(0, self._taken - place)
        if cut:
            self.late += 1
        samples, place = samples[cut:], place + cut
        if len(samples) and place + len(samples) <= self._taken + RING:
            at = (place + np.arange(len(samples))) % RING
            self._ring[at] += samples

    def take(self, until: float) -> Iterator[tuple[int, Samples]]:
        """Blocks up to an instant, each with the number of its first sample."""
        end = round((until - self._start) * RATE)
        while self._taken + BLOCK <= end:
            at = (self._taken + np.arange(BLOCK)) % RING
            block = np.clip(self._ring[at], -1.0, 1.0)
            self._ring[at] = 0.0
            first, self._taken = self._taken, self._taken + BLOCK
            yield first, block
