"""The wait of a spare worker: started and loaded, without port and socket until it is told to take
over.

Standard input is a socket to the control process (`bridge.media.standby_words`). Its end ends a
process that still waits.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable

from bridge.media.standby_words import LOADING, READY, SERVING, STATE, TAKE_OVER

INPUT = 0  # the descriptor of standard input


def end_with_parent() -> None:
    """End when standard input closes, that is, when the parent process is gone."""
    threading.Thread(target=_until_closed, args=(lambda _: None,), daemon=True).start()


def _until_closed(
    heard: Callable[[bytes], None], stays: Callable[[], bool] = lambda: False
) -> None:
    """Read lines until standard input closes; then end, but where the process ``stays``."""
    rest = b""
    # os.read, not sys.stdin: a buffered reader's lock cannot be taken at shutdown.
    while data := os.read(INPUT, 4096):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            heard(line)
    if not stays():
        os._exit(0)


class Standby:
    """A spare worker's end of the line to its control process. ``tied``: the worker ends with
    standard input after it has taken over, too. ``loaded`` says whether nothing is missing."""

    def __init__(self, loaded: Callable[[], bool], *, tied: bool) -> None:
        self._loaded = loaded
        self._tied = tied
        self._called = asyncio.Event()
        self._told = False  # the same, at once and for the thread
        self._loop = asyncio.get_running_loop()
        listen = (self._hear, lambda: self._told and not self._tied)
        threading.Thread(target=_until_closed, args=listen, daemon=True).start()

    async def wait(self, stop: asyncio.Event) -> bool:
        """Wait until this worker is to take over; False where it was told to ``stop``."""
        waiting = [asyncio.create_task(event.wait()) for event in (self._called, stop)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        return self._called.is_set() and not stop.is_set()

    def serving(self) -> None:
        """The worker can be connected to."""
        os.write(INPUT, SERVING + b"\n")

    def _hear(self, line: bytes) -> None:
        """In the thread. Answers come from the event loop: they say that it runs."""
        if line == TAKE_OVER:
            self._told = True
            self._loop.call_soon_threadsafe(self._called.set)
        elif line == STATE:
            self._loop.call_soon_threadsafe(self._say_state)

    def _say_state(self) -> None:
        os.write(INPUT, (READY if self._loaded() else LOADING) + b"\n")
