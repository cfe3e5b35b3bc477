"""A tone is told apart from others, from noise and from silence, also in pieces."""

from __future__ import annotations

import numpy as np
import pytest

from endpoints.webrtc import tone


@pytest.mark.parametrize("number", [1, 2, 11, 12, 150])
def test_tones(number: int) -> None:
    rng = np.random.default_rng(1)
    window = tone.samples(number, 7 * tone.FRAME, tone.WINDOW).astype(np.float64)
    assert tone.detect(window) == number
    assert tone.detect(window + rng.normal(0, 1000, tone.WINDOW)) == number
    assert tone.detect(rng.normal(0, 3000, tone.WINDOW)) == 0
    assert tone.detect(np.zeros(tone.WINDOW)) == 0


def test_tones_are_continuous() -> None:
    joined = np.concatenate([tone.samples(3, i * tone.FRAME, tone.FRAME) for i in range(20)])
    assert np.array_equal(joined, tone.samples(3, 0, 20 * tone.FRAME))


def frames(number: int, count: int, start: int = 0) -> list[tuple[int, np.ndarray]]:
    """Frames of a tone with their timestamps."""
    return [
        (at, tone.samples(number, at, tone.FRAME).astype(np.float64))
        for at in range(start, start + count * tone.FRAME, tone.FRAME)
    ]


NEEDED = (tone.SETTLE + tone.WINDOW) // tone.FRAME  # frames until a tone is detected


def test_a_stream_is_judged_once_enough_of_it_was_heard() -> None:
    detector = tone.Detector()
    heard = [detector.feed(samples, at) for at, samples in frames(9, 20)]
    assert heard == [0] * (NEEDED - 1) + [9] * (20 - NEEDED + 1)


def test_what_was_heard_before_a_pause_is_forgotten() -> None:
    detector = tone.Detector()
    for at, samples in frames(9, NEEDED - 1):
        detector.feed(samples, at)
    later = frames(9, NEEDED, start=25 * tone.FRAME)
    assert [detector.feed(samples, at) for at, samples in later] == [0] * (NEEDED - 1) + [9]


def test_one_lost_frame_is_no_pause_and_another_tone_takes_over() -> None:
    detector = tone.Detector()
    stream = frames(9, NEEDED + 1)
    del stream[3]
    assert [detector.feed(samples, at) for at, samples in stream][:-1] == [0] * (NEEDED - 1)
    other = frames(4, tone.WINDOW // tone.FRAME, start=(NEEDED + 1) * tone.FRAME)
    assert [detector.feed(samples, at) for at, samples in other][-1] == 4


def test_a_stream_of_an_hour_is_kept_to_what_is_judged() -> None:
    detector = tone.Detector()
    silence = np.zeros(tone.FRAME)
    for n in range(200):
        assert detector.feed(silence, n * tone.FRAME) == 0
    assert len(detector._heard) == tone.SETTLE + tone.WINDOW
