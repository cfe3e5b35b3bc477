"""The Unix sockets of taps. What a reader does not take in time is dropped, and nobody waits."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import logging
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from bridge.media.counters import Counters, Drop
from bridge.media.demux import MAX_DATAGRAM
from bridge.media.tap import Tap, tap_address
from bridge.media.transport import Address, Transport

QUEUE_OCTETS = 2 << 20  # of one tap: some 5 s of a programme with a shared screen
QUEUE_PACKETS = 4096
RETRY = 0.25  # seconds between tries to find a reader that is not there
REPORTS_AT_ONCE = 16  # datagrams of a reader that are read in one go

log = logging.getLogger("media")

Receive = Callable[[bytes, Address], None]


class TapSockets:
    """A socket for each tap. They lie in ``folder``, which is its owner's."""

    def __init__(self, folder: Path, counters: Counters) -> None:
        self._folder = folder
        self._counters = counters
        self._taps: dict[str, _TapSocket] = {}

    def allows(self, path: str) -> bool:
        """Whether a tap may have its reader there: in our own folder, under a plain name."""
        there = Path(path)
        return there.parent == self._folder and there.suffix == ".rtp"

    def follow(self, transports: Mapping[str, Transport], receive: Receive) -> None:
        """Open sockets of new taps and close those of taps that are closed. ``receive`` gets what
        readers send."""
        for ident in set(self._taps) - set(transports):
            self._taps.pop(ident).close()
        for ident, transport in transports.items():
            if isinstance(transport, Tap) and ident not in self._taps:
                self._taps[ident] = _TapSocket(transport, self._counters, receive)

    def send(self, transport: str, datagram: bytes) -> None:
        """Queue a datagram; dropped and counted where that is full."""
        tap = self._taps.get(transport)
        if tap is not None:
            tap.send(datagram)

    def close(self) -> None:
        for tap in self._taps.values():
            tap.close()
        self._taps.clear()


class _TapSocket:
    """The worker's end of a tap. It is connected, so the kernel takes datagrams of the reader only;
    its own name, next to the reader's, is what the reader sends to."""

    def __init__(self, tap: Tap, counters: Counters, receive: Receive) -> None:
        self._tap = tap
        self._counters = counters
        self._receive = receive
        self._own = Path(tap.path).with_suffix(".rtcp")
        self._queue: collections.deque[bytes] = collections.deque()
        self._octets = 0
        self._writing = False
        self._retry_at = 0.0
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._connect()

    def send(self, datagram: bytes) -> None:
        if self._socket is None and self._loop.time() >= self._retry_at:
            self._connect()
        full = len(self._queue) >= QUEUE_PACKETS or self._octets + len(datagram) > QUEUE_OCTETS
        if self._socket is None or full:
            self._counters.drop(Drop.TAP_FULL)
            return
        self._queue.append(datagram)
        self._octets += len(datagram)
        if not self._writing:
            self._write()

    def close(self) -> None:
        self._leave()
        self._own.unlink(missing_ok=True)

    def _connect(self) -> None:
        self._retry_at = self._loop.time() + RETRY
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._own.unlink(missing_ok=True)
            sock.bind(str(self._own))
            self._own.chmod(0o600)
            sock.connect(self._tap.path)
        except OSError:  # the reader is not there (yet, or any more)
            sock.close()
            return
        self._socket = sock
        self._loop.add_reader(sock.fileno(), self._read)

    def _leave(self) -> None:
        """There is no reader: what waits for it is lost."""
        sock, self._socket = self._socket, None
        if sock is not None:
            self._loop.remove_reader(sock.fileno())
            self._loop.remove_writer(sock.fileno())
            sock.close()
        self._counters.drop(Drop.TAP_FULL, len(self._queue))
        self._queue.clear()
        self._octets = 0
        self._writing = False

    def _write(self) -> None:
        sock = self._socket
        assert sock is not None
        while self._queue:
            try:
                sock.send(self._queue[0])
            except BlockingIOError:  # the reader's queue is full
                if not self._writing:
                    self._writing = True
                    self._loop.add_writer(sock.fileno(), self._write)
                return
            except OSError as error:
                log.info("the reader of tap %s is gone: %s", self._tap.id, error.strerror)
                self._leave()
                return
            self._octets -= len(self._queue.popleft())
        if self._writing:
            self._writing = False
            self._loop.remove_writer(sock.fileno())

    def _read(self) -> None:
        """Take a reader's reports in: requests for key frames."""
        sock = self._socket
        assert sock is not None
        with contextlib.suppress(BlockingIOError):
            for _ in range(REPORTS_AT_ONCE):
                try:
                    data = sock.recv(MAX_DATAGRAM + 1)
                except ConnectionError:
                    self._leave()
                    return
                self._receive(data, tap_address(self._tap.id))
