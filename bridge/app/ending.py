"""The end of a control process's tasks and of the workers that end with it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Protocol


class Ends(Protocol):
    """A link to a worker, or several."""

    def ask_to_end(self) -> None:
        """Tell the worker to end; returns at once."""

    async def shutdown(self) -> None:
        """Wait until it has ended, in the end by force."""


async def end(tasks: Sequence[asyncio.Task[Any]], workers: Iterable[Ends]) -> None:
    """Cancel tasks and end workers. These are told first: the tasks hold the connections to them,
    and a worker that was adopted hears of it in no other way."""
    ending = list(workers)
    for worker in ending:
        worker.ask_to_end()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*(worker.shutdown() for worker in ending))
    await asyncio.gather(*tasks, return_exceptions=True)
