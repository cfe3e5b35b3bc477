"""The control process's side of a worker: what it does while there is none, and cancellation."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from bridge.control.worker_link import WorkerLink
from bridge.media import messages as m
from tests.waiting import eventually


class FakeWriter:
    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.lines.append(data)


def link(tmp_path: Path) -> WorkerLink:
    return WorkerLink(
        control=tmp_path / "w.sock",
        hosts=["127.0.0.1"],
        port=0,
        with_parent=True,
        on_event=lambda _: None,
        on_down=lambda: None,
    )


async def test_without_a_worker(tmp_path: Path) -> None:
    worker = link(tmp_path)
    assert await worker.stats() is None
    worker.send(m.Close(transport="x"))
    assert worker.pid is None


async def test_a_worker_that_dies_is_no_cancelled_caller(tmp_path: Path) -> None:
    worker: Any = link(tmp_path)
    worker._writer = FakeWriter()
    asking = asyncio.create_task(worker.stats())
    await asyncio.sleep(0)
    for future in worker._requests.values():
        future.cancel()
    assert await asking is None


async def test_a_cancelled_caller_is_cancelled(tmp_path: Path) -> None:
    worker: Any = link(tmp_path)
    worker._writer = FakeWriter()
    asking = asyncio.create_task(worker.stats())
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_a_worker_that_cannot_start_is_tried_again(tmp_path: Path) -> None:
    worker: Any = link(tmp_path)
    worker._hosts = ["192.0.2.77"]  # an address this machine does not have
    running = asyncio.create_task(worker.run())
    await eventually(lambda: worker.starts >= 2, 60)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await worker.shutdown()
    assert not worker.ready.is_set()


async def foreign_worker(tmp_path: Path) -> asyncio.subprocess.Process:
    """A worker that somebody else has started: what a control process finds after a restart."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge.media", "--listen", "127.0.0.1"),
        *("--control", str(tmp_path / "w.sock")),
    )
    await eventually((tmp_path / "w.sock").exists)
    return process


@pytest.mark.parametrize("stopped_before", [False, True], ids=["hangs later", "hangs already"])
async def test_an_adopted_worker_that_hangs_is_replaced(
    tmp_path: Path, stopped_before: bool
) -> None:
    """It is ended, though somebody else has started it, and though it may never have answered."""
    process = await foreign_worker(tmp_path)
    worker = link(tmp_path)
    if stopped_before:
        process.send_signal(signal.SIGSTOP)
    running = asyncio.create_task(worker.run())
    try:
        await eventually(lambda: worker.connected)
        if not stopped_before:
            await eventually(worker.ready.is_set)
            process.send_signal(signal.SIGSTOP)
        assert worker.pid == process.pid
        worker.kill()
        await eventually(worker.ready.is_set if stopped_before else lambda: worker.starts)
        await eventually(worker.ready.is_set)
        assert worker.pid not in (None, process.pid)
        assert await process.wait() == -signal.SIGKILL
    finally:
        running.cancel()
        await worker.shutdown()
        await asyncio.gather(running, return_exceptions=True)
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_worker_that_is_another_process_s_is_left_alone(tmp_path: Path) -> None:
    """What has not been taken by a worker neither ends it nor starts another beside it."""
    refusals = 0

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal refusals
        await reader.readline()
        refusals += 1
        writer.write(m.encoder.encode(m.Error(command="hello", detail="Process 7.")) + b"\n")
        writer.close()

    server = await asyncio.start_unix_server(refuse, path=tmp_path / "w.sock")
    worker = link(tmp_path)
    running = asyncio.create_task(worker.run())
    await eventually(lambda: refusals >= 2)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    server.close()
    assert worker.starts == 0
    assert not worker.connected
