"""The sockets of relays that this worker sends: one each, so that an address is one relay's."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Callable, Mapping

from bridge.media import demux
from bridge.media import messages as m
from bridge.media.counters import Counters, Drop
from bridge.media.relay_end import RelaySender, own_address
from bridge.media.transport import Address, Transport

SOCKET_BUFFER = 1 << 20  # octets asked for; a key frame with a shared screen is some 300 kB
REPORTS_AT_ONCE = 64  # datagrams that are read in one go

log = logging.getLogger("media")

Receive = Callable[[bytes, Address], None]


class RelaySockets:
    """A socket for each relay. ``prepare`` marks one and sizes its buffers."""

    def __init__(self, counters: Counters, prepare: Callable[[socket.socket, int], None]) -> None:
        self._counters = counters
        self._prepare = prepare
        self._ends: dict[str, _RelaySocket] = {}

    def follow(self, transports: Mapping[str, Transport], receive: Receive) -> list[m.RelayOpened]:
        """Open sockets of new relays and close those of relays that are closed; returns where the
        new ones are. ``receive`` gets what comes from the far end. Raises OSError where that cannot
        be reached from here."""
        for ident in set(self._ends) - set(transports):
            self._ends.pop(ident).close()
        opened = []
        for ident, transport in transports.items():
            if isinstance(transport, RelaySender) and ident not in self._ends:
                sock = _towards(transport.far)
                self._prepare(sock, SOCKET_BUFFER)
                self._ends[ident] = _RelaySocket(sock, transport, self._counters, receive)
                host, port = sock.getsockname()[:2]
                address = m.MediaAddress(host=host, port=port)
                opened.append(m.RelayOpened(transport=ident, address=address))
        return opened

    def send(self, transport: str, datagram: bytes) -> None:
        """Send a datagram to the far end."""
        end = self._ends.get(transport)
        if end is not None:
            end.send(datagram)

    def close(self) -> None:
        for end in self._ends.values():
            end.close()
        self._ends.clear()


class _RelaySocket:
    """Sends to the far end, and takes what comes from its address alone."""

    def __init__(
        self, sock: socket.socket, relay: RelaySender, counters: Counters, receive: Receive
    ) -> None:
        self._socket = sock
        self._relay = relay
        self._counters = counters
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock.fileno(), self._read)

    def send(self, datagram: bytes) -> None:
        try:
            self._socket.sendto(datagram, self._relay.far)
        except BlockingIOError:
            self._counters.drop(Drop.SEND_BLOCKED)
        except OSError:
            self._counters.drop(Drop.SEND_ERROR)

    def close(self) -> None:
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _read(self) -> None:
        for _ in range(REPORTS_AT_ONCE):
            try:
                data, address = self._socket.recvfrom(demux.MAX_DATAGRAM + 1)
            except BlockingIOError:
                return
            except OSError:  # an ICMP error of an earlier send is reported here
                continue
            if address[:2] != self._relay.far[:2]:
                self._counters.drop(Drop.UNKNOWN_ADDRESS)
            elif demux.classify(data) not in (demux.RTP, demux.RTCP):
                self._counters.drop(Drop.UNKNOWN_CLASS)  # there is nothing to negotiate
            else:
                self._receive(data, own_address(self._relay.id))


def _towards(far: Address) -> socket.socket:
    """A socket at the address from which this machine reaches another one. Raises OSError."""
    family = socket.AF_INET if ipaddress.ip_address(far[0]).version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.connect(far)
        host = asking.getsockname()[0]
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.bind((host, 0))
    except OSError:
        sock.close()
        raise
    return sock
