"""Whether the other end of a WebSocket is there, told by the questions that it left unanswered.

No clock decides: a process that was not scheduled for two seconds has asked nothing meanwhile, and
must not conclude that everybody else was silent. The question goes out at an interval; the answers
that waited in the socket are read before the next one is judged.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from asyncio.trsock import TransportSocket
from collections.abc import Awaitable, Callable
from typing import Any

UNANSWERED = 2  # questions in a row: one may have gone out just before this process was held up


class Liveness:
    """Counts questions since the other end was heard. Pure."""

    def __init__(self) -> None:
        self._unanswered = 0

    def heard(self) -> None:
        """The other end said something, whatever it was."""
        self._unanswered = 0

    def ask(self) -> bool:
        """Whether to ask again; False where the other end is gone."""
        if self._unanswered >= UNANSWERED:
            return False
        self._unanswered += 1
        return True


async def keep_asking(
    liveness: Liveness,
    ping: Callable[[], Awaitable[None]],
    gone: Callable[[], None],
    every: float,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Ask every ``every`` seconds until the other end is gone, which is noticed within three times
    that; call ``gone`` then, once."""
    while True:
        await sleep(every)
        await sleep(0)  # what came while this process did not run is read first
        if not liveness.ask():
            gone()
            return
        try:
            await ping()
        except (ConnectionError, RuntimeError):  # it closes already
            return


def hang_up(transport: asyncio.BaseTransport | None) -> Callable[[], None]:
    """What ends a connection at once: who is gone takes part in no closing."""

    def now() -> None:
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()

    return now


def cut(found: Any) -> Callable[[], None]:
    """The same for a client, which is given its connection's socket and no transport
    (``get_extra_info("socket")``): reading from it ends at once, whatever the other side does."""

    def now() -> None:
        if isinstance(found, TransportSocket):
            with contextlib.suppress(OSError):  # it has ended already
                found.shutdown(socket.SHUT_RDWR)

    return now
