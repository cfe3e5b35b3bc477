"""Levels of quality from losses."""

from __future__ import annotations

import pytest

from monitoring.quality.levels import WINDOW, Direction, level_of


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
