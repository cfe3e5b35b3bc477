"""The control socket of a worker on another machine, reached over TLS by who has the same key.

What a bridge sends is passed on to the worker's own Unix socket, and back. The newest that has
proved the key counts, as with the Unix socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bridge.base.mutual_key import KeyProblem, NotProved, prove_server, read_key
from bridge.media.dtls import self_signed

UNPROVED = 8  # connections at once that have not proved anything
CHUNK = 1 << 16
GOODBYE = 1.0  # seconds for the end of a connection

log = logging.getLogger("media")


class RelayControl:
    """Listens for bridges. ``control`` is the worker's own socket."""

    def __init__(self, key: bytes, control: Path) -> None:
        self._key = key
        self._control = control
        self._unproved = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._certificate = b""
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises OSError."""
        context, self._certificate = _identity()
        self._server = await asyncio.start_server(
            self._serve, host, port, ssl=context, ssl_handshake_timeout=5.0
        )
        self.port = self._server.sockets[0].getsockname()[1]
        log.info("bridges with the key of this relay are awaited at %s port %d", host, self.port)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if await self._proved(reader, writer):
                await self._pass_on(reader, writer)
        except (OSError, asyncio.CancelledError):  # 3.11 would log the latter as an error
            pass
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(GOODBYE):
                    await writer.wait_closed()

    async def _proved(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if self._unproved >= UNPROVED:
            return False
        self._unproved += 1
        try:
            await prove_server(self._key, self._certificate, reader, writer)
        except NotProved:
            log.warning("somebody without the key of this relay was turned away")
            return False
        finally:
            self._unproved -= 1
        return True

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, own = await asyncio.open_unix_connection(str(self._control))
        ways = [asyncio.create_task(_pump(reader, own)), asyncio.create_task(_pump(inner, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            own.close()
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)


@contextlib.asynccontextmanager
async def relayed(key: Path, control: Path, host: str, port: int) -> AsyncIterator[None]:
    """Listen for bridges with the key in this file. Raises OSError, ValueError with a sentence."""
    try:
        relay = RelayControl(read_key(key), control)
    except KeyProblem as error:
        raise ValueError(str(error)) from None
    await relay.start(host, port)
    try:
        yield
    finally:
        await relay.close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(CHUNK):
            sink.write(data)
            await sink.drain()


def _identity() -> tuple[ssl.SSLContext, bytes]:
    """A certificate for this start, and what the proof is bound to."""
    key, certificate = self_signed("relay", datetime.now(UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with tempfile.NamedTemporaryFile() as file:  # readable by its owner only
        file.write(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            + certificate.public_bytes(Encoding.PEM)
        )
        file.flush()
        context.load_cert_chain(file.name)
    return context, certificate.public_bytes(Encoding.DER)
