"""Whether a queue builds up on the way to a receiver: `bridge.media.congestion.trend.Trend` on the
world's tables, line by line the same. Compiled.

Windows are rings; ``slopes``, ``delays`` and ``bases`` of a receiver count what they ever held.
"""

from __future__ import annotations

from bridge.media.congestion import trend
from bridge.media.hot.compiling import compiled
from bridge.media.hot.world import NORMAL, OVER, UNDER, World


@compiled
def restart(w: World, t: int) -> None:
    """`Trend._restart`."""
    r = w.receivers_told[t]
    r.first_sent = -1.0
    r.before = 0
    r.count = 0
    r.accumulated = 0.0
    r.smoothed = 0.0
    r.slopes = 0
    r.previous = 0.0
    r.over_time = -1.0
    r.over_count = 0
    r.threshold = trend.THRESHOLD
    r.threshold_at = -1.0
    r.standing_since = -1.0
    r.standing_told = 0.0
    r.delays = 0
    r.oldest_low = r.newest_low = 0
    r.bases = 0
    r.bucket_at = -1.0
    r.base = 0.0
    r.queue = 0.0
    r.usage = NORMAL


@compiled
def follow(w: World, t: int, sent_at: float, first_arrival: float, arrival: float) -> None:
    """`Trend.add`."""
    r = w.receivers_told[t]
    if r.first_sent < 0:
        _begin(w, t, sent_at, first_arrival, arrival)
        return
    moved = (arrival - r.arrival) - (sent_at - r.sent)
    if moved < -trend.CLOCK_JUMP or moved > trend.CLOCK_JUMP:
        r.jumps += 1
        restart(w, t)
        _begin(w, t, sent_at, first_arrival, arrival)
        return
    if sent_at < r.sent:
        return
    burst = (
        moved < 0 and arrival - r.arrival <= trend.GROUP and arrival - r.first_arrival < trend.BURST
    )
    if sent_at - r.first_sent <= trend.GROUP or burst:
        r.sent = sent_at
        r.arrival = max(r.arrival, arrival)
        return
    _close_group(w, t)
    _begin(w, t, sent_at, first_arrival, arrival)


@compiled
def _begin(w: World, t: int, sent_at: float, first_arrival: float, arrival: float) -> None:
    r = w.receivers_told[t]
    r.first_sent = sent_at
    r.sent = sent_at
    r.first_arrival = first_arrival
    r.arrival = arrival


@compiled
def _close_group(w: World, t: int) -> None:
    """`Trend._close`."""
    r = w.receivers_told[t]
    ahead = r.first_arrival - r.first_sent
    _follow_base(w, t, ahead)
    delay = r.arrival - r.sent - r.base
    _follow_queue(w, t, min(ahead - r.base, delay))
    held = min(r.delays, trend.LEAP_GROUPS)
    rises = held > 0 and delay >= w.delays[t, (r.delays - held) % trend.LEAP_GROUPS]
    w.delays[t, r.delays % trend.LEAP_GROUPS] = delay
    r.delays += 1
    before_sent = r.before_sent
    before_arrival = r.before_arrival
    known = r.before
    r.before = 1
    r.before_sent = r.sent
    r.before_arrival = r.arrival
    if not known:
        return
    gap = r.sent - before_sent
    r.count += 1
    r.accumulated += (r.arrival - before_arrival - gap) * 1000
    r.smoothed = r.smoothed * trend.SMOOTHING + r.accumulated * (1 - trend.SMOOTHING)
    place = r.slopes % trend.WINDOW
    w.slopes[t, place] = r.arrival * 1000
    w.slopes[t, trend.WINDOW + place] = r.smoothed
    r.slopes += 1
    if r.slopes >= trend.WINDOW:
        _judge(w, t, gap)
    if rises and r.delays >= trend.LEAP_GROUPS and r.queue > trend.QUEUE_SEEN:
        least = w.delays[t, 0]
        for n in range(1, trend.LEAP_GROUPS):
            least = min(least, w.delays[t, n])
        if least > trend.QUEUE_LEAPS:
            r.usage = OVER


