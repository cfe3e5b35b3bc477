"""Sends probes to every point, all the time, and takes their replies. A shell around
`monitoring.probing.session`: sockets and timers, no decisions.

One socket serves all points of an address family. Points are probed a dozen at a time, the
dozens spread over the interval: waking up costs more than a packet does, and 36 packets of 200
octets are no burst on a district's line.
"""

from __future__ import annotations

import asyncio
import heapq
import ipaddress
import itertools
import logging
import secrets
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from monitoring.exposition.distributions import Distributions
from monitoring.probing import stamp, timestamps
from monitoring.probing.clock_state import clock_state
from monitoring.probing.datagrams import Datagrams, SteadyNs
from monitoring.probing.session import Probe
from monitoring.statistics import percentile

log = logging.getLogger("prober")

DRAIN = 128
CLOCK_EVERY = 60.0  # seconds between looks at our own clock's state
TICK = 0.005  # seconds between bursts of a load test
SETTLE = 1.1  # seconds that the last replies of a step may take
TOGETHER = 12  # points whose packets leave at the same moment
SPREAD = (0, 4, 2, 6, 1, 5, 3, 7)  # eighths of the interval, in the order they are filled
LATE_KEPT = 4096  # send times of which the lateness is known


class Class(NamedTuple):
    """A class of service that is probed: its name and its DSCP."""

    name: str
    dscp: int


CLASSES = {"ef": Class("ef", 46), "af41": Class("af41", 34), "be": Class("be", 0)}


class Step(NamedTuple):
    """A step of a load test: ``packets`` a second, of which the share ``both_ways`` comes back
    in full size; the rest comes back short."""

    share: float
    packets: float
    both_ways: float
    seconds: float
    down: float  # kbit/s of the step
    up: float
    most_loss: float = 0.05

    def passed(self, probe: Probe) -> bool:
        """Whether the next step is worth it: no more than so much was lost either way."""
        total = probe.down.expected
        if total == 0:
            return False
        return max(probe.down.lost, probe.up.lost) / total <= self.most_loss


class Target(NamedTuple):
    """Where a point is probed. Another target for the same point begins new sessions."""

    host: str
    port: int
    style: stamp.Style
    stateful: bool
    classes: tuple[Class, ...]
    rate: float  # packets a second and class


@dataclass(slots=True)
class _Session:
    probe: Probe
    host: str
    port: int
    interval: float
    live: bool = True


