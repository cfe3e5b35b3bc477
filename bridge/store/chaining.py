"""Events that are there already are chained, and chains that came in a backup are checked."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import sqlalchemy as sa

from bridge.conference import events as e
from bridge.proof import chain

PROOF = "proof"
"""The stream of what is said about the log itself."""
PORTION = 5_000  # events at a time

# The columns as they are since chains exist: later migrations may change the table.
events = sa.table(
    "events",
    *(
        sa.column(name)
        for name in ("id", "conference", "seq", "at", "actor", "reason", "kind", "body", "chain")
    ),
)


class BrokenChain(ValueError):
    """A log is not what was chained; the text is a sentence."""


class Chained(NamedTuple):
    """How many events had no hash, and the greatest number in the whole log among them."""

    late: int
    number: int


def chain_all(connection: sa.Connection) -> Chained:
    """Give a hash to every event that has none; check those that have one. Raises `BrokenChain`."""
    late = number = 0
    names = sa.select(events.c.conference).distinct().order_by(events.c.conference)
    for conference in list(connection.execute(names).scalars()):
        seq, head = 0, chain.GENESIS
        while rows := _portion(connection, conference, seq):
            missing = []
            for row in rows:
                head = chain.link(head, _line(conference, row))
                seq = row.seq
                if row.chain == "":
                    missing.append({"key": row.id, "hash": head})
                    number = max(number, row.id)
                elif row.chain != head:
                    raise BrokenChain(
                        "The backup's log is not what was chained when it was written: event "
                        f"{row.seq} of {conference} was changed, or one before it is missing."
                    )
            if missing:
                late += len(missing)
                connection.execute(
                    sa.update(events)
                    .where(events.c.id == sa.bindparam("key"))
                    .values(chain=sa.bindparam("hash")),
                    missing,
                )
    return Chained(late, number)


def _line(conference: str, row: sa.Row[Any]) -> bytes:
    return chain.line(conference, row.seq, row.at, row.actor, row.reason, row.body)


def _portion(connection: sa.Connection, conference: str, after: int) -> list[sa.Row[Any]]:
    query = (
        sa.select(
            events.c.id,
            events.c.seq,
            events.c.at,
            events.c.actor,
            events.c.reason,
            events.c.body,
            events.c.chain,
        )
        .where(events.c.conference == conference, events.c.seq > after)
        .order_by(events.c.seq)
        .limit(PORTION)
    )
    return list(connection.execute(query))


def heads(connection: sa.Connection) -> dict[str, tuple[int, str]]:
    """The ends of all chains: number and hash of the last event, by conference."""
    last = (
        sa.select(events.c.conference, sa.func.max(events.c.seq).label("seq"))
        .group_by(events.c.conference)
        .subquery()
    )
    query = sa.select(events.c.conference, events.c.seq, events.c.chain).join(
        last, (last.c.conference == events.c.conference) & (last.c.seq == events.c.seq)
    )
    return {row.conference: (row.seq, row.chain) for row in connection.execute(query)}


def holds(connection: sa.Connection, conference: str, seq: int, head: str) -> bool:
    """Whether a log has come at least as far as event ``seq`` with this hash."""
    query = sa.select(events.c.chain).where(events.c.conference == conference, events.c.seq == seq)
    return bool(connection.execute(query).scalar() == head)


def note(connection: sa.Connection, event: e.Event, actor: str, reason: str) -> None:
    """Chain an event to the stream of the log itself, in the transaction of what it tells."""
    seq, head = heads_of(connection, PROOF)
    at = round(time.time(), 6)
    body = e.encoder.encode(event).decode()
    line = chain.line(PROOF, seq + 1, at, actor, reason, body)
    row = {
        "conference": PROOF,
        "seq": seq + 1,
        "at": at,
        "actor": actor,
        "reason": reason,
        "kind": e.kind_of(event),
        "body": body,
        "chain": chain.link(head, line),
    }
    connection.execute(sa.insert(events).values(row))


def heads_of(connection: sa.Connection, conference: str) -> tuple[int, str]:
    """The end of one chain."""
    query = (
        sa.select(events.c.seq, events.c.chain)
        .where(events.c.conference == conference)
        .order_by(events.c.seq.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return (row.seq, row.chain) if row is not None else (0, chain.GENESIS)
