"""Whether a queue builds up on the way to a receiver, seen in how its packets arrive.

Two signs are looked at together. The *trend*: the slope of the smoothed delay over groups of
packets against a threshold that adapts to the line's own unrest (draft-ietf-rmcat-gcc-02
section 5, with the regression that replaced its Kalman filter). And the *queue*: how much later
than the earliest of the last half minute packets arrive, the least of the last moments as in
RFC 8289 section 4.2: a queue that empties in between is a burst, or a receiver's process that did
not run for a while and then took everything in at once, and no line that is too thin. A rising
trend without a queue is unrest; a queue that stands without a trend is one that is full.
"""

from __future__ import annotations

from collections import deque
from enum import Enum

GROUP = 0.005  # seconds: batches sent within are one group (section 5.2)
BURST = 0.1  # seconds a group that arrives as a burst may last
WINDOW = 20  # groups that the regression looks at
SMOOTHING = 0.9
GAIN = 4.0
GROUPS_COUNTED = 60
THRESHOLD = 12.5  # ms, as the section's del_var_th(0)
THRESHOLD_MIN, THRESHOLD_MAX = 6.0, 600.0
THRESHOLD_UP, THRESHOLD_DOWN = 0.0087, 0.039  # K_u and K_d
THRESHOLD_LEAP = 15.0  # ms: what is farther off is a sudden loss of capacity, not unrest
OVERUSE_TIME = 0.010  # seconds (overuse_time_th)
STANDS_FOR = 0.1  # seconds of arrivals in whose least delay a queue is seen (RFC 8289: interval)
LOWS = 256  # groups in that time, at most
QUEUE_SEEN = 0.025  # seconds below which a rising trend is unrest
QUEUE_STANDS = 0.12  # seconds of a queue that does not go away by itself
TELL_AGAIN = 0.2  # seconds between two complaints about it
PROVEN_AFTER = 0.5  # seconds for which it stands until nothing but the line can be the reason
QUEUE_LEAPS = 0.08  # seconds of a queue that the last `LEAP_GROUPS` groups all met: no doubt
LEAP_GROUPS = 4
BASE_BUCKET = 5.0  # seconds; the base delay is the least of the last `BASE_BUCKETS` of these
BASE_BUCKETS = 6
CLOCK_JUMP = 10.0  # seconds that a receiver's clock cannot run away by between two reports


class Usage(Enum):
    """What the line does with what is sent."""

    NORMAL = "normal"
    OVER = "over"
    UNDER = "under"


