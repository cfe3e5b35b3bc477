"""The order in which points come on air, and for how long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.conference.model import PointId
from bridge.demo.tour import DWELL_MAX, DWELL_MIN, dwell, order


def test_the_chair_comes_last_and_everybody_once() -> None:
    points = [PointId(p) for p in ("chair", "a", "b")]
    assert order(points, PointId("chair")) == ["a", "b", "chair"]
    assert order(reversed(points), PointId("chair")) == ["b", "a", "chair"]


@pytest.mark.parametrize(
    ("left", "count", "seconds"),
    [(12.0, 6, 2.0), (100.0, 4, DWELL_MAX), (3.0, 12, DWELL_MIN), (-5.0, 12, DWELL_MIN)],
)
def test_what_is_left_is_shared(left: float, count: int, seconds: float) -> None:
    assert dwell(left, count) == seconds


@given(st.floats(-1e6, 1e6), st.integers(1, 150))
def test_nobody_is_on_air_too_briefly_or_too_long(left: float, count: int) -> None:
    assert DWELL_MIN <= dwell(left, count) <= DWELL_MAX
