"""The quality of a point's line by Pexip's rule: 20-second windows of packet loss, the commonest
of the last three; both directions apart. Pure; ``now`` is monotonic seconds.

Good is under 1 % of packets lost in a window, fair under 3 %, poor under 10 %, else bad;
unknown while less than one window was seen."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

WINDOW = 20.0  # seconds
WINDOWS = 3
LIMITS = ((0.01, "good"), (0.03, "fair"), (0.10, "poor"))
MIN_PACKETS = 20  # in a window; fewer say nothing


def level_of(loss: float) -> str:
    """The level of a share of lost packets (0–1)."""
    return next((name for limit, name in LIMITS if loss < limit), "bad")


@dataclass(slots=True)
class Direction:
    """One direction of a line, fed with counters that only grow."""

    loss: float = 0.0
    level: str = "unknown"
    _start: float | None = None
    _first: tuple[float, float] = (0.0, 0.0)
    _windows: deque[str] = field(default_factory=lambda: deque(maxlen=WINDOWS))

    def feed(self, expected: float, lost: float, now: float) -> None:
        """Take in how many packets were expected and lost since the beginning."""
        if self._start is None or expected < self._first[0] or lost < self._first[1]:
            self._start, self._first = now, (expected, lost)  # a new transport counts from 0
            return
        packets = expected - self._first[0]
        if packets >= MIN_PACKETS:
            self.loss = (lost - self._first[1]) / packets
        if now - self._start < WINDOW:
            return
        self._windows.append(level_of(self.loss) if packets >= MIN_PACKETS else "unknown")
        self._start, self._first = now, (expected, lost)
        counted = Counter(self._windows)
        # Of equally common levels the newest counts.
        most = max(counted.values())
        self.level = next(w for w in reversed(self._windows) if counted[w] == most)


@dataclass(slots=True)
class Line:
    """Both directions of a point's line, while it has the same ``transport``. ``down_lost`` is
    estimated from what the receiver reports."""

    up: Direction = field(default_factory=Direction)
    down: Direction = field(default_factory=Direction)
    transport: str = ""
    down_sent: int = 0
    down_lost: float = 0.0
