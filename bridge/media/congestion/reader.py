"""Reads a receiver's transport-cc feedback: parsed, found in the book, and taken in by what follows
its arrivals. `bridge.media.hot.receivers` has the same for the compiled turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from bridge.media import transport_cc
from bridge.media.congestion.book import Arrived, Book, Report
from bridge.media.congestion.drain import Drain
from bridge.media.congestion.rate import Acknowledged
from bridge.media.congestion.trend import Trend, Usage


class Reading(NamedTuple):
    """What one feedback said: how many numbers it ``covers``, how many of those were ``missing``,
    and of packets of the book how many were received and lost, told of again, or never sent.
    ``arrived`` has at least what belongs to clusters of a probe."""

    covers: int
    missing: int
    received: int
    lost: int
    repeated: int
    unknown: int
    arrived: list[Arrived]


class ReadsFeedback(Protocol):
    """What an estimator asks of a reader; `Reader` says what each is."""

    def sent(
        self, first: int, now: float, sizes: Sequence[int], extra: int, cluster: int, *, sure: bool
    ) -> None: ...
    def count(self, octets: int) -> None: ...
    def probing(self, probes: bool) -> None: ...
    def trim(self, now: float) -> None: ...
    def read(self, fci: bytes) -> Reading | None: ...
    def rebase(self) -> None: ...
    @property
    def octets(self) -> int: ...
    @property
    def begun(self) -> float: ...
    @property
    def usage(self) -> Usage: ...
    @property
    def queue(self) -> float: ...
    @property
    def proven(self) -> bool: ...
    @property
    def carried(self) -> float: ...
    @property
    def acknowledged(self) -> float: ...
    @property
    def recent(self) -> float: ...


class Reader:
    """One receiver's arrivals. ``begun`` is when it was sent something first, negative before."""

    __slots__ = ("_acknowledged", "_book", "_drain", "_trend", "begun")

    def __init__(self, octets: int = 0) -> None:
        """``octets`` were sent before."""
        self._book = Book()
        self._book.count(octets)
        self._trend = Trend()
        self._acknowledged = Acknowledged()
        self._drain = Drain()
        self.begun = -1.0

    # --- what is sent -------------------------------------------------------------------

    @property
    def octets(self) -> int:
        """Sent in all, with all headers."""
        return self._book.octets

    def sent(
        self, first: int, now: float, sizes: Sequence[int], extra: int, cluster: int, *, sure: bool
    ) -> None:
        """`Book.sent`."""
        self._book.sent(first, now, sizes, extra, cluster, sure=sure)
        if self.begun < 0:
            self.begun = now

    def count(self, octets: int) -> None:
        """Octets that left without transport-cc numbers."""
        self._book.count(octets)

    def probing(self, probes: bool) -> None:
        """Whether a probe's cluster is being sent, whose packets are counted one call at a time."""

    def trim(self, now: float) -> None:
        """Forget what is too old."""
        self._book.trim(now)

    # --- what comes back ----------------------------------------------------------------

    def read(self, fci: bytes) -> Reading | None:
        """Take the FCI of a feedback in; None where it is malformed."""
        feedback = transport_cc.parse(fci)
        return None if feedback is None else self.learn(feedback.base, feedback.arrivals)

    def learn(self, base: int, arrivals: Sequence[float | None]) -> Reading:
        """`Book.learn`, and what follows of it."""
        report = self._book.learn(base, arrivals)
        for call in report.arrived:
            if call.sure:
                self._trend.add(call.sent_at, call.first_arrival, call.last_arrival)
                self._drain.add(call.sent_at, call.last_arrival, call.octets)
            self._acknowledged.add(call.last_arrival, call.octets)
        if report.skipped and report.arrived:
            self._take_for_received(report)
        return Reading(
            *(len(arrivals), arrivals.count(None), report.received, report.lost),
            *(report.repeated, report.unknown, report.arrived),
        )

    def _take_for_received(self, report: Report) -> None:
        """Nothing is known of what was skipped; as much of it will have arrived as of the rest."""
        share = report.received / (report.received + max(0, report.lost))
        last = report.arrived[-1].last_arrival
        self._acknowledged.add(last, int(report.skipped * share))

    # --- what is known ------------------------------------------------------------------

    @property
    def usage(self) -> Usage:
        """What the line does with what is sent."""
        return self._trend.usage

    @property
    def queue(self) -> float:
        """Seconds that packets stand on the line at least."""
        return self._trend.queue

    @property
    def proven(self) -> bool:
        """Whether a long queue has been standing for so long that it is the line's."""
        return self._trend.proven

    @property
    def carried(self) -> float:
        """bit/s that the line carried lately for certain; 0 where nothing is known."""
        return self._drain.proven()

    @property
    def acknowledged(self) -> float:
        """bit/s that arrive; 0 for unknown."""
        return self._acknowledged.rate()

    @property
    def recent(self) -> float:
        """bit/s that arrived in the last moment; 0 for unknown."""
        return self._acknowledged.recent()

    def rebase(self) -> None:
        """Take the present delay for the line's own."""
        self._trend.rebase()