class Prober:
    """Probes all targets: `set_targets`, `run`, and read `sessions`. ``sources`` are local
    addresses to send from, one a family at the most; the media's, so that probes take the media's
    way."""

    def __init__(self, sources: list[str]) -> None:
        self._sources = {ipaddress.ip_address(s).version: s for s in reversed(sources)}
        self.clock = SteadyNs()
        self.counters: Counter[str] = Counter()
        self.distributions: dict[tuple[str, str], Distributions] = {}
        """By point and class; they outlive the sessions."""
        self._sockets: dict[int, Datagrams] = {}
        self._targets: dict[str, Target] = {}
        self._sessions: dict[str, dict[str, _Session]] = {}
        self._by_ssid: dict[int, _Session] = {}
        self._hosts: Counter[str] = Counter()
        self._groups: dict[str, int] = {}
        self._due: list[tuple[float, int, _Session]] = []
        self._order = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        self._running = False
        self._late: deque[float] = deque(maxlen=LATE_KEPT)
        self._error = timestamps.ErrorEstimate(False, False, 1.0)
        self._closed = False

    # --- targets ------------------------------------------------------------------------

    def set_targets(self, targets: dict[str, Target]) -> None:
        """Probe these, by point; sessions of unchanged targets go on."""
        for point in list(self._targets):
            if targets.get(point) != self._targets[point]:
                self._drop(point)
        for point, target in targets.items():
            if point not in self._targets:
                self._begin(point, target)

    def _drop(self, point: str) -> None:
        del self._targets[point]
        self._groups.pop(point, None)
        for session in self._sessions.pop(point).values():
            session.live = False
            self._by_ssid.pop(session.probe.ssid, None)
            self._hosts[session.host] -= 1

    def _group(self) -> int:
        """The group for a new point: the first that has room, in an order that spreads them over
        the interval; the emptiest where all are full."""
        load = Counter(self._groups.values())
        free = next((group for group in SPREAD if load[group] < TOGETHER), None)
        return free if free is not None else min(SPREAD, key=lambda group: load[group])

    def _begin(self, point: str, target: Target) -> None:
        if self._socket(target.host) is None:
            return
        now = asyncio.get_running_loop().time()
        interval = 1 / target.rate
        self._targets[point] = target
        self._sessions[point] = {}
        # The same grid for all, however late a point comes.
        group = self._groups[point] = self._group()
        first = (now // interval + 1 + group / len(SPREAD)) * interval
        for kind in target.classes:
            delays = self.distributions.setdefault((point, kind.name), Distributions())
            session = self._open(target, kind.dscp, delays)
            self._sessions[point][kind.name] = session
            heapq.heappush(self._due, (first, next(self._order), session))
        self._arm()

    def _open(
        self, target: Target, dscp: int, distributions: Distributions | None = None
    ) -> _Session:
        ssid = secrets.randbelow(0xFFFF) + 1
        while ssid in self._by_ssid:
            ssid = secrets.randbelow(0xFFFF) + 1
        probe = Probe(
            target.style,
            ssid=ssid,
            dscp=dscp,
            stateful=target.stateful,
            distributions=distributions,
        )
        session = _Session(probe, target.host, target.port, 1 / target.rate)
        self._by_ssid[ssid] = session
        self._hosts[target.host] += 1
        return session

    def _socket(self, host: str) -> Datagrams | None:
        version = ipaddress.ip_address(host).version
        if version not in self._sockets:
            anywhere = "::" if version == 6 else "0.0.0.0"  # noqa: S104 - no media address there
            try:
                found = Datagrams(self._sources.get(version, anywhere), 0, self.clock)
            except OSError as error:
                log.error("probes cannot be sent over IPv%d: %s", version, error.strerror)
                return None
            self._sockets[version] = found
            loop = asyncio.get_running_loop()
            loop.add_reader(found.socket, self._readable, found)
        return self._sockets[version]

    # --- what is read -------------------------------------------------------------------

    @property
    def targets(self) -> dict[str, Target]:
        return dict(self._targets)

    @property
    def addresses(self) -> list[str]:
        """Where probes come from, for reflectors to know."""
        return [datagrams.address[0] for datagrams in self._sockets.values()]

    def sessions(self, point: str) -> dict[str, Probe]:
        """The point's probes by class."""
        return {name: s.probe for name, s in self._sessions.get(point, {}).items()}

    def lateness(self) -> tuple[float, float]:
        """Seconds that packets were sent after their time: p50 and p99 of the last ones."""
        late = sorted(self._late)
        return (percentile(late, 0.5), percentile(late, 0.99)) if late else (0.0, 0.0)

    # --- work ---------------------------------------------------------------------------

    async def run(self) -> None:
        """Send until cancelled."""
        self._running = True
        try:
            while True:
                self._error = clock_state().estimate
                self._arm()
                await asyncio.sleep(CLOCK_EVERY)
        finally:
            self.close()

    def _arm(self) -> None:
        """Wake up when the next packet is due. A plain timer: a task would cost more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._running and self._due:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(self._due[0][0], self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._send_due(asyncio.get_running_loop().time())
        self._arm()

    def _send_due(self, now: float) -> None:
        loop = asyncio.get_running_loop()
        while self._due and self._due[0][0] <= now:
            due, _, session = heapq.heappop(self._due)
            if not session.live:
                continue
            at = loop.time()
            self._late.append(at - due)
            self.send(session, at)
            following = due + session.interval
            if following < now:  # a stall is not made up for
                self.counters["skipped"] += 1
                following = now + session.interval
            heapq.heappush(self._due, (following, next(self._order), session))

    def send(self, session: _Session, now: float, *, one_way: bool = False) -> int:
        """Send a session's next packet; its octets, 0 where the system refused it."""
        sockets = self._sockets.get(6 if ":" in session.host else 4)
        if sockets is None:
            return 0
        probe = session.probe
        data = probe.packet(self.clock.now(), now, self._error, one_way=one_way)
        if sockets.send(data, session.host, session.port, probe.dscp):
            return len(data)
        self.counters["not_sent"] += 1
        return 0

    def _readable(self, datagrams: Datagrams) -> None:
        now = asyncio.get_running_loop().time()
        for item in datagrams.receive(DRAIN):
            if not self._hosts[item.host]:
                self.counters["stranger"] += 1
                continue
            session = self._session_of(item.data, item.host)
            if session is None or item.port != session.port:
                self.counters["unknown"] += 1
            elif not session.probe.received(item.data, item.received, item.tos >> 2, now):
                self.counters["unusable"] += 1

    def _session_of(self, data: bytes, host: str) -> _Session | None:
        """By the SSID, where RFC 8972 section 3 puts it; TWAMP-Light has none, and there the
        session is the one that sent the packet whose number and time come back."""
        for at in (14, 26):
            session = self._by_ssid.get(int.from_bytes(data[at : at + 2], "big"))
            if (
                session is not None
                and session.host == host
                and ((session.probe.style.key is not None) == (at == 26))
            ):
                return session
        for session in self._by_ssid.values():
            if session.host == host and session.probe.style.twamp and session.probe.sent_it(data):
                return session
        return None

    # --- a load test --------------------------------------------------------------------

    async def ramp(
        self, target: Target, steps: list[Step], allowed: Callable[[], bool] = lambda: True
    ) -> list[tuple[Step, Probe]]:
        """Send at each step's rates for its time; return what every step's probe saw. Waits a
        second after each for the last replies. Stops at once when it is not ``allowed`` any
        more."""
        if self._socket(target.host) is None:
            return []
        loop = asyncio.get_running_loop()
        found: list[tuple[Step, Probe]] = []
        for step in steps:
            session = self._open(target, target.classes[0].dscp)
            start = loop.time()
            count = 0
            back = 0.0
            try:
                while (passed := loop.time() - start) < step.seconds and allowed():
                    wanted = int(passed * step.packets)
                    while count < min(wanted, count + DRAIN):
                        count += 1
                        back += step.both_ways
                        one_way = back < 1
                        if not one_way:
                            back -= 1
                        self.send(session, loop.time(), one_way=one_way)
                    await asyncio.sleep(TICK)
                if not allowed():
                    return found
                await asyncio.sleep(SETTLE)
            finally:
                self._by_ssid.pop(session.probe.ssid, None)
                self._hosts[session.host] -= 1
            session.probe.settle(loop.time())
            found.append((step, session.probe))
            if not step.passed(session.probe):
                break
        return found

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._running = False
            if self._timer is not None:
                self._timer.cancel()
            for datagrams in self._sockets.values():
                asyncio.get_running_loop().remove_reader(datagrams.socket)
                datagrams.close()
