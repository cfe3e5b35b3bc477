"""The connection to a worker on another machine ends in more ways than a Unix socket's."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from bridge.control.worker_link import Connection, WorkerLink
from bridge.media import messages as m
from tests.control_support import INVENTORY
from tests.waiting import eventually


class Far:
    """What stands for the other machine: one connection, which a test ends as it likes."""

    def __init__(self) -> None:
        self.readers: list[asyncio.StreamReader] = []
        self.aborted = 0
        self.there = True
        self.transport = self

    async def dial(self) -> Connection | None:
        if not self.there:
            return None
        self.readers.append(asyncio.StreamReader())
        self.readers[-1].feed_data(m.encoder.encode(INVENTORY) + b"\n")
        return self.readers[-1], self  # type: ignore[return-value]

    def write(self, data: bytes) -> None:
        pass

    def close(self) -> None:
        pass

    def abort(self) -> None:
        self.aborted += 1

    def get_extra_info(self, name: str) -> None:
        return None


@pytest.mark.parametrize("error", [TimeoutError(), ssl.SSLError("after close"), ConnectionError()])
async def test_however_it_ends_it_is_told_and_tried_again(tmp_path: Path, error: Exception) -> None:
    far, events, downs = Far(), [], []  # type: ignore[var-annotated]
    link = WorkerLink(
        control=tmp_path,
        hosts=[],
        port=0,
        with_parent=False,
        own=False,
        on_event=events.append,
        on_down=lambda: downs.append(1),
        dial=far.dial,
    )
    task = asyncio.create_task(link.run())
    try:
        await eventually(link.ready.is_set)
        link.kill()
        assert far.aborted == 1, "closing would wait for who says nothing"
        far.there = False
        far.readers[-1].set_exception(error)
        await eventually(lambda: downs)
        far.there = True
        await eventually(link.ready.is_set)
        assert len(events) == 2
        assert not task.done()
        await link.shutdown()  # a worker on another machine is never ended from here
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
