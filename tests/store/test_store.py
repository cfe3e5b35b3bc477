"""The store, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import aiosqlite
import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.base.roles import User
from bridge.conference import events as e
from bridge.conference.apply import replay
from bridge.store import tables
from bridge.store.accounts import ENROLMENT_LIFE, LOGIN_LIFE, Accounts, Device, Login
from bridge.store.database import (
    HEAD,
    MIGRATIONS,
    NotSaved,
    StoreError,
    engine_of,
    migrate,
)
from bridge.store.log import ANSWER_LIFE, Answer, EventLog
from tests.conference.support import Run


@pytest.fixture
async def engine(database: str, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    made = engine_of(database, tmp_path)
    await migrate(made)
    yield made
    await made.dispose()


async def test_an_engine_ends_with_every_connection_it_opened(tmp_path: Path) -> None:
    """One that a cancelled task still holds is closed when the task gives it back."""
    engine = engine_of("", tmp_path)
    await migrate(engine)
    holds, gives = asyncio.Event(), asyncio.Event()
    driver: list[aiosqlite.Connection] = []

    async def hold() -> None:
        async with engine.connect() as connection:
            raw = await connection.get_raw_connection()
            assert raw.driver_connection is not None
            driver.append(raw.driver_connection)
            holds.set()
            await gives.wait()

    task = asyncio.create_task(hold())
    await holds.wait()
    ending = asyncio.create_task(engine.dispose())
    gives.set()
    await asyncio.gather(task, ending)
    assert driver[0]._connection is None


async def test_a_connection_is_ready_when_it_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is waited for between opening and using it: a task cancelled there would leave a
    connection that nobody closes, and a warning whenever it is collected."""
    engine = engine_of("", tmp_path)
    await migrate(engine)
    await engine.dispose()

    async def between(*_: object, **__: object) -> None:
        raise AssertionError("something was done with a connection before it was used")

    with monkeypatch.context() as patched:
        patched.setattr(aiosqlite.Connection, "_execute", between)
        connection = await engine.connect()
    await connection.close()
    await engine.dispose()


def a_log() -> list[e.Recorded]:
    from bridge.conference import commands as c

    run = Run()
    run.ok(c.Start())
    run.ok(c.Banner(text="Nghỉ 10 phút – “quay lại” 🙂"))
    run.ok(c.Pin(pane=2, point="b"))
    return run.log


async def test_migrations_make_the_tables_and_can_run_again(engine: AsyncEngine) -> None:
    await migrate(engine)

    def differences(connection: sa.Connection) -> list[object]:
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext

        return list(compare_metadata(MigrationContext.configure(connection), tables.metadata))

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_a_log_comes_back_as_it_was(engine: AsyncEngine) -> None:
    log = EventLog(engine)
    events = a_log()
    await log.append(events[:3])
    await log.append(events[3:])
    assert await log.read("hop-1") == events
    assert replay(await log.read("hop-1")) == replay(events)
    assert await log.read("hop-1", after=len(events) - 1) == events[-1:]
    assert await log.running() == ["hop-1"]
    assert await log.exists("hop-1")
    assert not await log.exists("hop-2")
    assert [n.recorded for n in await log.since(0, 2)] == events[:2]
    assert await log.last_number() == len(events)
    assert [type(n.recorded.event) for n in await log.milestones(5)] == [e.Started, e.Opened]
    ended = e.Recorded(
        conference="hop-1", seq=len(events) + 1, at=2.0, actor="x", reason="end", event=e.Ended()
    )
    await log.append([ended])
    assert await log.running() == []


async def test_a_number_is_given_once_and_nothing_is_saved_by_halves(engine: AsyncEngine) -> None:
    log = EventLog(engine)
    events = a_log()
    await log.append(events)
    twice = e.Recorded(
        conference="hop-1", seq=len(events), at=1.0, actor="x", reason="x", event=e.Started()
    )
    fresh = e.Recorded(
        conference="hop-2", seq=1, at=1.0, actor="x", reason="x", event=events[0].event
    )
    with pytest.raises(NotSaved):
        await log.append([fresh, twice])
    assert await log.read("hop-2") == []


async def test_answers(engine: AsyncEngine) -> None:
    log = EventLog(engine)
    await log.append([], [Answer("k", "d", "{}")], now=100.0)
    assert await log.answer("k") == Answer("k", "d", "{}")
    assert await log.answer("other") is None
    await log.forget_answers(100.0 + ANSWER_LIFE + 1)
    assert await log.answer("k") is None


