"""What delegates are called: rows that can be removed, beside the log, which cannot change."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bridge.store import tables as t
from bridge.store.database import NotSaved, first_line, within_term

PORTION = 500  # ids in one statement: SQLite takes 999 values in its oldest form


class PersonRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A delegate ``of`` a conference or template. ``name`` "": taken off the list. ``salt`` makes
    the seal that the log has. ``secret`` and ``link`` are SHA-256 of what a telephone holds and of
    a link that was given out (good until ``link_until``, UTC seconds); "": there is none."""

    id: str
    of: str
    point: str
    name: str
    agency: str = ""
    position: str = ""
    weight: int = 1
    salt: str = ""
    source: str = "typed"
    at: float = 0.0
    secret: str = ""
    link: str = ""
    link_until: float = 0.0


class PersonRecords:
    """The table. Methods raise `NotSaved` where the database does."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def load(self) -> list[PersonRecord]:
        """All of them."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(sa.select(t.persons))
            return [PersonRecord(**row) for row in rows.mappings()]

    async def save(self, records: Sequence[PersonRecord]) -> None:
        """Keep records, all or none; one of the same id takes the place of the one before, of
        which nothing is left."""
        await self._change([r.id for r in records], [msgspec.to_builtins(r) for r in records])

    async def erase(self, idents: Collection[str]) -> None:
        """Delete records so that nothing of them is left in the database's file."""
        await self._change(list(idents), [])

    async def _change(self, gone: list[str], new: list[dict[str, object]]) -> None:
        try:
            async with self._engine.connect() as connection:
                await _overwrite(connection, "ON")
                try:
                    await within_term(self._engine, connection)
                    for start in range(0, len(gone), PORTION):
                        ids = gone[start : start + PORTION]
                        await connection.execute(
                            sa.delete(t.persons).where(t.persons.c.id.in_(ids))
                        )
                    if new:
                        await connection.execute(sa.insert(t.persons), new)
                    await connection.commit()
                finally:
                    await connection.rollback()
                    await _overwrite(connection, "OFF")
        except (SQLAlchemyError, OSError) as error:
            raise NotSaved(first_line(error)) from None

    async def settle(self) -> bool:
        """Bring what was deleted out of SQLite's log of changes, too; whether that could be done:
        not while somebody reads for long."""
        if self._engine.dialect.name != "sqlite":
            return True
        try:
            async with self._engine.connect() as connection:
                done = await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                return done.scalar() == 0
        except (SQLAlchemyError, OSError) as error:
            raise NotSaved(first_line(error)) from None

    async def last_event(self, conference: str) -> float | None:
        """When something happened last in a conference, UTC seconds; None: it was never opened."""
        query = sa.select(sa.func.max(t.events.c.at)).where(t.events.c.conference == conference)
        async with self._engine.connect() as connection:
            found = (await connection.execute(query)).scalar()
        return float(found) if found is not None else None


async def _overwrite(connection: AsyncConnection, mode: str) -> None:
    """Let SQLite write zeros over what it deletes (https://sqlite.org/pragma.html#pragma_secure_delete).
    PostgreSQL does so when it vacuums."""
    if connection.dialect.name == "sqlite":
        await connection.exec_driver_sql(f"PRAGMA secure_delete={mode}")
        await connection.rollback()
