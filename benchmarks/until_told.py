"""A benchmark that is told to end leaves nothing behind."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def run_until_told(work: Coroutine[Any, Any, Result]) -> Result:
    """Run it in an event loop of its own. SIGTERM ends what it has started before it ends the
    program, as Ctrl-C does by itself."""

    async def told() -> Result:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    try:
        return asyncio.run(told())
    except asyncio.CancelledError:
        sys.exit(128 + signal.SIGTERM)
