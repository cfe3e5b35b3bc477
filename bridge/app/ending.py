"""The end of a control process's tasks and of the workers that end with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol


class Ends(Protocol):
    """A link to a worker, or several."""

    def ask_to_end(self) -> None:
        """Tell the worker to end; returns at once."""

    async def shutdown(self) -> None:
        """Wait until it has ended, in the end by force."""


async def end(
    tasks: Sequence[asyncio.Task[Any]],
    workers: Iterable[Ends],
    let_go: Callable[[], Awaitable[None]],
) -> None:
    """Cancel tasks, let clients go, and end workers. These are told first: the tasks hold the
    connections to them, and a worker that was adopted hears of it in no other way. Nobody waits
    for them before ``let_go`` has ended the clients' connections: to a page that hears nothing for
    2.5 s, and then that its connection ends, its line is broken, and not the bridge stopped."""
    ending = list(workers)
    for worker in ending:
        worker.ask_to_end()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await let_go()
    await asyncio.gather(*(worker.shutdown() for worker in ending))
