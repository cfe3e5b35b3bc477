"""The control process's side of a worker: what it does while there is none, and cancellation."""

from __future__ import annotations

import asyncio
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
