"""What receivers were sent, and how feedback is parsed: `bridge.media.congestion.book` and
`bridge.media.transport_cc.parse` on the world's tables. Compiled.

The fields of ``runs`` are those of `bridge.media.congestion.book.Batch`. What arrived is taken in
by `bridge.media.hot.arrivals_told`.
"""

from __future__ import annotations

from bridge.media.congestion.book import MAX_BATCHES
from bridge.media.hot.compiling import compiled
from bridge.media.hot.octets import int64, load16
from bridge.media.hot.world import World
from bridge.media.transport import IP_UDP
from bridge.media.transport_cc import (
    DELTA_UNIT,
    LARGE_DELTA,
    MAX_COVERED,
    NOT_RECEIVED,
    SMALL_DELTA,
)

NO_TIME = -1e18  # of a packet that was not received
HEAD = 8  # octets of a feedback before its statuses
REFERENCE_SHIFT = 8  # REFERENCE_UNIT is 256 DELTA_UNITs


@compiled
def book_run(w: World, t: int, first: int, now: float, count: int, size: int, last: int) -> None:
    """`Book.sent` of one run that left at ``now``."""
    receiver = w.receivers_told[t]
    if receiver.newest - receiver.oldest == MAX_BATCHES:
        receiver.oldest += 1
    run = w.runs[t, receiver.newest % MAX_BATCHES]
    receiver.newest += 1
    run.first = first
    run.sent_at = now
    run.got = 0
    run.lost = 0
    run.count = count
    run.size = size
    run.last = last
    run.extra = IP_UDP
    run.cluster = 0
    run.sure = 1
    receiver.next = first + count
    receiver.octets += (count - 1) * size + last + count * IP_UDP
    if receiver.begun < 0:
        receiver.begun = now


@compiled
def parse_feedback(w: World, size: int) -> int:
    """Write the arrivals of the feedback of ``size`` octets to ``times``, in seconds or NO_TIME;
    return how many there are, -1 where it is malformed."""
    data = w.feedback
    if size < HEAD:
        return -1
    count = load16(data, 2)
    if count > MAX_COVERED:
        return -1
    at = _statuses(w, size, count)
    if at < 0:
        return -1
    clock = (int64(data[4]) << 16 | load16(data, 5)) << REFERENCE_SHIFT
    for n in range(count):
        status = w.statuses[n]
        if status == SMALL_DELTA:
            if at >= size:
                return -1
            clock += int64(data[at])
            at += 1
        elif status == NOT_RECEIVED:
            w.times[n] = NO_TIME
            continue
        else:
            if status != LARGE_DELTA or at + 2 > size:
                return -1
            delta = load16(data, at)
            clock += delta - 0x10000 if delta & 0x8000 else delta
            at += 2
        w.times[n] = clock * DELTA_UNIT
    return count


@compiled
def _statuses(w: World, size: int, count: int) -> int:
    """Unpack the chunks of statuses; return where the deltas begin, -1 where they are malformed."""
    data = w.feedback
    at = HEAD
    n = 0
    while n < count:
        if at + 2 > size:
            return -1
        chunk = load16(data, at)
        at += 2
        if not chunk & 0x8000:
            run = chunk & 0x1FFF
            if not run:
                return -1
            for _ in range(min(run, count - n)):
                w.statuses[n] = chunk >> 13
                n += 1
        elif chunk & 0x4000:
            for i in range(7):
                w.statuses[n] = chunk >> (12 - 2 * i) & 3
                n += 1
        else:
            for i in range(14):
                w.statuses[n] = chunk >> (13 - i) & 1
                n += 1
    return at


@compiled
def octets_of(w: World, t: int, place: int, start: int, end: int) -> int:
    """`Batch.octets`."""
    if start >= end:
        return 0
    run = w.runs[t, place]
    octets = (end - start) * (int64(run.size) + run.extra)
    return octets + (int64(run.last) - run.size if end == run.count else 0)


@compiled
def find_run(w: World, t: int, number: int) -> int:
    """The newest run that begins at or before a number; one less than the oldest: none does."""
    low = w.receivers_told[t].oldest
    high = w.receivers_told[t].newest
    while low < high:
        middle = (low + high) >> 1
        if w.runs[t, middle % MAX_BATCHES].first <= number:
            low = middle + 1
        else:
            high = middle
    return low - 1


@compiled
def skipped(w: World, t: int, number: int, position: int) -> int:
    """`Book._skip`: octets between the last feedback's end and this one's start."""
    covered = w.receivers_told[t].covered
    octets = 0
    if not 0 < covered <= number:
        return 0
    while position >= w.receivers_told[t].oldest:
        place = position % MAX_BATCHES
        run = w.runs[t, place]
        if run.first + run.count <= covered:
            break
        upto = max(0, min(run.count, number - run.first))
        octets += octets_of(w, t, place, max(0, covered - run.first), upto)
        position -= 1
    return octets
