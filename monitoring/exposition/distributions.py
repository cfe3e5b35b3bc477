"""Distributions of the delays of one point and class since the start, for Prometheus. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from monitoring.exposition.buckets import DELAYS
from monitoring.exposition.histogram import Histogram

BLOCK = 30.0  # seconds; the smallest delay is looked for in this block and the one before


def _delays() -> Histogram:
    return Histogram(DELAYS)


@dataclass(slots=True)
class Floor:
    """The smallest value of the last 30 to 60 seconds (90 after a silence): clocks drift apart,
    so an older one says nothing any more."""

    _block: float = float("-inf")
    _now: float = float("inf")
    _before: float = float("inf")

    def feed(self, value: float, now: float) -> float:
        """Take a value in; return the floor with it."""
        if now - self._block >= BLOCK:
            fresh = now - self._block < 2 * BLOCK
            self._before = self._now if fresh else float("inf")
            self._now, self._block = float("inf"), now
        self._now = min(self._now, value)
        return min(self._now, self._before)

    def reset(self) -> None:
        """A clock was stepped: what was before cannot be compared."""
        self._now = self._before = float("inf")


@dataclass(slots=True)
class Distributions:
    """Delays of one line and class, in seconds: ``round_trip`` both ways together, the others
    by direction."""

    round_trip: Histogram = field(default_factory=_delays)
    variation: dict[str, Histogram] = field(
        default_factory=lambda: {"up": _delays(), "down": _delays()}
    )
    one_way: dict[str, Histogram] = field(
        default_factory=lambda: {"up": _delays(), "down": _delays()}
    )
    _floors: dict[str, Floor] = field(default_factory=lambda: {"up": Floor(), "down": Floor()})
    _segment: int = -1

    def feed(
        self,
        *,
        round_trip: float,
        down: float,
        up: float,
        segment: int,
        now: float,
        synchronised: bool,
    ) -> None:
        """One reply. ``down`` and ``up`` hold the clocks' difference; ``segment`` changes when
        a clock was stepped; ``synchronised``: both clocks say that they are right."""
        self.round_trip.observe(round_trip)
        if segment != self._segment:
            self._segment = segment
            for floor in self._floors.values():
                floor.reset()
        for direction, value in (("down", down), ("up", up)):
            self.variation[direction].observe(value - self._floors[direction].feed(value, now))
            if synchronised:
                self.one_way[direction].observe(max(value, 0.0))
