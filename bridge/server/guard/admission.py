"""Which connections are let in: so many in all, so many an address, with room kept for those who
may come in. Pure."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

RESERVED = 256  # descriptors for the database, the worker, probes and files
MOST = 4000  # connections, however many descriptors there are


class Limits(NamedTuple):
    """Connections at once: in all, of all strangers, of one strange and of one known address."""

    total: int = MOST
    strangers: int = MOST // 2
    stranger: int = 48
    known: int = 256


def limits(descriptors: int) -> Limits:
    """What can be let in where the process may open so many descriptors."""
    total = max(32, min(MOST, descriptors - RESERVED))
    return Limits(total, total // 2, min(48, total // 4), min(256, total // 2))


class Admission:
    """Counts connections by address. An address that was strange when a connection came in counts
    as such until that one ends."""

    def __init__(self, allowed: Limits) -> None:
        self._allowed = allowed
        self._open: Counter[str] = Counter()
        self._total = 0
        self._strangers = 0
        self.refused: Counter[str] = Counter()
        """Refusals by reason: total, strangers, address."""

    @property
    def total(self) -> int:
        return self._total

    def admit(self, address: str, *, known: bool) -> bool:
        """Whether a connection is let in; then `leave` is called once with the same words."""
        allowed = self._allowed
        reason = ""
        if self._open[address] >= (allowed.known if known else allowed.stranger):
            reason = "address"
        elif self._total >= allowed.total:
            reason = "total"
        elif not known and self._strangers >= allowed.strangers:
            reason = "strangers"
        if reason:
            self.refused[reason] += 1
            if not self._open[address]:
                del self._open[address]
            return False
        self._open[address] += 1
        self._total += 1
        self._strangers += not known
        return True

    def leave(self, address: str, *, known: bool) -> None:
        """A connection that was let in ended."""
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]
        self._total -= 1
        self._strangers -= not known
