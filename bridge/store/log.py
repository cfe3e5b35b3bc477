"""The log of conferences: append in one transaction, read back. Nothing else stores them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bridge.conference import events as e
from bridge.conference.desk_call import NAMED
from bridge.proof import chain
from bridge.store import tables as t
from bridge.store.database import Conflict, NotSaved, confirm, first_line

log = logging.getLogger("store")

PORTION = 5_000  # events read at a time: some 30 ms
ANSWER_LIFE = 7 * 86400.0  # seconds that an idempotency key is remembered


class Answer(NamedTuple):
    """What was answered under an idempotency key; ``digest`` is of the request."""

    key: str
    digest: str
    body: str


class _Head(NamedTuple):
    """The end of a conference's chain: its last event's number, and that event's hash."""

    seq: int
    hash: str


class Numbered(NamedTuple):
    """An event and its number in the whole log (for webhooks)."""

    id: int
    recorded: e.Recorded


class EventLog:
    """The events table and the answers written with it. ``committed`` is told of every
    transaction: its seconds, and whether it succeeded."""

    def __init__(
        self,
        engine: AsyncEngine,
        committed: Callable[[float, bool], None] = lambda _seconds, _saved: None,
    ) -> None:
        self._engine = engine
        self._committed = committed
        self._heads: dict[str, _Head] = {}
        self._replaced = False
        self.ended = asyncio.Event()
        """Set whenever a conference's end was committed."""

    @contextlib.asynccontextmanager
    async def replaced(self) -> AsyncIterator[None]:
        """While another process replaces the database: nothing is appended in between, and
        afterwards the ends of all chains are those of the other database."""
        self._replaced = True
        try:
            yield
        finally:
            self._heads.clear()
            self._replaced = False

    async def append(
        self, recorded: Sequence[e.Recorded], answers: Sequence[Answer] = (), now: float = 0.0
    ) -> None:
        """Commit events and answers together. Raises `NotSaved`, and then nothing is saved;
        `Conflict` where some of it is there already."""
        if self._replaced:
            raise NotSaved("a backup is being restored")
        began = time.monotonic()
        saved = False
        heads: dict[str, _Head] = {}
        try:
            async with self._engine.begin() as connection:
                rows = [await self._row(connection, item, heads) for item in recorded]
                if rows:
                    await connection.execute(sa.insert(t.events), rows)
                if answers:
                    await connection.execute(
                        sa.insert(t.answers),
                        [
                            {"key": a.key, "digest": a.digest, "body": a.body, "at": now}
                            for a in answers
                        ],
                    )
            saved = True
            self._move_on(rows, heads)
        except IntegrityError as error:
            raise Conflict(first_line(error)) from None
        except (SQLAlchemyError, OSError) as error:
            raise NotSaved(first_line(error)) from None
        finally:
            if not saved:  # nobody knows whether it was: the table does
                for item in recorded:
                    self._heads.pop(item.conference, None)
            self._committed(time.monotonic() - began, saved)

    async def _row(
        self, connection: AsyncConnection, item: e.Recorded, heads: dict[str, _Head]
    ) -> dict[str, Any]:
        """An event as a row, chained to the one before; ``heads`` are the ends of the chains within
        this transaction."""
        ident = item.conference
        head = heads.get(ident) or self._heads.get(ident)
        if item.seq == 1:
            head = _Head(0, chain.GENESIS)
        elif head is None or (ident not in heads and head.seq != item.seq - 1):
            head = await _head_before(connection, ident, item.seq)
        body = e.encoder.encode(item.event).decode()
        at = float(item.at)
        line = chain.line(ident, item.seq, at, item.actor, item.reason, body)
        heads[ident] = _Head(item.seq, chain.link(head.hash, line))
        return {
            "conference": ident,
            "seq": item.seq,
            "at": at,
            "actor": item.actor,
            "reason": item.reason,
            "kind": e.kind_of(item.event),
            "body": body,
            "chain": heads[ident].hash,
        }

    def _move_on(self, rows: Sequence[dict[str, Any]], heads: dict[str, _Head]) -> None:
        """A transaction was committed."""
        self._heads.update(heads)
        for row in rows:
            if row["kind"] == "ended":
                self._heads.pop(row["conference"], None)
                self.ended.set()

    async def links(
        self, conference: str, after: int = 0, limit: int = PORTION
    ) -> list[chain.Link]:
        """Events as they are stored, with their hashes, to be checked."""
        query = (
            sa.select(t.events)
            .where(t.events.c.conference == conference, t.events.c.seq > after)
            .order_by(t.events.c.seq)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return [
                chain.Link(row.seq, chain.line(*_stored(row)), row.chain)
                for row in await connection.execute(query)
            ]

    async def ends(self) -> list[str]:
        """Ids of conferences that have ended, oldest first."""
        query = (
            sa.select(t.events.c.conference)
            .where(t.events.c.kind == "ended")
            .order_by(t.events.c.id)
        )
        async with self._engine.connect() as connection:
            return list((await connection.execute(query)).scalars())

    async def first_after(self, conference: str, number: int) -> int | None:
        """The ``seq`` of a conference's first event after number ``number`` of the whole log; None:
        there is none."""
        query = sa.select(sa.func.min(t.events.c.seq)).where(
            t.events.c.conference == conference, t.events.c.id > number
        )
        async with self._engine.connect() as connection:
            found: int | None = await connection.scalar(query)
        return found

    async def streams(self) -> list[str]:
        """Everything in the log that has a chain, in alphabetical order."""
        query = sa.select(t.events.c.conference).distinct().order_by(t.events.c.conference)
        async with self._engine.connect() as connection:
            return list((await connection.execute(query)).scalars())

    async def portions(
        self, conference: str, after: int = 0, limit: int | None = None
    ) -> AsyncIterator[list[e.Recorded]]:
        """Events of a conference with a greater ``seq`` than ``after``, in order, some thousands at
        a time: a log has no bound but the disk, and others get their turn in between. ``limit`` is
        how many at most; None: all."""
        left = limit
        while left is None or left > 0:
            size = PORTION if left is None else min(left, PORTION)
            query = (
                sa.select(t.events)
                .where(t.events.c.conference == conference, t.events.c.seq > after)
                .order_by(t.events.c.seq)
                .limit(size)
            )
            async with self._engine.connect() as connection:
                found = [_recorded(row) for row in await connection.execute(query)]
            if found:
                yield found
                after = found[-1].seq
            if len(found) < size:
                return
            left = None if left is None else left - size

    async def read(
        self, conference: str, after: int = 0, limit: int | None = None
    ) -> list[e.Recorded]:
        """All of `portions` at once."""
        return [item async for found in self.portions(conference, after, limit) for item in found]

    async def tail(self, conference: str, limit: int) -> list[e.Recorded]:
        """The newest events of a conference, oldest first; one that a later version wrote is
        left out."""
        query = (
            sa.select(t.events)
            .where(t.events.c.conference == conference)
            .order_by(t.events.c.seq.desc())
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            rows = list(await connection.execute(query))
        return [item.recorded for item in _numbered(reversed(rows))]

    async def last_seq(self, conference: str) -> int:
        """The greatest number in a conference; 0 where there is none."""
        query = sa.select(sa.func.max(t.events.c.seq)).where(t.events.c.conference == conference)
        async with self._engine.connect() as connection:
            return (await connection.scalar(query)) or 0

    async def running(self) -> list[str]:
        """Ids of conferences that were opened and not ended."""
        ended = sa.select(t.events.c.conference).where(t.events.c.kind == "ended")
        query = (
            sa.select(t.events.c.conference)
            .where(t.events.c.kind == "opened", t.events.c.conference.not_in(ended))
            .order_by(t.events.c.id)
        )
        async with self._engine.connect() as connection:
            return list((await connection.execute(query)).scalars())

    async def exists(self, conference: str) -> bool:
        query = sa.select(t.events.c.id).where(t.events.c.conference == conference).limit(1)
        async with self._engine.connect() as connection:
            return (await connection.execute(query)).first() is not None

    async def free_id(self, wanted: str) -> str:
        """An id for a new conference: ``wanted``, with a number behind it where it is taken."""
        ident, number = wanted, 2
        while await self.exists(ident):
            ident, number = f"{wanted}-{number}", number + 1
        return ident

    async def milestones(self, limit: int, before: int | None = None) -> list[Numbered]:
        """Opened, started and ended events of the newest ``limit`` conferences that are meetings,
        newest first."""
        opened = sa.select(t.events.c.conference).where(
            t.events.c.kind == "opened", ~t.events.c.conference.startswith(NAMED, autoescape=True)
        )
        if before is not None:
            opened = opened.where(t.events.c.id < before)
        opened = opened.order_by(t.events.c.id.desc()).limit(limit)
        query = (
            sa.select(t.events)
            .where(
                t.events.c.kind.in_(("opened", "started", "ended")),
                t.events.c.conference.in_(opened),
            )
            .order_by(t.events.c.id.desc())
        )
        async with self._engine.connect() as connection:
            return _numbered(await connection.execute(query))

    async def desk_calls(self, limit: int) -> list[str]:
        """Ids of the newest ``limit`` desk calls, newest first."""
        query = (
            sa.select(t.events.c.conference)
            .where(
                t.events.c.kind == "opened",
                t.events.c.conference.startswith(NAMED, autoescape=True),
            )
            .order_by(t.events.c.id.desc())
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return list((await connection.execute(query)).scalars())

    async def of_kind(self, conference: str, kind: str) -> list[e.Recorded]:
        """Events of one kind, oldest first."""
        query = (
            sa.select(t.events)
            .where(t.events.c.conference == conference, t.events.c.kind == kind)
            .order_by(t.events.c.seq)
        )
        async with self._engine.connect() as connection:
            return [item.recorded for item in _numbered(await connection.execute(query))]

    async def opened_between(self, start: float, end: float) -> list[str]:
        """Ids of conferences that were opened in a time, oldest first."""
        query = (
            sa.select(t.events.c.conference)
            .where(t.events.c.kind == "opened", t.events.c.at >= start, t.events.c.at < end)
            .order_by(t.events.c.id)
        )
        async with self._engine.connect() as connection:
            return list((await connection.execute(query)).scalars())

    async def since(self, number: int, limit: int) -> list[Numbered]:
        """Events of all conferences after the log's number ``number``."""
        query = (
            sa.select(t.events).where(t.events.c.id > number).order_by(t.events.c.id).limit(limit)
        )
        async with self._engine.connect() as connection:
            return _numbered(await connection.execute(query))

    async def last_number(self) -> int:
        async with self._engine.connect() as connection:
            found = await connection.scalar(sa.select(sa.func.max(t.events.c.id)))
            return found or 0

    async def confirm(self) -> None:
        """Return when everything that can be read is where it has to be: with several hosts, on
        the copies of the database, too. Raises `bridge.store.database.FAULTS`."""
        await confirm(self._engine)

    async def answer(self, key: str) -> Answer | None:
        """What was answered under a key; None: nothing. Raises `FAULTS`."""
        query = sa.select(t.answers).where(t.answers.c.key == key)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            return None
        await confirm(self._engine)
        return Answer(row.key, row.digest, row.body)

    async def forget_answers(self, now: float) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(sa.delete(t.answers).where(t.answers.c.at < now - ANSWER_LIFE))


async def _head_before(connection: AsyncConnection, conference: str, seq: int) -> _Head:
    """The end of a chain before ``seq``, out of the table."""
    query = (
        sa.select(t.events.c.seq, t.events.c.chain)
        .where(t.events.c.conference == conference, t.events.c.seq < seq)
        .order_by(t.events.c.seq.desc())
        .limit(1)
    )
    row = (await connection.execute(query)).first()
    return _Head(row.seq, row.chain) if row is not None else _Head(0, chain.GENESIS)


def _stored(row: sa.Row[Any]) -> tuple[str, int, float, str, str, str]:
    """What the line of an event is made of."""
    return row.conference, row.seq, row.at, row.actor, row.reason, row.body


def _numbered(rows: Iterable[sa.Row[Any]]) -> list[Numbered]:
    """Lines of many conferences; one that a later version wrote is left out."""
    found: list[Numbered] = []
    for row in rows:
        try:
            found.append(Numbered(row.id, _recorded(row)))
        except msgspec.MsgspecError as error:
            log.error("event %d cannot be understood: %s", row.id, error)
    return found


def _recorded(row: sa.Row[tuple[object, ...]]) -> e.Recorded:
    return e.Recorded(
        conference=row.conference,
        seq=row.seq,
        at=row.at,
        actor=row.actor,
        reason=row.reason,
        event=e.decoder.decode(row.body),
    )
