"""Which media workers a host that waits ends, and which stay for when it leads."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from bridge.app.warm_workers import WarmWorkers, end_former
from bridge.media import messages as m
from tests.control_support import INVENTORY, TOPOLOGY
from tests.waiting import HANG

HELD = m.TransportState(
    transport="x", label="khoan-du", state="connected", profile="", sources=(), slots=()
)
BUSY = replace(INVENTORY, transports=(HELD,))
OTHER = m.Error(command="hello", detail="another version")


@pytest.mark.parametrize(
    ("answers", "ended"),
    [
        ([INVENTORY], False),
        ([BUSY], True),
        ([m.Error(command="open", detail="late"), BUSY], True),
        ([OTHER], True),
        ([], False),  # it has gone by itself
    ],
)
async def test_a_worker_that_holds_something_is_ended(
    answers: list[m.Event], ended: bool, tmp_path: Path
) -> None:
    told: list[str] = []
    served = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told.append(json.loads(await reader.readline())["type"])
        writer.writelines(m.encoder.encode(answer) + b"\n" for answer in answers)
        if answers and (line := await reader.readline()):
            told.append(json.loads(line)["type"])
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        served.set()

    server = await asyncio.start_unix_server(serve, str(tmp_path / "worker.sock"))
    await end_former(tmp_path / "worker.sock")
    async with asyncio.timeout(HANG):
        await served.wait()
    server.close()
    await server.wait_closed()
    assert told == (["hello", "shutdown"] if ended else ["hello"])


async def test_where_there_is_none_nothing_is_ended(tmp_path: Path) -> None:
    await end_former(tmp_path / "worker.sock")


@pytest.mark.parametrize("own", [True, False])
async def test_nothing_is_started_before_another_host_leads(own: bool, tmp_path: Path) -> None:
    workers = WarmWorkers(TOPOLOGY, tmp_path, own=own)
    await workers.take_over()
    await workers.close()
    assert not list(tmp_path.iterdir())
