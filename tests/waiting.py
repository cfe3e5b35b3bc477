"""Waiting for events: how long before it counts as a hang."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

HANG = 90.0  # seconds that an event is waited for: no bound on anything, only the end of a hang


async def eventually(condition: Callable[[], Any], timeout: float = HANG) -> Any:
    """The first true value of a condition; looks often, gives up with TimeoutError."""
    async with asyncio.timeout(timeout):
        while True:
            value = condition()
            if value:
                return value
            await asyncio.sleep(0.02)