async def test_people_and_devices(engine: AsyncEngine) -> None:
    accounts = Accounts(engine)
    lan = User(name="lan", role="technician", points=("khoan-du",), created=1.0)
    assert await accounts.add_user(lan, "hash", "calendar")
    assert not await accounts.add_user(lan, "hash", "calendar")
    assert await accounts.user("lan") == replace(lan, password_at=1.0)
    assert await accounts.user("' OR 1=1 --") is None
    assert await accounts.change_user("lan", role="admin", points=())
    assert not await accounts.change_user("minh", role="admin")
    assert [u.role for u in await accounts.users()] == ["admin"]
    assert await accounts.user_of_calendar("calendar") is not None
    assert await accounts.user_of_calendar("") is None
    login = Login(id="t", user="lan", created=1.0, seen=1.0, address="::1", agent="x")
    await accounts.add_login(login)
    assert await accounts.login("t", 2.0) is not None
    assert await accounts.login("t", 2.0 + LOGIN_LIFE) is None
    await accounts.touch_login("t", 10.0)
    await accounts.change_user("lan", disabled=True)
    assert await accounts.login("t", 11.0) is None
    await accounts.end_logins("lan")
    assert await accounts.logins() == []
    device = Device(id="d", point="khoan-du", name="PC", created=1.0)
    assert await accounts.add_device(device, "key")
    assert not await accounts.add_device(Device(id="e", point="x", name="", created=1.0), "key")
    assert await accounts.revoke_device("d", 5.0)
    assert not await accounts.revoke_device("d", 6.0)
    found = await accounts.device_of_key("key")
    assert found is not None
    assert found.revoked == 5.0
    others = [(Device(id=n, point=n, name="", created=1.0), f"key-{n}") for n in ("f", "g")]
    await accounts.add_devices(others)
    assert await accounts.known_keys(["key", "key-f", "other"]) == {"key", "key-f"}
    with pytest.raises(NotSaved):
        await accounts.add_devices([others[0]])


async def test_a_code_is_good_once_and_for_a_day(engine: AsyncEngine) -> None:
    accounts = Accounts(engine)
    await accounts.add_enrolment("c", "khoan-du", "lan", 0.0)
    await accounts.add_enrolment("old", "khoan-du", "lan", 0.0)
    assert await accounts.use_enrolment("wrong", 1.0) is None
    both = await asyncio.gather(
        accounts.use_enrolment("c", 1.0), accounts.use_enrolment("c", 1.0), return_exceptions=True
    )
    assert sorted(str(found) for found in both) == ["None", "khoan-du"]
    assert await accounts.use_enrolment("old", ENROLMENT_LIFE + 1) is None


async def test_the_database_file_is_its_owners_only(tmp_path: Path) -> None:
    async def use() -> set[int]:
        engine = engine_of("", tmp_path)
        await migrate(engine)
        await Accounts(engine).put_setting("a", "b")
        found = {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
        await engine.dispose()
        return found

    assert await use() == {0o600}
    (tmp_path / "diem-cau.sqlite3").chmod(0o644)  # as an earlier version left it
    assert await use() == {0o600}


@pytest.mark.parametrize(
    "url",
    [
        "mysql://x/y",
        "nonsense",
        "sqlite+aiosqlite:////nowhere/at/all.db",
        "postgresql://127.0.0.1:1/x",
    ],
)
async def test_a_database_that_cannot_be_used_is_said_in_a_sentence(
    url: str, tmp_path: Path
) -> None:
    async def use() -> None:
        engine = engine_of(url, tmp_path)
        try:
            await migrate(engine)
        finally:
            await engine.dispose()

    before = set(threading.enumerate())
    with pytest.raises(StoreError, match=r"database"):
        await use()
    left = [t for t in set(threading.enumerate()) - before if "connection_worker" in t.name]
    assert left == [], "a thread that outlives the loop would print a traceback"


def test_the_newest_revision_is_found_without_alembic() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


async def test_a_database_of_a_newer_version_is_a_sentence(engine: AsyncEngine) -> None:
    """It once was a traceback of the migrations."""
    async with engine.begin() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"newer version.*9999"):
        await migrate(engine)
