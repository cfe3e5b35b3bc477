"""A tone whose frequency tells which point sent it. Pure; samples are 16-bit mono."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

RATE = 48_000  # Hz
FRAME = 960  # samples of one packet, 20 ms
BASE = 300  # Hz of point 0; inside what a speech codec keeps
STEP = 50  # Hz between neighbours; 150 points end at 7.8 kHz
AMPLITUDE = 8_000  # about -12 dBov
WINDOW = 3840  # samples (80 ms) that a detection needs: 12.5 Hz resolution
SETTLE = 1920  # samples after a pause of the decoder that are not judged
DOMINANCE = 0.6  # share of the energy that must lie at one frequency
MIXED = 0.1  # the same, where a few tones are mixed

Samples = npt.NDArray[np.int16]


def frequency(number: int) -> int:
    """The frequency of a point's tone, Hz."""
    return BASE + STEP * number


def samples(number: int, start: int, count: int) -> Samples:
    """``count`` samples of a point's tone from sample ``start`` on; continuous across calls."""
    # STEP divides RATE, so the phase repeats every RATE // STEP samples.
    positions = (np.arange(count) + start % RATE) * (2 * np.pi * frequency(number) / RATE)
    wave: Samples = (AMPLITUDE * np.sin(positions)).astype(np.int16)
    return wave


def detect(window: npt.NDArray[np.float64]) -> int:
    """The point whose tone fills the window (at least `WINDOW` samples); 0 for none."""
    tapered = window * np.hanning(len(window))
    spectrum = np.abs(np.fft.rfft(tapered)) ** 2
    total = float(spectrum.sum())
    if total < len(window) * 1e4:  # silence
        return 0
    peak = int(spectrum.argmax())
    around = float(spectrum[max(0, peak - 2) : peak + 3].sum())
    if around < DOMINANCE * total:
        return 0
    number = round((peak * RATE / len(window) - BASE) / STEP)
    return max(0, number)


def detect_mixed(window: npt.NDArray[np.float64], numbers: Iterable[int]) -> frozenset[int]:
    """Those of some points whose tones are in a mix of a few (at least `WINDOW` samples)."""
    spectrum = np.abs(np.fft.rfft(window * np.hanning(len(window)))) ** 2
    least = max(MIXED * float(spectrum.sum()), len(window) * 1e4)
    found: set[int] = set()
    for number in numbers:
        peak = round(frequency(number) * len(window) / RATE)
        if float(spectrum[max(0, peak - 1) : peak + 2].sum()) >= least:
            found.add(number)
    return frozenset(found)


class Detector:
    """Detects tones in the frames of one received stream, whose decoder may pause."""

    def __init__(self) -> None:
        self._heard: npt.NDArray[np.float64] = np.empty(0)
        self._last = 0

    def feed(self, decoded: npt.NDArray[np.float64], at: int) -> int:
        """Take the next frame, whose first sample has the timestamp ``at`` (samples). Return the
        number of the point whose tone is heard; 0 for none, or while too little was heard."""
        if at - self._last > 2 * FRAME:  # the decoder paused
            self._heard = np.empty(0)
        self._last = at
        self._heard = np.concatenate([self._heard, decoded])[-SETTLE - WINDOW :]
        return detect(self._heard[-WINDOW:]) if len(self._heard) == SETTLE + WINDOW else 0
