"""The selector of a worker's event loop: while it waits, media is forwarded.

Nothing of asyncio runs for a packet that the compiled turn can deal with alone. As soon as Python
is wanted, because something was left to it, another descriptor is ready or a timer is due, waiting
ends as it does in any selector.
"""

from __future__ import annotations

import logging
import math
import selectors
from collections.abc import Callable

# Waits for an epoll instance for so many milliseconds (-1: for ever) and forwards meanwhile.
# Returns other descriptors that are ready and their events, or None where it did not wait.
Wait = Callable[[int, int], list[tuple[int, int]] | None]

EPOLLIN, EPOLLOUT = 1, 4

log = logging.getLogger("media")


class TurnSelector(selectors.EpollSelector):
    """Waits by itself until `wait_by` says who does."""

    def __init__(self) -> None:
        super().__init__()
        self._wait: Wait | None = None

    def wait_by(self, wait: Wait | None) -> None:
        """Let another wait from now on, or None: nobody."""
        self._wait = wait

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As any selector; ``timeout`` in seconds, None: for ever."""
        if self._wait is None:
            return super().select(timeout)
        milliseconds = -1 if timeout is None else max(0, math.ceil(timeout * 1e3))
        try:
            found = self._wait(self.fileno(), milliseconds)
        except Exception:  # of one datagram: the loop must live, as it does after a callback's
            log.exception("an exception while a turn's rest was dealt with")
            return []
        if found is None:
            return super().select(timeout)
        keys = self.get_map()
        ready = []
        for descriptor, mask in found:
            key = keys.get(descriptor)
            if key is not None:
                # As EpollSelector: an error or a hang-up is told to readers and writers alike.
                events = (selectors.EVENT_WRITE if mask & ~EPOLLIN else 0) | (
                    selectors.EVENT_READ if mask & ~EPOLLOUT else 0
                )
                ready.append((key, events & key.events))
        return ready
