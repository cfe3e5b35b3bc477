"""A receiver's feedback taken in: `bridge.media.congestion.reader.Reader.read` on the world's
tables, with `rate.Acknowledged` and `drain.Drain` of that package. Compiled.

Line by line the same as there, so that both give the same figures to the last bit
(`tests/media/hot/test_feedback_difference.py`).
"""

from __future__ import annotations

from bridge.media.congestion import drain, rate
from bridge.media.congestion.book import MAX_BATCHES
from bridge.media.hot.compiling import compiled
from bridge.media.hot.delay_trend import follow
from bridge.media.hot.octets import int64, load16
from bridge.media.hot.sent_runs import NO_TIME, find_run, octets_of, parse_feedback, skipped
from bridge.media.hot.world import CLUSTERS, OVER, World


@compiled
def read_feedback(w: World, t: int, size: int) -> bool:
    """Take in the feedback of ``size`` octets of transport ``t``; False where it is malformed."""
    count = parse_feedback(w, size)
    if count < 0:
        return False
    r = w.receivers_told[t]
    r.covers = count
    r.missing = r.received = r.lost = r.skipped = r.repeated = r.unknown = r.clusters = 0
    r.call_packets = 0
    for n in range(count):
        if w.times[n] == NO_TIME:
            r.missing += 1
    if r.oldest == r.newest:
        r.unknown = count
        return True
    _learn(w, t, count, load16(w.feedback, 0))
    r.acknowledged = _acknowledged(w, t)
    if r.usage == OVER:
        r.recent = _recent(w, t)
    since = r.drain_arrival - r.drain_at
    r.carried = r.drain_rate if 0 <= since <= drain.BELIEVED else 0.0
    return True


@compiled
def _learn(w: World, t: int, count: int, base: int) -> None:
    """`Book.learn`."""
    r = w.receivers_told[t]
    number = r.next - 1 - ((r.next - 1 - base) & 0xFFFF)
    end = number + count
    position = find_run(w, t, number)
    at = 0
    if position < r.oldest:
        at = min(count, w.runs[t, r.oldest % MAX_BATCHES].first - number)
        r.unknown += at
        position = r.oldest
    r.skipped = skipped(w, t, number + at, position)
    while at < count and position < r.newest:
        run = w.runs[t, position % MAX_BATCHES]
        offset = number + at - run.first
        if offset < 0:
            gone = min(-offset, count - at)
            r.unknown += gone
            at += gone
            continue
        taken = min(count - at, run.count - offset)
        if taken > 0:
            _told(w, t, position % MAX_BATCHES, offset, at, taken)
            at += taken
        position += 1
    r.unknown += count - at
    r.covered = max(r.covered, min(end, r.next))
    if r.call_packets:
        last = r.call_last
        _finish_call(w, t)
        if r.skipped:
            share = r.received / (r.received + max(0, r.lost))
            _acknowledge(w, t, last, int(r.skipped * share))


@compiled
def _told(w: World, t: int, place: int, offset: int, at: int, taken: int) -> None:
    """`book._told`: of ``taken`` packets of a run from ``offset`` on, arrivals from ``at`` on."""
    r = w.receivers_told[t]
    run = w.runs[t, place]
    packets = 0
    octets = 0
    first_octets = 0
    first = 0.0
    last = 0.0
    for index in range(offset, offset + taken):
        arrival = w.times[at]
        at += 1
        shifted = index & 63
        got = run.got >> shifted & 1
        lost = run.lost >> shifted & 1
        if arrival == NO_TIME:
            if got or lost:
                r.repeated += 1
            else:
                run.lost |= int64(1) << shifted
                r.lost += 1
            continue
        if got:
            r.repeated += 1
            continue
        if lost:
            run.lost ^= int64(1) << shifted
            r.lost -= 1
        run.got |= int64(1) << shifted
        size = octets_of(w, t, place, index, index + 1)
        octets += size
        if not packets or arrival < first:
            first = arrival
            first_octets = size
        if not packets or arrival > last:
            last = arrival
        packets += 1
    if packets:
        r.received += packets
        _add(w, t, place, first, last, packets, octets, first_octets)


@compiled
def _add(
    w: World,
    t: int,
    place: int,
    first: float,
    last: float,
    packets: int,
    octets: int,
    first_octets: int,
) -> None:
    """`book.Report.add`."""
    r = w.receivers_told[t]
    run = w.runs[t, place]
    if r.call_packets and (
        r.call_sent != run.sent_at or r.call_cluster != run.cluster or r.call_sure != run.sure
    ):
        _finish_call(w, t)
    if not r.call_packets:
        r.call_sent = run.sent_at
        r.call_cluster = run.cluster
        r.call_sure = run.sure
        r.call_first = first
        r.call_last = last
        r.call_packets = packets
        r.call_octets = octets
        r.call_first_octets = first_octets
        return
    if first < r.call_first:
        r.call_first = first
        r.call_first_octets = first_octets
    r.call_last = max(r.call_last, last)
    r.call_packets += packets
    r.call_octets += octets


