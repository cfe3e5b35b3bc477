"""Spreading bursts over time towards a receiver whose line is nearly full: a key frame that leaves
in one piece stands in the line's queue, and the voices behind it."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

FACTOR = 1.1  # times the estimate: the queue stands here and not in the line
LONGEST = 0.4  # seconds that anything may wait; more at once leaves faster
AT_ONCE = 1500  # octets that may always leave

Entry = TypeVar("Entry")


class Pacer(Generic[Entry]):
    """Pictures that wait, in order. ``octets`` is how much."""

    __slots__ = ("_at", "_credit", "_queue", "octets")

    def __init__(self, now: float) -> None:
        self._queue: deque[tuple[int, Entry]] = deque()
        self._credit = float(AT_ONCE)
        self._at = now
        self.octets = 0

    def push(self, entry: Entry, octets: int) -> None:
        """Add what is to be sent; ``octets`` with all headers."""
        self._queue.append((octets, entry))
        self.octets += octets

    def release(self, now: float, estimate: float) -> list[Entry]:
        """Take what may leave now."""
        rate = max(FACTOR * estimate / 8, self.octets / LONGEST)
        self._credit = min(self._credit + (now - self._at) * rate, max(AT_ONCE, rate * 0.02))
        self._at = now
        out: list[Entry] = []
        queue = self._queue
        while queue and self._credit > 0:
            octets, entry = queue.popleft()
            self._credit -= octets
            self.octets -= octets
            out.append(entry)
        return out

    def rest(self) -> list[Entry]:
        """Take everything: nobody has to wait any more."""
        entries = [entry for _, entry in self._queue]
        self._queue.clear()
        self.octets = 0
        return entries

    def __len__(self) -> int:
        return len(self._queue)
