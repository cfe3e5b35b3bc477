"""The conductor: nothing is acknowledged that is not committed, nothing committed twice."""

from __future__ import annotations

import asyncio
import contextlib
import random
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiohttp.test_utils import TestClient, TestServer

from bridge.base.clock import SteadyClock
from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.apply import replay
from bridge.conference.model import SYSTEM, Actor, Refusal, canonical
from bridge.control.draft import Done
from bridge.store.database import NotSaved
from tests import databases
from tests.control_support import LAN, Bridge
from tests.waiting import HANG

MINH = Actor(kind="user", name="minh", role="operator")


async def opened(tmp_path: Path, url: str = "") -> tuple[Bridge, str]:
    """Without a word of the worker: who is in is what the test says."""
    bridge = Bridge(tmp_path, url)
    await bridge.start(inventory=None)
    return bridge, await bridge.open()


async def test_a_restart_rebuilds_the_state(tmp_path: Path, database: str) -> None:
    """On both databases, after a random conference: canonical JSON is equal."""
    bridge, conference = await opened(tmp_path, database)
    rng = random.Random(3)
    points = bridge.state(conference).points
    for point in points:
        await bridge.do(conference, c.PointUp(point=point), SYSTEM)
    for _ in range(60):
        point = rng.choice(points)
        choices: list[c.Command] = [
            c.Take(point=point),
            c.Grant(point=point),
            c.Mute(point=point, lock=True),
            c.Unmute(point=point),
            c.Pin(pane=rng.randint(1, 5), point=point),
            c.Return(),
            c.Preview(point=point),
            c.Banner(text=point),
            c.Camera(point=point, off=True),
            c.PointDown(point=point, reason="x"),
            c.PointUp(point=point),
        ]
        command = rng.choice(choices)
        actor = SYSTEM if isinstance(command, c.PointDown | c.PointUp) else LAN
        await bridge.conductor.submit(conference, command, actor)
        bridge.pass_time(rng.random())
    before = canonical(bridge.state(conference))
    await bridge.stop()
    again = Bridge(tmp_path, database)
    await again.process.prepare()
    assert canonical(again.state(conference)) == before
    await again.process.engine.dispose()


async def test_two_operators_at_the_same_moment(tmp_path: Path, database: str) -> None:
    bridge, conference = await opened(tmp_path, database)
    for point in ("khoan-du", "chi-ne"):
        await bridge.do(conference, c.PointUp(point=point), SYSTEM)
    results = await asyncio.gather(
        bridge.conductor.submit(conference, c.Take(point="khoan-du"), LAN),
        bridge.conductor.submit(conference, c.Take(point="chi-ne"), MINH),
        bridge.conductor.submit(conference, c.Take(point="chi-ne"), LAN),
    )
    assert isinstance(results[0], Done)
    assert isinstance(results[1], Refusal)
    assert results[1].key == "refusal.other_director"
    assert isinstance(results[2], Done)
    assert bridge.state(conference).on_air == "chi-ne"
    log = await bridge.process.events.read(conference)
    assert [r.seq for r in log] == list(range(1, len(log) + 1))
    await bridge.stop()


async def test_many_at_once_are_one_order(tmp_path: Path, database: str) -> None:
    bridge, conference = await opened(tmp_path, database)
    texts = [str(number) for number in range(200)]
    await asyncio.gather(*(bridge.do(conference, c.Banner(text=text)) for text in texts))
    log = await bridge.process.events.read(conference)
    banners = [r.event.text for r in log if isinstance(r.event, e.BannerSet)]
    assert banners == texts
    assert replay(log) == bridge.state(conference)
    await bridge.stop()


async def test_a_repeated_command_is_done_once(tmp_path: Path, database: str) -> None:
    bridge, conference = await opened(tmp_path, database)

    async def ask(command: c.Command) -> object:
        return await bridge.conductor.submit(conference, command, LAN, "key-1")

    first, second = await asyncio.gather(ask(c.Extend(minutes=5)), ask(c.Extend(minutes=5)))
    assert isinstance(first, Done)
    assert isinstance(second, Done)
    assert first.seq == second.seq
    end = bridge.state(conference).end
    assert await ask(c.Extend(minutes=6)) == Refusal(key="refusal.key_reused")
    await bridge.stop()
    again = Bridge(tmp_path, database)
    await again.start(inventory=None)
    result = await again.conductor.submit(conference, c.Extend(minutes=5), LAN, "key-1")
    assert isinstance(result, Done)
    assert result.seq == first.seq
    assert again.state(conference).end == end, "also after a restart"
    await again.stop()


async def fill_the_disk(bridge: Bridge, full: bool) -> None:
    """SQLite's own bound on its file: beyond it every write fails as on a full disk."""
    await bridge.process.engine.dispose()  # connections that are open have no bound

    @sa.event.listens_for(bridge.process.engine.sync_engine, "connect", once=False)
    def bound(connection: object, _: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]
        cursor.execute("PRAGMA page_count")
        (pages,) = cursor.fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages if full else 1 << 30}")
        cursor.close()


