"""Figures of the worker: how long packets took."""

from __future__ import annotations

from bridge.media.stats import delay_summary


def test_delays_are_told_in_microseconds_by_nearest_rank() -> None:
    assert delay_summary([n / 1e6 for n in range(1000, 0, -1)]) == (500.0, 990.0, 999.0)
    assert delay_summary([0.002]) == (2000.0, 2000.0, 2000.0)
    assert delay_summary([]) == (0.0, 0.0, 0.0)
