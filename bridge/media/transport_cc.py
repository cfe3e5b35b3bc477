"""Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-01)."""

from __future__ import annotations

from itertools import accumulate
from typing import NamedTuple

DELTA_UNIT = 250e-6  # seconds
REFERENCE_UNIT = 64e-3  # seconds
MAX_STATUSES = 2000  # feedback reaches back by at most this many packets; older gaps are skipped
MAX_COVERED = 4096  # packets that feedback from a peer may cover; more is an attempt to cost time
MAX_REPORTED = 360  # packets in one feedback: at most 720 octets of deltas and 104 of statuses

# Whoever sends wants feedback soon, but on a thin line it comes out of what the voices have: a
# twentieth of what that carries is spent on it, in packets of `TYPICAL` octets.
OFTEN, SELDOM = 0.05, 0.25  # seconds between two feedbacks
TYPICAL = 120  # octets of one with all headers
SHARE = 0.05

NOT_RECEIVED = 0
SMALL_DELTA = 1
LARGE_DELTA = 2


class Feedback(NamedTuple):
    """``number`` counts feedbacks (8 bits); ``arrivals`` are those of the packets from the 16-bit
    transport sequence number ``base`` on, in seconds on the receiver's clock (modulo about 12
    days), None where a packet was not received."""

    number: int
    base: int
    arrivals: tuple[float | None, ...]


def interval(line: float) -> float:
    """Seconds between two feedbacks over a line of ``line`` bit/s; 0: it carries everything."""
    return min(max(8 * TYPICAL / (SHARE * line), OFTEN), SELDOM) if line else OFTEN


class Recorder:
    """Arrival times of one transport's inbound packets, turned into feedback."""

    __slots__ = ("_arrivals", "_feedback_count", "_next", "_told")

    def __init__(self) -> None:
        self._arrivals: dict[int, float] = {}  # extended sequence number → seconds
        self._next = -1  # first extended sequence number the next feedback covers
        self._feedback_count = 0
        self._told = -1e9  # when it was last the turn of this one

    def __len__(self) -> int:
        return len(self._arrivals)

    def add(self, sequence_number: int, now: float) -> None:
        """Note an arrival; ``sequence_number`` is the 16-bit number in the extension."""
        if self._next < 0:
            self._next = 0x10000 + sequence_number
        delta = (sequence_number - self._next) & 0xFFFF
        if delta >= 0x8000:
            return  # already reported as lost; the sender keeps its own history
        self._arrivals.setdefault(self._next + delta, now)

    def due(self, line: float, now: float) -> bool:
        """Whether feedback is to be sent now over a line of ``line`` bit/s; asked every `OFTEN`
        seconds while there is something to tell."""
        if now - self._told < interval(line) - OFTEN / 2:
            return False
        self._told = now
        return True

    def flush(self) -> bytes:
        """Return the FCI of the next `MAX_REPORTED` packets at most; b"" for nothing. Call it
        until nothing is left."""
        if not self._arrivals:
            return b""
        last = max(self._arrivals)
        first = max(self._next, last - MAX_STATUSES + 1)
        last = min(last, first + MAX_REPORTED - 1)
        reference = int(self._arrivals[min(self._arrivals)] / REFERENCE_UNIT)
        clock = round(reference * REFERENCE_UNIT / DELTA_UNIT)  # in delta units
        statuses: list[int] = []
        deltas = bytearray()
        for seq in range(first, last + 1):
            arrival = self._arrivals.get(seq)
            if arrival is None:
                statuses.append(NOT_RECEIVED)
                continue
            ticks = round(arrival / DELTA_UNIT) - clock
            if 0 <= ticks <= 255:
                statuses.append(SMALL_DELTA)
                deltas.append(ticks)
            elif -32768 <= ticks <= 32767:
                statuses.append(LARGE_DELTA)
                deltas += ticks.to_bytes(2, "big", signed=True)
            else:  # more than 8 s apart: what follows goes into the next feedback
                last = seq - 1
                break
            clock += ticks
        base = first & 0xFFFF
        head = base.to_bytes(2, "big") + len(statuses).to_bytes(2, "big")
        head += (reference & 0xFFFFFF).to_bytes(3, "big") + bytes([self._feedback_count])
        self._feedback_count = (self._feedback_count + 1) & 0xFF
        self._next = last + 1
        self._arrivals = {s: t for s, t in self._arrivals.items() if s > last}
        if not statuses:
            return b""
        fci = head + encode_statuses(statuses) + bytes(deltas)
        return fci + bytes(-len(fci) % 4)


def encode_statuses(statuses: list[int]) -> bytes:
    """Run-length chunks for runs of 7 and more, two-bit status vectors between them."""
    out = bytearray()
    pos = 0
    total = len(statuses)
    while pos < total:
        symbol = statuses[pos]
        run = 1
        while pos + run < total and statuses[pos + run] == symbol and run < 0x1FFF:
            run += 1
        if run >= 7 or pos + run == total:
            out += ((symbol << 13) | run).to_bytes(2, "big")
            pos += run
            continue
        chunk = 0xC000
        for index in range(7):
            status = statuses[pos + index] if pos + index < total else NOT_RECEIVED
            chunk |= status << (12 - 2 * index)
        out += chunk.to_bytes(2, "big")
        pos += 7
    return bytes(out)


def parse(fci: bytes) -> Feedback | None:
    """Parse an FCI; None where it is malformed."""
    if len(fci) < 8:
        return None
    base = (fci[0] << 8) | fci[1]
    count = (fci[2] << 8) | fci[3]
    if count > MAX_COVERED:
        return None
    reference = int.from_bytes(fci[4:7], "big")
    statuses: list[int] = []
    pos = 8
    while len(statuses) < count:
        if pos + 2 > len(fci):
            return None
        chunk = (fci[pos] << 8) | fci[pos + 1]
        pos += 2
        if not chunk & 0x8000:
            statuses.extend([chunk >> 13] * min(chunk & 0x1FFF, count - len(statuses)))
            if not chunk & 0x1FFF:
                return None  # an empty run would never end the loop
        elif chunk & 0x4000:
            statuses.extend(chunk >> (12 - 2 * i) & 3 for i in range(7))
        else:
            statuses.extend(chunk >> (13 - i) & 1 for i in range(14))
    clock = round(reference * REFERENCE_UNIT / DELTA_UNIT)
    if statuses.count(SMALL_DELTA) == len(statuses) and pos + count <= len(fci):
        # As nearly all feedback is: everything came, and in order.
        clocks = accumulate(fci[pos : pos + count], initial=clock)
        next(clocks)
        return Feedback(fci[7], base, tuple([clock * DELTA_UNIT for clock in clocks]))
    arrivals: list[float | None] = []
    append = arrivals.append
    size_fci = len(fci)
    for status in statuses[:count]:
        if status == SMALL_DELTA:
            if pos >= size_fci:
                return None
            clock += fci[pos]
            pos += 1
            append(clock * DELTA_UNIT)
        elif status == NOT_RECEIVED:
            append(None)
        else:
            if status == 3 or pos + 2 > size_fci:
                return None
            clock += int.from_bytes(fci[pos : pos + 2], "big", signed=True)
            pos += 2
            append(clock * DELTA_UNIT)
    return Feedback(fci[7], base, tuple(arrivals))
