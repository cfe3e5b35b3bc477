"""What a reader of feedback makes of packets of which it is not known when they left."""

from __future__ import annotations

import pytest

from bridge.media.congestion.reader import Reader
from bridge.media.congestion.trend import Usage

HELD_UP = 0.15  # seconds by which packets leave later than was noted


def reported(*, sure: bool) -> tuple[Reader, set[Usage]]:
    """Two seconds of packets; after the first one of them all leave late."""
    reader = Reader()
    seen = set()
    for number in range(200):
        sent_at = 10 + number * 0.01
        late = HELD_UP if number > 100 else 0.0
        reader.sent(number, sent_at, [1000], 28, 0, sure=sure or not late)
        reader.learn(number, [sent_at + 0.02 + late])
        seen.add(reader.usage)
    return reader, seen


@pytest.mark.parametrize("sure", [True, False])
def test_a_process_that_stood_still_between_clock_and_call_is_no_queue(sure: bool) -> None:
    reader, seen = reported(sure=sure)
    assert (Usage.OVER in seen) == sure
    assert (reader.queue > 0.1) == sure
    # What arrives is counted all the same.
    assert reader.acknowledged == pytest.approx(1028 * 8 / 0.01, rel=0.02)
