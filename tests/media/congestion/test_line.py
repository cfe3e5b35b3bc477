"""What is remembered of a receiver between two looks at its line."""

from __future__ import annotations

import pytest

from bridge.media.congestion.line import Line


@pytest.mark.parametrize("after", [0.0, 900_000.0])
def test_a_budget_that_has_been_back_for_long_enough_counts(after: float) -> None:
    """Also where it stays the same since, or knows no limit (0)."""
    line = Line()
    for step in range(8):
        assert line.carried(after, step / 4, hold=2.0) == after
    assert line.carried(300_000.0, 2.0, hold=2.0) == 300_000.0
    for step in range(1, 8):
        assert line.carried(after, 2.0 + step / 4, hold=2.0) == 300_000.0
    assert line.carried(after, 4.5, hold=2.0) == after
