"""Lines between a host and a database server, which can be cut: without a word, as when a cable is
pulled, or with a refusal."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Literal

CHUNK = 1 << 16
Line = Literal["whole", "silent", "refused"]


class CuttableLine:
    """One TCP port of 127.0.0.1 that leads to another."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Task[None]] = set()
        self._open = asyncio.Event()
        self._open.set()
        self._refused = False
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._come, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def become(self, line: Line) -> None:
        """Change it, for connections that are there and for new ones. After silence what was sent
        meanwhile arrives, unless somebody has hung up."""
        self._refused = line == "refused"
        if line == "silent":
            self._open.clear()
            return
        if line == "refused":
            for writer in list(self._writers):
                writer.transport.abort()
        self._open.set()

    async def stop(self) -> None:
        self.become("refused")
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    def _come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer))
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._open.wait()
            if self._refused:
                return
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            self._writers.add(back)
            try:
                one = asyncio.create_task(self._pump(reader, back))
                other = asyncio.create_task(self._pump(there, writer))
                await asyncio.wait((one, other), return_when=asyncio.FIRST_COMPLETED)
                for task in (one, other):
                    task.cancel()
                await asyncio.gather(one, other, return_exceptions=True)
            finally:
                self._writers.discard(back)
                back.transport.abort()
        except OSError:
            pass  # nobody listens there
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._open.wait()
                writer.write(data)
                await writer.drain()
