"""Tells silence of a peer from lateness of this process: since when it has run without a pause.
Pure.

A process that was not scheduled has heard nobody, which is no silence of theirs: who waits for a
sign of life counts from here, or from the last sign, whichever is later.
"""

from __future__ import annotations

AWAY = 1.0  # seconds between two looks from which on this process counts as not having run


class Attention:
    """The looks of this process at its peers. ``now`` is monotonic seconds."""

    def __init__(self) -> None:
        self._last = -AWAY
        self._since = 0.0

    def since(self, now: float) -> float:
        """Look now; return since when there was no pause."""
        if now - self._last > AWAY:
            self._since = now
        self._last = now
        return self._since
