"""A slow machine is noticed, and fewer points are offered."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.demo.slowness import FEWEST, LATE, said


def test_a_machine_that_answers_in_time_is_not_mentioned() -> None:
    assert said([0.001] * 100, 12) == ""
    assert said([], 12) == ""
    # One pause is no slow machine.
    assert said([0.001] * 95 + [2.0] * 5, 12) == ""


def test_a_busy_machine_is_offered_fewer_points() -> None:
    text = said([0.001] * 50 + [0.25] * 50, 12)
    assert "250 ms" in text
    assert "--points 6" in text
    assert "--points" not in said([0.25] * 50, FEWEST)


@given(st.lists(st.floats(0, 100), max_size=200), st.integers(2, 150))
def test_what_is_offered_is_always_fewer(late: list[float], points: int) -> None:
    text = said(late, points)
    if "--points" in text:
        offered = int(text.partition("--points ")[2].rstrip('"'))
        assert FEWEST <= offered < points
    if text:
        assert max(late) >= LATE
