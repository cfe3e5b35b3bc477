"""Notices that a machine is too slow for a demo: this process is woken later than it asked. Pure
but for `watch`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from monitoring.statistics import percentile

STEP = 0.05  # seconds that are asked for
SECONDS = 8.0  # of watching, so that it is said within ten
LATE = 0.06  # seconds too late, at the 90th percentile, from which pictures come late, too
FEWEST = 3  # points that are still a conference


async def watch(seconds: float = SECONDS) -> list[float]:
    """By how much each of many short sleeps was too long, seconds."""
    late: list[float] = []
    end = time.monotonic() + seconds
    while (before := time.monotonic()) < end:
        await asyncio.sleep(STEP)
        late.append(time.monotonic() - before - STEP)
    return late


def said(late: Sequence[float], points: int) -> str:
    """What to say of a machine, by how late it was; "" where it is fast enough."""
    ordered = sorted(late)
    if not ordered or percentile(ordered, 0.9) < LATE:
        return ""
    found = f"This machine is busy: it answers {1000 * percentile(ordered, 0.9):.0f} ms too late. "
    fewer = max(FEWEST, points // 2)
    if fewer >= points:
        return found + "Pictures and takes will be late. End what else runs on it."
    return (
        found + "Pictures and takes will be late. End what else runs on it, or take fewer "
        f'points: make demo ARGS="--points {fewer}"'
    )
