"""A leader that hands over on purpose: who may follow it, and for how long its workers forward."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from bridge.app import handing_over
from bridge.app.handing_over import (
    HOLD,
    SETTING,
    Note,
    handed_to_us,
    read_note,
    still_forwards,
    write_note,
)
from bridge.media import messages as m
from tests.control_support import INVENTORY, Bridge


def held(label: str, state: m.State = "connected") -> m.TransportState:
    return m.TransportState(
        transport=label, label=label, state=state, profile="", sources=(), slots=()
    )


@contextlib.asynccontextmanager
async def worker(path: Path, transports: list[m.TransportState] | None) -> AsyncIterator[None]:
    """A worker without a control process that holds these transports; None: it says nothing."""
    gone: list[asyncio.Event] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gone.append(over := asyncio.Event())
        await reader.readline()
        if transports is not None:
            inventory = replace(INVENTORY, transports=tuple(transports))
            writer.write(m.encoder.encode(inventory) + b"\n")
        await reader.read()
        writer.close()
        over.set()

    server = await asyncio.start_unix_server(serve, str(path))
    async with server:
        yield
        for one in gone:
            await one.wait()


@pytest.mark.parametrize(
    ("setting", "epoch", "host"),
    [
        (None, 4, ""),
        ('{"epoch": 3, "host": "may-1"}', 4, "may-1"),
        ('{"epoch": 3, "host": "may-1"}', 5, ""),  # another one has led meanwhile
        ('{"epoch": 4, "host": "may-1"}', 4, ""),  # it leads itself again
        ("[]", 4, ""),
        ('{"epoch": 3}', 4, ""),
        ("rubbish", 4, ""),
    ],
)
async def test_only_the_next_leader_expects_rooms(
    bridge: Bridge, setting: str | None, epoch: int, host: str
) -> None:
    accounts = bridge.process.accounts
    if setting is not None:
        await accounts.put_setting(SETTING, setting)
    assert await handed_to_us(accounts, epoch) == host


async def test_workers_forward_until_their_points_have_left(tmp_path: Path) -> None:
    assert not await still_forwards(tmp_path, "b", 100.0), "nothing was handed over"
    write_note(tmp_path, Note(at=100.0, connections=3, left=3))
    rest = [held("tap:x"), held("viewer:code:1:x"), held("relay:1:x")]
    first = [held("khoan-du"), held("chi-ne", "vanished"), *rest]
    second = [held("session:abc")]
    async with worker(tmp_path / "worker.sock", first), worker(tmp_path / "worker-1.sock", second):
        assert await still_forwards(tmp_path, "b", 101.0)
        note = read_note(tmp_path)
        assert note is not None
        assert (note.left, note.leader, note.done) == (2, "b", False)
        del first[0], second[0]
        assert not await still_forwards(tmp_path, "b", 102.0)
    note = read_note(tmp_path)
    assert note is not None
    assert (note.left, note.done) == (0, True)
    assert not await still_forwards(tmp_path, "b", 103.0), "they are ended for good"


async def test_workers_do_not_forward_for_ever(tmp_path: Path) -> None:
    write_note(tmp_path, Note(at=100.0, connections=1, left=1))
    async with worker(tmp_path / "worker.sock", [held("khoan-du")]):
        assert await still_forwards(tmp_path, "b", 100.0 + HOLD - 1)
        assert not await still_forwards(tmp_path, "b", 100.0 + HOLD)
        write_note(tmp_path, Note(at=100.0, connections=1, left=1))
        assert not await still_forwards(tmp_path, "b", 50.0), "a clock that was set back"
    note = read_note(tmp_path)
    assert note is not None
    assert (note.left, note.done) == (1, True)


async def test_a_worker_that_says_nothing_holds_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handing_over, "ASKING", 0.01)
    async with worker(tmp_path / "worker.sock", None):
        assert await handing_over.connections_of(tmp_path / "worker.sock") == 0
    (tmp_path / "worker.sock").unlink(missing_ok=True)
    assert await handing_over.connections_of(tmp_path / "worker.sock") == 0


async def test_points_on_the_way_are_not_absent(bridge: Bridge) -> None:
    conference = await bridge.open()
    await bridge.join("hoi-truong", "khoan-du", "chi-ne")
    presence, sessions = bridge.control.presence, bridge.control.sessions
    presence.expect(12.0)
    for point in ("khoan-du", "chi-ne"):  # as a process knows them that has just begun to lead
        session = sessions.of_point(point)
        assert session is not None
        session.release_all()
    presence.settle()
    await bridge.settle()
    assert {"khoan-du", "chi-ne"} <= set(bridge.state(conference).present)
    token = await bridge.login("khoan-du")
    assert (await bridge.offer(token)).status == 201
    await bridge.settle()
    assert "khoan-du" in bridge.state(conference).present, "it connects"
    bridge.up()
    bridge.pass_time(12.0)
    presence.call()
    await bridge.settle()
    assert set(bridge.state(conference).present) == {"hoi-truong", "khoan-du"}