@compiled
def _finish_call(w: World, t: int) -> None:
    """Take in what arrived of one call."""
    r = w.receivers_told[t]
    if r.call_sure:
        follow(w, t, r.call_sent, r.call_first, r.call_last)
        _drain(w, t, r.call_sent, r.call_last, r.call_octets)
    _acknowledge(w, t, r.call_last, r.call_octets)
    if r.call_cluster:
        _cluster(w, t)
    r.call_packets = 0


@compiled
def _cluster(w: World, t: int) -> None:
    """`probe.Prober.arrived` is told of it by Python."""
    r = w.receivers_told[t]
    for n in range(r.clusters):
        cluster = w.clusters[n]
        if cluster.ident == r.call_cluster:
            if r.call_first < cluster.first_arrival:
                cluster.first_arrival = r.call_first
                cluster.first_octets = r.call_first_octets
            cluster.last_arrival = max(cluster.last_arrival, r.call_last)
            cluster.octets += r.call_octets
            cluster.packets += r.call_packets
            return
    if r.clusters < CLUSTERS:
        cluster = w.clusters[r.clusters]
        cluster.ident = r.call_cluster
        cluster.first_arrival = r.call_first
        cluster.first_octets = r.call_first_octets
        cluster.last_arrival = r.call_last
        cluster.octets = r.call_octets
        cluster.packets = r.call_packets
        r.clusters += 1


# --- rate.Acknowledged and drain.Drain ------------------------------------------------------


@compiled
def _acknowledge(w: World, t: int, arrival: float, octets: int) -> None:
    """`Acknowledged.add`."""
    r = w.receivers_told[t]
    if r.newest_entry > r.oldest_entry:
        newest = w.entry_arrivals[t, (r.newest_entry - 1) % rate.ENTRIES]
        if abs(arrival - newest) > rate.SILENCE:
            r.oldest_entry = r.newest_entry
            r.window_octets = 0
        elif arrival < newest:
            arrival = newest
    if r.newest_entry - r.oldest_entry == rate.ENTRIES:
        r.window_octets -= w.entry_octets[t, r.oldest_entry % rate.ENTRIES]
        r.oldest_entry += 1
    w.entry_arrivals[t, r.newest_entry % rate.ENTRIES] = arrival
    w.entry_octets[t, r.newest_entry % rate.ENTRIES] = octets
    r.newest_entry += 1
    r.window_octets += octets
    limit = arrival - rate.LONG
    while w.entry_arrivals[t, r.oldest_entry % rate.ENTRIES] < limit:
        r.window_octets -= w.entry_octets[t, r.oldest_entry % rate.ENTRIES]
        r.oldest_entry += 1


@compiled
def _acknowledged(w: World, t: int) -> float:
    """`Acknowledged.rate`."""
    r = w.receivers_told[t]
    if r.newest_entry - r.oldest_entry < 2:
        return 0.0
    oldest = r.oldest_entry % rate.ENTRIES
    span = w.entry_arrivals[t, (r.newest_entry - 1) % rate.ENTRIES] - w.entry_arrivals[t, oldest]
    if span < rate.LONG * 0.4:
        return 0.0
    return (r.window_octets - w.entry_octets[t, oldest]) * 8 / span


@compiled
def _recent(w: World, t: int) -> float:
    """`Acknowledged.recent`."""
    r = w.receivers_told[t]
    if r.newest_entry - r.oldest_entry < 2:
        return 0.0
    end = w.entry_arrivals[t, (r.newest_entry - 1) % rate.ENTRIES]
    start = end
    octets = 0
    for n in range(r.newest_entry - 1, r.oldest_entry - 1, -1):
        start = w.entry_arrivals[t, n % rate.ENTRIES]
        if end - start >= rate.SHORT:
            break
        octets += w.entry_octets[t, n % rate.ENTRIES]
    span = end - start
    return octets * 8 / span if span >= rate.SHORT * 0.5 else 0.0


@compiled
def _drain(w: World, t: int, sent_at: float, arrival: float, octets: int) -> None:
    """`Drain.add`."""
    r = w.receivers_told[t]
    delay = arrival - sent_at
    r.drain_arrival = arrival
    since = arrival - r.drain_started
    if r.drain_started < 0 or delay >= r.drain_delay or not 0 <= since <= drain.LONGEST:
        r.drain_started = arrival
        r.drain_delay = delay
        r.drain_octets = 0
        return
    r.drain_octets += octets
    if r.drain_delay - delay >= drain.FALLS and r.drain_octets >= drain.OCTETS:
        proven = r.drain_octets * 8 / max(since, drain.LEAST)
        if proven >= r.drain_rate or arrival - r.drain_at > drain.BELIEVED:
            r.drain_rate = proven
            r.drain_at = arrival
