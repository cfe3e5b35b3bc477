"""Every event is chained when it is written; what was there before is chained by the migration, and
what a backup brings is checked and noted."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.conference import events as e
from bridge.proof.chain import GENESIS, Link, Walked, walk
from bridge.proof.signing_key import SigningKey, kept_signing_key
from bridge.store import tables
from bridge.store.backup import chains, restore, signer, write_backup
from bridge.store.chaining import PROOF, chain_all
from bridge.store.database import Conflict, NotSaved, engine_of, migrate
from bridge.store.log import EventLog
from tests.store.test_backup import remade
from tests.store.test_snapshots import long_log


@pytest.fixture
async def engine(database: str, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    made = engine_of(database, tmp_path)
    await migrate(made)
    yield made
    await made.dispose()


async def walked(log: EventLog, conference: str = "hop-1") -> Walked:
    return walk(await log.links(conference))


async def hashes(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as connection:
        query = sa.select(tables.events.c.chain).order_by(tables.events.c.id)
        return list((await connection.execute(query)).scalars())


async def execute(engine: AsyncEngine, statement: sa.Executable) -> None:
    async with engine.begin() as connection:
        await connection.execute(statement)


def batches(events: list[e.Recorded], sizes: list[int]) -> list[list[e.Recorded]]:
    cut, rest = [], list(events)
    for size in sizes:
        cut.append(rest[:size])
        rest = rest[size:]
    return [batch for batch in (*cut, rest) if batch]


async def test_the_chain_is_the_same_however_events_are_batched(engine: AsyncEngine) -> None:
    log, events = EventLog(engine), long_log(9)
    for batch in batches(events, [1, 3, 2]):
        await log.append(batch)
        log = EventLog(engine)  # a restart between any two
    found = await walked(log)
    assert found == Walked(9, found.head)
    again = [msgspec.structs.replace(item, conference="hop-2") for item in events]
    both = [item for pair in zip(again, long_log(9), strict=True) for item in pair]
    await log.append([item for item in both if item.conference == "hop-2"])
    assert (await walked(log, "hop-2")).events == 9
    assert (await walked(log)).head == found.head


async def test_an_append_that_fails_leaves_the_chain_as_it_was(engine: AsyncEngine) -> None:
    log, events = EventLog(engine), long_log(9)
    await log.append(events[:4])
    with pytest.raises(Conflict):
        await log.append([*events[4:6], events[0]])
    await log.append(events[4:])
    assert not (await walked(log)).fault
    # An earlier commit whose answer was lost, by another hand.
    other = EventLog(engine)
    await other.append([msgspec.structs.replace(events[-1], seq=10)])
    await log.append([msgspec.structs.replace(events[-1], seq=11)])
    assert await walked(log) == Walked(11, (await hashes(engine))[-1])


async def test_nothing_is_appended_while_a_backup_is_restored(engine: AsyncEngine) -> None:
    log, events = EventLog(engine), long_log(9)
    await log.append(events[:4])
    async with log.replaced():
        with pytest.raises(NotSaved, match="restored"):
            await log.append(events[4:5])
        # What another process does meanwhile: the log is another one afterwards.
        await execute(engine, sa.delete(tables.events).where(tables.events.c.seq > 2))
        await EventLog(engine).append([msgspec.structs.replace(events[2], actor="user:other")])
    await log.append([msgspec.structs.replace(events[3], seq=4)])
    assert not (await walked(log)).fault


async def test_the_migration_chains_what_is_there_and_says_so(engine: AsyncEngine) -> None:
    log = EventLog(engine)
    await log.append(long_log(9))
    want = await hashes(engine)
    async with engine.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE events DROP COLUMN chain"))
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = '0003'"))
    await migrate(engine)
    assert (await hashes(engine))[:9] == want
    (begun,) = await log.read(PROOF)
    assert begun.event == e.ChainBegun(number=9, events=9)
    await migrate(engine)
    assert len(await log.read(PROOF)) == 1


async def test_a_migration_that_broke_off_is_begun_again(engine: AsyncEngine) -> None:
    log = EventLog(engine)
    await log.append(long_log(9))
    want = await hashes(engine)
    half = sa.update(tables.events).where(tables.events.c.seq > 4).values(chain="")
    await execute(engine, half)
    await execute(engine, sa.text("UPDATE alembic_version SET version_num = '0003'"))
    await migrate(engine)
    assert (await hashes(engine))[:9] == want


# --- backups -------------------------------------------------------------------------------


async def backup(engine: AsyncEngine, key: SigningKey | None = None) -> bytes:
    out = io.BytesIO()
    await write_backup(engine, out, io.BytesIO(), key)
    return out.getvalue()


async def test_a_restore_says_in_the_log_what_it_replaced(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    key = kept_signing_key(tmp_path)
    log, events = EventLog(engine), long_log(9)
    await log.append(events[:6])
    data = await backup(engine, key)
    await log.append(events[6:])
    later = [msgspec.structs.replace(item, conference="later") for item in long_log(3)]
    await log.append(later)
    gone = {name: walk(await log.links(name)) for name in ("hop-1", "later")}
    done = await restore(engine, io.BytesIO(data), actor="user:lan", sha256="ab" * 32)
    assert (done.key, done.lost_logs) == (key.public.fingerprint, 2)
    (said,) = await log.read(PROOF)
    assert said.actor == "user:lan"
    assert said.event == e.BackupRestored(
        sha256="ab" * 32,
        rows=done.rows,
        key=key.public.fingerprint,
        lost_logs=2,
        lost=tuple(
            e.LostLog(of=name, events=item.events, head=item.head) for name, item in gone.items()
        ),
    )
    assert not (await walked(log, PROOF)).fault
    await restore(engine, io.BytesIO(await backup(engine, key)))
    assert len(await log.read(PROOF)) == 2, "the entry of the first restoration stays"


async def test_nothing_is_lost_where_the_log_only_goes_on(engine: AsyncEngine) -> None:
    log = EventLog(engine)
    await log.append(long_log(9))
    done = await restore(engine, io.BytesIO(await backup(engine)))
    assert (done.key, done.lost_logs) == ("", 0)


async def test_a_backup_without_chains_is_chained_and_noted(engine: AsyncEngine) -> None:
    log = EventLog(engine)
    await log.append(long_log(9))
    want = await hashes(engine)

    def earlier(lines: list[dict[str, Any]]) -> list[Any]:
        return [
            {**line, "row": {k: v for k, v in line["row"].items() if k != "chain"}}
            for line in lines
        ]

    old = remade(await backup(engine), earlier)
    assert chains(io.BytesIO(old)) == ({}, True)
    await restore(engine, io.BytesIO(old))
    assert (await hashes(engine))[:9] == want
    begun, said = await log.read(PROOF)
    assert begun.event == e.ChainBegun(number=9, events=9)
    assert isinstance(said.event, e.BackupRestored)


@pytest.mark.parametrize("what", ["actor", "body", "chain"])
async def test_a_backup_with_another_history_is_refused(engine: AsyncEngine, what: str) -> None:
    """Rows and checksum fit each other; the chain does not."""
    log = EventLog(engine)
    await log.append(long_log(9))
    other = {"actor": "user:other", "body": '{"type":"locked","locked":true}', "chain": "ab" * 32}

    def change(lines: list[dict[str, Any]]) -> list[Any]:
        return [
            {**line, "row": {**line["row"], **({what: other[what]} if number == 4 else {})}}
            for number, line in enumerate(lines)
        ]

    data = remade(await backup(engine), change)
    found, unchained = chains(io.BytesIO(data))
    assert found["hop-1"][::2] == (4, "hash")
    assert not unchained
    with pytest.raises(ValueError, match="event 5 of hop-1"):
        await restore(engine, io.BytesIO(data))
    assert not await log.exists(PROOF), "nothing was changed"


async def test_who_signed_a_backup(engine: AsyncEngine, tmp_path: Path) -> None:
    key = kept_signing_key(tmp_path)
    await EventLog(engine).append(long_log(9))
    data = await backup(engine, key)
    assert signer(io.BytesIO(data)) == key.public.fingerprint
    assert signer(io.BytesIO(await backup(engine))) == ""
    head, body = gzip.decompress(data).split(b"\n", 1)
    for change in (
        {"rows": 1},
        {"signature": "AAAA"},
        {"signature": "ä"},
        {"signature": 5},
        {"key": "nonsense"},
        {"key": None},
    ):
        forged = json.dumps(json.loads(head) | change).encode() + b"\n" + body
        with pytest.raises(ValueError, match="signature"):
            signer(io.BytesIO(gzip.compress(forged)))


def test_chains_of_nothing() -> None:
    memory = sa.create_engine("sqlite://")
    with memory.begin() as connection:
        tables.metadata.create_all(connection)
        assert chain_all(connection) == (0, 0)
    memory.dispose()
    assert walk([Link(1, b"x", GENESIS)]).fault == "hash"
