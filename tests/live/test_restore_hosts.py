"""Restoring with several hosts: not beneath one that leads, nor by one that leads no more."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from bridge.app.state_folder import prepare
from bridge.cli.offline import restore_offline
from bridge.conference import events as e
from bridge.reports.minutes.signed_minutes import SignedMinutes
from bridge.store.backups import Backups
from bridge.store.database import NotSaved, StoreError, engine_of, migrate
from bridge.store.leading.leadership import Leadership
from bridge.store.log import EventLog
from config.hosts_schema import Hosts
from config.schema import Topology
from tests import databases
from tests.control_support import TOPOLOGY
from tests.waiting import HANG

SILENCE = 60.0  # seconds: a busy machine holds nobody up for so long


def line(seq: int) -> e.Recorded:
    event = e.BannerSet(text=str(seq))
    return e.Recorded(conference="x", seq=seq, at=1.0, actor="lan", reason="", event=event)


def of_host_b(database: str, takeover: float) -> Topology:
    """``takeover``: seconds; a host that leads is waited for about as long before it is refused."""
    known = [{"id": name, "url": f"https://{name}.example"} for name in "ab"]
    hosts = Hosts.model_validate({"this": "b", "takeover": takeover, "all": known})
    bridge = TOPOLOGY.bridge.model_copy(update={"hosts": hosts, "database": database})
    return TOPOLOGY.model_copy(update={"bridge": bridge})


async def events(database: str) -> int:
    engine = engine_of(database, Path())
    try:
        return len(await EventLog(engine).read("x"))
    finally:
        await engine.dispose()


async def test_signed_minutes_come_to_the_other_host(tmp_path: Path, postgres: str) -> None:
    """When they are asked for, and when it makes a backup."""
    database = databases.new_database(postgres)
    engine = engine_of(database, tmp_path)
    await migrate(engine)
    log = EventLog(engine)
    a, b, c = (SignedMinutes(log, tmp_path / name / "minutes", time.time, engine) for name in "abc")
    for name in "abc":
        prepare(tmp_path / name)
    facts = await a.bring("x", b"%PDF signed", ("Lan",), "user:lan")
    assert not b.file(facts.sha256).exists()
    assert await b.read(facts.sha256) == b"%PDF signed"
    await Backups(database, tmp_path / "c", tmp_path).write(tmp_path / "saved")
    assert c.file(facts.sha256).read_bytes() == b"%PDF signed"
    with pytest.raises(OSError, match="0" * 64):
        await b.read("0" * 64)
    await engine.dispose()


async def test_a_backup_is_restored_by_who_leads_alone(tmp_path: Path, postgres: str) -> None:
    database = databases.new_database(postgres)
    state, saved = tmp_path / "state", tmp_path / "saved"
    prepare(state)
    a = Leadership(database, "a", "https://a.example", {"keys": "1"}, SILENCE)
    task = asyncio.create_task(a.run())
    async with asyncio.timeout(HANG):
        await a.leading.wait()
    engine = engine_of(database, state, term=a.term())
    await migrate(engine)
    await EventLog(engine).append([line(1)])
    backups = Backups(database, state, tmp_path, term=a.term())
    await backups.write(saved)
    await EventLog(engine).append([line(2)])
    with pytest.raises(StoreError, match=r"Host a leads.*https://a\.example"):
        await restore_offline(of_host_b(database, 1.0), state, saved, tmp_path)
    assert await events(database) == 2
    await backups.restore(saved)
    assert await events(database) == 1
    await EventLog(engine).append([line(2)])
    await a.resign()
    async with asyncio.timeout(HANG):
        await a.lost.wait()
        await task
    patient = of_host_b(database, SILENCE)
    assert "rows restored" in await restore_offline(patient, state, saved, tmp_path)
    assert await events(database) == 1
    with pytest.raises(NotSaved, match="another host leads"):  # b has led since
        await backups.restore(saved)
    with pytest.raises(NotSaved, match="another host leads"):
        await EventLog(engine).append([line(2)])
    await engine.dispose()
    b = Leadership(database, "b", "https://b.example", {}, SILENCE)
    found = await b.look()
    assert found is not None
    assert (found.host, found.epoch, found.files) == ("b", a.epoch + 1, {"keys": "1"})
