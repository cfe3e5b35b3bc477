"""Waiting for an answer without blaming others for our own lateness.

A process that was not scheduled for ten seconds wakes when every timer by the clock is over, though
the answer may lie in its socket. So patience is counted in short waits: one that took long because
this process did not run counts as one, and what came meanwhile is looked at first.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable
from typing import TypeVar

STEP = 0.25  # seconds of one wait

T = TypeVar("T")


async def patiently(work: Awaitable[T], seconds: float, step: float = STEP) -> T:
    """The result of ``work``, for which waits of ``step`` are made until they add up to ``seconds``
    on a machine that is never late. Raises what it raises, and TimeoutError, which cancels it."""
    task = asyncio.ensure_future(work)
    try:
        for _ in range(math.ceil(seconds / step)):
            if (await asyncio.wait([task], timeout=step))[0]:
                return task.result()
        raise TimeoutError(f"nothing came within {seconds:g} s")
    finally:
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
