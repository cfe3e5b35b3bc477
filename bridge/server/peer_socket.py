"""Where other bridges connect to: TLS with certificates of both sides, and with nobody else.

Connections are counted before their handshake, and what ends one is counted by reason.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections import Counter
from pathlib import Path

from bridge.control.peers import pinned
from bridge.control.peers.peer_channel import PeerChannel
from bridge.control.peers.peer_links import PeerLinks
from bridge.control.peers.rules.peer_wire import MAX_LINE
from config.peers_schema import Peering

log = logging.getLogger("peers")

HANDSHAKE = 5.0  # seconds from a connection to the end of its handshake
UNPROVED = 16  # connections at once that have shown no certificate
OF_ADDRESS = 4  # of these, from one address
PAUSE = 0.2  # seconds without accepting when there are no descriptors
BACKLOG = 64


class PeerSocket:
    """The listener. ``own`` are our certificate and key."""

    def __init__(self, links: PeerLinks, config: Peering, own: tuple[Path, Path]) -> None:
        self._links = links
        self._config = config
        self._own = own
        self._socket: socket.socket | None = None
        self._unproved: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def opened(self) -> bool:
        """Whether it listens."""
        return self._socket is not None

    def open(self) -> None:
        """Listen. Raises OSError, `PinProblem`."""
        assert self._config.listen is not None
        pinned.context(server=True, own=self._own, peers=())  # while somebody is looking
        family = socket.AF_INET6 if ":" in self._config.listen else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.setblocking(False)
            made.bind((self._config.listen, self._config.port))
            made.listen(BACKLOG)
        except OSError:
            made.close()
            raise
        self._socket = made
        self.port = made.getsockname()[1]

    async def run(self) -> None:
        """Take connections in until cancelled."""
        listening = self._socket
        assert listening is not None
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    sock, address = await loop.sock_accept(listening)
                except OSError:
                    await asyncio.sleep(PAUSE)
                    continue
                host = str(address[0])
                if self._unproved[host] >= OF_ADDRESS or self._unproved.total() >= UNPROVED:
                    self._links.refused("too_many")
                    sock.close()
                    continue
                self._unproved[host] += 1
                task = asyncio.create_task(self._serve(sock, host))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        finally:
            listening.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, sock: socket.socket, host: str) -> None:
        try:
            channel = await self._shake_hands(sock)
        finally:
            self._unproved[host] -= 1
            if not self._unproved[host]:
                del self._unproved[host]
        if channel is not None:
            with contextlib.suppress(OSError):
                await self._links.serve(channel)

    async def _shake_hands(self, sock: socket.socket) -> PeerChannel | None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=MAX_LINE, loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        certificates = [one for found in self._links.pins().values() for one in found]
        try:
            context = pinned.context(server=True, own=self._own, peers=certificates)
            async with asyncio.timeout(HANDSHAKE):
                transport, _ = await loop.connect_accepted_socket(
                    lambda: protocol, sock, ssl=context, ssl_handshake_timeout=HANDSHAKE
                )
        except (OSError, pinned.PinProblem) as error:
            reason = pinned.reason_of(error)
            self._links.refused(reason)
            log.warning("a bridge was not let in: %s", reason)
            sock.close()
            return None
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        return PeerChannel(reader, writer)