@compiled
def _follow_queue(w: World, t: int, low: float) -> None:
    r = w.receivers_told[t]
    if r.newest_low - r.oldest_low == trend.LOWS:
        r.oldest_low += 1
    place = r.newest_low % trend.LOWS
    w.lows[t, place] = r.arrival
    w.lows[t, trend.LOWS + place] = max(0.0, low)
    r.newest_low += 1
    limit = r.arrival - trend.STANDS_FOR
    while r.newest_low - r.oldest_low > 1 and w.lows[t, (r.oldest_low + 1) % trend.LOWS] <= limit:
        r.oldest_low += 1
    least = w.lows[t, trend.LOWS + r.oldest_low % trend.LOWS]
    for n in range(r.oldest_low + 1, r.newest_low):
        least = min(least, w.lows[t, trend.LOWS + n % trend.LOWS])
    r.queue = least


@compiled
def _follow_base(w: World, t: int, delay: float) -> None:
    r = w.receivers_told[t]
    if r.bucket_at < 0 or r.sent - r.bucket_at >= trend.BASE_BUCKET:
        r.bucket_at = r.sent
        w.bases[t, r.bases % trend.BASE_BUCKETS] = delay
        r.bases += 1
    elif delay < w.bases[t, (r.bases - 1) % trend.BASE_BUCKETS]:
        w.bases[t, (r.bases - 1) % trend.BASE_BUCKETS] = delay
    base = w.bases[t, 0]
    for n in range(1, min(r.bases, trend.BASE_BUCKETS)):
        base = min(base, w.bases[t, n])
    r.base = base


@compiled
def _slope(w: World, t: int) -> float:
    r = w.receivers_told[t]
    total_x = 0.0
    total_y = 0.0
    for n in range(r.slopes, r.slopes + trend.WINDOW):
        total_x += w.slopes[t, n % trend.WINDOW]
        total_y += w.slopes[t, trend.WINDOW + n % trend.WINDOW]
    mean_x = total_x / trend.WINDOW
    mean_y = total_y / trend.WINDOW
    above = 0.0
    below = 0.0
    for n in range(r.slopes, r.slopes + trend.WINDOW):
        away = w.slopes[t, n % trend.WINDOW] - mean_x
        above += away * (w.slopes[t, trend.WINDOW + n % trend.WINDOW] - mean_y)
        below += away * away
    return above / below if below else r.previous


@compiled
def _judge(w: World, t: int, gap: float) -> None:
    r = w.receivers_told[t]
    slope = _slope(w, t)
    modified = min(r.count, trend.GROUPS_COUNTED) * slope * trend.GAIN
    if r.queue < trend.QUEUE_STANDS:
        r.standing_since = -1.0
    elif r.standing_since < 0:
        r.standing_since = r.sent
        r.standing_told = r.sent
    if modified > r.threshold and r.queue > trend.QUEUE_SEEN:
        r.over_time = gap / 2 if r.over_time < 0 else r.over_time + gap
        r.over_count += 1
        if r.over_time > trend.OVERUSE_TIME and r.over_count > 1 and slope >= r.previous:
            r.over_time = -1.0
            r.over_count = 0
            r.usage = OVER
    else:
        r.over_time = -1.0
        r.over_count = 0
        if modified < -r.threshold:
            r.usage = UNDER
        elif r.standing_since >= 0 and r.sent - r.standing_told > trend.TELL_AGAIN:
            r.usage = OVER
            r.standing_told = r.sent
        else:
            r.usage = NORMAL
    r.previous = slope
    _adapt(w, t, abs(modified))


@compiled
def _adapt(w: World, t: int, modified: float) -> None:
    r = w.receivers_told[t]
    if modified <= r.threshold + trend.THRESHOLD_LEAP and r.threshold_at >= 0:
        elapsed = min(max(0.0, (r.arrival - r.threshold_at) * 1000), 100.0)
        factor = trend.THRESHOLD_DOWN if modified < r.threshold else trend.THRESHOLD_UP
        r.threshold += factor * (modified - r.threshold) * elapsed
        r.threshold = min(max(r.threshold, trend.THRESHOLD_MIN), trend.THRESHOLD_MAX)
    r.threshold_at = r.arrival