async def fill_the_last_page(bridge: Bridge, conference: str) -> None:
    for number in range(2000):
        await bridge.do(conference, c.Banner(text=f"{number} " + "x" * 290))


async def test_a_full_disk(bridge: Bridge) -> None:
    """Commands are refused and change nothing; facts happen, are told as unsaved, and are
    saved in their order when there is room again."""
    conference = await bridge.open()
    await bridge.join("hoi-truong", "khoan-du")
    await fill_the_disk(bridge, True)
    with pytest.raises(NotSaved):
        await fill_the_last_page(bridge, conference)
    before = bridge.state(conference)
    assert "full" in bridge.conductor.problem
    response = await bridge.call(
        "POST",
        f"/conferences/{conference}/commands",
        {"command": {"type": "banner", "text": "y" * 290}},
        token=bridge.process.local_token,
    )
    assert response.status in (409, 507)
    assert bridge.state(conference).banner == before.banner
    bridge.conductor.fact(conference, c.PointDown(point="khoan-du", reason="cable"))
    bridge.conductor.fact(conference, c.PointUp(point="khoan-du"))
    for _ in range(100):
        bridge.conductor.fact(conference, c.CallFailed(point="chi-ne", reason="x" * 500))
        bridge.conductor.fact(conference, c.CallFailed(point="chi-ne", reason="y" * 500))
    async with asyncio.timeout(HANG):
        while bridge.conductor.unsaved < 100:
            await bridge.conductor.committed.wait()
    session = bridge.control.sessions.of_point("khoan-du")
    assert session is not None
    operator = await bridge.login_session("operator")
    unsaved = bridge.control.publisher.view(operator).unsaved
    assert unsaved is not None
    assert "không ghi được" in unsaved.vi
    await fill_the_disk(bridge, False)
    await bridge.do(conference, c.Banner(text="room again"))
    assert (bridge.conductor.unsaved, bridge.conductor.problem) == (0, "")
    log = await bridge.process.events.read(conference)
    assert [r.seq for r in log] == list(range(1, len(log) + 1))
    assert replay(log) == bridge.state(conference)


async def test_nobody_waits_for_an_answer_that_never_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two ask under one key while the store cannot be read: both are refused; later it works."""
    bridge, conference = await opened(tmp_path)
    log = bridge.process.events
    answer = log.answer
    asked = asyncio.Event()

    async def away(key: str) -> None:
        await asked.wait()
        raise OSError("away")

    monkeypatch.setattr(log, "answer", away)

    async def ask() -> object:
        return await bridge.conductor.submit(conference, c.Extend(minutes=5), LAN, "key-1")

    both = [asyncio.create_task(ask()) for _ in range(2)]
    await asyncio.sleep(0)
    asked.set()
    async with asyncio.timeout(HANG):
        results = await asyncio.gather(*both, return_exceptions=True)
    assert [isinstance(result, OSError | NotSaved) for result in results] == [True, True]
    monkeypatch.setattr(log, "answer", answer)
    assert isinstance(await ask(), Done)
    first = asyncio.create_task(ask())
    await asyncio.sleep(0)
    first.cancel()  # who asked has left before it was in hand
    with contextlib.suppress(NotSaved):
        await ask()
    assert isinstance(await ask(), Done)
    stored = await log.read(conference)
    assert sum(isinstance(r.event, e.Extended) for r in stored) == 1
    await bridge.stop()


async def test_a_commit_whose_answer_was_lost(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks after the commit and before its answer: the command is refused as
    not saved, and yet it is in the log. The next one finds that out; nothing is doubled."""
    bridge, conference = await opened(tmp_path, database)
    log = bridge.process.events
    append = log.append

    async def lost(*arguments: object, **named: object) -> None:
        await append(*arguments, **named)  # type: ignore[arg-type]
        monkeypatch.setattr(log, "append", append)
        raise NotSaved("the connection broke")

    monkeypatch.setattr(log, "append", lost)
    with pytest.raises(NotSaved):
        await bridge.conductor.submit(conference, c.Extend(minutes=5), LAN, "key-1")
    end = bridge.state(conference).end
    again = await bridge.conductor.submit(conference, c.Extend(minutes=5), LAN, "key-1")
    assert isinstance(again, Done), "the same key is answered from the log"
    await bridge.do(conference, c.Banner(text="goes on"))
    assert bridge.state(conference).banner == "goes on"
    assert bridge.state(conference).end != end
    stored = await log.read(conference)
    assert [r.seq for r in stored] == list(range(1, len(stored) + 1))
    assert sum(isinstance(r.event, e.Extended) for r in stored) == 1
    assert canonical(bridge.state(conference)) == canonical(replay(stored))  # type: ignore[arg-type]
    await bridge.stop()


