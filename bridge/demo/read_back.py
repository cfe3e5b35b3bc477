"""Reads a recording of the demo back by decoding it: the test cards in its pictures, the tones in
its sound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import av
import numpy as np

from bridge.conference import events as e
from bridge.demo.takes import Heard, Seen
from endpoints.webrtc import test_card, tone
from endpoints.webrtc.reading import luma_of

WINDOW = 4800  # samples that are looked at together: 100 ms, 10 Hz


def instant(parts: Sequence[e.RecordingPart], seconds: float) -> float:
    """The instant (UTC seconds) of a place in the file."""
    part = max((p for p in parts if p.offset <= seconds), key=lambda p: p.offset, default=parts[0])
    return part.at + seconds - part.offset


def seen(
    path: Path, parts: Sequence[e.RecordingPart], names: Mapping[int, str], clock: float
) -> Iterator[Seen]:
    """Every card of the programme. ``names`` are points by their number, ``clock`` is UTC minus
    the clock of the cards (seconds). Raises av.FFmpegError, OSError."""
    with av.open(str(path)) as container:
        if not container.streams.video:
            return
        for frame in container.decode(video=0):
            card = test_card.read(luma_of(frame))
            if card is None or card.number not in names:
                continue
            at = instant(parts, float(frame.time or 0.0))
            yield Seen(names[card.number], at, _age(card, at - clock))


def _age(card: test_card.Reading, at: float) -> float | None:
    """How long before an instant (of the cards' clock, seconds) a card was drawn, seconds."""
    age = card.age(round(at * 1000))
    if age is None:
        return None
    period = card.loop_ms or test_card.TIME_MODULUS
    return (age - period if age > period // 2 else age) / 1000


def heard(
    path: Path, parts: Sequence[e.RecordingPart], names: Mapping[int, str]
) -> Iterator[Heard]:
    """The tones, ten times a second. Raises av.FFmpegError, OSError."""
    waiting = np.zeros(0)
    taken = 0
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return
        for frame in container.decode(audio=0):
            samples = frame.to_ndarray().reshape(-1).astype(np.float64) * 32768
            waiting = np.concatenate([waiting, samples])
            while len(waiting) >= WINDOW:
                numbers = tone.detect_mixed(waiting[:WINDOW], names)
                at = instant(parts, taken / tone.RATE)
                yield Heard(frozenset(names[number] for number in numbers), at)
                waiting, taken = waiting[WINDOW:], taken + WINDOW
