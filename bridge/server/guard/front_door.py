"""Accepts connections for the web server: within limits, and with deadlines for what a client owes.

A connection costs a descriptor before anybody knows whose it is; so it is counted when it is
accepted, before TLS. Who does not finish the head of a request in time is cut off.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from typing import cast

from bridge.server.guard.admission import Admission

log = logging.getLogger("http")

HEAD_TIMEOUT = 10.0  # seconds from a connection, or a request's first octet, to the end of its head
TLS_TIMEOUT = 10.0
BACKLOG = 512
AT_ONCE = 64  # connections accepted before others get their turn
PAUSE = 0.2  # seconds without accepting when there are no descriptors
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: no connection is left over on our side


class Door(asyncio.Protocol):
    """One connection on its way to the web server's protocol. ``left`` is called at its end."""

    def __init__(self, inner: asyncio.Protocol, left: Callable[[], None]) -> None:
        self._inner = inner
        self._left = left
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._working = False
        self._spoke = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._expect_head()
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._spoke = True
        if not self._working:
            self._expect_head()
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        self._left()
        self._inner.connection_lost(exc)

    def request_began(self) -> None:
        """The head of a request is complete."""
        self._working = True
        self._rest()

    def request_ended(self) -> None:
        """It was answered; another may follow on the same connection."""
        self._working = False

    def _expect_head(self) -> None:
        if self._deadline is None:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(HEAD_TIMEOUT, self._too_slow)

    def _rest(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if self._transport is not None and not self._working:
            if self._spoke:  # browsers open connections in reserve and say nothing on them
                log.warning("a client did not finish the head of its request in time")
            self._transport.abort()


@contextlib.contextmanager
def answering(transport: asyncio.Transport | None) -> Iterator[None]:
    """While a request of a connection is answered: its `Door`, where it has one, waits for no
    head."""
    door = transport.get_protocol() if transport is not None else None
    if not isinstance(door, Door):
        yield
        return
    door.request_began()
    try:
        yield
    finally:
        door.request_ended()


class FrontDoor:
    """Listens on one address. ``server`` makes the protocol of a connection, ``known`` tells
    whether somebody who may come in has come from an address."""

    def __init__(
        self,
        server: Callable[[], asyncio.Protocol],
        admission: Admission,
        known: Callable[[str], bool],
    ) -> None:
        self._server = server
        self._admission = admission
        self._known = known
        self._socket: socket.socket | None = None
        self._context: ssl.SSLContext | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def listen(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        """Begin to accept. Raises OSError where the address cannot be used."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.setblocking(False)
            listening.bind((host, port))
            listening.listen(BACKLOG)
        except OSError:
            listening.close()
            raise
        self._socket, self._context = listening, context
        self.port = listening.getsockname()[1]
        asyncio.get_running_loop().add_reader(listening.fileno(), self._accept)

    async def close(self) -> None:
        """Accept nobody any more; connections that are open are the web server's to end."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self) -> None:
        assert self._socket is not None
        for _ in range(AT_ONCE):
            try:
                connection, peer = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # no descriptors are left
                log.error("no connection can be accepted: %s", error.strerror)
                self._pause()
                return
            self._admit(connection, str(peer[0]).partition("%")[0])

    def _pause(self) -> None:
        loop, listening = asyncio.get_running_loop(), self._socket
        assert listening is not None
        loop.remove_reader(listening.fileno())

        def again() -> None:
            if self._socket is listening:
                loop.add_reader(listening.fileno(), self._accept)

        loop.call_later(PAUSE, again)

    def _admit(self, connection: socket.socket, address: str) -> None:
        known = self._known(address)
        if not self._admission.admit(address, known=known):
            log.warning("a connection was refused: too many are open")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            connection.close()
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = asyncio.get_running_loop().create_task(self._serve(connection, address, known))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: socket.socket, address: str, known: bool) -> None:
        left = False

        def leave() -> None:
            nonlocal left
            if not left:
                left = True
                self._admission.leave(address, known=known)

        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: Door(self._server(), leave),
                connection,
                ssl=self._context,
                ssl_handshake_timeout=TLS_TIMEOUT if self._context is not None else None,
            )
        except (OSError, ssl.SSLError, TimeoutError):  # it went, or speaks no TLS
            leave()
            connection.close()
        except asyncio.CancelledError:
            leave()
            connection.close()
            raise
