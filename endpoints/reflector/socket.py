"""The reflector's socket. A shell around `endpoints.reflector.engine`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from endpoints.netem.model import Impaired, Impairment
from endpoints.reflector.engine import Answer, Arrival, Reflector
from monitoring.probing.datagrams import Datagram, Datagrams, SteadyNs

DRAIN = 64  # datagrams taken at once
REMARKED_TO = 0  # what a hop that strips marks leaves


class Hop:
    """A bad line inside the process, for demos and tests: ``down`` is what comes in, ``up``
    what goes out. ``strip`` takes the marks off, one word a direction."""

    def __init__(self, down: Impairment, up: Impairment) -> None:
        self.down = down
        self.up = up
        self.strip: frozenset[str] = frozenset()
        self.probes_offered = 0
        self.probes_lost_down = 0
        self.probes_lost_up = 0

    def set(self, impaired: Impaired) -> None:
        """Another line from now on."""
        self.down.profile, self.up.profile = impaired.down, impaired.up
        self.strip = impaired.strip


class ReflectorSocket:
    """Answers on one address until closed. Raises OSError where that cannot be bound."""

    def __init__(self, reflector: Reflector, host: str, port: int, hop: Hop | None = None) -> None:
        self.reflector = reflector
        self.hop = hop
        self._clock = SteadyNs()
        self._datagrams = Datagrams(host, port, self._clock)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._datagrams.socket, self._readable)
        self.offset_ns: Callable[[], int] = lambda: 0  # tests put another clock on

    @property
    def address(self) -> tuple[str, int]:
        return self._datagrams.address

    def close(self) -> None:
        self._loop.remove_reader(self._datagrams.socket)
        self._datagrams.close()

    def _readable(self) -> None:
        for datagram in self._datagrams.receive(DRAIN):
            if self.hop is None:
                self._reflect(datagram)
                continue
            if "down" in self.hop.strip:
                datagram = datagram._replace(tos=REMARKED_TO)
            now = self._loop.time()
            leaves = self.hop.down.offer(now, len(datagram.data))
            self.hop.probes_offered += 1
            self.hop.probes_lost_down += not leaves
            for at in leaves:
                if at <= now:
                    self._reflect(datagram)
                else:
                    late = datagram._replace(received=datagram.received + int((at - now) * 1e9))
                    self._loop.call_at(at, self._reflect, late)

    def _reflect(self, datagram: Datagram) -> None:
        offset = self.offset_ns()
        arrival = Arrival(
            datagram.data,
            datagram.host,
            datagram.port,
            datagram.received + offset,
            datagram.tos,
            datagram.ttl,
        )
        answer = self.reflector.answer(arrival, self._clock.now() + offset, time.monotonic())
        if answer is None:
            return
        if self.hop is None:
            self._send(answer, datagram)
            return
        if "up" in self.hop.strip:
            answer = answer._replace(dscp=REMARKED_TO)
        now = self._loop.time()
        leaves = self.hop.up.offer(now, len(answer.data))
        self.hop.probes_lost_up += not leaves
        for at in leaves:
            if at <= now:
                self._send(answer, datagram)
            else:
                self._loop.call_at(at, self._send, answer, datagram)

    def _send(self, answer: Answer, datagram: Datagram) -> None:
        if self._datagrams.socket.fileno() >= 0:
            self._datagrams.send(answer.data, datagram.host, datagram.port, answer.dscp)
