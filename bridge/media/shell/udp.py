"""The media port: a shell around sockets. Drains, hands to the core, flushes with GSO."""

from __future__ import annotations

import bisect
import collections
import contextlib
import errno
import ipaddress
import logging
import socket
import struct
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from bridge.media import messages as m
from bridge.media.congestion.book import HELD_UP
from bridge.media.core import MediaCore
from bridge.media.counters import Drop
from bridge.media.demux import MAX_DATAGRAM
from bridge.media.fanout import Left
from bridge.media.transport import Address, Transport

if TYPE_CHECKING:  # needs numba, which is not everywhere
    from bridge.media.shell.compiled import CompiledTurn

UDP_SEGMENT = 103  # linux/udp.h
SO_TIMESTAMPNS = 35  # asm-generic/socket.h
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33
SOL_UDP = 17
MAX_SEGMENTS = 64  # per sendmsg; UDP_MAX_SEGMENTS of older kernels
MAX_BATCH = 65_000  # octets in one sendmsg; a UDP length field holds 65,507 over IPv4
MAX_DRAIN = 256  # datagrams read before what they cause is sent
AF41 = 34  # DSCP of video (RFC 4594)
SOCKET_BUFFER = 8 << 20  # octets asked for; a burst of twelve key frames is about 1 MB
DELAY_SAMPLE = 16  # one datagram in so many is timed from its arrival in the kernel
DELAYS_KEPT = 8192

_SEGMENT = struct.Struct("=H")
_TIMESPEC = struct.Struct("=qq")
_STAMP = struct.Struct("=qiiqq")

log = logging.getLogger("media")


class OwnSockets(Protocol):
    """Sockets of taps, or of relays: each is one transport's."""

    def send(self, transport: str, datagram: bytes) -> None: ...


NO_OTHERS: Mapping[int, OwnSockets] = MappingProxyType({})


