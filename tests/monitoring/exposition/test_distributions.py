"""Distributions of delays: the floor they are measured from, drift and steps of clocks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitoring.exposition.distributions import Distributions, Floor


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 20)), min_size=1, max_size=200))
def test_the_floor_is_the_smallest_of_the_last_half_to_whole_minute(
    steps: list[tuple[float, float]],
) -> None:
    floor, now = Floor(), 0.0
    seen: list[tuple[float, float]] = []
    for value, wait in steps:
        now += wait
        seen.append((now, value))
        found = floor.feed(value, now)
        assert found <= value
        assert found in [v for at, v in seen if now - at < 90.0001]
        assert found <= min(v for at, v in seen if now - at < 29.9999 and at >= floor._block)


def test_drifting_clocks_are_no_variation() -> None:
    """A clock that drifts by 50 ppm for an hour moves by 180 ms; the line did not."""
    delays = Distributions()
    for second in range(0, 3600, 1):
        drift = 50e-6 * second
        delays.feed(
            round_trip=0.002,
            down=0.001 + drift,
            up=0.001 - drift,
            segment=0,
            now=float(second),
            synchronised=False,
        )
    assert delays.variation["down"].cumulative()[1] == ("0.003", 3600)
    assert delays.variation["up"].cumulative()[0] == ("0.001", 3600)
    assert delays.one_way["down"].count == 0
    assert delays.round_trip.count == 3600


def test_a_stepped_clock_begins_anew() -> None:
    delays = Distributions()
    for segment, down in ((0, 0.001), (0, 0.001), (1, 5.001), (1, 5.001)):
        delays.feed(
            round_trip=0.002, down=down, up=0.001, segment=segment, now=1.0, synchronised=True
        )
    assert delays.variation["down"].cumulative()[0] == ("0.001", 4)
    assert delays.one_way["down"].count == 4
