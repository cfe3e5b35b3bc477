"""Asks the worker for its figures every two seconds; one that does not answer hangs and is
ended, so that a new one starts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from bridge.media import messages as m

log = logging.getLogger("worker")

INTERVAL = 2.0  # seconds between questions
HANGING_AFTER = 2  # unanswered questions until a worker counts as hanging


class Worker(Protocol):
    """What is supervised: `bridge.control.worker_link.WorkerLink`."""

    @property
    def connected(self) -> bool: ...

    async def stats(self) -> m.Stats | None: ...

    def kill(self) -> None: ...


async def supervise(
    worker: Worker, on_stats: Callable[[m.Stats], None], interval: float = INTERVAL
) -> None:
    """Ask every ``interval`` seconds until cancelled; ``on_stats`` gets every answer. A worker
    that has not said yet what it holds is asked, too: it may have hung before this process came."""
    silent = 0
    while True:
        await asyncio.sleep(interval)
        if not worker.connected:
            silent = 0
            continue
        stats = await worker.stats()
        if stats is not None:
            silent = 0
            on_stats(stats)
            continue
        silent += 1
        if silent >= HANGING_AFTER and worker.connected:
            log.error("the media worker hangs; it is ended and started again")
            worker.kill()
            silent = 0
