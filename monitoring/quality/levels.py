"""The quality of a point's line by Pexip's rule: 20-second windows of packet loss, the commonest
of the last three; both directions apart. Pure; ``now`` is monotonic seconds.

Good is under 1 % of packets lost in a window, fair under 3 %, poor under 10 %, else bad;
unknown while less than one window was seen. That the commonest of three counts is what keeps a
flapping line from flickering.

Beside the level there is a trend, a mean opinion score as ITU-T G.107 has it; it is for charts
and alerts on a change, and nobody is shown it as a verdict."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

WINDOW = 20.0  # seconds
WINDOWS = 3
LIMITS = ((0.01, "good"), (0.03, "fair"), (0.10, "poor"))
LEVELS = ("good", "fair", "poor", "bad")
MIN_PACKETS = 20  # in a window; fewer say nothing
SHORT = 5.0  # seconds between steps of the trend
FALL, RISE = 0.8, 0.4  # shares of a change that the trend takes at once
BEST_RATING = 93.2  # R of a line without faults (G.107, default values)
AUDIO_WEIGHT = 4.0  # R a percent of loss costs Opus, which hides single losses


def level_of(loss: float) -> str:
    """The level of a share of lost packets (0–1)."""
    return next((name for limit, name in LIMITS if loss < limit), "bad")


def worse(first: str, second: str) -> str:
    """The worse of two levels; an unknown one says nothing."""
    known = [level for level in (first, second) if level != "unknown"]
    return max(known, key=LEVELS.index) if known else "unknown"


@dataclass(slots=True)
class Direction:
    """One direction of a line, fed with counters that only grow."""

    loss: float = 0.0
    level: str = "unknown"
    recent: float = 0.0
    """Share lost in the last five seconds or so, for the trend."""
    _start: float | None = None
    _first: tuple[float, float] = (0.0, 0.0)
    _windows: deque[str] = field(default_factory=lambda: deque(maxlen=WINDOWS))
    _last: tuple[float, float, float] | None = None

    def feed(self, expected: float, lost: float, now: float) -> None:
        """Take in how many packets were expected and lost since the beginning."""
        if self._start is None or expected < self._first[0] or lost < self._first[1]:
            self._start, self._first = now, (expected, lost)  # a new transport counts from 0
            self._last = (now, expected, lost)
            return
        self._short(expected, lost, now)
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

    def _short(self, expected: float, lost: float, now: float) -> None:
        assert self._last is not None
        since, was_expected, was_lost = self._last
        if now - since >= SHORT:
            packets = expected - was_expected
            self.recent = (lost - was_lost) / packets if packets > 0 else 0.0
            self._last = (now, expected, lost)

    def interrupt(self, now: float) -> None:
        """Nothing comes at all: a window that this falls into is bad, whatever was counted."""
        if self._start is None:
            return
        if now - self._start >= WINDOW:
            self._windows.append("bad")
            self._start = now
        self.loss = 1.0


def _clamp(value: float, low: float, high: float) -> float:
    return min(high, max(low, value))


def rating(loss: float, round_trip: float, jitter: float, weight: float = AUDIO_WEIGHT) -> float:
    """The transmission rating R (0–93.2) of a share lost (0–1) and times in ms, in the manner
    of G.107: half the round trip and twice the jitter are the delay; each percent lost costs
    ``weight``, which depends on how well the codec hides it."""
    delay = round_trip / 2 + 2 * jitter
    penalty = delay / 40 if delay <= 160 else (delay - 120) / 10
    return _clamp(BEST_RATING - penalty - weight * loss * 100, 0.0, BEST_RATING)


def mos_of(r: float) -> float:
    """Mean opinion score (1–4.5) of a rating R: G.107 annex B."""
    return _clamp(1 + 0.035 * r + 7e-6 * r * (r - 60) * (100 - r), 1.0, 4.5)


@dataclass(slots=True)
class Score:
    """The trend of one direction: falls fast and rises slowly."""

    r: float | None = None
    _at: float = 0.0

    def feed(self, loss: float, round_trip: float, jitter: float, now: float) -> None:
        if self.r is not None and now - self._at < SHORT:
            return
        self._at = now
        new = rating(loss, round_trip, jitter)
        if self.r is None:
            self.r = new
        else:
            self.r += (new - self.r) * (FALL if new < self.r else RISE)

    @property
    def mos(self) -> float | None:
        return None if self.r is None else mos_of(self.r)


@dataclass(slots=True)
class Line:
    """Both directions of a point's line, while it has the same ``transport``. ``down_lost`` is
    estimated from what the receiver reports."""

    up: Direction = field(default_factory=Direction)
    down: Direction = field(default_factory=Direction)
    transport: str = ""
    down_sent: int = 0
    down_lost: float = 0.0
