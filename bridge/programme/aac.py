"""The mixed sound as AAC, which old televisions play, too."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np

from bridge.programme import fmp4
from bridge.programme.mixer import RATE, Samples

FRAME = 1024  # samples of a frame of AAC
BIT_RATE = 64_000  # bit/s


class Encoder:
    """Takes blocks of samples one after another; gives frames with where each begins."""

    def __init__(self, origin: int) -> None:
        """``origin`` is the place of the first sample."""
        made = av.CodecContext.create("aac", "w")
        made.sample_rate = RATE
        made.layout = "mono"
        made.format = "fltp"
        made.bit_rate = BIT_RATE
        made.time_base = Fraction(1, RATE)
        made.open()
        self._codec = made
        self._origin = origin
        self._taken = 0
        self._rest = np.zeros(0, np.float32)
        self.sound = fmp4.Sound(RATE, 1, bytes(made.extradata or b""))

    def encode(self, samples: Samples) -> list[tuple[int, bytes]]:
        """The frames that are complete: places of their first samples, and octets."""
        self._rest = np.concatenate([self._rest, samples])
        found: list[tuple[int, bytes]] = []
        while len(self._rest) >= FRAME:
            part, self._rest = self._rest[:FRAME], self._rest[FRAME:]
            frame = av.AudioFrame.from_ndarray(part.reshape(1, -1), format="fltp", layout="mono")
            frame.sample_rate = RATE
            frame.pts = self._taken
            frame.time_base = Fraction(1, RATE)
            self._taken += FRAME
            found += [(self._origin + (p.pts or 0), bytes(p)) for p in self._codec.encode(frame)]
        return found
