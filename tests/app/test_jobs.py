"""Jobs that run beside a control process end when it stops."""

from __future__ import annotations

import asyncio

import pytest

from tests.control_support import Bridge
from tests.paths import ROOT
from tests.waiting import HANG


@pytest.mark.parametrize("job", ["audience", "recordings"])
@pytest.mark.parametrize("turns", range(4))
async def test_a_job_ends_that_is_cancelled_while_something_is_committed(
    bridge: Bridge, job: str, turns: int
) -> None:
    """However many turns of the event loop lie between the commit and the end."""
    task = asyncio.create_task(getattr(bridge.process, job).run())
    for _ in range(20):
        await asyncio.sleep(0)
    bridge.conductor.committed.set()
    bridge.conductor.committed.clear()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=HANG)
    assert task.cancelled()


def test_nothing_waits_in_a_way_that_swallows_its_end() -> None:
    """Until Python 3.12 `asyncio.wait_for` takes no notice of being cancelled where what it waits
    for has just come: `asyncio.timeout` does."""
    found = [
        str(path.relative_to(ROOT))
        for room in ("bridge", "endpoints", "monitoring")
        for path in (ROOT / room).rglob("*.py")
        if "asyncio.wait_for(" in path.read_text("utf-8")
    ]
    assert found == []
