"""What one receiver's line down carries, from all it reports: the parts put together."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.media.congestion.loss import PATIENT, LossBound
from bridge.media.congestion.probe import FULL_BEFORE, Prober
from bridge.media.congestion.rate import FLOOR, Rate
from bridge.media.congestion.reader import Reader, Reading, ReadsFeedback
from bridge.media.congestion.trend import QUEUE_STANDS, Usage

START = 300_000.0  # bit/s assumed of a line that nothing is known of
EXPECTED = 0.25  # of what links are said or were measured to carry: with so much one begins
CARRIED = 0.75  # of what the line was found to carry a short while ago
EXPECTED_MOST = 2_500_000.0  # bit/s: a programme and small pictures of a district, at once
SILENT = 1.0  # seconds of sending without any report after which a receiver counts as one that
# does not report: then nothing is known, and nothing is held back
TRIED = 10.0  # seconds of sending after which a line that was never full shows what it carries
REPORTS_A_SECOND = 100.0  # that are looked at; a receiver sends some ten to twenty
REPORTS_AT_ONCE = 60.0
RATE_WINDOW = 0.5  # seconds over which the sent rate is measured
CALM_QUEUE = 0.06  # seconds of queue with which probing is still harmless
CALM_LOSS = 0.08
SOUND_ALONE = 100_000.0  # bit/s, which fill no queue
STEP = 0.5  # of the estimate is left at a time while the queue is short: it may be a moment's
INEFFECTIVE = 4  # decreases in a row that leave the queue as it is: it is another's
SETTLES = 1.0  # seconds after a decrease in which loss tells of the time before
# A REMB follows what is received and says little while that is little: it counts once it asks for
# less than is sent, and so long after it last did.
REMB_ASKS = 0.97
REMB_COUNTS = 20.0  # seconds


class Estimator:
    """One receiver. ``estimate`` in bit/s with all headers, 0 while nothing is known."""

    __slots__ = (
        "_credit",
        "_credit_at",
        "_in_vain",
        "_mark_at",
        "_mark_octets",
        "_queue_at_decrease",
        "_remb_at",
        "_remb_counts",
        "floor",
        "loss",
        "probed",
        "prober",
        "rate",
        "reader",
        "refused",
        "remb",
        "reported",
        "rtt",
        "sent_rate",
        "wanted",
    )

    def __init__(self, now: float) -> None:
        self.reader: ReadsFeedback = Reader()
        self.rate = Rate(START)
        self.loss = LossBound()
        self.prober = Prober()
        self.rtt = 0.0
        self.reported = False  # whether transport-cc feedback has come
        self.remb = 0.0
        self.probed = 0  # decreases for a queue that a probe made
        self.refused = 0  # reports beyond the limit
        self.wanted = 0.0
        self.sent_rate = 0.0
        self.floor = 0.0  # bit/s under which delay alone lowers nothing
        self._credit = REPORTS_AT_ONCE
        self._credit_at = now
        self._mark_at = now
        self._mark_octets = 0
        self._remb_at = -1e9
        self._remb_counts = False
        self._queue_at_decrease = 0.0
        self._in_vain = 0

    # --- what is sent -------------------------------------------------------------------

    def use(self, reader: ReadsFeedback) -> None:
        """Read by another reader from now on."""
        self.reader = reader

    def sent(
        self, first: int, now: float, sizes: Sequence[int], extra: int = 0, *, sure: bool = True
    ) -> None:
        """Packets left in one call: the (extended) transport-cc number of the first, the octets
        of each, and the ``extra`` octets that each has besides (headers of RTP, UDP and IP).
        Not ``sure``: the process stood still meanwhile, so they may have left later."""
        cluster = 0
        if self.prober.current is not None:
            octets = sum(sizes) + extra * len(sizes)
            cluster = self.prober.sent(now, octets, len(sizes))
        self.reader.sent(first, now, sizes, extra, cluster, sure=sure)

    # --- what comes back ----------------------------------------------------------------

    def expect(self, bound: float, carried: float, now: float) -> None:
        """Links are said to carry ``bound`` bit/s, and this line was found to carry ``carried``
        (0: unknown) a short while ago: while less was not found, a share of both is believed."""
        if not self.rate.decreases and not self.loss.bound:
            expected = min(EXPECTED * bound, EXPECTED_MOST)
            expected = max(expected, min(CARRIED * carried, bound))
            if expected > self.rate.estimate:
                self.rate.set(expected, now)

    def admit(self, now: float) -> bool:
        """Whether a report is looked at: more than `REPORTS_A_SECOND` are refused."""
        credit = self._credit + (now - self._credit_at) * REPORTS_A_SECOND
        self._credit = min(credit, REPORTS_AT_ONCE)
        self._credit_at = now
        if self._credit < 1:
            self.refused += 1
            return False
        self._credit -= 1
        return True

    def count(self, octets: int) -> None:
        """Octets left towards a receiver without transport-cc."""
        self.reader.count(octets)

    def feedback(self, read: Reading, rtt: float, now: float) -> None:
        """Transport-cc feedback was read; ``rtt`` in seconds, 0 for unknown."""
        if not read.received and not read.lost:
            return
        self.rtt = rtt
        self.reported = True
        self._measure_sent(now)
        usage = self._usage(now)
        probed = self.prober.filled(now)
        before = self.rate.decreases
        if usage is Usage.OVER:
            self.prober.abort(now)
        self.prober.arrived(read.arrived)
        self._judge(usage, now)
        if probed:
            self.probed += self.rate.decreases - before
        if now - self.rate.decreased_at < SETTLES:
            self.loss.pause(now)  # a queue overflowed, and less is sent already
        else:
            lost = max(0, read.lost)
            self.loss.add(read.received, lost, self.sent_rate, self.rate.estimate, now)

    def _usage(self, now: float) -> Usage:
        """What the line does, but for delays that are a process's and not the line's: what came
        out of a backlog faster than is sent was held up elsewhere."""
        reader = self.reader
        carried = reader.carried
        if carried and not reader.proven:
            self.rate.proven(carried, now)
            if carried > self.rate.estimate:
                return Usage.NORMAL
        return reader.usage

    def _judge(self, usage: Usage, now: float) -> None:
        acknowledged = self.reader.acknowledged
        if usage is Usage.OVER:
            # The queue was busy just now: what came out of it is what the line carries.
            acknowledged = self.reader.recent or acknowledged
            before = self.rate.decreases
            floor = self._floor
            if self.reader.queue < QUEUE_STANDS:
                floor = max(floor, STEP * self.rate.estimate)
            self.rate.update(usage, acknowledged, self.rtt, now, floor)
            if self.rate.decreases != before:
                self._was_it_us()
            return
        result = self.prober.result(
            self.wanted,
            estimate=self.rate.estimate,
            was_full=self.was_full(now),
            loss=self.loss.own,
        )
        if result is not None and result.rate > self.rate.estimate:
            self.rate.set(result.rate, now)
        else:
            self.rate.update(usage, acknowledged, self.rtt, now)

    @property
    def _floor(self) -> float:
        """`floor`, unless a queue that stays or loss proves that the line carries less."""
        proven = self.reader.proven or self.loss.excess > CALM_LOSS
        return 0.0 if proven else self.floor

    def _was_it_us(self) -> None:
        """A queue that stays the same however little is sent is another's: it becomes part of
        the line."""
        queue = self.reader.queue
        stays = self._queue_at_decrease and queue > 0.7 * self._queue_at_decrease
        if stays or self.sent_rate < SOUND_ALONE:
            self._in_vain += 1
        else:
            self._in_vain = 0
        self._queue_at_decrease = queue
        if self._in_vain >= INEFFECTIVE:
            self._in_vain = 0
            self._queue_at_decrease = 0.0
            self.reader.rebase()

    def heard_remb(self, bitrate: int, now: float) -> None:
        """A receiver without transport-cc says what it can take, in bit/s of RTP."""
        self.remb = max(float(bitrate), FLOOR)
        if self.remb < REMB_ASKS * self.sent_rate:
            self._remb_at = now
        self._remb_counts = now - self._remb_at < REMB_COUNTS

    def heard_loss(self, received: int, lost: int, now: float) -> None:
        """The same receiver's report blocks: packets of ours that came and that did not."""
        self._measure_sent(now)
        estimate = self.remb or self.sent_rate
        self.loss.add(received, lost, self.sent_rate, estimate, now, PATIENT)

    def _measure_sent(self, now: float) -> None:
        elapsed = now - self._mark_at
        if elapsed < RATE_WINDOW:
            return
        octets = self.reader.octets
        self.sent_rate = (octets - self._mark_octets) * 8 / elapsed
        self._mark_at = now
        self._mark_octets = octets

    # --- what follows -------------------------------------------------------------------

    def was_full(self, now: float) -> bool:
        """Whether more was sent than the line carries, not long ago."""
        return now - max(self.rate.decreased_at, self.loss.lowered_at) < FULL_BEFORE

    def hold(self, floor: float) -> None:
        """Delay alone, without loss or a queue that stays, holds nobody under ``floor`` bit/s from
        now on."""
        self.floor = floor

    def tick(
        self,
        now: float,
        *,
        wanted: float,
        may_probe: bool,
        needed: float = 0.0,
        hungry: bool = False,
    ) -> None:
        """Let time pass: ``wanted`` bit/s would be sent if the line carried it, and something more
        than now if it carried ``needed``; ``hungry`` where that is what matters most."""
        self.wanted = wanted
        self.reader.trim(now)
        self._measure_sent(now)
        if may_probe and self.reported:
            calm = (
                self.reader.usage is not Usage.OVER
                and self.reader.queue < CALM_QUEUE
                and self.loss.excess < CALM_LOSS
            )
            lowered = max(self.rate.decreased_at, self.loss.lowered_at)
            self.prober.plan(
                now,
                estimate=self.estimate or START,
                wanted=wanted,
                needed=needed,
                decreased_at=lowered,
                calm=calm,
                hungry=hungry,
            )
            self.reader.probing(self.prober.current is not None)

    def silent(self, now: float) -> bool:
        """Whether this receiver has been sent to for long enough to know that it does not
        report."""
        return not self.reported and 0 <= self.reader.begun < now - SILENT

    def tried(self, now: float) -> bool:
        """Whether the estimate says what the line carries, and is not only what one begins with."""
        full = self.rate.decreases or self.loss.bound or self._remb_counts
        return bool(full) or 0 <= self.reader.begun < now - TRIED

    @property
    def full_at(self) -> float:
        """bit/s that a line carries which was full once, by delay alone; 0 for one that never was.
        Loss is no reason to repeat less."""
        return self.rate.estimate if self.rate.decreases else self.remb

    @property
    def estimate(self) -> float:
        """bit/s; 0 while nothing is known."""
        estimate = max(self.remb, self._floor) if self._remb_counts else 0.0
        if self.reported:
            estimate = self.rate.estimate
        bound = self.loss.bound
        return min(estimate or bound, bound) if bound else estimate
