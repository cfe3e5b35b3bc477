"""Connects to the worker of an audience on another machine."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path
from typing import Literal

from bridge.base.mutual_key import KeyProblem, NotProved, client_context, prove_client, read_key
from bridge.media import messages as m

TIMEOUT = 2.0  # seconds for the connection; viewers wait meanwhile

Trouble = Literal["", "key", "proof", "no_answer", "refused", "unreachable"]
"""Why it cannot be connected to; "" where it can, or nothing was tried yet."""

log = logging.getLogger("worker")


class RelayDial:
    """Opens an authenticated TLS connection to an audience worker elsewhere; each call is one try.

    ``key`` is the file with the key that both machines have; it is read at every try."""

    def __init__(self, address: str, port: int, key: Path) -> None:
        self._address = address
        self._port = port
        self._key = key
        self._said = ""
        self.trouble: Trouble = ""

    async def __call__(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Reader and writer of the worker's protocol; None where it cannot be had now."""
        try:
            found = await self._connect()
        except (KeyProblem, NotProved, OSError) as error:
            self.trouble = _trouble(error)
            self._say(_why(error))
            return None
        self._said, self.trouble = "", ""
        return found

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        key = await asyncio.to_thread(read_key, self._key)
        async with asyncio.timeout(TIMEOUT):
            reader, writer = await asyncio.open_connection(
                self._address, self._port, ssl=client_context(), limit=m.MAX_LINE * 8
            )
        try:
            await prove_client(key, reader, writer)
        except NotProved:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            raise
        return reader, writer

    def _say(self, why: str) -> None:
        """Once, until something else is the matter."""
        if why != self._said:
            self._said = why
            log.warning("the relay at %s port %d: %s", self._address, self._port, why)


def _trouble(error: Exception) -> Trouble:
    match error:
        case KeyProblem():
            return "key"
        case NotProved():
            return "proof"
        case TimeoutError():
            return "no_answer"
        case ConnectionRefusedError():
            return "refused"
        case _:
            return "unreachable"


def _why(error: Exception) -> str:
    if isinstance(error, NotProved):
        return "it does not have our key, or is no relay"
    if isinstance(error, TimeoutError):
        return "no answer"
    return str(error)
