"""A stateful STAMP session reflector (RFC 8762 section 4.3), without its socket. Pure.

Only listed senders are answered; packets of all others are dropped and counted. A reply is never
larger than its request, and each sender has a rate limit, so that the reflector cannot be abused
to flood somebody else.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from monitoring.probing import stamp, timestamps

RATE = 3000.0  # packets a second that one source may send; a capacity test needs about 1,000
BURST = 600.0
MAX_SOURCES = 64  # allowed senders that are kept count of
MAX_SESSIONS = 1024
SESSION_LIFE = 900.0  # seconds without a packet until a session is forgotten (RFC 5357: REFWAIT)
DSCPS = frozenset(range(64))
UNKNOWN_CLOCK = timestamps.ErrorEstimate(False, False, 1.0)


class Arrival(NamedTuple):
    """A received datagram: ``received`` in ns since 1970, ``tos`` the whole octet (DSCP, ECN)."""

    data: bytes
    host: str
    port: int
    received: int
    tos: int
    ttl: int


class Answer(NamedTuple):
    """A reply, and the DSCP to send it with."""

    data: bytes
    dscp: int


@dataclass(slots=True)
class _Session:
    """One sender's sequence number of replies, and when it was last heard (monotonic seconds)."""

    seq: int = 0
    seen: float = 0.0


@dataclass(slots=True)
class Reflector:
    """Answers test packets and counts what it answers and refuses.

    ``senders`` are the addresses that may probe, ``key`` switches to authenticated mode,
    ``dscps`` are those that may be asked for on the way back, ``error`` is the clock's error
    estimate that replies carry.
    """

    senders: frozenset[str] = frozenset()
    key: bytes | None = None
    rate: float = RATE
    dscps: frozenset[int] = DSCPS
    error: timestamps.ErrorEstimate = UNKNOWN_CLOCK
    counters: Counter[str] = field(default_factory=Counter)
    _sessions: dict[tuple[str, int, int], _Session] = field(default_factory=dict)
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)

    def admit(self, senders: frozenset[str], key: bytes | None) -> None:
        """Answer these senders and this key from now on."""
        self.senders, self.key = senders, key

    def set_clock_error(self, error: timestamps.ErrorEstimate) -> None:
        """Put another error estimate of this machine's clock into replies from now on."""
        self.error = error

    def answer(self, arrival: Arrival, sent: int, now: float) -> Answer | None:
        """The reply, to be sent at ``sent`` (ns); None where there is none. ``now`` is
        monotonic seconds."""
        if arrival.host not in self.senders:
            self.counters["stranger"] += 1
            return None
        if not self._within_rate(arrival.host, now):
            self.counters["too_many"] += 1
            return None
        try:
            request = stamp.decode_request(arrival.data, self.key)
        except stamp.BadPacket as error:
            self.counters[str(error)] += 1
            return None
        session = self._session((arrival.host, arrival.port, request.ssid), now)
        asked = request.dscp if request.dscp is not None else arrival.tos >> 2
        refused = asked not in self.dscps
        dscp = 0 if refused else asked
        reply = stamp.encode_reply(
            request,
            arrival.data,
            self.key,
            seq=session.seq,
            received=arrival.received,
            sent=max(sent, arrival.received),
            error=self.error,
            ttl=arrival.ttl,
            dscp=arrival.tos >> 2,
            ecn=arrival.tos & 3,
            refused=refused,
        )
        if len(reply) > len(arrival.data):
            self.counters["larger"] += 1
            return None
        session.seq += 1
        self.counters["reflected"] += 1
        return Answer(reply, dscp)

    def _within_rate(self, host: str, now: float) -> bool:
        if host not in self._buckets and len(self._buckets) >= MAX_SOURCES:
            self._buckets.pop(next(iter(self._buckets)))
        tokens, at = self._buckets.get(host, (BURST, now))
        tokens = min(BURST, tokens + (now - at) * self.rate)
        self._buckets[host] = (max(tokens - 1, 0.0), now)
        return tokens >= 1

    def _session(self, key: tuple[str, int, int], now: float) -> _Session:
        session = self._sessions.get(key)
        if session is None:
            if len(self._sessions) >= MAX_SESSIONS:
                self._forget(now)
            session = self._sessions[key] = _Session()
        session.seen = now
        return session

    def _forget(self, now: float) -> None:
        old = [key for key, s in self._sessions.items() if now - s.seen > SESSION_LIFE]
        for key in old or [min(self._sessions, key=lambda k: self._sessions[k].seen)]:
            del self._sessions[key]
