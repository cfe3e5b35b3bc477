"""A probe, a line and a reflector with hand-moved time: what goes in comes out when it is due."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from endpoints.netem.impairment import Impairment, Profile
from endpoints.reflector.engine import Arrival, Reflector
from monitoring.probing import stamp, timestamps
from monitoring.probing.session import Probe

START = 1_795_000_000 * 10**9  # ns
SENDER = "192.0.2.1"
ERROR = timestamps.ErrorEstimate(True, False, 0.001)


@dataclass(slots=True)
class Line:
    """``clock_ahead`` is how far the reflector's clock is ahead, ns."""

    down: Impairment
    up: Impairment
    probe: Probe
    reflector: Reflector
    interval: float = 0.2
    now: float = 0.0
    clock_ahead: int = 0
    tos: Callable[[int], int] = lambda tos: tos
    _queue: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _order: itertools.count[int] = field(default_factory=itertools.count)
    _next_second: float = 1.0

    def ns(self) -> int:
        return START + round(self.now * 1e9)

    def later(self, at: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (at, next(self._order), what))

    def send(self) -> None:
        data = self.probe.packet(self.ns(), self.now, ERROR)
        for at in self.down.offer(self.now, len(data)):
            self.later(at, lambda: self.reflect(data))

    def reflect(self, data: bytes) -> None:
        here = self.ns() + self.clock_ahead
        arrival = Arrival(data, SENDER, 4000, here, self.tos(self.probe.dscp << 2), 60)
        answer = self.reflector.answer(arrival, here + 50_000, self.now)
        if answer is None:
            return
        for at in self.up.offer(self.now, len(answer.data)):
            self.later(at, lambda: self.arrive(answer.data, self.tos(answer.dscp << 2)))

    def arrive(self, data: bytes, tos: int) -> None:
        self.probe.received(data, self.ns(), tos >> 2, self.now)

    def run(self, seconds: float, *, sending: bool = True) -> None:
        """Let time pass; `settle` every second."""
        end = self.now + seconds
        due = self.now
        while True:
            candidates = [end, self._next_second]
            if sending:
                candidates.append(due)
            if self._queue:
                candidates.append(self._queue[0][0])
            at = min(candidates)
            if at >= end:
                break
            self.now = at
            if self._queue and self._queue[0][0] <= at:
                heapq.heappop(self._queue)[2]()
            elif sending and due <= at:
                self.send()
                due += self.interval
            else:
                self.probe.settle(self.now)
                self._next_second += 1
        self.now = end


def line(
    down: Profile | None = None,
    up: Profile | None = None,
    *,
    seed: int = 1,
    key: bytes | None = None,
    first: int = 0,
    style: stamp.Style | None = None,
    interval: float = 0.2,
) -> Line:
    style = style if style is not None else stamp.Style(key=key)
    return Line(
        down=Impairment(down or Profile(), seed),
        up=Impairment(up or Profile(), seed + 1),
        probe=Probe(style, ssid=7, dscp=46, first=first),
        reflector=Reflector(senders=frozenset({SENDER}), key=key, error=ERROR),
        interval=interval,
    )
