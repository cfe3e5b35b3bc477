"""Histograms: everything counted once, bounds that grow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.exposition.histogram import Histogram


@given(st.lists(st.floats(min_value=0, max_value=10), max_size=60))
def test_a_histogram_counts_everything_once(values: list[float]) -> None:
    histogram = Histogram((0.1, 1.0, 5.0))
    for value in values:
        histogram.observe(value)
    buckets = histogram.cumulative()
    assert [bound for bound, _ in buckets] == ["0.1", "1.0", "5.0", "+Inf"]
    for bound, count in buckets:
        assert count == sum(value <= float(bound) for value in values)
    assert histogram.count == len(values)
    twice = Histogram((0.1, 1.0, 5.0))
    twice.add(histogram.counts, histogram.total)
    twice.add(histogram.counts, histogram.total)
    assert twice.count == 2 * len(values)


@pytest.mark.parametrize("bounds", [(1.0, 0.5), (1.0, 1.0)])
def test_bounds_grow(bounds: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="grow"):
        Histogram(bounds)


def test_counts_of_other_bounds_are_refused() -> None:
    with pytest.raises(ValueError, match="other bounds"):
        Histogram((1.0,)).add((1, 2, 3), 1.0)
    with pytest.raises(ValueError, match="one count"):
        Histogram((1.0,), [1])
