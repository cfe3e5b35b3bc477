"""A budget that fills by itself, for what others may ask of us. Pure; ``now`` is monotonic
seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Bucket:
    """Lets ``burst`` through at once and ``rate`` a second; it is full when it is first asked."""

    rate: float
    burst: float
    left: float = -1.0
    at: float = 0.0

    def take(self, count: int, now: float) -> bool:
        """Whether ``count`` more are let through; where not, nothing is taken."""
        if self.left < 0:
            self.left, self.at = self.burst, now
        self.left = min(self.burst, self.left + max(0.0, now - self.at) * self.rate)
        self.at = now
        if self.left < count:
            return False
        self.left -= count
        return True
