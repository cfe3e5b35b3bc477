"""Which host leads, on a real PostgreSQL: sessions that end, hosts that are stopped within a batch,
transactions of a leader that is none any more.

No moment is compared with a bound: a busy machine may lose a session, and the leadership with it,
at any time. What is checked is who could write, and what the log has.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.conference import events as e
from bridge.store.database import NotSaved, StoreError, engine_of, migrate
from bridge.store.leading.leadership import Leadership
from bridge.store.log import EventLog
from bridge.store.person_records import PersonRecord, PersonRecords
from tests import databases
from tests.waiting import HANG, eventually

SILENCE = 60.0  # seconds: a busy machine holds nobody up for so long
SHORT = 10.0  # where it is waited for


class Host:
    """A process of a host, as far as it takes part: one that has led begins anew."""

    def __init__(self, name: str, database: str, folder: Path, silence: float) -> None:
        self.name, self._database, self._folder = name, database, folder
        self._silence = silence
        self.leadership = self._begin()
        self.engine: AsyncEngine | None = None

    def _begin(self) -> Leadership:
        url, files = f"https://{self.name}", {"keys": "1"}
        made = Leadership(self._database, self.name, url, files, self._silence)
        self.task = asyncio.create_task(made.run())
        return made

    async def until_leading(self) -> AsyncEngine:
        """Lead, in a process that did not before; the engine of its term."""
        if self.leadership.leading.is_set():
            await self.stop()
            self.leadership = self._begin()
        async with asyncio.timeout(HANG):
            await self.leadership.leading.wait()
        self.engine = engine_of(self._database, self._folder, term=self.leadership.term())
        await migrate(self.engine)
        return self.engine

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        if self.engine is not None:
            await self.engine.dispose()


@contextlib.asynccontextmanager
async def hosts(
    database: str, folder: Path, *names: str, silence: float = SILENCE
) -> AsyncIterator[list[Host]]:
    made = [Host(name, database, folder, silence) for name in names]
    try:
        yield made
    finally:
        for host in made:
            await host.stop()


async def end_sessions(database: str, name: str) -> None:
    """Have PostgreSQL end the sessions on which a host's leadership hangs."""
    engine = engine_of(database, Path())
    async with engine.begin() as connection:
        await connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ="
                " current_database() AND application_name = :name"
            ),
            {"name": f"diem-cau leader {name}"},
        )
    await engine.dispose()


def line(seq: int) -> e.Recorded:
    return e.Recorded(
        conference="x", seq=seq, at=1.0, actor="lan", reason="", event=e.BannerSet(text=str(seq))
    )


async def test_one_leads_and_another_when_its_session_ends(tmp_path: Path, postgres: str) -> None:
    database = databases.new_database(postgres)
    async with hosts(database, tmp_path, "a") as (a,):
        engine = await a.until_leading()
        first, persons = EventLog(engine), PersonRecords(engine)
        await first.append([line(1)])
        async with hosts(database, tmp_path, "b") as (b,):
            await eventually(lambda: b.leadership.leader is not None)
            await end_sessions(database, "a")
            second = EventLog(await b.until_leading())
            assert b.leadership.epoch > a.leadership.epoch
            with pytest.raises(NotSaved, match="another host leads"):
                await first.append([line(2)])
            with pytest.raises(NotSaved, match="another host leads"):
                await persons.save([PersonRecord(id="d1", of="x", point="a", name="Lan")])
            await second.append([line(2)])
            assert [item.seq for item in await second.read("x")] == [1, 2]
            async with asyncio.timeout(HANG):
                await a.leadership.lost.wait()
            assert not a.leadership.leads()


async def test_a_leader_that_goes_on_purpose_is_followed(tmp_path: Path, postgres: str) -> None:
    database = databases.new_database(postgres)
    async with hosts(database, tmp_path, "a") as (a,):
        await a.until_leading()
        async with hosts(database, tmp_path, "b") as (b,):
            await a.leadership.resign()
            await b.until_leading()
            async with asyncio.timeout(HANG):
                await a.leadership.lost.wait()
            found = b.leadership.leader
            assert found is not None
            assert (found.host, found.url, found.files) == ("b", "https://b", {"keys": "1"})


async def test_a_leader_stopped_within_a_transaction_holds_nobody_up(
    tmp_path: Path, postgres: str
) -> None:
    """Its transaction has the epoch; PostgreSQL ends it, and what was in it is not saved."""
    database = databases.new_database(postgres)
    async with hosts(database, tmp_path, "a", silence=SHORT) as (a,):
        engine = await a.until_leading()
        transaction = engine.begin()
        connection = await transaction.__aenter__()
        await connection.execute(sa.text("CREATE TABLE half (id integer)"))
        await end_sessions(database, "a")
        async with hosts(database, tmp_path, "b") as (b,):
            other = await b.until_leading()  # waits for what this transaction holds
            async with other.connect() as looked:
                assert await looked.scalar(sa.text("SELECT to_regclass('half')")) is None
            with pytest.raises((SQLAlchemyError, OSError)):
                await transaction.__aexit__(None, None, None)


async def test_a_server_that_acknowledges_too_early_is_refused(
    tmp_path: Path, postgres: str
) -> None:
    database = databases.new_database(postgres)
    engine = engine_of(database, tmp_path)
    name = engine.url.database
    async with engine.begin() as connection:
        await connection.execute(sa.text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
    await engine.dispose()
    with pytest.raises(StoreError, match="synchronous_commit"):
        await Leadership(database, "a", "https://a", {}, SILENCE).look()
