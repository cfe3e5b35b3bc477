"""How much arrives, and how much may be sent: acknowledged bitrate and additive increase,
multiplicative decrease (draft-ietf-rmcat-gcc-02 section 5.5). Rates are bit/s, times seconds."""

from __future__ import annotations

import math
from collections import deque

from bridge.media.congestion.trend import Usage

FLOOR = 30_000.0  # bit/s; less is no line for speech
SMALL = 80_000.0  # bit/s; a queue does not tell that a line carries less: sound is no less
CEILING = 1e9
BETA = 0.85  # what is left of the acknowledged rate after an overuse
UNDONE = 1.5  # seconds in which a decrease may prove to have been a mistake
GROWTH = 1.08  # per second, far from the rate at which the line was full
HEADROOM = 1.5  # times the acknowledged rate that the estimate may grow to
SLACK = 10_000.0  # bit/s added to that, so that silence does not hold it down
SHORT, LONG = 0.12, 0.6  # seconds over which the acknowledged rate is measured
SILENCE = 5.0  # seconds between two arrivals, after which nothing is known of before
RESPONSE = 0.1  # seconds a line takes to show a change, besides the round trip
ENTRIES = 1024  # batches in `LONG` seconds, at most; more than a worker's turns make


class Acknowledged:
    """The rate at which packets arrive, over the last moments of the receiver's clock."""

    __slots__ = ("_octets", "_window")

    def __init__(self) -> None:
        self._window: deque[tuple[float, int]] = deque()
        self._octets = 0

    def add(self, arrival: float, octets: int) -> None:
        """``octets`` had arrived at ``arrival``; what comes out of order counts all the same."""
        window = self._window
        if window and abs(arrival - window[-1][0]) > SILENCE:  # silence, or another clock
            window.clear()
            self._octets = 0
        if window and arrival < window[-1][0]:
            arrival = window[-1][0]
        if len(window) == ENTRIES:
            self._octets -= window.popleft()[1]
        window.append((arrival, octets))
        self._octets += octets
        limit = arrival - LONG
        while window[0][0] < limit:
            self._octets -= window.popleft()[1]

    def rate(self) -> float:
        """Over `LONG` seconds; 0 while less has been seen."""
        if len(self._window) < 2:
            return 0.0
        span = self._window[-1][0] - self._window[0][0]
        if span < LONG * 0.4:
            return 0.0
        # The first entry arrived before the span began.
        return (self._octets - self._window[0][1]) * 8 / span

    def recent(self) -> float:
        """Over `SHORT` seconds: what a full line lets through just now."""
        window = self._window
        if len(window) < 2:
            return 0.0
        end = window[-1][0]
        octets = 0
        start = end
        for arrival, size in reversed(window):
            start = arrival
            if end - arrival >= SHORT:
                break
            octets += size
        span = end - start
        return octets * 8 / span if span >= SHORT * 0.5 else 0.0


class Rate:
    """The estimate that delay alone gives. ``decreased_at`` is when it was last lowered."""

    __slots__ = (
        "_at",
        "_before",
        "_mean",
        "_variance",
        "decreased_at",
        "decreases",
        "estimate",
    )

    def __init__(self, start: float) -> None:
        self.estimate = start
        self.decreases = 0
        self.decreased_at = -1e9
        self._at = -1.0
        self._before: tuple[float, float] | None = None  # first of some decreases: estimate, time
        # The acknowledged rate at overuse: mean, and variance relative to it (section 5.5).
        self._mean = 0.0
        self._variance = 0.4

    def set(self, rate: float, now: float) -> None:
        """A probe measured this."""
        self.estimate = min(max(rate, FLOOR), CEILING)
        self._at = now

    def update(
        self, usage: Usage, acknowledged: float, rtt: float, now: float, floor: float = 0.0
    ) -> None:
        """Take a report in; ``acknowledged`` 0 is unknown. Nothing is lowered under ``floor``."""
        if usage is Usage.OVER:
            self._decrease(acknowledged, rtt, now, floor)
        elif usage is Usage.NORMAL and acknowledged > 0:
            self._increase(acknowledged, rtt, now)
        self._at = now

    def proven(self, carried: float, now: float) -> None:
        """The line carried so much for certain: lowering it for less was a mistake."""
        if self._before is None or now - self.decreased_at > UNDONE:
            return
        before, decreased_at = self._before
        if carried > before > self.estimate:
            self.estimate = before
            self.decreased_at = decreased_at
            self._before = None
            self._mean = 0.0

    def _decrease(self, acknowledged: float, rtt: float, now: float, floor: float) -> None:
        if not acknowledged:
            acknowledged = self.estimate * 0.5
        wait = min(max(rtt, 0.05), 0.3)
        if now - self.decreased_at < wait and acknowledged > 0.5 * self.estimate:
            return
        lower = max(BETA * acknowledged, floor)
        if lower >= self.estimate:
            return
        if self._before is None or now - self.decreased_at > UNDONE:
            self._before = (self.estimate, self.decreased_at)
        if self._mean and acknowledged < self._mean * (1 - 3 * self._deviation()):
            self._mean = 0.0
        self._note(acknowledged)
        if lower < self.estimate:
            self.estimate = max(lower, min(self.estimate, SMALL))
        self.decreased_at = now
        self.decreases += 1

    def _note(self, acknowledged: float) -> None:
        if not self._mean:
            self._mean = acknowledged
            self._variance = 0.01
            return
        difference = acknowledged - self._mean
        self._mean += 0.05 * difference
        relative = difference * difference / max(self._mean * self._mean, 1.0)
        self._variance = min(max(0.95 * self._variance + 0.05 * relative, 0.0009), 0.02)

    def _deviation(self) -> float:
        return math.sqrt(self._variance)

    def _increase(self, acknowledged: float, rtt: float, now: float) -> None:
        limit = HEADROOM * acknowledged + SLACK
        if self.estimate >= limit or self._at < 0:
            return
        elapsed = min(max(0.0, now - self._at), 1.0)
        if self._mean and acknowledged > self._mean * (1 + 3 * self._deviation()):
            self._mean = 0.0  # more gets through than when it was full: another line
        if self._mean and self.estimate > self._mean * (1 - 3 * self._deviation()):
            # Near the rate at which the line was full: about half a packet per response time.
            packet = min(max(self.estimate / 30, 2400.0), 9600.0)
            grown = self.estimate + 0.5 * packet * elapsed / (RESPONSE + rtt)
        else:
            grown = self.estimate * GROWTH**elapsed
        self.estimate = min(grown, limit, CEILING)
