"""A stream of the log beside those of conferences: what it says is kept in memory by its only
writer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from bridge.conference import events as e
from bridge.store.database import Conflict
from bridge.store.log import EventLog

Noted = TypeVar("Noted", bound=e.Event)


class NotedStream(Generic[Noted]):
    """The stream ``name``. ``reasons`` are what its kinds of events are noted with; ``forget`` and
    ``take`` keep what the stream says. ``now`` is UTC seconds. `load` before anything else."""

    def __init__(
        self,
        events: EventLog,
        name: str,
        reasons: Mapping[type[Noted], str],
        now: Callable[[], float],
        forget: Callable[[], None],
        take: Callable[[e.Recorded], None],
    ) -> None:
        self._events = events
        self._name = name
        self._reasons = reasons
        self._now = now
        self._forget = forget
        self._take = take
        self._seq = 0
        self._lock = asyncio.Lock()

    async def load(self) -> None:
        """Read the log; also after a backup was restored."""
        self._forget()
        self._seq = 0
        for item in await self._events.read(self._name):
            self._apply(item)

    def _apply(self, item: e.Recorded) -> None:
        self._seq = item.seq
        self._take(item)

    async def add(self, event: Noted, actor: str) -> None:
        """Note something in the log. Raises `NotSaved`, and then nothing has changed."""
        async with self._lock:
            for _ in range(2):
                item = e.Recorded(
                    conference=self._name,
                    seq=self._seq + 1,
                    at=round(self._now(), 6),
                    actor=actor,
                    reason=self._reasons[type(event)],
                    event=event,
                )
                try:
                    await self._events.append([item])
                except Conflict:  # the answer to an earlier commit was lost
                    await self.load()
                    continue
                self._apply(item)
                return
            raise Conflict(f"the stream of {self._name} moves on")
