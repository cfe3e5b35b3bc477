"""A histogram that only adds to integers. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Histogram:
    """Counts of values by upper bounds (each inclusive); the last count is of those above all
    of them. ``total`` is the sum of the values."""

    bounds: tuple[float, ...]
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        if list(self.bounds) != sorted(set(self.bounds)):
            raise ValueError(f"bounds must grow: {self.bounds}")
        if not self.counts:
            self.counts = [0] * (len(self.bounds) + 1)
        if len(self.counts) != len(self.bounds) + 1:
            raise ValueError("one count a bound, and one above them")

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        return sum(self.counts)

    def add(self, counts: Sequence[int], total: float) -> None:
        """Take over counts that were made elsewhere with the same bounds."""
        if len(counts) != len(self.counts):
            raise ValueError("counts of other bounds")
        for index, count in enumerate(counts):
            self.counts[index] += count
        self.total += total

    def cumulative(self) -> list[tuple[str, float]]:
        """Buckets as Prometheus wants them: (upper bound, how many at or below it)."""
        found: list[tuple[str, float]] = []
        running = 0
        for bound, count in zip([*self.bounds, float("inf")], self.counts, strict=True):
            running += count
            found.append(("+Inf" if bound == float("inf") else repr(float(bound)), running))
        return found
