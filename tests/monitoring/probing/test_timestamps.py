"""Timestamps and error estimates, on the wire and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.probing import timestamps


@given(ns=st.integers(0, 4_000_000_000 * 10**9))
def test_timestamps_survive_the_wire(ns: int) -> None:
    assert abs(timestamps.from_ntp(timestamps.to_ntp(ns), ns) - ns) <= 1
    assert timestamps.from_ptp(timestamps.to_ptp(ns), ns) == ns


@given(st.booleans(), st.booleans(), st.floats(0, 1e6))
def test_error_estimates_survive_the_wire(synchronised: bool, ptp: bool, seconds: float) -> None:
    estimate = timestamps.ErrorEstimate(synchronised, ptp, seconds)
    read = timestamps.ErrorEstimate.decode(estimate.encode())
    assert read[:2] == estimate[:2]
    assert read.seconds == pytest.approx(seconds, rel=0.01, abs=2**-31)
    assert estimate.encode() & 0xFF
