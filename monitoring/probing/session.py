"""One probe session: what was sent to a reflector, what came back, and what that says about
each direction of the line. Pure; ``now`` is monotonic seconds, times of packets are ns.

Seen from the point, as everywhere: *down* is bridge → point (the way there), *up* is the way
back. A stateful reflector numbers its replies, so a reply's two numbers tell how many packets
were lost on each way (RFC 8762 section 4): of the packets sent, those the reflector did not count
were lost going down; of those it counted, the ones that did not come back were lost going up.

Time without any reply (`SILENT` and longer) is an outage and no loss: which way it was is known
only afterwards, from how far the reflector has counted.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import NamedTuple

from monitoring.exposition.distributions import Distributions
from monitoring.probing import stamp, timestamps
from monitoring.probing.delays import Delays, Sample, delays_of

SETTLE = 1.0  # seconds a reply may take before its packet counts as lost
KEEP = 10.0  # seconds that packets are remembered, for late and doubled replies
SILENT = 3.0  # seconds without a reply until a point counts as lost
SAMPLES = 60.0  # seconds of delays kept
MAX_STEP = 64  # numbers a reflector may be behind itself before it counts as restarted
MAX_SAMPLES = 4096
BURST = 2  # packets in a row that make a burst: nothing arrived for 200 ms at five a second
CLOCK_STEP = 0.005  # seconds that a clock's offset may move at once without being a step

_HALF, _FULL = 1 << 31, 1 << 32


@dataclass(slots=True)
class Totals:
    """Counters of one direction since the beginning; they only grow."""

    expected: int = 0
    lost: int = 0
    reordered: int = 0
    duplicated: int = 0
    bursts: int = 0
    remarked: int = 0


@dataclass(slots=True)
class _Sent:
    number: int
    stamp: int
    ns: int
    at: float
    replied: int = -1  # the reflector's number of the first reply


class Outage(NamedTuple):
    """A silence that ended: its length in seconds, and which way lost the packets."""

    seconds: float
    direction: str  # "up", "down" or "both"


@dataclass(slots=True)
class Probe:
    """State of a probe session. ``first`` is its first sequence number, ``stateful`` whether the
    reflector counts; one that only repeats our number cannot tell the ways apart, and then
    both directions show what was lost on the round trip. ``distributions``, where given, get
    every reply's delays."""

    style: stamp.Style
    ssid: int = 0
    dscp: int = 0
    stateful: bool = True
    first: int = 0
    down: Totals = field(default_factory=Totals)
    up: Totals = field(default_factory=Totals)
    counters: Counter[str] = field(default_factory=Counter)
    distributions: Distributions | None = None
    samples: deque[Sample] = field(default_factory=lambda: deque(maxlen=MAX_SAMPLES))
    last_reply: float | None = None
    started: float | None = None
    sent_count: int = 0
    dscp_down: int | None = None  # what arrived at the reflector
    dscp_up: int | None = None  # what came back here
    error: timestamps.ErrorEstimate | None = None
    restarts: int = 0
    outage: Outage | None = None  # the last one that ended
    outage_seconds: float = 0.0  # all of them, and the present one
    _next: int = 0
    _sent: dict[int, _Sent] = field(default_factory=dict)
    _segment: int = 0
    _fresh: bool = True  # no reply since the beginning or a restart
    _base_sent: int = 0  # numbers from which this epoch counts
    _base_seen: int = 0
    _top_sent: int = -1  # greatest numbers of replies whose time is up
    _top_seen: int = -1
    _highest: int = -1  # greatest number of the reflector so far, and whose packet's it was
    _newest: int = -1
    _replies: int = 0  # distinct ones, settled, of this epoch
    _twice: int = 0  # packets that arrived at the reflector twice
    _in_order: int = 0  # `down.reordered` when this epoch began
    _waiting: dict[int, tuple[int, bool]] = field(default_factory=dict)  # seen → (sent, twice)
    _recent: dict[int, tuple[int, float]] = field(default_factory=dict)  # seen → (sent, at)
    _epoch: tuple[int, int, int, int] = (0, 0, 0, 0)  # already reported of this epoch
    _last_settled: int = -1

    # --- sending ------------------------------------------------------------------------

    def packet(
        self, ns: int, now: float, error: timestamps.ErrorEstimate, *, one_way: bool = False
    ) -> bytes:
        """The next packet, sent at ``ns``."""
        if self.started is None:
            self.started = now
        number = self._next
        self._next += 1
        self.sent_count += 1
        written = self.style.stamp(ns)
        self._sent[number] = _Sent(number, written, ns, now)
        return stamp.encode_sender(
            self.style,
            seq=(self.first + number) % _FULL,
            stamp=written,
            error=error,
            ssid=self.ssid,
            dscp=self.dscp,
            one_way=one_way,
        )

    # --- receiving ----------------------------------------------------------------------

    def received(self, data: bytes, ns: int, dscp: int, now: float) -> bool:
        """Take a datagram in; False, and a counter, where it is no reply to one of ours."""
        try:
            reply = stamp.decode_reply(data, self.style, ns)
        except stamp.BadPacket as error:
            self.counters[str(error)] += 1
            return False
        number = self._number(reply.sender_seq)
        sent = self._sent.get(number)
        # The echoed timestamp is what nobody off the path can guess.
        if (
            sent is None
            or sent.stamp != reply.sender_stamp
            or (not self.style.twamp and reply.ssid not in (self.ssid, 0))
        ):
            self.counters["unknown"] += 1
            return False
        if not self.stateful:
            if sent.replied >= 0:
                self.counters["duplicate"] += 1
                return True
            seen = number
        else:
            seen = self._seen(reply.seq)
            known = self._recent.get(seen)
            if known is not None and known[0] == number:
                self.up.duplicated += 1  # the same reply again
                return True
        if self._silent(now):
            self._end_outage(number, seen, now)
        elif self._fresh or self._restarted(seen, number):
            self._begin(number, seen, restart=not self._fresh)
        self.last_reply = now
        if seen < self._highest:
            self.up.reordered += 1
        elif sent.replied < 0 and number < self._newest:
            self.down.reordered += 1
        self._recent[seen] = (number, now)
        self._highest = max(self._highest, seen)
        self._newest = max(self._newest, number)
        if sent.replied >= 0:
            self.down.duplicated += 1  # another reply to the same packet: it arrived twice
        self._waiting[seen] = (number, sent.replied >= 0)
        if sent.replied < 0:
            sent.replied = seen
            self._sample(sent, reply, ns, now)
        self.error = reply.error
        self.dscp_down = reply.dscp
        self.dscp_up = dscp
        if reply.dscp is not None:
            # Who does not say what arrived has not said either how it marks its replies.
            self.down.remarked += reply.dscp != self.dscp
            self.up.remarked += dscp != self.dscp
        return True

    def sent_it(self, data: bytes) -> bool:
        """Whether a reply without a session id answers a packet of ours."""
        if len(data) < stamp.TWAMP_REPLY:
            return False
        sent = self._sent.get(self._number(int.from_bytes(data[24:28], "big")))
        return sent is not None and sent.stamp == int.from_bytes(data[28:36], "big")

    def _number(self, sequence: int) -> int:
        """Our number of a 32-bit sequence number: the one nearest to those just sent."""
        delta = (sequence - self.first - self._next) % _FULL
        return self._next + (delta - _FULL if delta >= _HALF else delta)

    def _seen(self, sequence: int) -> int:
        if self._highest < 0:
            return sequence
        delta = (sequence - self._highest) % _FULL
        seen = self._highest + (delta - _FULL if delta >= _HALF else delta)
        # Before 0 there is nothing: a reflector that began again, not one that wrapped.
        return seen if seen >= 0 else sequence

    def _restarted(self, seen: int, number: int) -> bool:
        """Whether the reflector counts anew: a newer packet with a number that was given to
        another, or one far behind (or impossibly far ahead)."""
        if number <= self._newest:
            return False
        if seen - self._highest > number - self._newest + MAX_STEP:
            return True
        known = self._recent.get(seen)
        return seen <= self._highest and (known is not None or self._highest - seen > MAX_STEP)

    def _begin(self, number: int, seen: int, *, restart: bool) -> None:
        """Count from here: the first reply, or the first after a restart or an outage."""
        self._settle_epoch(float("inf"))
        if restart:
            self.restarts += 1
        early = seen if self._fresh or restart else 0  # replies before this one that we missed
        early = min(early, number, BURST) if seen <= MAX_STEP else 0
        self._fresh = False
        self._base_sent, self._base_seen = number - early, seen - early
        self._top_sent, self._top_seen = self._base_sent - 1, self._base_seen - 1
        self._highest, self._newest = seen - 1, number - 1
        self._replies = self._twice = 0
        self._in_order = self.down.reordered
        self._epoch = (0, 0, 0, 0)
        self._last_settled = -1
        self._waiting.clear()
        self._recent.clear()

    def _silent(self, now: float) -> bool:
        since = self.last_reply
        return since is not None and now - since > SILENT

    def _end_outage(self, number: int, seen: int, now: float) -> None:
        assert self.last_reply is not None
        missing = number - self._newest - 1
        counted = seen - self._highest - 1
        if self._restarted(seen, number) or missing <= 0:
            direction = "both"
        else:
            share = min(max(counted / missing, 0.0), 1.0)
            direction = "up" if share > 0.8 else "down" if share < 0.2 else "both"
        seconds = now - self.last_reply
        self.outage = Outage(seconds, direction)
        self.outage_seconds += seconds
        restart = self._restarted(seen, number)
        self._begin(number, seen, restart=restart)
        self._base_sent, self._base_seen = number, seen  # what went before was the outage
        self._top_sent, self._top_seen = number - 1, seen - 1

    def _sample(self, sent: _Sent, reply: stamp.Reply, ns: int, now: float) -> None:
        down = (reply.received - sent.ns) / 1e9
        up = (ns - reply.sent) / 1e9
        round_trip = (ns - sent.ns - max(0, reply.sent - reply.received)) / 1e9
        if round_trip < 0:
            self.counters["negative_delay"] += 1
            return
        sample = Sample(now, down, up, round_trip, self._segment)
        before = self.samples[-1] if self.samples else None
        if before is not None:
            # Were the clocks steady, the offset seen would move by half the change of the
            # round trip at the most.
            moved = abs(sample.offset - before.offset)
            if moved > (round_trip + before.round_trip) / 2 + CLOCK_STEP:
                self._segment += 1
                self.counters["clock_step"] += 1
                sample = sample._replace(segment=self._segment)
        self.samples.append(sample)
        if self.distributions is not None:
            self.distributions.feed(
                round_trip=round_trip,
                down=down,
                up=up,
                segment=self._segment,
                now=now,
                synchronised=reply.error is not None and reply.error.synchronised,
            )

    # --- once a second ------------------------------------------------------------------

    def settle(self, now: float) -> None:
        """Bring the totals up to what is certain by now."""
        if self._silent(now):
            self._settle_epoch(float("inf"))
        else:
            self._settle_epoch(now - SETTLE)
        # Oldest first: both are in the order in which they came.
        while self._sent and now - (first := next(iter(self._sent.values()))).at > KEEP:
            del self._sent[first.number]
        while self._recent and now - next(iter(self._recent.values()))[1] > KEEP:
            del self._recent[next(iter(self._recent))]
        while self.samples and now - self.samples[0].at > SAMPLES:
            self.samples.popleft()

    def _settle_epoch(self, until: float) -> None:
        """Count replies to packets sent before ``until`` and what is missing between them."""
        due = sorted(
            (number, seen)
            for seen, (number, _) in self._waiting.items()
            if (sent := self._sent.get(number)) is None or sent.at <= until
        )
        if not due:
            return
        for number, seen in due:
            self._twice += self._waiting.pop(seen)[1]
            self._replies += 1
            gap = number - self._last_settled - 1
            if 0 <= self._last_settled < number and self.down.reordered == self._in_order:
                # Where more came between two packets than was sent between them, some came
                # twice, and their second replies were lost.
                self._twice += max(0, seen - self._top_seen - 1 - gap)
            if self._last_settled >= 0 and gap >= BURST and seen > self._top_seen:
                counted = min(max(seen - self._top_seen - 1, 0), gap)
                self.up.bursts += counted >= BURST
                self.down.bursts += gap - counted >= BURST
            self._last_settled = max(self._last_settled, number)
            self._top_sent = max(self._top_sent, number)
            self._top_seen = max(self._top_seen, seen)
        offered = self._top_sent + 1 - self._base_sent
        seen_ = self._top_seen + 1 - self._base_seen
        down_lost = max(0, offered - seen_ + self._twice)
        up_lost = max(0, seen_ - self._replies)
        if not self.stateful:
            down_lost = up_lost
        # Only ever forward: reordering settles one way and then the other.
        was = self._epoch
        new = (
            max(was[0], offered),
            max(was[1], down_lost),
            max(was[2], seen_),
            max(was[3], up_lost),
        )
        self.down.expected += new[0] - was[0]
        self.down.lost += new[1] - was[1]
        self.up.expected += new[2] - was[2]
        self.up.lost += new[3] - was[3]
        self._epoch = new

    # --- what it says -------------------------------------------------------------------

    def reachable(self, now: float) -> bool | None:
        """None: not known yet."""
        if self.last_reply is not None and now - self.last_reply <= SILENT:
            return True
        if self.started is None or now - self.started <= SILENT:
            return None
        return False

    def delays(self, now: float, seconds: float) -> Delays | None:
        """Delays of the last so many seconds; None without a sample."""
        return delays_of([s for s in self.samples if now - s.at <= seconds], self.error)
