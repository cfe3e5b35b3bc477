"""Sound for a browser's microphone that an encoder takes for speech: a tone would be coded without
the part of Opus that carries forward error correction. Pure."""

from __future__ import annotations

import io
import wave

import numpy as np

RATE = 48_000  # Hz
SECONDS = 12
FORMANTS = ((700, 130), (1200, 110), (2600, 160))  # Hz and bandwidth of an open vowel


def speech(seed: int = 1) -> bytes:
    """A WAV file of voiced syllables without a pause, for Chromium's fake microphone; it repeats
    such a file."""
    random = np.random.default_rng(seed)
    count = RATE * SECONDS
    time = np.arange(count) / RATE
    pitch = 120 + 25 * np.sin(2 * np.pi * 0.4 * time) + 10 * np.sin(2 * np.pi * 2.3 * time)
    phase = np.cumsum(pitch) / RATE
    pulses = np.diff(np.floor(phase), prepend=0.0) + 0.02 * random.standard_normal(count)
    spectrum = np.fft.rfft(pulses)
    frequency = np.fft.rfftfreq(count, 1 / RATE)
    voice = np.zeros_like(spectrum)
    for centre, width in FORMANTS:
        voice += spectrum / (1 + ((frequency - centre) / width) ** 2)
    samples = np.fft.irfft(voice, count)
    samples *= 0.35 + 0.65 * np.abs(np.sin(2 * np.pi * 1.7 * time))  # syllables, never silent
    samples *= 9000 / np.abs(samples).max()
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.astype("<i2").tobytes())
    return out.getvalue()
