"""A look at the database of several hosts by somebody who does not take part."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from bridge.store.database import FAULTS, StoreError, first_line
from bridge.store.leading.guarantees import FACTS, Facts, read_only
from bridge.store.leading.leadership import Leader, read_leader
from bridge.store.servers import PATIENCE, database

# Rows of pg_stat_replication are seen by everybody; what is in them is not.
NOW = sa.text(
    "SELECT extract(epoch FROM clock_timestamp())::float8 AS now,"
    " (SELECT count(*) FROM pg_stat_replication) AS copies,"
    " COALESCE(host(inet_server_addr()), 'this machine') AS server"
)


class Survey(NamedTuple):
    """The server that is written to and where it is, ``several`` whether the address names more;
    who led last; how many copies are connected; how many seconds its clock is before this
    machine's."""

    facts: Facts
    server: str
    several: bool
    leader: Leader | None
    connected: int
    ahead: float


async def survey(url: str) -> Survey:
    """Look. Raises `StoreError`."""
    try:
        found = database(url)
        engine = found.engine(read_only, all_of_them=True, poolclass=NullPool)
        try:
            async with asyncio.timeout(2 * PATIENCE), engine.connect() as connection:
                facts = Facts(*(await connection.execute(sa.text(FACTS))).one())
                asked = time.time()
                row = (await connection.execute(NOW)).one()
                ahead = row.now - (asked + time.time()) / 2
                leader = await read_leader(connection)
        finally:
            await engine.dispose()
    except (ValueError, SQLAlchemyError, *FAULTS) as error:
        raise StoreError(f"The database cannot be looked at: {first_line(error)}.") from None
    return Survey(facts, row.server, found.several, leader, row.copies, ahead)
