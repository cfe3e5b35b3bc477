"""The UDP socket of the STAMP reflector: a shell around `endpoints.reflector.engine`."""

from __future__ import annotations

import asyncio
import time

from endpoints.netem.impairment import Hop
from endpoints.reflector.engine import Answer, Arrival, Reflector
from monitoring.probing.datagrams import Datagram, Datagrams, SteadyNs

DRAIN = 64  # datagrams taken at once
REMARKED_TO = 0  # what a hop that strips marks leaves


class ReflectorSocket:
    """Answers test packets on one address until it is closed. Raises OSError where the address
    cannot be bound. ``hop`` puts an impaired line before it."""

    def __init__(self, reflector: Reflector, host: str, port: int, hop: Hop | None = None) -> None:
        self.reflector = reflector
        self._hop = hop
        self._clock = SteadyNs()
        self._datagrams = Datagrams(host, port, self._clock)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._datagrams.socket, self._readable)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port it is bound to."""
        return self._datagrams.address

    def close(self) -> None:
        """Stop answering and release the address."""
        self._loop.remove_reader(self._datagrams.socket)
        self._datagrams.close()

    def _readable(self) -> None:
        for datagram in self._datagrams.receive(DRAIN):
            if self._hop is None:
                self._reflect(datagram)
                continue
            if "down" in self._hop.strip:
                datagram = datagram._replace(tos=REMARKED_TO)
            now = self._loop.time()
            for at in self._hop.probe_down(now, len(datagram.data)):
                if at <= now:
                    self._reflect(datagram)
                else:
                    late = datagram._replace(received=datagram.received + int((at - now) * 1e9))
                    self._loop.call_at(at, self._reflect, late)

    def _reflect(self, datagram: Datagram) -> None:
        arrival = Arrival(
            datagram.data,
            datagram.host,
            datagram.port,
            datagram.received,
            datagram.tos,
            datagram.ttl,
        )
        answer = self.reflector.answer(arrival, self._clock.now(), time.monotonic())
        if answer is None:
            return
        if self._hop is None:
            self._send(answer, datagram)
            return
        if "up" in self._hop.strip:
            answer = answer._replace(dscp=REMARKED_TO)
        now = self._loop.time()
        for at in self._hop.probe_up(now, len(answer.data)):
            if at <= now:
                self._send(answer, datagram)
            else:
                self._loop.call_at(at, self._send, answer, datagram)

    def _send(self, answer: Answer, datagram: Datagram) -> None:
        if self._datagrams.socket.fileno() >= 0:
            self._datagrams.send(answer.data, datagram.host, datagram.port, answer.dscp)
