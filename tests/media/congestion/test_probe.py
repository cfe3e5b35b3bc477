"""Probing a line behind a token bucket, which lets some kilobytes through at any rate."""

from __future__ import annotations

import pytest

from bridge.media.congestion.book import Arrived
from bridge.media.congestion.probe import BLAMED, EVERY_MOST, STEP, TRIAL, Cluster, Prober, Result

RATE = 600_000.0  # bit/s
BUCKET = 5000  # octets that pass at once: the kernel's of the benchmark
PACKET = 1000
ESTIMATE = 560_000.0


class Bucket:
    """A line of `RATE` behind a token bucket; ``arrives`` is when what is sent gets there."""

    def __init__(self, rate: float = RATE) -> None:
        self._rate = rate / 8
        self._tokens = float(BUCKET)
        self._at = 0.0
        self._last = 0.0

    def arrives(self, now: float, octets: int) -> float:
        start = max(now, self._last)
        self._tokens = min(BUCKET, self._tokens + (start - self._at) * self._rate)
        self._at = start
        self._tokens -= octets
        wait = max(0.0, -self._tokens / self._rate)
        self._tokens = max(0.0, self._tokens)
        self._at = self._last = start + wait
        return start + wait


def plan(prober: Prober, now: float, *, full: bool, needed: float = 0.0) -> Cluster | None:
    prober.plan(
        now,
        estimate=ESTIMATE,
        wanted=3_000_000.0,
        needed=needed,
        decreased_at=now - 5 if full else -1e9,
        calm=True,
        hungry=full,
    )
    return prober.current


def send(prober: Prober, line: Bucket, now: float) -> tuple[float, list[Arrived]]:
    """Send the present cluster whole; when that was, and what arrived."""
    arrived = []
    while prober.current is not None:
        due = prober.due(now)
        packets = -(-due // PACKET)
        for _ in range(packets):
            at = line.arrives(now, PACKET)
            ident = prober.sent(now, PACKET, 1)
            arrived.append(Arrived(now, at, at, 1, PACKET, PACKET, ident))
        now += STEP
    return now, arrived


def judge(prober: Prober, *, full: bool) -> Result | None:
    return prober.result(3_000_000.0, estimate=ESTIMATE, was_full=full, loss=0.0)


def short_cluster(prober: Prober, line: Bucket, *, full: bool) -> tuple[float, Result | None]:
    """The first of the two at the start."""
    prober.plan(
        *(0.0,), estimate=ESTIMATE, wanted=3_000_000.0, needed=0.0, decreased_at=-1e9, calm=True
    )
    now, arrived = send(prober, line, 0.0)
    prober.arrived(arrived)
    return now, judge(prober, full=full)


def test_a_short_cluster_says_nothing_of_a_line_that_was_full() -> None:
    """It passes the bucket, held up a little or not at all: believed, it doubled the estimate."""
    prober = Prober()
    now, result = short_cluster(prober, Bucket(), full=True)
    assert result is None
    cluster = plan(prober, now, full=True)
    assert cluster is not None
    assert cluster.trial
    assert cluster.duration == TRIAL
    assert ESTIMATE < cluster.target <= 1.5 * ESTIMATE


def test_a_short_cluster_is_believed_of_a_line_that_was_never_full() -> None:
    _, result = short_cluster(Prober(), Bucket(20e6), full=False)
    assert result is not None
    assert result.rate > 2 * ESTIMATE


def trial(prober: Prober, line: Bucket, now: float) -> tuple[float, Result | None]:
    """The trial that is made at once where what matters most is missing."""
    cluster = plan(prober, now, full=True, needed=3_000_000.0)
    assert cluster is not None
    assert cluster.trial
    now, arrived = send(prober, line, now)
    prober.arrived(arrived)
    return now, judge(prober, full=True)


def started() -> Prober:
    """A prober past the clusters of the start."""
    prober = Prober()
    short_cluster(prober, Bucket(1e9), full=False)
    prober.abort(1.0)
    return prober


def test_a_trial_is_measured_behind_what_the_bucket_had_saved_up() -> None:
    """Over the whole of it 600 kbit/s look like 730."""
    _, result = trial(started(), Bucket(), 10.0)
    assert result is not None
    assert result.saturated
    assert result.rate == pytest.approx(RATE, rel=0.08)


def test_after_a_trial_that_was_carried_twice_as_much_is_tried() -> None:
    prober = started()
    now, result = trial(prober, Bucket(20e6), 10.0)
    assert result is not None
    assert not result.saturated
    cluster = plan(prober, now, full=True)  # what it found is scouted first
    assert cluster is not None
    assert not cluster.trial
    now, arrived = send(prober, Bucket(20e6), now)
    prober.arrived(arrived)
    assert judge(prober, full=True) is None
    following = plan(prober, now, full=True)
    assert following is not None
    assert following.trial
    assert following.target == pytest.approx(2 * ESTIMATE)


def test_a_trial_that_filled_the_line_is_not_repeated_soon() -> None:
    prober = started()
    cluster = plan(prober, 10.0, full=True)
    assert cluster is not None
    prober.due(10.0)
    prober.sent(10.0, PACKET, 1)
    assert prober.filled(10.0)
    prober.abort(10.1)
    assert prober.filled(10.1 + BLAMED / 2)
    assert not prober.filled(10.1 + BLAMED * 1.01)
    assert plan(prober, 10.1 + EVERY_MOST * 0.98, full=True) is None
    assert plan(prober, 10.1 + EVERY_MOST, full=True) is not None
