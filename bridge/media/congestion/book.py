"""What was sent to one receiver and what its transport-cc feedback said of it.

Packets of one send call have one send time. They are kept as runs of equal packets, as the kernel
is given them, so the hot path adds one entry a call. Feedback is believed only about numbers that
were sent, and about each of them once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

HISTORY = 3.0  # seconds; feedback that is older tells nothing about the line as it is now
MAX_BATCHES = 2048  # kept at once: 680 a second for `HISTORY`; some 300 are usual
OVERHEAD = 28  # octets of IPv4 and UDP headers, which a line carries too
PACKETS = 64  # of one batch, at most; UDP_MAX_SEGMENTS
HELD_UP = 0.005  # seconds from reading the clock to the end of the call that sends, above which
# the process was not running in between: when the packets left is not known


class Batch:
    """A run of ``count`` packets of one call from the number ``first`` on: ``size`` octets each,
    ``last`` of them the last one, without the ``extra`` ones that all of them have. What was told
    of each packet is a bit in ``got`` or ``lost``. ``sure``: ``sent_at`` is when they left."""

    __slots__ = (
        *("cluster", "count", "extra", "first", "got", "last", "lost", "sent_at", "size"),
        "sure",
    )

    def __init__(
        self,
        first: int,
        sent_at: float,
        run: tuple[int, int, int],
        extra: int,
        cluster: int,
        sure: bool,
    ) -> None:
        self.first = first
        self.sent_at = sent_at
        self.count, self.size, self.last = run
        self.extra = extra
        self.cluster = cluster
        self.sure = sure
        self.got = 0
        self.lost = 0

    def octets(self, start: int, end: int) -> int:
        """Of the packets from ``start`` up to before ``end``, with all headers."""
        if start >= end:
            return 0
        octets = (end - start) * (self.size + self.extra)
        return octets + (self.last - self.size if end == self.count else 0)


class Arrived(NamedTuple):
    """What one feedback said of one call; arrivals in seconds on the receiver's clock.
    ``first_octets`` is the size of the packet that arrived first."""

    sent_at: float
    first_arrival: float
    last_arrival: float
    packets: int
    octets: int
    first_octets: int
    cluster: int
    sure: bool = True


@dataclass(slots=True)
class Report:
    """What one feedback added to what was known. ``skipped`` octets were sent before what it
    covers and are covered by no feedback (one was lost); ``repeated`` and ``unknown`` numbers
    were told before or never sent."""

    arrived: list[Arrived] = field(default_factory=list)
    received: int = 0
    lost: int = 0
    skipped: int = 0
    repeated: int = 0
    unknown: int = 0

    def add(self, part: Arrived) -> None:
        """Note what came of a run; runs of one call are one entry."""
        before = self.arrived[-1] if self.arrived else None
        if before is None or (before.sent_at, before.cluster, before.sure) != (
            *(part.sent_at, part.cluster, part.sure),
        ):
            self.arrived.append(part)
            return
        earlier = part if part.first_arrival < before.first_arrival else before
        self.arrived[-1] = before._replace(
            first_arrival=earlier.first_arrival,
            last_arrival=max(before.last_arrival, part.last_arrival),
            packets=before.packets + part.packets,
            octets=before.octets + part.octets,
            first_octets=earlier.first_octets,
        )


def runs(sizes: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Cut a call into runs: how many packets, the octets of each, and those of the last one."""
    start = 0
    count = len(sizes)
    while start < count:
        size = sizes[start]
        end = start + 1
        limit = min(count, start + PACKETS)
        while end < limit and sizes[end] == size:
            end += 1
        if end < limit:
            end += 1
        yield end - start, size, sizes[end - 1]
        start = end


