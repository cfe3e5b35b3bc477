"""What one source may ask of the gateway, and how often it may guess. Pure: times are monotonic
seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.base.token_bucket import Bucket

MESSAGES = (50.0, 200.0)  # a second and at once, of one source
CALLS = (0.5, 5.0)  # INVITEs that begin a call, a second and at once, of one source
ALL_CALLS = (5.0, 25.0)  # of all sources together
MOST_SOURCES = 1024
WRONG_FREE = 3  # wrong passwords before a source has to wait
WRONG_WAIT = 5.0  # seconds, doubled by every further one
WRONG_LONGEST = 900.0


@dataclass(slots=True)
class _Guesses:
    wrong: int = 0
    until: float = 0.0


@dataclass(slots=True)
class Budgets:
    """The budgets of all sources, by their address without the port. Of too many sources the oldest
    are forgotten."""

    _messages: dict[str, Bucket] = field(default_factory=dict)
    _calls: dict[str, Bucket] = field(default_factory=dict)
    _all_calls: Bucket = field(default_factory=lambda: Bucket(*ALL_CALLS))
    _guesses: dict[str, _Guesses] = field(default_factory=dict)

    def message(self, source: str, now: float) -> bool:
        """Whether a message of a source is looked at."""
        return _of(self._messages, source, MESSAGES).take(1, now)

    def call(self, source: str, now: float) -> bool:
        """Whether a source may begin a call."""
        if not _of(self._calls, source, CALLS).take(1, now):
            return False
        return self._all_calls.take(1, now)

    def may_guess(self, source: str, now: float) -> float:
        """Seconds until a source may try a password again; 0 for now."""
        known = self._guesses.get(source)
        return max(0.0, known.until - now) if known is not None else 0.0

    def wrong(self, source: str, now: float) -> None:
        """A source gave a wrong password."""
        while len(self._guesses) >= MOST_SOURCES:
            self._guesses.pop(next(iter(self._guesses)))
        known = self._guesses.setdefault(source, _Guesses())
        known.wrong += 1
        over = known.wrong - WRONG_FREE
        if over >= 0:
            known.until = now + min(WRONG_LONGEST, WRONG_WAIT * 2.0 ** min(over, 20))

    def right(self, source: str) -> None:
        """A source gave the right one."""
        self._guesses.pop(source, None)


def _of(held: dict[str, Bucket], source: str, sizes: tuple[float, float]) -> Bucket:
    bucket = held.pop(source, None)
    if bucket is None:
        while len(held) >= MOST_SOURCES:
            held.pop(next(iter(held)))
        bucket = Bucket(*sizes)
    held[source] = bucket
    return bucket
