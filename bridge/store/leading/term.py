"""A leader's term, and the look at its epoch within every transaction that writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.store.leading.guarantees import NOTHING, Seen

LEADER = "leader"  # the table, of one row; made by whoever leads first, and in no backup
# FOR SHARE: the next leader raises the epoch when this transaction has ended, one way or the other;
# and one that waited for a raised epoch reads it as it is then (READ COMMITTED).
EPOCH = sa.text(f"SELECT epoch FROM {LEADER} WHERE id = 1 FOR SHARE")  # noqa: S608 - our own name


class Deposed(Exception):
    """Another host leads: this one may not write any more."""


@dataclass(frozen=True, slots=True)
class Term:
    """One leader's term: its epoch, and whether it may still write.

    ``silence`` is how many seconds the database bears a transaction in which nothing is asked:
    a leader that is stopped within one must not keep the next one from beginning. ``leads`` tells
    whether this host may still act and answer; ``seen`` is the database whose epoch it is,
    ``host`` whose term, and ``taken_over`` whether another host led before."""

    epoch: int
    silence: float
    leads: Callable[[], bool]
    seen: Seen = NOTHING
    host: str = ""
    taken_over: bool = False

    async def hold(self, connection: AsyncConnection) -> None:
        """Keep the epoch for as long as this transaction. Raises `Deposed`."""
        found = await connection.scalar(EPOCH)
        if found != self.epoch:
            raise Deposed
