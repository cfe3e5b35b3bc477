"""Percentiles by nearest rank, and the interval of a share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.statistics import percentile, wilson


@given(
    st.lists(st.integers(-1000, 1000), min_size=1, max_size=200),
    st.sampled_from((0.0, 0.25, 0.5, 0.75, 1.0)),  # exact in binary: no rounding in the check
)
def test_a_percentile_is_the_smallest_value_that_the_share_does_not_exceed(
    values: list[int], share: float
) -> None:
    values.sort()
    found = percentile(values, share)
    assert found in values
    assert sum(v <= found for v in values) >= share * len(values)
    below = [v for v in values if v < found]
    assert not below or sum(v <= below[-1] for v in values) < share * len(values)


@pytest.mark.parametrize(
    ("count", "share", "rank"),
    [
        (1, 0.5, 1),
        (2, 0.5, 1),
        (3, 0.5, 2),
        (4, 0.5, 2),
        (100, 0.95, 95),
        (100, 0.99, 99),
        (1000, 0.999, 999),
        (7, 1.0, 7),
        (7, 0.0, 1),
    ],
)
def test_the_rank_is_the_nearest(count: int, share: float, rank: int) -> None:
    assert percentile(range(1, count + 1), share) == rank


def test_the_interval_holds_the_share_and_narrows_with_the_count() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 50)[0] == 0.0
    assert wilson(50, 50)[1] == 1.0
    few, many = wilson(5, 100), wilson(500, 10_000)
    assert few[0] < many[0] < 0.05 < many[1] < few[1]
