"""Probing: short bursts at a higher rate, to learn whether a line carries more than is sent.

A cluster is a time in which everything that is sent counts, pictures included, and padding makes
up what is missing to the rate that is tried. Clusters go out at the start (3 and 6 times the
estimate) and later only when a higher layer is wanted: then now and then, less often while they
find nothing. A line that was full before must carry a longer trial at the rate needed, because a
token bucket lets a short burst through at any rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from bridge.media.congestion.book import Arrived

DURATION = 0.025  # seconds of a short cluster
TRIAL = 0.3  # seconds of a long one
TRIED = 1.2  # times the estimate: a long one on a line that may be full, whose queue it would fill
TRIED_FOR = 1.5  # the same where something that is missing needs so much
TRIED_NEXT = 2.0  # and after a long one that the line carried
LEAST = 900  # octets of any cluster
STEP = 0.005  # seconds between the bursts of a cluster
FIRST = (3.0, 6.0)  # times the estimate, at the start
FURTHER = 2.0  # times what was found, as long as it is most of what was tried
FURTHER_FROM = 0.7
NEED = 1.15  # times the rate needed for the next step: a smaller probe would be of no use
LIMIT = 1.2  # times what is wanted: more need not be known
WITHIN = 0.9  # of the sending rate: what arrives at that was not held up
UTILISED = 0.95  # of what arrived where it was held up
RECEIVED = 0.8  # share of a cluster that must have arrived
PLAUSIBLE = 2.0  # times the sending rate: arrivals cannot be closer
# Seconds between clusters: the interval grows by `SLOWER`, at once to the most after a full line.
EVERY, EVERY_MOST = 1.5, 3.5
SLOWER = 1.4
PATIENCE = 0.8  # seconds that feedback about a cluster is waited for
ALSO_AFTER = 1.0  # seconds after a decrease without probes
HEAD = 0.4  # of a trial, which may be what a token bucket had saved up
BLAMED = 0.7  # seconds after a cluster in which a queue is that cluster's
WORTH_A_TRIAL = 1.05  # times the estimate
FULL_BEFORE = 30.0  # seconds after a decrease in which a result needs a trial


@dataclass(slots=True)
class Cluster:
    """One probe. ``target`` in bit/s, sizes in octets with all headers."""

    ident: int
    target: float
    duration: float
    trial: bool
    started: float = -1.0
    sent: int = 0
    packets: int = 0
    last_sent: float = 0.0
    last_octets: int = 0
    ended: float = -1.0
    # What arrived of it.
    octets: int = 0
    arrived: int = 0
    first_octets: int = 0
    first_arrival: float = 0.0
    last_arrival: float = 0.0
    # Where the tail of it begins, which no token bucket lets through ahead of its rate: what had
    # arrived by then, when that was, and when it had been sent; and when the last had been.
    head_octets: int = 0
    head_arrival: float = 0.0
    head_sent_at: float = 0.0
    arrived_sent_at: float = 0.0

    @property
    def wanted(self) -> int:
        """Octets to be sent."""
        return max(LEAST, round(self.target * self.duration / 8))


class Result(NamedTuple):
    """What a cluster measured in bit/s, and what it tried; ``saturated`` where it was held up."""

    rate: float
    target: float
    saturated: bool
    trial: bool


class Prober:
    """Decides when to probe, counts what a cluster sends and reads what came of it."""

    __slots__ = (
        "_carried",
        "_ended",
        "_every",
        "_hungry",
        "_ident",
        "_last",
        "_needed",
        "_pending",
        "_started",
        "_waiting",
        "clusters",
        "current",
    )

    def __init__(self) -> None:
        self.current: Cluster | None = None
        self.clusters = 0
        self._waiting: list[Cluster] = []  # sent, not judged yet
        self._pending: list[tuple[float, float, bool]] = []  # target, duration, trial
        self._ident = 0
        self._needed = 0.0
        self._last = self._ended = -1e9
        self._every = EVERY
        self._hungry = False
        self._started = False
        self._carried = False  # whether the last trial found room for all of it

    def plan(
        self,
        now: float,
        *,
        estimate: float,
        wanted: float,
        needed: float,
        decreased_at: float,
        calm: bool,
        hungry: bool = False,
    ) -> None:
        """Begin a cluster where one is due. ``calm``: neither a queue nor loss is seen; ``needed``
        is the least rate at which anything more would be sent. ``hungry``: what matters most is
        missing or hardly moves, so a long trial is made at once: a short cluster says little where
        next to nothing is sent beside it."""
        self._needed = min(needed * NEED, wanted * LIMIT)
        if hungry and not self._hungry and self._every < EVERY_MOST:
            self._every = EVERY
        self._hungry = hungry
        if self._waiting and now - self._waiting[0].ended > PATIENCE:
            self._waiting.pop(0)
        if self.current is not None or self._waiting:
            return
        if not calm or wanted <= estimate * 1.02 or now - decreased_at < ALSO_AFTER:
            self._pending.clear()
            return
        most = wanted * LIMIT
        if not self._pending:
            if not self._started:
                self._started = True
                self._pending = [(min(f * estimate, most), DURATION, False) for f in FIRST]
            elif now - self._last >= self._every:
                self._every = min(self._every * SLOWER, EVERY_MOST)
                if hungry:
                    target = min(self._tried(estimate), most)
                    self._pending = [(target, TRIAL, True)]
                else:
                    target = max(min(2 * estimate, most), self._needed)
                    self._pending = [(target, DURATION, False)]
        if self._pending:
            target, duration, trial = self._pending.pop(0)
            if target > estimate * 1.02:
                self._begin(target, duration, trial)

    def _tried(self, estimate: float) -> float:
        """bit/s of a trial."""
        if self._carried:
            return TRIED_NEXT * estimate
        return max(TRIED * estimate, min(self._needed, TRIED_FOR * estimate))

    def _begin(self, target: float, duration: float, trial: bool) -> None:
        self._ident += 1
        self.clusters += 1
        if not trial:
            duration = max(duration, LEAST * 8 / target)
        self.current = Cluster(self._ident, target, duration, trial)

    @property
    def ready(self) -> bool:
        """Whether another cluster waits for its turn."""
        return bool(self._pending) and self.current is None and not self._waiting

    def due(self, now: float) -> int:
        """How many octets of padding are to go out now."""
        cluster = self.current
        if cluster is None:
            return 0
        if cluster.started < 0:
            cluster.started = now
        elapsed = now - cluster.started
        if elapsed > cluster.duration + 0.05:
            self._end(now)
            return 0
        due = cluster.target * (min(elapsed, cluster.duration) + STEP) / 8 - cluster.sent
        return max(0, round(due))

    def sent(self, now: float, octets: int, packets: int) -> int:
        """Something was sent; return the cluster that it belongs to, 0 for none."""
        cluster = self.current
        if cluster is None or cluster.started < 0:
            return 0
        if not cluster.sent:
            cluster.started = now  # a turn may take a while from `due` to here
        if now > cluster.last_sent or not cluster.sent:
            cluster.last_octets = 0
        cluster.last_sent = now
        cluster.last_octets += octets
        cluster.sent += octets
        cluster.packets += packets
        elapsed = now - cluster.started
        if cluster.sent >= cluster.wanted and elapsed >= cluster.duration * 0.8:
            self._end(now)
        return cluster.ident

    def filled(self, now: float) -> bool:
        """Whether a queue that is seen now is a cluster's, not that of what is sent anyway."""
        if self.current is not None and self.current.sent:
            return True
        return self._ended > now - BLAMED

    def abort(self, now: float) -> None:
        """The line is full: probe no more for now."""
        self._pending.clear()
        if self.filled(now):
            self._carried = False
            self._every = EVERY_MOST
        if self.current is not None:
            self._end(now)
        self._last = now

    def _end(self, now: float) -> None:
        cluster = self.current
        self.current = None
        self._last = now
        if cluster is not None and cluster.sent:
            cluster.ended = self._ended = now
            self._waiting.append(cluster)

    def arrived(self, report: list[Arrived]) -> None:
        """Feedback: count what belongs to clusters."""
        clusters = [*self._waiting, *([self.current] if self.current is not None else [])]
        if not clusters:
            return
        for batch in report:
            if not batch.cluster:
                continue
            for cluster in clusters:
                if cluster.ident == batch.cluster:
                    if not cluster.arrived or batch.first_arrival < cluster.first_arrival:
                        cluster.first_arrival = batch.first_arrival
                        cluster.first_octets = batch.first_octets
                    if not cluster.arrived or batch.last_arrival > cluster.last_arrival:
                        cluster.last_arrival = batch.last_arrival
                        cluster.arrived_sent_at = batch.sent_at
                    cluster.octets += batch.octets
                    cluster.arrived += batch.packets
                    if not cluster.head_octets and cluster.octets >= HEAD * cluster.wanted:
                        cluster.head_octets = cluster.octets
                        cluster.head_arrival = cluster.last_arrival
                        cluster.head_sent_at = cluster.arrived_sent_at

    def result(
        self, wanted: float, *, estimate: float, was_full: bool, loss: float
    ) -> Result | None:
        """What the oldest cluster measured, as soon as nearly all of it has arrived but the
        share ``loss`` that the line loses anyway. Where the line ``was_full`` not long ago, a
        short cluster proves nothing: a trial follows a good result."""
        if not self._waiting:
            return None
        cluster = self._waiting[0]
        carried = max(1 - loss, 0.2)
        if cluster.octets < RECEIVED * carried * cluster.sent or cluster.arrived < 3:
            return None
        self._waiting.pop(0)
        result = _measure(cluster, carried)
        if result is None:
            return None
        good = result.rate >= FURTHER_FROM * cluster.target and not result.saturated
        if was_full and not cluster.trial:
            if result.rate > estimate * WORTH_A_TRIAL:
                target = min(cluster.target, self._tried(estimate))
                self._pending = [(target, TRIAL, True)]
            return None
        self._carried = good and cluster.trial
        if good:
            self._every = EVERY
            further = min(FURTHER * result.rate, wanted * LIMIT)
            if not self._pending and further > result.rate * 1.05:
                self._pending = [(further, DURATION, False)]
        return result


