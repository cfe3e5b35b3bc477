"""Hosts on two PostgreSQL servers, of which one is a copy that every commit waits for: what was
acknowledged is there whatever happens to the servers, and nobody leads on one that lost its place.

No moment is compared with a bound.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.failover_log.database_pair import Pair, pair
from bridge.conference import events as e
from bridge.store.database import FAULTS, NotSaved, StoreError, engine_of, migrate
from bridge.store.leading.guarantees import NOTHING
from bridge.store.leading.leadership import Leadership
from bridge.store.log import Answer, EventLog
from tests import databases
from tests.waiting import HANG, eventually

SILENCE = 60.0  # seconds: a busy machine holds nobody up for so long
SHORT = 5.0  # where it is waited for

FOLLOWED = "SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'"


@pytest.fixture
def servers() -> Iterator[Pair]:
    if databases.postgres_bin() is None and os.environ.get("CI") != "true":
        pytest.skip("PostgreSQL is missing: apt-get install postgresql")
    with pair() as made:
        yield made


def line(seq: int) -> e.Recorded:
    return e.Recorded(
        conference="x", seq=seq, at=1.0, actor="lan", reason="", event=e.BannerSet(text=str(seq))
    )


@contextlib.asynccontextmanager
async def leading(leadership: Leadership, url: str) -> AsyncIterator[AsyncEngine]:
    """Lead, and write within the term."""
    task = asyncio.create_task(leadership.run())
    async with asyncio.timeout(HANG):
        await leadership.leading.wait()
    engine = engine_of(url, Path(), patience=HANG, term=leadership.term())
    try:
        await migrate(engine)
        yield engine
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await engine.dispose()


def host(
    name: str, url: str, before: Leadership | None = None, silence: float = SILENCE
) -> Leadership:
    seen = before.seen if before is not None else NOTHING
    return Leadership(url, name, f"https://{name}", {}, silence, seen=seen)


async def test_a_copy_takes_the_place_of_a_server_that_is_lost(servers: Pair) -> None:
    url = servers.url()
    a = host("a", url)
    async with leading(a, url) as engine:
        log = EventLog(engine)
        await log.append([line(1)], [Answer("k", "d", "{}")])
        servers.primary.kill()
        with pytest.raises(NotSaved):
            await log.append([line(2)])
        servers.fail_over()
        async with asyncio.timeout(HANG):
            await a.lost.wait()
    b = host("b", url, a)
    async with leading(b, url) as engine:
        log = EventLog(engine)
        assert b.epoch > a.epoch
        assert [item.seq for item in await log.read("x")] == [1]
        assert await log.answer("k") == Answer("k", "d", "{}")
        await log.append([line(2)])
        # The one that was killed comes back as it was, and takes everything for itself.
        # In a thread: whoever leads goes on saying that it does.
        await asyncio.to_thread(servers.copy.start)
        await asyncio.to_thread(servers.copy.wait_for_copies, "")
        other = engine_of(url, Path(), term=b.term())
        await EventLog(other).append([line(3)])
        await other.dispose()
        assert len(await log.read("x")) == 3
    servers.primary.stop()
    with pytest.raises(StoreError, match="the server is of before"):
        await host("a", url, b).look()


async def test_what_no_copy_has_is_not_acknowledged(servers: Pair) -> None:
    """Neither a COMMIT that PostgreSQL answers although its wait was cancelled, nor an answer that
    was saved with it and is asked for again."""
    url = servers.url()
    a = host("a", url)
    async with leading(a, url) as engine:
        log = EventLog(engine)
        await asyncio.to_thread(servers.copy.stop, "fast")
        writing = asyncio.create_task(log.append([line(1)], [Answer("k", "d", "{}")]))
        async with asyncio.timeout(HANG):
            while not writing.done() and not await asyncio.to_thread(cancel, servers):
                pass  # each look is a program: no busy loop
            with pytest.raises(NotSaved):
                await writing
        assert [item.seq for item in await log.read("x")] == [1]
        hasty = engine_of(url, Path(), patience=1.0, term=a.term())
        with pytest.raises((*FAULTS, TimeoutError)):
            await EventLog(hasty).answer("k")
        await hasty.dispose()
        await asyncio.to_thread(servers.copy.start)
        async with asyncio.timeout(HANG):
            while await asyncio.to_thread(servers.primary.sql, FOLLOWED) != "sync":
                pass
        assert await log.answer("k") == Answer("k", "d", "{}")


def cancel(servers: Pair) -> bool:
    """Whether a COMMIT waited for the copy, and waits no more."""
    return "t" in servers.primary.sql(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        " AND query = 'COMMIT;'"
    )


async def test_nobody_leads_on_a_copy_nor_where_no_copy_confirms(servers: Pair) -> None:
    alone = f"postgresql://postgres@127.0.0.1:{servers.copy.port}/postgres"
    with pytest.raises(StoreError, match="only read"):
        await host("a", alone).look()
    servers.copy.stop("fast")
    waiting = host("a", servers.url(), silence=SHORT)
    task = asyncio.create_task(waiting.run())
    await eventually(lambda: "does not confirm" in waiting.problem)
    assert not waiting.leading.is_set()
    await asyncio.to_thread(servers.copy.start)
    async with asyncio.timeout(HANG):
        await waiting.leading.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
