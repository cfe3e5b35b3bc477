"""Patience counts short waits: a process that was held up does not conclude that others were."""

from __future__ import annotations

import asyncio
import time

import pytest

from bridge.base.patience import patiently


async def held_up(seconds: float) -> str:
    """Work that is done a few turns of the loop after this process was held up."""
    time.sleep(seconds)  # noqa: ASYNC251 - nothing of this process runs meanwhile
    for _ in range(3):
        await asyncio.sleep(0)
    return "there"


async def test_a_process_that_was_held_up_waits_all_the_same() -> None:
    with pytest.raises(TimeoutError):  # what a timer by the clock concludes
        async with asyncio.timeout(0.02):
            await held_up(0.05)
    assert await patiently(held_up(0.05), 0.02, step=0.005) == "there"


async def test_who_never_answers_is_given_up_and_cancelled() -> None:
    ended = asyncio.Event()

    async def never() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(TimeoutError, match="nothing came within"):
        await patiently(never(), 0.02, step=0.005)
    assert ended.is_set()


async def test_what_it_raises_is_raised() -> None:
    async def refused() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await patiently(refused(), 1.0)


async def test_whoever_gives_up_waiting_ends_the_work() -> None:
    ended = asyncio.Event()

    async def never() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    waiting = asyncio.create_task(patiently(never(), 60.0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended.is_set()
