"""How many messages of a kind one client may send: a bucket that fills again. Pure.

Every command costs a transaction and a message to everybody; who sends them as fast as a line
carries would take from all others.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Verdict = Literal["take", "refuse", "close"]

PATIENCE = 100  # messages over the budget until the connection is closed
CLIENTS = 2000  # remembered; the oldest are forgotten first


class Rate(NamedTuple):
    """How many messages are let through: ``burst`` at once, and ``rate`` a second."""

    rate: float
    burst: float


# A hand on a keyboard repeats thirty times a second and pauses; a room has three buttons.
PERSON = Rate(20.0, 60.0)
ROOM = Rate(3.0, 15.0)
STATUS = Rate(10.0, 60.0)  # what a page says of itself: once a second, and at each change
POINTER = Rate(20.0, 60.0)  # a page sends ten places of it a second
CODES = Rate(0.1, 5.0)  # an agent asks for one when its kiosk starts
REPORTS = Rate(5.0, 30.0)  # of an agent: one every few seconds, and outcomes


class _Bucket:
    __slots__ = ("at", "left", "over")

    def __init__(self, left: float, at: float) -> None:
        self.left, self.at, self.over = left, at, 0


class Budgets:
    """The budgets of all clients, by who they are and kind, so that a new connection brings no new
    budget. ``now`` is monotonic seconds."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    def spend(self, who: str, kind: str, rate: Rate, now: float) -> Verdict:
        """Whether one more message is taken."""
        key = (who, kind)
        bucket = self._buckets.pop(key, None)
        if bucket is None:
            bucket = _Bucket(rate.burst, now)
        self._buckets[key] = bucket  # newest last
        while len(self._buckets) > CLIENTS:
            del self._buckets[next(iter(self._buckets))]
        bucket.left = min(rate.burst, bucket.left + (now - bucket.at) * rate.rate)
        bucket.at = now
        if bucket.left >= 1:
            bucket.left -= 1
            bucket.over = max(0, bucket.over - 1)
            return "take"
        bucket.over += 1
        if bucket.over > PATIENCE:
            bucket.over = 0
            return "close"
        return "refuse"
