"""Levels of a line from losses, and the rating behind its trend."""

from __future__ import annotations

import pytest

from monitoring.quality.levels import WINDOW, Direction, Score, level_of, mos_of, rating, worse


@pytest.mark.parametrize(
    ("loss", "level"),
    [(0, "good"), (0.0099, "good"), (0.01, "fair"), (0.03, "poor"), (0.1, "bad"), (1, "bad")],
)
def test_levels(loss: float, level: str) -> None:
    assert level_of(loss) == level


def test_the_commonest_of_three_windows_counts() -> None:
    direction = Direction()
    expected = lost = now = 0.0
    levels = []
    for share in (0.0, 0.0, 0.2, 0.2, 0.0):
        for _ in range(10):
            direction.feed(expected, lost, now)
            now += WINDOW / 10
            expected += 100
            lost += 100 * share
        levels.append(direction.level)
    direction.feed(expected, lost, now)
    levels.append(direction.level)
    assert levels == ["unknown", "good", "good", "good", "bad", "bad"]
    direction.feed(0, 0, now + 1)  # counters start again with a new transport
    assert direction.level == "bad"


def test_a_line_without_packets_is_unknown() -> None:
    direction = Direction()
    for step in range(60):
        direction.feed(0, 0, float(step))
    assert direction.level == "unknown"


def feed(direction: Direction, start: float, seconds: int, loss: float) -> None:
    for n in range(seconds + 1):
        packets = (start + n) * 15
        lost = getattr(feed, "lost", 0.0) + n * 15 * loss
        direction.feed(packets, lost, start + n)
    feed.lost = lost  # type: ignore[attr-defined]


def test_a_flapping_line_does_not_flicker() -> None:
    """Windows that alternate between good and poor show one level, not both in turn."""
    direction = Direction()
    feed.lost = 0.0  # type: ignore[attr-defined]
    levels = []
    for n in range(12):
        feed(direction, n * 20.0, 20, 0.0 if n % 3 else 0.05)
        levels.append(direction.level)
    assert set(levels[3:]) == {"good"}


def test_an_outage_is_bad_and_over_when_it_is_over() -> None:
    direction = Direction()
    feed.lost = 0.0  # type: ignore[attr-defined]
    feed(direction, 0, 60, 0.0)
    for n in range(1, 45):
        direction.interrupt(60.0 + n)
    assert direction.loss == 1.0
    assert worse("unknown", "fair") == "fair"
    assert worse("good", "bad") == "bad"
    assert worse("unknown", "unknown") == "unknown"


def test_the_trend_falls_fast_and_rises_slowly() -> None:
    score = Score()
    score.feed(0.0, 20, 1, 0)
    top = score.mos
    assert top is not None
    assert top > 4.3
    score.feed(0.10, 20, 1, 5)
    fallen = score.mos
    score.feed(0.0, 20, 1, 10)
    risen = score.mos
    assert fallen is not None
    assert risen is not None
    assert top - fallen > 2 * (risen - fallen) * 0.9
    assert score.r is not None
    score.feed(0.0, 20, 1, 11)  # not yet five seconds
    assert score.mos == risen


@pytest.mark.parametrize(
    ("loss", "trip", "jitter", "r"),
    [(0, 0, 0, 93.2), (0, 320, 0, 89.2), (0, 400, 0, 85.2), (0.01, 0, 0, 89.2), (1, 0, 0, 0)],
)
def test_the_rating_by_hand(loss: float, trip: float, jitter: float, r: float) -> None:
    assert rating(loss, trip, jitter) == pytest.approx(r)
    assert mos_of(93.2) == pytest.approx(4.41, abs=0.01)  # G.107 for R = 93.2
    assert mos_of(0) == 1
