"""Who may try a password now: a few at once, known devices first, then one address after another.

Trying a password takes 64 MiB and a core for a moment, on purpose. A queue bounds both, and a
crowd at one address waits for itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

AT_ONCE = 2  # passwords: 128 MiB
WAITING = 400  # in all
WAITING_HERE = 40  # from one address
TRUSTED = ""  # the lane of known devices


class Crowded(Exception):
    """Too many wait already."""


@dataclass(slots=True)
class _Waiter:
    name: str
    future: asyncio.Future[None]


class Turns:
    """The queue of those who try a password. Of one account only one at a time is let in, so that
    every failure counts before the next try."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._free = at_once
        self._busy: set[str] = set()
        self._lanes: dict[str, deque[_Waiter]] = {}
        self._waiting = 0

    @contextlib.asynccontextmanager
    async def turn(self, name: str, address: str, *, trusted: bool) -> AsyncIterator[None]:
        """Hold a turn for trying ``name``'s password. Raises `Crowded`."""
        lane = TRUSTED if trusted else address or "?"
        waiting = self._lanes.setdefault(lane, deque())
        if len(waiting) >= WAITING_HERE or (self._waiting >= WAITING and not trusted):
            raise Crowded
        waiter = _Waiter(name, asyncio.get_running_loop().create_future())
        waiting.append(waiter)
        self._waiting += 1
        self._next()
        try:
            await waiter.future
        except asyncio.CancelledError:
            if waiter.future.done() and not waiter.future.cancelled():
                self._release(name)
            else:
                waiting.remove(waiter)
                self._waiting -= 1
            raise
        try:
            yield
        finally:
            self._release(name)

    def _release(self, name: str) -> None:
        self._free += 1
        self._busy.discard(name)
        self._next()

    def _next(self) -> None:
        """Give free turns away: the known devices' lane first, the others in rotation."""
        for lane in sorted(self._lanes, key=lambda lane: lane != TRUSTED):
            waiting = self._lanes[lane]
            if self._free <= 0:
                return
            found = next((w for w in waiting if w.name not in self._busy), None)
            if found is not None:
                waiting.remove(found)
                self._waiting -= 1
                self._free -= 1
                self._busy.add(found.name)
                if not found.future.done():
                    found.future.set_result(None)
                if lane != TRUSTED:  # to the end of the rotation
                    self._lanes[lane] = self._lanes.pop(lane)
            if not waiting:
                del self._lanes[lane]