@pytest.mark.live
async def test_a_database_that_goes_away_and_comes_back(tmp_path: Path) -> None:
    """PostgreSQL is stopped during a conference: it goes on, commands are refused with a
    sentence, and what happened meanwhile is saved afterwards."""
    with databases.cluster() as cluster:
        bridge = Bridge(tmp_path, databases.new_database(cluster))
        await bridge.start()
        async with TestClient(TestServer(bridge.http.app)) as bridge.client:
            conference = await bridge.open()
            tokens = await bridge.join("hoi-truong", "khoan-du")
            await bridge.user("operator")
            await asyncio.to_thread(databases.control, cluster, "stop", "-m", "immediate")
            with pytest.raises(NotSaved):
                await bridge.do(conference, c.Take(point="khoan-du"))
            assert bridge.state(conference).on_air == "hoi-truong"
            assert (await bridge.call("GET", "/conferences", role="operator")).status == 507
            assert (await bridge.offer(tokens["khoan-du"])).status == 201, "media goes on"
            async with asyncio.timeout(HANG):
                while bridge.state(conference).present == {"hoi-truong", "khoan-du"}:
                    await bridge.conductor.committed.wait()
            bridge.up()
            async with asyncio.timeout(HANG):
                while bridge.state(conference).present != {"hoi-truong", "khoan-du"}:
                    await bridge.conductor.committed.wait()
            assert bridge.conductor.unsaved == 2
            await bridge.process.scheduler.look()
            await asyncio.to_thread(databases.control, cluster, "start")
            await bridge.do(conference, c.Take(point="khoan-du"))
            assert bridge.conductor.unsaved == 0
            log = await bridge.process.events.read(conference)
            assert replay(log) == bridge.state(conference)
        await bridge.stop()


async def test_a_log_that_cannot_be_understood_stops_no_other(
    tmp_path: Path, database: str
) -> None:
    bridge, conference = await opened(tmp_path, database)
    booking = bridge.state(conference).booking
    log = bridge.process.events
    odd = e.Recorded(
        conference="odd", seq=1, at=1.0, actor="x", reason="open", event=e.Opened(booking=booking)
    )
    hole = e.Recorded(conference="odd", seq=3, at=1.0, actor="x", reason="x", event=e.Started())
    later = e.Recorded(
        conference="later", seq=1, at=1.0, actor="x", reason="open", event=e.Opened(booking=booking)
    )
    await log.append([odd, hole, later])
    async with bridge.process.engine.begin() as connection:
        await connection.execute(
            sa.text("UPDATE events SET body = '{\"type\": \"opened\"}' WHERE conference = 'later'")
        )
    await bridge.stop()
    again = Bridge(tmp_path, database)
    await again.start(inventory=None)
    assert set(again.conductor.states) == {conference}
    listed = await again.process.events.milestones(10)
    assert {item.recorded.conference for item in listed} == {conference, "odd"}
    await again.stop()


async def test_a_restart_on_a_full_disk(bridge: Bridge, tmp_path: Path) -> None:
    """What can be read and not be written is enough to start again and go on."""
    conference = await bridge.open()
    await bridge.join("hoi-truong", "khoan-du")
    await bridge.login(None)
    before = canonical(bridge.state(conference))
    await bridge.process.accounts.end_logins("operator")  # its session is to be forgotten
    await bridge.stop()
    again = Bridge(tmp_path)

    @sa.event.listens_for(again.process.engine.sync_engine, "connect")
    def read_only(connection: object, _: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]
        cursor.execute("PRAGMA query_only = ON")
        cursor.close()

    await again.start(inventory=None)
    assert canonical(again.state(conference)) == before
    assert again.control.sessions.of_point("khoan-du") is not None
    with pytest.raises(NotSaved):
        await again.do(conference, c.Banner(text="x"))
    await again.stop()


async def test_a_clock_that_jumps_an_hour(bridge: Bridge) -> None:
    conference = await bridge.open()
    await bridge.join("hoi-truong", "khoan-du")
    await bridge.do(conference, c.Grant(point="khoan-du", seconds=120))
    bridge.pass_time(10)
    bridge.wall += 3600
    async with asyncio.timeout(HANG):
        while True:
            log = await bridge.process.events.read(conference)
            if any(isinstance(r.event, e.ClockStepped) for r in log):
                break
            await bridge.conductor.committed.wait()
    await bridge.settle()
    floor = bridge.state(conference).floor
    assert floor is not None
    assert floor.spent(bridge.conductor.now()) == pytest.approx(10, abs=0.1)
    assert floor.warned is None, "nobody is told that the turn is over"


def test_the_steady_clock() -> None:
    wall, monotonic = 1000.0, 5.0
    clock = SteadyClock(lambda: wall, lambda: monotonic)
    monotonic = 15.0
    assert clock.now() == 1010.0
    wall = 1011.0
    assert clock.step() == 0.0, "a drift is no step"
    wall = 10.0
    assert clock.step() == -1000.0
    assert clock.now() == 10.0
    assert clock.step() == 0.0


async def test_unknown_conferences_and_ids_that_are_taken(bridge: Bridge) -> None:
    result = await bridge.conductor.submit("nothing", c.Start(), LAN)
    assert isinstance(result, Refusal)
    assert result.key == "refusal.unknown_conference"
    conference = await bridge.open()
    again = await bridge.conductor.open(bridge.state(conference).booking, LAN)
    assert isinstance(again, Refusal)
    assert again.key == "refusal.id_taken"
