"""What a backlog proves: packets that waited and then came out faster than they were sent went
over a line that carries at least as much. A line that is too thin never empties a queue at more
than its own rate; a process that did not run for a while takes in at once what the line had
brought long before."""

from __future__ import annotations

FALLS = 0.05  # seconds by which the delay must have fallen: less may be chance
OCTETS = 5000  # that must have come out meanwhile: token buckets let a few packets through at once
LEAST = 0.01  # seconds: what is taken in within has no rate of its own
LONGEST = 0.5  # seconds of arrivals that are looked at together
BELIEVED = 1.5  # seconds of arrivals for which a proof counts


class Drain:
    """Follows one receiver's arrivals, in seconds on its clock."""

    __slots__ = ("_arrival", "_at", "_delay", "_octets", "_rate", "_started")

    def __init__(self) -> None:
        self._started = -1.0  # arrival at the highest delay; negative: none yet
        self._delay = 0.0  # that delay, in the offset of the two clocks
        self._octets = 0  # that arrived since
        self._arrival = 0.0
        self._rate = 0.0
        self._at = -1e9  # when that was proven

    def add(self, sent_at: float, arrival: float, octets: int) -> None:
        """A batch sent at ``sent_at`` arrived."""
        delay = arrival - sent_at
        self._arrival = arrival
        since = arrival - self._started
        if self._started < 0 or delay >= self._delay or not 0 <= since <= LONGEST:
            self._started, self._delay, self._octets = arrival, delay, 0
            return
        self._octets += octets
        if self._delay - delay >= FALLS and self._octets >= OCTETS:
            rate = self._octets * 8 / max(since, LEAST)
            if rate >= self._rate or arrival - self._at > BELIEVED:
                self._rate, self._at = rate, arrival

    def proven(self) -> float:
        """bit/s that the line carried lately for certain; 0 where nothing is known."""
        return self._rate if 0 <= self._arrival - self._at <= BELIEVED else 0.0