class MediaSockets:
    """One socket a listen address, all on one port."""

    def __init__(
        self,
        core: MediaCore,
        hosts: list[str],
        port: int,
        wake: Callable[[float], None] = lambda now: None,
        *,
        gso: bool = True,
        own: Mapping[int, OwnSockets] = NO_OTHERS,
    ) -> None:
        """``wake`` is called after what arrived was dealt with, with the monotonic time; without
        ``gso`` the kernel is not asked to segment. ``own`` are sockets that are not the media
        port's, by what stands for their index."""
        self.core = core
        self._wake = wake
        self._own = own
        self.sockets: list[socket.socket] = []
        self._gso = gso
        self.delays: collections.deque[float] = collections.deque(maxlen=DELAYS_KEPT)
        self.delay_counts = [0] * (len(m.DELAY_BOUNDS) + 1)
        self.delay_sum = 0.0
        self._sampled: list[float] = []
        self._count = 0
        self._compiled: CompiledTurn | None = None
        try:
            for host in hosts:
                self.sockets.append(_bind(host, port))
                port = self.sockets[-1].getsockname()[1]
        except OSError:
            self.close()
            raise
        self.port = port
        self.addresses = tuple(m.MediaAddress(host=host, port=port) for host in hosts)

    def close(self) -> None:
        for sock in self.sockets:
            sock.close()

    @property
    def compiled(self) -> bool:
        """Whether the compiled turn forwards."""
        return self._compiled is not None

    @property
    def gso(self) -> bool:
        """Whether the kernel segments what is sent: until it refuses that, once and for good."""
        return self._gso and (self._compiled is None or self._compiled.gso)

    def use(self, turn: CompiledTurn) -> None:
        """Forward by the compiled turn from now on."""
        turn.use(self.sockets, self._gso)
        self._compiled = turn

    def collect(self) -> None:
        """Bring the core's counters and the delays up to date."""
        if self._compiled is not None:
            self._compiled.collect()
            for delay in self._compiled.delays():
                self._delayed(delay)

    def wait(self, epoll: int, milliseconds: int) -> list[tuple[int, int]] | None:
        """Wait for an ``epoll`` instance (-1: for ever), and forward what arrives meanwhile; return
        other descriptors that are ready and their events. None where the compiled turn does
        not forward: nothing was waited for."""
        compiled = self._compiled
        if compiled is None:
            return None
        try:
            others = compiled.wait(epoll, milliseconds)
        except IndexError:
            self._give_up(compiled)
            return []
        if compiled.left >= 0:
            self._finish(compiled, compiled.left)
        return others

    def readable(self, index: int) -> None:
        """Drain a socket, and send what that causes."""
        if self._compiled is not None:
            self._turn(self._compiled, index)
        else:
            self._drain(index)

    def _turn(self, compiled: CompiledTurn, index: int) -> None:
        """Let the compiled turn do it; then what it has left."""
        try:
            if not compiled.take(index):
                return
        except IndexError:
            self._give_up(compiled)
            return
        self._finish(compiled, index)

    def _give_up(self, compiled: CompiledTurn) -> None:
        """A mistake of ours: the tables are whole, and Python needs no more."""
        log.exception("the compiled turn failed; media is forwarded by Python from now on")
        self._gso = compiled.gso
        self._compiled = None
        compiled.close()

    def _finish(self, compiled: CompiledTurn, index: int) -> None:
        """Do what the last turn of a socket has left."""
        now = compiled.now
        if compiled.sampled:
            self._stamp(compiled.stamp())
        rest = compiled.rest()
        if rest:
            self.core.flush_rest(rest, now, self._send_batch)
        odds = compiled.odds()
        for data, address in odds:
            self.core.receive(data, address, index, now)
        if rest or odds:  # else Python has not changed anything
            self.flush(now)
            self._wake(now)

    def _stamp(self, ancillary: bytes) -> None:
        """Note the arrival that a control message holds: struct cmsghdr, struct timespec."""
        if len(ancillary) >= _STAMP.size:
            _, level, kind, seconds, nanoseconds = _STAMP.unpack_from(ancillary)
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                self._sampled.append(seconds + nanoseconds * 1e-9)

    def _drain(self, index: int) -> None:
        sock = self.sockets[index]
        receive = self.core.receive
        recvfrom = sock.recvfrom
        now = time.monotonic()
        try:
            # One in a batch is read with its kernel timestamp, now and then.
            self._count += 1
            if not self._count % DELAY_SAMPLE:
                data, ancillary, _, address = sock.recvmsg(MAX_DATAGRAM + 1, 64)
                for level, kind, value in ancillary:
                    if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                        seconds, nanoseconds = _TIMESPEC.unpack(value)
                        self._sampled.append(seconds + nanoseconds * 1e-9)
                receive(data, address, index, now)
            for _ in range(MAX_DRAIN):
                data, address = recvfrom(MAX_DATAGRAM + 1)
                receive(data, address, index, now)
        except BlockingIOError:
            pass
        except OSError:  # an ICMP error of an earlier send is reported here; nothing to do
            pass
        self.flush(now)
        self._wake(now)

    def report(self, index: int, data: bytes, address: Address) -> None:
        """Take in what came to a socket of a tap or a relay, and send what that causes."""
        now = time.monotonic()
        self.core.receive(data, address, index, now)
        self.flush(now)
        self._wake(now)

    def flush(self, now: float) -> None:
        """Send everything the core has queued."""
        core = self.core
        core.flush(now, self._send_batch)
        if self._sampled:
            sent = time.time()
            for at in self._sampled:
                self._delayed(max(0.0, sent - at))
            self._sampled.clear()
        if core.datagrams:
            for index, address, data in core.drain():
                if index >= 0:
                    self._send_one(self.sockets[index], data, address)
                elif index in self._own:
                    self._own[index].send(address[1], data)

    def _delayed(self, delay: float) -> None:
        """Note the seconds that a datagram took from its arrival in the kernel."""
        self.delays.append(delay)
        self.delay_counts[bisect.bisect_left(m.DELAY_BOUNDS, delay)] += 1
        self.delay_sum += delay

    def _send_one(self, sock: socket.socket, data: bytes, address: Address) -> None:
        try:
            sock.sendto(data, address)
        except BlockingIOError:
            self.core.counters.drop(Drop.SEND_BLOCKED)
        except OSError:
            self.core.counters.drop(Drop.SEND_ERROR)

    def _send_batch(self, transport: Transport) -> Left | None:
        """One sendmsg for every run of equal-sized packets (the last may be shorter). Returns when
        they left."""
        out = transport.out
        if transport.socket < 0:
            own = self._own.get(transport.socket)
            if own is not None:
                for header, payload in zip(out[::2], out[1::2], strict=True):
                    own.send(transport.id, header + payload)
            return None
        sendmsg = self.sockets[transport.socket].sendmsg
        address = transport.address
        if address is None:
            return None
        counters = self.core.counters
        sent_at = time.monotonic()
        if len(out) == 2:  # a lone packet: one buffer and sendto cost less than two and sendmsg
            self._send_one(self.sockets[transport.socket], out[0] + out[1], address)
            counters.sends_single += 1
            counters.octets_out += len(out[0]) + len(out[1])
            return Left(sent_at, time.monotonic() - sent_at < HELD_UP)
        # All heads of a receiver have one size (none under AES-CM, where the body is the whole
        # packet), so the bodies' sizes decide.
        sizes = list(map(len, out[1::2]))
        head_size = len(out[0])
        counters.octets_out += sum(sizes) + head_size * len(sizes)
        count = len(sizes)
        start = 0
        while start < count:
            body = sizes[start]
            size = head_size + body
            end = start + 1
            if self._gso:
                limit = min(count, start + min(MAX_SEGMENTS, MAX_BATCH // size))
                while end < limit and sizes[end] == body:
                    end += 1
                if end < limit and sizes[end] < body:
                    end += 1
            run = out[2 * start : 2 * end]
            try:
                if end - start == 1:
                    sendmsg(run, (), 0, address)
                    counters.sends_single += 1
                else:
                    sendmsg(run, ((SOL_UDP, UDP_SEGMENT, _SEGMENT.pack(size)),), 0, address)
                    counters.gso_batches += 1
                    counters.gso_segments += end - start
            except BlockingIOError:
                counters.drop(Drop.SEND_BLOCKED, end - start)
            except OSError as error:
                if end - start > 1 and error.errno in (errno.EIO, errno.EINVAL):
                    self._gso = False  # the kernel or card refuses; the same run goes singly
                    continue
                counters.drop(Drop.SEND_ERROR, end - start)
            start = end
        return Left(sent_at, time.monotonic() - sent_at < HELD_UP)


def _bind(host: str, port: int) -> socket.socket:
    version = ipaddress.ip_address(host).version
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        if version == 6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        prepare(sock, SOCKET_BUFFER)
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def mark(sock: socket.socket, dscp: int) -> None:
    """Mark everything a socket sends. Sound and pictures leave in common batches, so both are
    marked as pictures are; a mark of its own for each packet would cost a call each."""
    six = sock.family == socket.AF_INET6
    level, option = (
        (socket.IPPROTO_IPV6, socket.IPV6_TCLASS) if six else (socket.IPPROTO_IP, socket.IP_TOS)
    )
    with contextlib.suppress(OSError):  # media without a mark is better than none
        sock.setsockopt(level, option, dscp << 2)


def prepare(sock: socket.socket, buffer: int) -> None:
    """Buffers and mark of a socket that carries media."""
    enlarge_buffers(sock, buffer)
    mark(sock, AF41)


def enlarge_buffers(sock: socket.socket, octets: int) -> None:
    """Ask for buffers of this size; with privileges also beyond net.core.rmem_max."""
    for plain, force in ((socket.SO_RCVBUF, SO_RCVBUFFORCE), (socket.SO_SNDBUF, SO_SNDBUFFORCE)):
        try:
            sock.setsockopt(socket.SOL_SOCKET, force, octets)
        except OSError:
            sock.setsockopt(socket.SOL_SOCKET, plain, octets)
