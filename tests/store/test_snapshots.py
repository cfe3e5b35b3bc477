"""Snapshots are what a replay would give; logs longer than one reading are read to their end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.apply import replay
from bridge.conference.model import State, canonical
from bridge.store import log as log_module
from bridge.store import tables
from bridge.store.database import engine_of, migrate
from bridge.store.log import EventLog
from bridge.store.snapshots import EVERY, Snapshots
from tests.conference.support import ACTORS, SAMPLES, Run


@pytest.fixture
async def engine(database: str, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    made = engine_of(database, tmp_path)
    await migrate(made)
    yield made
    await made.dispose()


def long_log(events: int) -> list[e.Recorded]:
    """A conference in which somebody has asked for the floor and withdrawn for hours."""
    run = Run()
    run.ok(c.Start())
    run.ok(c.Banner(text="Nghỉ"))
    last = run.log[-1]
    return run.log + [
        msgspec.structs.replace(last, seq=seq) for seq in range(last.seq + 1, events + 1)
    ]


async def kept(engine: AsyncEngine) -> list[int]:
    async with engine.connect() as connection:
        return list((await connection.execute(sa.select(tables.snapshots.c.seq))).scalars())


async def test_a_log_of_more_than_one_portion_is_read_to_its_end(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state once stopped at event 100,000, which was how much was read at most."""
    monkeypatch.setattr(log_module, "PORTION", 7)
    events = long_log(30)
    log = EventLog(engine)
    await log.append(events)
    assert await log.read("hop-1") == events
    assert await log.read("hop-1", after=10, limit=9) == events[10:19]
    sizes = [len(found) async for found in log.portions("hop-1", limit=15)]
    assert sizes == [7, 7, 1]
    assert [found async for found in log.portions("nobody")] == []


async def test_there_is_no_bound_on_a_log(tmp_path: Path) -> None:
    events = long_log(100_010)
    engine = engine_of("", tmp_path)
    await migrate(engine)
    log = EventLog(engine)
    await log.append(events)
    state = await Snapshots(engine).rebuild("hop-1", log)
    await engine.dispose()
    assert state is not None
    assert state.seq == 100_010
    assert canonical(state) == canonical(replay(events) or state)


async def test_a_state_from_a_snapshot_is_the_state_of_a_replay(engine: AsyncEngine) -> None:
    events = long_log(EVERY + 40)
    log, snapshots = EventLog(engine), Snapshots(engine)
    await log.append(events)
    whole = await snapshots.rebuild("hop-1", log)
    await snapshots.save()
    assert await kept(engine) == [EVERY + 40]
    more = msgspec.structs.replace(events[-1], seq=EVERY + 41)
    await log.append([more])
    again = await Snapshots(engine).rebuild("hop-1", log)
    assert whole is not None
    assert again == replay([*events, more])
    assert whole == replay(events)


@pytest.mark.parametrize(
    "change",
    [
        {"rules": "of another program"},
        {"body": "{}"},
        {"body": "nonsense"},
        {"seq": EVERY + 1000},
    ],
    ids=["another program's", "no state", "no JSON", "ahead of the log"],
)
async def test_a_snapshot_that_does_not_fit_counts_for_nothing(
    engine: AsyncEngine, change: dict[str, object]
) -> None:
    events = long_log(EVERY + 3)
    log, snapshots = EventLog(engine), Snapshots(engine)
    await log.append(events)
    await snapshots.rebuild("hop-1", log)
    await snapshots.save()
    async with engine.begin() as connection:
        await connection.execute(sa.update(tables.snapshots).values(**change))
    assert await Snapshots(engine).rebuild("hop-1", log) == replay(events)


async def test_the_snapshot_of_a_conference_that_ended_goes(engine: AsyncEngine) -> None:
    events = long_log(EVERY)
    log, snapshots = EventLog(engine), Snapshots(engine)
    await log.append(events)
    await snapshots.rebuild("hop-1", log)
    await snapshots.save()
    assert await kept(engine) == [EVERY]
    over = msgspec.structs.replace(events[-1], seq=EVERY + 1, event=e.Ended())
    state = replay([*events, over])
    assert state is not None
    snapshots.consider(state)
    await snapshots.save()
    assert await kept(engine) == []


@given(st.lists(st.tuples(st.sampled_from(list(SAMPLES.values())), st.sampled_from(ACTORS))))
def test_every_state_comes_back_from_json_as_it_was(
    asked: list[tuple[c.Command, object]],
) -> None:
    run = Run()
    for command, actor in asked:
        run.do(command, actor)  # type: ignore[arg-type]
    state = run.state
    assert msgspec.json.decode(msgspec.json.encode(state), type=State) == state
