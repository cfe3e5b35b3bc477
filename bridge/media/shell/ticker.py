"""A timer that is set anew after every tick, and earlier when something comes up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


class Ticker:
    """Calls ``act`` with the monotonic time; what it returns is when it wants to be called next."""

    def __init__(self, act: Callable[[float], float]) -> None:
        self._act = act
        self._loop = asyncio.get_running_loop()
        self._due = 0.0
        self._handle: asyncio.TimerHandle | None = None
        self.alive = True  # False once ``act`` has raised: it is not called again
        self.lag = 0.0  # seconds that ticks come late; the highest, slowly forgotten
        self.by(time.monotonic())

    def by(self, at: float) -> None:
        """Tick at ``at`` at the latest."""
        if not self.alive or (self._handle is not None and self._due <= at):
            return
        if self._handle is not None:
            self._handle.cancel()
        self._due = at
        # asyncio's clock is monotonic seconds, too, but need not begin where ours does.
        delay = max(0.0, at - time.monotonic())
        self._handle = self._loop.call_later(delay, self._tick)

    def _tick(self) -> None:
        self._handle = None
        now = time.monotonic()
        self.lag = max(self.lag * 0.99, now - self._due)
        self.alive = False
        due = self._act(now)
        self.alive = True
        self.by(due)

    def stop(self) -> None:
        self.alive = False
        if self._handle is not None:
            self._handle.cancel()
