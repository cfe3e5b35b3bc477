"""Readers of feedback whose state lives in the tables of the compiled turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bridge.media.congestion.book import HISTORY, MAX_BATCHES, Arrived, runs
from bridge.media.congestion.reader import Reading
from bridge.media.congestion.trend import PROVEN_AFTER, THRESHOLD, Usage
from bridge.media.hot.rows import Table
from bridge.media.hot.world import FEEDBACK, NORMAL, OVER, RECEIVER, UNDER, World

USAGES = {NORMAL: Usage.NORMAL, OVER: Usage.OVER, UNDER: Usage.UNDER}
BEGINNING = {
    **dict.fromkeys(("begun", "first_sent", "over_time", "threshold_at"), -1.0),
    **dict.fromkeys(("standing_since", "bucket_at", "drain_started"), -1.0),
    "threshold": THRESHOLD,
    "drain_at": -1e9,
}
"""The numbers that a receiver does not begin with 0."""
_blank: Any = np.zeros(1, RECEIVER)

# Takes in what the ``feedback`` of so many octets says to a transport's row; False: malformed.
Read = Callable[[World, int, int], bool]


class ReceiverTables:
    """The world's tables of receivers as Python reads and writes them."""

    def __init__(self, world: World) -> None:
        w = world[0]
        self.world = world
        self.receivers = w["receivers_told"]
        self.columns = Table(self.receivers).columns
        self.runs = w["runs"]
        self.feedback = memoryview(w["feedback"])
        self.clusters = w["clusters"]


class HotReader:
    """`bridge.media.congestion.reader.Reader` with a row. ``probes`` is told the row when a probe
    begins: its packets are then counted by Python, one call at a time."""

    __slots__ = ("_columns", "_probes", "_read", "_row", "_runs", "_tables")

    def __init__(
        self,
        tables: ReceiverTables,
        row: int,
        read: Read,
        octets: int,
        probes: Callable[[int], None],
    ) -> None:
        self._tables = tables
        self._row = row
        self._read = read
        self._probes = probes
        self._columns = tables.columns
        self._runs = Table(tables.runs[row]).columns
        tables.receivers[row] = _blank[0]
        for name, value in BEGINNING.items():
            self._columns[name][row] = value
        self._columns["octets"][row] = octets

    # --- what is sent -------------------------------------------------------------------

    @property
    def octets(self) -> int:
        """Sent in all, with all headers."""
        return self._number("octets")

    @property
    def begun(self) -> float:
        """When it was sent something first, in monotonic seconds; negative before."""
        return self._figure("begun")

    def sent(
        self, first: int, now: float, sizes: Sequence[int], extra: int, cluster: int, *, sure: bool
    ) -> None:
        """`Reader.sent`."""
        columns, row = self._columns, self._row
        newest = columns["newest"][row]
        table = self._runs
        for count, size, last in runs(sizes):
            if newest - columns["oldest"][row] == MAX_BATCHES:
                columns["oldest"][row] += 1
            place = newest % MAX_BATCHES
            newest += 1
            table["first"][place] = first
            table["sent_at"][place] = now
            table["got"][place] = table["lost"][place] = 0
            table["count"][place] = count
            table["size"][place] = size
            table["last"][place] = last
            table["extra"][place] = extra
            table["cluster"][place] = cluster
            table["sure"][place] = sure
            first += count
            columns["octets"][row] += (count - 1) * size + last + count * extra
        columns["newest"][row] = newest
        columns["next"][row] = first
        if columns["begun"][row] < 0:
            columns["begun"][row] = now

    def count(self, octets: int) -> None:
        """`Reader.count`."""
        self._columns["octets"][self._row] += octets

    def probing(self, probes: bool) -> None:
        """`Reader.probing`."""
        if probes:
            self._probes(self._row)

    def trim(self, now: float) -> None:
        """`Reader.trim`."""
        columns, row = self._columns, self._row
        oldest, newest = columns["oldest"][row], columns["newest"][row]
        sent_at = self._runs["sent_at"]
        limit = now - HISTORY
        while oldest < newest and sent_at[oldest % MAX_BATCHES] < limit:
            oldest += 1
        columns["oldest"][row] = oldest

    # --- what comes back ----------------------------------------------------------------

    def read(self, fci: bytes) -> Reading | None:
        """`Reader.read`; ``arrived`` has what belongs to clusters alone."""
        tables = self._tables
        if len(fci) > FEEDBACK:
            return None
        tables.feedback[: len(fci)] = fci
        if not self._read(tables.world, self._row, len(fci)):
            return None
        columns, row = self._columns, self._row
        clusters = columns["clusters"][row]
        arrived = []
        if clusters:
            for ident, packets, octets, first_octets, first, last in tables.clusters[
                :clusters
            ].tolist():
                arrived.append(Arrived(0.0, first, last, packets, octets, first_octets, ident))
        return Reading(
            columns["covers"][row],
            columns["missing"][row],
            columns["received"][row],
            columns["lost"][row],
            columns["repeated"][row],
            columns["unknown"][row],
            arrived,
        )

    # --- what is known ------------------------------------------------------------------

    @property
    def usage(self) -> Usage:
        """`Reader.usage`."""
        return USAGES[self._number("usage")]

    @property
    def queue(self) -> float:
        """`Reader.queue`."""
        return self._figure("queue")

    @property
    def proven(self) -> bool:
        """`Reader.proven`."""
        since = self._figure("standing_since")
        return since >= 0 and self._figure("sent") - since > PROVEN_AFTER

    @property
    def carried(self) -> float:
        """`Reader.carried`."""
        return self._figure("carried")

    @property
    def acknowledged(self) -> float:
        """`Reader.acknowledged`."""
        return self._figure("acknowledged")

    @property
    def recent(self) -> float:
        """`Reader.recent`, where the line is overused."""
        return self._figure("recent")

    def rebase(self) -> None:
        """`Reader.rebase`."""
        columns, row = self._columns, self._row
        columns["bases"][row] = 0
        columns["bucket_at"][row] = -1.0
        columns["standing_since"][row] = -1.0

    def _number(self, name: str) -> int:
        value: int = self._columns[name][self._row]
        return value

    def _figure(self, name: str) -> float:
        value: float = self._columns[name][self._row]
        return value
