"""What was sent to one receiver and what its transport-cc feedback said of it.

Packets of one send call share a batch and its send time, so the hot path adds one entry a call.
Feedback is believed only about numbers that were sent, and about each of them once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

HISTORY = 3.0  # seconds; feedback that is older tells nothing about the line as it is now
MAX_BATCHES = 4096  # kept at once; 1,300 a second is far above what a worker's turns make
OVERHEAD = 28  # octets of IPv4 and UDP headers, which a line carries too

RECEIVED, LOST = 1, 2


class Batch:
    """Packets of one call: numbers ``first`` … ``first`` + len(sizes) - 1, octets of each
    without the ``extra`` ones that all of them have."""

    __slots__ = ("cluster", "extra", "first", "sent_at", "sizes", "told")

    def __init__(
        self, first: int, sent_at: float, sizes: Sequence[int], extra: int, cluster: int
    ) -> None:
        self.first = first
        self.sent_at = sent_at
        self.sizes = sizes
        self.extra = extra
        self.cluster = cluster
        self.told: bytearray | None = None  # by packet: nothing, RECEIVED or LOST


class Arrived(NamedTuple):
    """What one feedback said of one batch; arrivals in seconds on the receiver's clock.
    ``first_octets`` is the size of the packet that arrived first."""

    sent_at: float
    first_arrival: float
    last_arrival: float
    packets: int
    octets: int
    first_octets: int
    cluster: int


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


class Book:
    """Batches in the order of their numbers, which are extended transport-cc numbers."""

    __slots__ = ("_batches", "_covered", "_firsts", "_next", "octets", "packets")

    def __init__(self) -> None:
        self._batches: list[Batch] = []
        self._firsts: list[int] = []
        self._next = 0  # the number after the last one sent
        self._covered = 0  # the number after the last one that a feedback told of
        self.octets = 0  # sent in all, with all headers
        self.packets = 0

    def sent(
        self, first: int, now: float, sizes: Sequence[int], extra: int = 0, cluster: int = 0
    ) -> None:
        """Note packets that left together: the number of the first, the octets of each, and the
        ``extra`` octets that each has besides."""
        count = len(sizes)
        self._batches.append(Batch(first, now, sizes, extra, cluster))
        self._firsts.append(first)
        self._next = first + count
        self.octets += sum(sizes) + extra * count
        self.packets += count

    def count(self, octets: int) -> None:
        """Octets that left without transport-cc numbers."""
        self.octets += octets

    def trim(self, now: float) -> None:
        """Forget what is too old; called now and then."""
        batches = self._batches
        drop = max(0, len(batches) - MAX_BATCHES)
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
        end = number + len(arrivals)
        if position < 0:  # (partly) older than what is remembered
            gone = min(len(arrivals), self._firsts[0] - number)
            report.unknown += gone
            arrivals = arrivals[gone:]
            number += gone
            position = 0
        self._skip(number, position, report)
        at = 0
        count = len(arrivals)
        while at < count and position < len(batches):
            batch = batches[position]
            offset = number + at - batch.first
            taken = min(count - at, len(batch.sizes) - offset)
            if taken > 0:
                self._told(batch, offset, arrivals, at, taken, report)
                at += taken
            position += 1
        report.unknown += count - at
        self._covered = max(self._covered, min(end, self._next))
        return report

    def _skip(self, number: int, position: int, report: Report) -> None:
        """Count what lies between the last feedback's end and this one's start."""
        if not self._covered <= number:
            return
        if self._covered:
            while position >= 0 and self._batches[position].first + 1 > self._covered:
                batch = self._batches[position]
                upto = max(0, min(len(batch.sizes), number - batch.first))
                start = max(0, self._covered - batch.first)
                taken = batch.sizes[start:upto]
                report.skipped += sum(taken) + batch.extra * len(taken)
                position -= 1

    @staticmethod
    def _all_told(batch: Batch, offset: int, part: Sequence[float | None], report: Report) -> None:
        """As `_told`, where all of a part came and nothing was told of it before: nearly always."""
        times: Sequence[float] = part  # type: ignore[assignment]
        taken = len(times)
        assert batch.told is not None
        batch.told[offset : offset + taken] = bytes((RECEIVED,)) * taken
        sizes = batch.sizes[offset : offset + taken]
        first = min(times)
        report.received += taken
        report.arrived.append(
            Arrived(
                batch.sent_at,
                first,
                max(times),
                taken,
                sum(sizes) + batch.extra * taken,
                sizes[times.index(first)] + batch.extra,
                batch.cluster,
            )
        )

    @staticmethod
    def _told(
        batch: Batch,
        offset: int,
        arrivals: Sequence[float | None],
        at: int,
        taken: int,
        report: Report,
    ) -> None:
        sizes = batch.sizes
        told = batch.told
        if told is None:
            told = batch.told = bytearray(len(sizes))
        part = arrivals[at : at + taken]
        if None not in part and not any(told[offset : offset + taken]):
            Book._all_told(batch, offset, part, report)
            return
        packets = octets = first_octets = 0
        first = last = 0.0
        for index in range(offset, offset + taken):
            arrival = arrivals[at]
            at += 1
            before = told[index]
            if arrival is None:
                if before:
                    report.repeated += 1
                else:
                    told[index] = LOST
                    report.lost += 1
                continue
            if before == RECEIVED:
                report.repeated += 1
                continue
            if before == LOST:  # it came after all
                report.lost -= 1
            told[index] = RECEIVED
            size = sizes[index] + batch.extra
            octets += size
            if not packets or arrival < first:
                first = arrival
                first_octets = size
            if not packets or arrival > last:
                last = arrival
            packets += 1
        if packets:
            report.received += packets
            report.arrived.append(
                Arrived(batch.sent_at, first, last, packets, octets, first_octets, batch.cluster)
            )