def _measure(cluster: Cluster, carried: float) -> Result | None:
    sending = cluster.last_sent - cluster.started
    receiving = cluster.last_arrival - cluster.first_arrival
    if sending <= 0 or not 0 < receiving < 2.0:
        return None
    # The last burst left at the end of the sending time, the first packet arrived at the start
    # of the receiving time: neither took any of it.
    sent = (cluster.sent - cluster.last_octets) * 8 / sending
    received = (cluster.octets - cluster.first_octets) / carried * 8 / receiving
    if sent <= 0 or received <= 0 or received > PLAUSIBLE * max(sent, cluster.target):
        return None
    saturated = received < WITHIN * sent
    tail = _tail(cluster, carried) if cluster.trial else None
    if tail is not None:
        saturated = tail[1] < WITHIN * tail[0]
        if saturated:
            received = min(received, tail[1])
    rate = received * UTILISED if saturated else min(sent, received)
    return Result(rate, cluster.target, saturated, cluster.trial)


def _tail(cluster: Cluster, carried: float) -> tuple[float, float] | None:
    """bit/s at which the tail of a trial was sent, as far as it has arrived, and at which it
    arrived; None where too little is known."""
    sending = cluster.arrived_sent_at - cluster.head_sent_at
    receiving = cluster.last_arrival - cluster.head_arrival
    if not cluster.head_octets or sending <= 0 or receiving <= 0:
        return None
    bits = (cluster.octets - cluster.head_octets) / carried * 8
    return bits / sending, bits / receiving
