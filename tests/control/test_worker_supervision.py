"""A worker that answers is counted, one that hangs is ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import cast

from bridge.control.worker_supervision import HANGING_AFTER, supervise
from bridge.media import messages as m
from tests.waiting import HANG

ANSWER = cast("m.Stats", object())


class FakeWorker:
    """Gives its answers one after the other, then is cut off by ``over``."""

    def __init__(self, answers: Iterable[m.Stats | None], over: Callable[[], None]) -> None:
        self._answers = iter(answers)
        self._over = over
        self.connected = True
        self.asked = 0
        self.killed: list[int] = []

    async def stats(self) -> m.Stats | None:
        self.asked += 1
        try:
            return next(self._answers)
        except StopIteration:
            self._over()
            return await asyncio.Future()

    def kill(self) -> None:
        self.killed.append(self.asked)


async def watched(answers: list[m.Stats | None]) -> tuple[FakeWorker, list[m.Stats]]:
    """Supervise a worker until it has given all its answers."""
    over = asyncio.Event()
    worker, found = FakeWorker(answers, over.set), list[m.Stats]()
    task = asyncio.create_task(supervise(worker, found.append, 0.0))
    async with asyncio.timeout(HANG):
        await over.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return worker, found


async def test_every_answer_is_passed_on() -> None:
    worker, found = await watched([ANSWER, None, ANSWER, None, ANSWER])
    assert found == [ANSWER] * 3
    assert worker.killed == [], "one answer that is late is no hanging worker"


async def test_a_worker_that_hangs_is_ended_and_asked_anew() -> None:
    worker, found = await watched([ANSWER, *[None] * HANGING_AFTER, ANSWER])
    assert worker.killed == [1 + HANGING_AFTER]
    assert found == [ANSWER] * 2


async def test_without_a_worker_nobody_is_asked() -> None:
    worker = FakeWorker([ANSWER], lambda: None)
    worker.connected = False
    task = asyncio.create_task(supervise(worker, lambda _: None, 0.0))
    for _ in range(20):
        await asyncio.sleep(0)
    assert worker.asked == 0
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
