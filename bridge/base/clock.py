"""A UTC clock that does not jump: the wall clock is read once and carried on by the monotonic
clock; when the wall clock is set, that is reported as a step."""

from __future__ import annotations

from collections.abc import Callable

STEP = 2.0  # seconds the wall clock may differ until that counts as a step


class SteadyClock:
    """UTC seconds that do not jump. ``wall`` is the wall clock, ``monotonic`` never goes back.
    `now` follows ``monotonic``; `step` notices that the wall clock was set, and follows it from
    then on."""

    def __init__(self, wall: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._offset = wall() - monotonic()

    def now(self) -> float:
        """UTC seconds."""
        return self._monotonic() + self._offset

    def step(self) -> float:
        """By how many seconds the wall clock was set since the last call; 0: it was not."""
        difference = self._wall() - self.now()
        if abs(difference) < STEP:
            return 0.0
        self._offset += difference
        return difference
