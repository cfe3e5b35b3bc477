"""UDP sockets that know when, from whom and how marked a datagram came. A shell, used by the
reflector and the sender of probes.

Times are nanoseconds on a clock that starts at the wall clock's time and never steps; the
kernel's receive timestamps (SO_TIMESTAMPNS) are brought onto it.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import struct
import time
from dataclasses import dataclass, field
from typing import NamedTuple

SO_TIMESTAMPNS = 35  # Linux; Python 3.11 has no name for it
SO_RCVBUFFORCE = 33
BUFFER = 1 << 20
MAX_OCTETS = 2048
_TIMESPEC = struct.Struct("@qq")
_INT = struct.Struct("@i")
_FRESH = 1_000_000_000  # ns; an older kernel timestamp is not believed
_ANCILLARY = 128
NS = 1_000_000_000


@dataclass(slots=True)
class SteadyNs:
    """Nanoseconds since 1970 by a clock that does not step."""

    _offset: int = field(default_factory=lambda: time.time_ns() - time.monotonic_ns())

    def now(self) -> int:
        return time.monotonic_ns() + self._offset

    def of_kernel(self, stamp: int) -> int:
        """A kernel timestamp (wall clock) on this clock."""
        now = self.now()
        age = time.time_ns() - stamp
        return now - age if 0 <= age < _FRESH else now


class Datagram(NamedTuple):
    """A datagram as it came: its octets, its sender, the kernel's time and its mark."""

    data: bytes
    host: str
    port: int
    received: int  # ns
    tos: int  # the whole octet: DSCP and ECN
    ttl: int


class Datagrams:
    """A bound, non-blocking UDP socket. Raises OSError where it cannot be bound."""

    def __init__(self, host: str, port: int, clock: SteadyNs) -> None:
        self.clock = clock
        six = ipaddress.ip_address(host).version == 6
        self._level = socket.IPPROTO_IPV6 if six else socket.IPPROTO_IP
        self._tos = socket.IPV6_TCLASS if six else socket.IP_TOS
        self._ttl = socket.IPV6_HOPLIMIT if six else socket.IP_TTL
        self.socket = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self.socket.setblocking(False)
            try:  # with privileges beyond net.core.rmem_max
                self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
            except OSError:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
            self.socket.setsockopt(
                self._level, socket.IPV6_RECVTCLASS if six else socket.IP_RECVTOS, 1
            )
            receive_ttl = socket.IPV6_RECVHOPLIMIT if six else getattr(socket, "IP_RECVTTL", 12)
            self.socket.setsockopt(self._level, receive_ttl, 1)
            with contextlib.suppress(OSError):  # other systems: the time of reading
                self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            self.socket.bind((host, port))
        except OSError:
            self.socket.close()
            raise

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.socket.getsockname()[:2]
        return host, port

    def receive(self, most: int) -> list[Datagram]:
        """What has come, at most so many."""
        found: list[Datagram] = []
        for _ in range(most):
            try:
                data, ancillary, _, sender = self.socket.recvmsg(MAX_OCTETS, _ANCILLARY)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:  # an ICMP error of an earlier datagram
                continue
            received, tos, ttl = 0, 0, 0
            for level, kind, value in ancillary:
                if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(value) >= 16:
                    seconds, ns = _TIMESPEC.unpack_from(value)
                    received = self.clock.of_kernel(seconds * NS + ns)
                elif level == self._level and kind == self._tos:
                    tos = value[0]
                elif level == self._level and kind == self._ttl and len(value) >= 4:
                    ttl = _INT.unpack_from(value)[0] & 0xFF
            found.append(
                Datagram(data, sender[0], sender[1], received or self.clock.now(), tos, ttl)
            )
        return found

    def send(self, data: bytes, host: str, port: int, dscp: int) -> bool:
        """Send one marked datagram; False where the system refused it just now."""
        mark = [(self._level, self._tos, _INT.pack(dscp << 2))]
        try:
            self.socket.sendmsg([data], mark, 0, (host, port))
        except OSError:
            return False
        return True

    def close(self) -> None:
        self.socket.close()