class Book:
    """Batches in the order of their numbers, which are extended transport-cc numbers."""

    __slots__ = ("_batches", "_covered", "_firsts", "_next", "octets")

    def __init__(self) -> None:
        self._batches: list[Batch] = []
        self._firsts: list[int] = []
        self._next = 0  # the number after the last one sent
        self._covered = 0  # the number after the last one that a feedback told of
        self.octets = 0  # sent in all, with all headers

    def sent(
        self,
        first: int,
        now: float,
        sizes: Sequence[int],
        extra: int = 0,
        cluster: int = 0,
        *,
        sure: bool = True,
    ) -> None:
        """Note packets that left together: the number of the first, the octets of each, and the
        ``extra`` octets that each has besides; not ``sure``: they may have left later."""
        for run in runs(sizes):
            if len(self._batches) == MAX_BATCHES:
                del self._batches[0], self._firsts[0]
            batch = Batch(first, now, run, extra, cluster, sure)
            self._batches.append(batch)
            self._firsts.append(first)
            first += batch.count
            self.octets += batch.octets(0, batch.count)
        self._next = first

    def count(self, octets: int) -> None:
        """Octets that left without transport-cc numbers."""
        self.octets += octets

    def trim(self, now: float) -> None:
        """Forget what is too old; called now and then."""
        batches = self._batches
        drop = 0
        limit = now - HISTORY
        while drop < len(batches) and batches[drop].sent_at < limit:
            drop += 1
        if drop:
            del batches[:drop]
            del self._firsts[:drop]

    def learn(self, base: int, arrivals: Sequence[float | None]) -> Report:
        """Take a feedback in: ``base`` is the 16-bit number of the first packet it covers,
        ``arrivals`` says of each in order when it came, or None."""
        report = Report()
        batches = self._batches
        if not batches:
            report.unknown = len(arrivals)
            return report
        # The nearest number below the next one: nothing can be told of what was not sent.
        number = self._next - 1 - ((self._next - 1 - base) & 0xFFFF)
        position = bisect_right(self._firsts, number) - 1
        count = len(arrivals)
        end = number + count
        at = 0
        if position < 0:  # (partly) older than what is remembered
            at = min(count, self._firsts[0] - number)
            report.unknown += at
            position = 0
        self._skip(number + at, position, report)
        while at < count and position < len(batches):
            batch = batches[position]
            offset = number + at - batch.first
            if offset < 0:  # numbers that were given to nothing
                gone = min(-offset, count - at)
                report.unknown += gone
                at += gone
                continue
            taken = min(count - at, batch.count - offset)
            if taken > 0:
                _told(batch, offset, arrivals[at : at + taken], report)
                at += taken
            position += 1
        report.unknown += count - at
        self._covered = max(self._covered, min(end, self._next))
        return report

    def _skip(self, number: int, position: int, report: Report) -> None:
        """Count what lies between the last feedback's end and this one's start."""
        if not 0 < self._covered <= number:
            return
        while position >= 0:
            batch = self._batches[position]
            if batch.first + batch.count <= self._covered:
                return
            upto = max(0, min(batch.count, number - batch.first))
            report.skipped += batch.octets(max(0, self._covered - batch.first), upto)
            position -= 1


def _told(batch: Batch, offset: int, arrivals: Sequence[float | None], report: Report) -> None:
    """Note what is said of a batch's packets from ``offset`` on."""
    taken = len(arrivals)
    mask = (1 << taken) - 1 << offset
    packets = octets = first_octets = 0
    first = last = 0.0
    if None not in arrivals and not (batch.got | batch.lost) & mask:  # nearly always
        times: Sequence[float] = arrivals  # type: ignore[assignment]
        batch.got |= mask
        packets, first, last = taken, min(times), max(times)
        octets = batch.octets(offset, offset + taken)
        index = offset + times.index(first)
        first_octets = batch.octets(index, index + 1)
        arrivals = ()
    for index, arrival in enumerate(arrivals, offset):
        bit = 1 << index
        if arrival is None:
            if (batch.got | batch.lost) & bit:
                report.repeated += 1
            else:
                batch.lost |= bit
                report.lost += 1
            continue
        if batch.got & bit:
            report.repeated += 1
            continue
        if batch.lost & bit:  # it came after all
            batch.lost ^= bit
            report.lost -= 1
        batch.got |= bit
        size = batch.extra + (batch.last if index == batch.count - 1 else batch.size)
        octets += size
        if not packets or arrival < first:
            first = arrival
            first_octets = size
        if not packets or arrival > last:
            last = arrival
        packets += 1
    if packets:
        report.received += packets
        report.add(
            Arrived(
                *(batch.sent_at, first, last, packets, octets, first_octets),
                *(batch.cluster, batch.sure),
            )
        )