class Trend:
    """Follows one receiver's arrivals. ``queue`` is the least delay above the base lately, in
    seconds, ``usage`` the present hypothesis, ``jumps`` how often its clock made no sense."""

    __slots__ = (
        "_accumulated",
        "_arrival",
        "_base",
        "_bases",
        "_bucket_at",
        "_count",
        "_delays",
        "_first_arrival",
        "_first_sent",
        "_history",
        "_last",
        "_low_times",
        "_lows",
        "_over_count",
        "_over_time",
        "_previous",
        "_sent",
        "_smoothed",
        "_standing_since",
        "_standing_told",
        "_threshold",
        "_threshold_at",
        "jumps",
        "queue",
        "usage",
    )

    def __init__(self) -> None:
        self.usage = Usage.NORMAL
        self.queue = 0.0
        self.jumps = 0
        self._restart()

    def _restart(self) -> None:
        self._first_sent = -1.0  # of the present group; negative: none yet
        self._sent = 0.0
        self._first_arrival = 0.0
        self._arrival = 0.0
        self._last: tuple[float, float] | None = None  # of the group before: sent, arrival
        self._count = 0
        self._accumulated = 0.0  # ms
        self._smoothed = 0.0  # ms
        self._history: deque[tuple[float, float]] = deque(maxlen=WINDOW)
        self._previous = 0.0
        self._over_time = -1.0
        self._over_count = 0
        self._threshold = THRESHOLD
        self._threshold_at = -1.0
        self._standing_since = -1.0
        self._standing_told = 0.0
        self._delays: deque[float] = deque(maxlen=LEAP_GROUPS)
        self._low_times: deque[float] = deque(maxlen=LOWS)  # arrivals of groups
        self._lows: deque[float] = deque(maxlen=LOWS)  # their delays above the base
        self._bases: deque[float] = deque(maxlen=BASE_BUCKETS)
        self._bucket_at = -1.0
        self._base = 0.0
        self.queue = 0.0
        self.usage = Usage.NORMAL

    def rebase(self) -> None:
        """Take the present delay for the line's own: what stands in the queue is others'."""
        self._bases.clear()
        self._bucket_at = -1.0
        self._standing_since = -1.0

    def add(self, sent_at: float, first_arrival: float, arrival: float) -> None:
        """A batch that was sent at ``sent_at`` arrived, its last packet at ``arrival``."""
        if self._first_sent < 0:
            self._begin(sent_at, first_arrival, arrival)
            return
        moved = (arrival - self._arrival) - (sent_at - self._sent)
        if moved < -CLOCK_JUMP or moved > CLOCK_JUMP:
            self.jumps += 1
            self._restart()
            self._begin(sent_at, first_arrival, arrival)
            return
        if sent_at < self._sent:
            return  # told late: its group is closed
        burst = (
            moved < 0 and arrival - self._arrival <= GROUP and arrival - self._first_arrival < BURST
        )
        if sent_at - self._first_sent <= GROUP or burst:
            self._sent = sent_at
            self._arrival = max(self._arrival, arrival)
            return
        self._close()
        self._begin(sent_at, first_arrival, arrival)

    def _begin(self, sent_at: float, first_arrival: float, arrival: float) -> None:
        self._first_sent = self._sent = sent_at
        self._first_arrival = first_arrival
        self._arrival = arrival

    def _close(self) -> None:
        """A group is complete: measure its queue, and its delay against the one before."""
        ahead = self._first_arrival - self._first_sent
        self._follow_base(ahead)
        delay = self._arrival - self._sent - self._base
        self._follow_queue(min(ahead - self._base, delay))
        rises = bool(self._delays) and delay >= self._delays[0]
        self._delays.append(delay)
        last, self._last = self._last, (self._sent, self._arrival)
        if last is None:
            return
        gap = self._sent - last[0]
        self._count += 1
        self._accumulated += (self._arrival - last[1] - gap) * 1000
        self._smoothed = self._smoothed * SMOOTHING + self._accumulated * (1 - SMOOTHING)
        self._history.append((self._arrival * 1000, self._smoothed))
        if len(self._history) == WINDOW:
            self._judge(gap)
        leapt = rises and len(self._delays) == LEAP_GROUPS and min(self._delays) > QUEUE_LEAPS
        if leapt and self.queue > QUEUE_SEEN:
            self.usage = Usage.OVER

    def _follow_queue(self, low: float) -> None:
        """Take a group's delay in; the last one before the time looked at counts, too."""
        times, lows = self._low_times, self._lows
        times.append(self._arrival)
        lows.append(max(0.0, low))
        limit = self._arrival - STANDS_FOR
        while len(times) > 1 and times[1] <= limit:
            times.popleft()
            lows.popleft()
        self.queue = min(lows)

    @property
    def proven(self) -> bool:
        """Whether a long queue has been standing for so long that it is the line's."""
        return self._standing_since >= 0 and self._sent - self._standing_since > PROVEN_AFTER

    def _follow_base(self, delay: float) -> None:
        if self._bucket_at < 0 or self._sent - self._bucket_at >= BASE_BUCKET:
            self._bucket_at = self._sent
            self._bases.append(delay)
        elif delay < self._bases[-1]:
            self._bases[-1] = delay
        self._base = min(self._bases)

    def _slope(self) -> float:
        history = self._history
        total_x = total_y = 0.0
        for x, y in history:
            total_x += x
            total_y += y
        mean_x = total_x / WINDOW
        mean_y = total_y / WINDOW
        above = below = 0.0
        for x, y in history:
            away = x - mean_x
            above += away * (y - mean_y)
            below += away * away
        return above / below if below else self._previous

    def _judge(self, gap: float) -> None:
        slope = self._slope()
        modified = min(self._count, GROUPS_COUNTED) * slope * GAIN
        if self.queue < QUEUE_STANDS:
            self._standing_since = -1.0
        elif self._standing_since < 0:
            self._standing_since = self._standing_told = self._sent
        if modified > self._threshold and self.queue > QUEUE_SEEN:
            self._over_time = gap / 2 if self._over_time < 0 else self._over_time + gap
            self._over_count += 1
            if self._over_time > OVERUSE_TIME and self._over_count > 1 and slope >= self._previous:
                self._over_time = -1.0
                self._over_count = 0
                self.usage = Usage.OVER
        else:
            self._over_time = -1.0
            self._over_count = 0
            if modified < -self._threshold:
                self.usage = Usage.UNDER
            elif self._standing_since >= 0 and self._sent - self._standing_told > TELL_AGAIN:
                self.usage = Usage.OVER
                self._standing_told = self._sent
            else:
                self.usage = Usage.NORMAL
        self._previous = slope
        self._adapt(abs(modified))

    def _adapt(self, modified: float) -> None:
        at = self._arrival
        if modified <= self._threshold + THRESHOLD_LEAP and self._threshold_at >= 0:
            elapsed = min(max(0.0, (at - self._threshold_at) * 1000), 100.0)
            factor = THRESHOLD_DOWN if modified < self._threshold else THRESHOLD_UP
            self._threshold += factor * (modified - self._threshold) * elapsed
            self._threshold = min(max(self._threshold, THRESHOLD_MIN), THRESHOLD_MAX)
        self._threshold_at = at
