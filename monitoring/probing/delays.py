"""Delays of a line: percentiles, variation and clock offset, from one sample a reply. Pure."""

from __future__ import annotations

from typing import NamedTuple

from monitoring.probing.timestamps import ErrorEstimate
from monitoring.statistics import percentile


class Sample(NamedTuple):
    """Delays of one reply, seconds. ``down`` and ``up`` hold the clocks' difference too."""

    at: float  # monotonic, when it came
    down: float
    up: float
    round_trip: float
    segment: int  # counts steps of the clocks

    @property
    def offset(self) -> float:
        """How far the reflector's clock is ahead, were both ways equally long (RFC 5905)."""
        return (self.down - self.up) / 2


class Delays(NamedTuple):
    """Delays of a line in milliseconds. Variation is each packet's delay over the smallest (RFC
    5481 section 4.2, the PDV form of RFC 3393): p50, p95, p99. One-way delays are None unless
    both clocks say that they are synchronised; ``offset`` is how far the reflector's clock is
    ahead, give or take ``uncertainty``."""

    round_trip: tuple[float, float, float]  # p50, p95, max
    variation_down: tuple[float, float, float]
    variation_up: tuple[float, float, float]
    offset: float
    uncertainty: float
    down: float | None
    up: float | None
    samples: int


def delays_of(samples: list[Sample], error: ErrorEstimate | None) -> Delays | None:
    """Work samples out; a step of a clock starts a new base for the variation."""
    if not samples:
        return None
    trips = sorted(s.round_trip for s in samples)
    floors: dict[int, tuple[float, float]] = {}
    for s in samples:
        down, up = floors.get(s.segment, (s.down, s.up))
        floors[s.segment] = (min(down, s.down), min(up, s.up))
    downs = sorted(s.down - floors[s.segment][0] for s in samples)
    ups = sorted(s.up - floors[s.segment][1] for s in samples)
    last = samples[-1].segment
    best = min((s for s in samples if s.segment == last), key=lambda s: s.round_trip)
    agree = error is not None and error.synchronised
    recent = [s for s in samples if s.segment == last]
    return Delays(
        (1e3 * percentile(trips, 0.5), 1e3 * percentile(trips, 0.95), 1e3 * trips[-1]),
        _spread(downs),
        _spread(ups),
        1e3 * best.offset,
        1e3 * best.round_trip / 2,
        1e3 * percentile(sorted(s.down for s in recent), 0.5) if agree else None,
        1e3 * percentile(sorted(s.up for s in recent), 0.5) if agree else None,
        len(samples),
    )


def _spread(ordered: list[float]) -> tuple[float, float, float]:
    return (
        1e3 * percentile(ordered, 0.5),
        1e3 * percentile(ordered, 0.95),
        1e3 * percentile(ordered, 0.99),
    )
