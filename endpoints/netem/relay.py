"""A UDP relay with an impaired line in each direction, for tests."""

from __future__ import annotations

import asyncio
from typing import cast

from endpoints.netem.impairment import Impairment, Profile

MAX_CLIENTS = 256

Address = tuple[str, int]


class _Side(asyncio.DatagramProtocol):
    """One socket of the relay: the one that clients send to (``client`` is None), or the one
    through which a client's datagrams go to the server."""

    def __init__(self, relay: Relay, client: Address | None) -> None:
        self._relay = relay
        self._client = client
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio's own datagram transports do not derive from DatagramTransport on 3.11.
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        if self._client is None:
            self._relay.from_client(data, (address[0], address[1]))
        else:
            self._relay.from_server(data, self._client)

    def error_received(self, _: Exception) -> None:
        pass  # a closed port behind us: what a line does, too


class Relay:
    """Forwards datagrams between up to `MAX_CLIENTS` clients and one server, each direction
    impaired."""

    def __init__(self, server: Address, *, up: Profile, down: Profile, seed: int) -> None:
        self.server = server
        self.up = Impairment(up, seed)
        self.down = Impairment(down, seed + 1)
        self._front: _Side | None = None
        self._clients: dict[Address, _Side] = {}
        self._opening: dict[Address, list[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        _, self._front = await loop.create_datagram_endpoint(
            lambda: _Side(self, None), local_addr=(host, port)
        )

    def close(self) -> None:
        for side in [*self._clients.values(), *([self._front] if self._front else [])]:
            if side.transport is not None:
                side.transport.close()
        for task in self._tasks:
            task.cancel()

    def from_client(self, data: bytes, client: Address) -> None:
        side = self._clients.get(client)
        if side is not None and side.transport is not None:
            self._later(self.up, data, side.transport, None)
        elif client in self._opening:
            self._opening[client].append(data)
        elif len(self._clients) < MAX_CLIENTS:
            self._opening[client] = [data]
            task = asyncio.create_task(self._open(client))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _open(self, client: Address) -> None:
        loop = asyncio.get_running_loop()
        waiting: list[bytes] = []
        try:
            _, side = await loop.create_datagram_endpoint(
                lambda: _Side(self, client), remote_addr=self.server
            )
            self._clients[client] = side
        finally:
            waiting = self._opening.pop(client)
        for data in waiting:
            self.from_client(data, client)

    def from_server(self, data: bytes, client: Address) -> None:
        if self._front is not None and self._front.transport is not None:
            self._later(self.down, data, self._front.transport, client)

    def _later(
        self,
        line: Impairment,
        data: bytes,
        transport: asyncio.DatagramTransport,
        address: Address | None,
    ) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for at in line.offer(now, len(data)):
            if at <= now:
                transport.sendto(data, address)
            else:
                loop.call_at(at, transport.sendto, data, address)
