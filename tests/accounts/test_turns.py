"""Whoever tries passwords waits for his own crowd, and a known device for nobody's."""

from __future__ import annotations

import asyncio

import pytest

from bridge.accounts import turns as module
from bridge.accounts.turns import Crowded, Turns


async def crowd(turns: Turns, order: list[str], who: str, address: str, **more: bool) -> None:
    async with turns.turn(who, address, trusted=more.get("trusted", False)):
        order.append(who)
        await asyncio.sleep(0)


async def test_a_known_device_is_next_and_addresses_take_turns() -> None:
    """A hundred logins at once once made an operator wait for a quarter of a minute."""
    turns, order = Turns(1), list[str]()
    holding = asyncio.Event()

    async def hold() -> None:
        async with turns.turn("first", "::9", trusted=False):
            await holding.wait()

    tasks = [asyncio.create_task(hold())]
    await asyncio.sleep(0)
    tasks += [asyncio.create_task(crowd(turns, order, f"s{n}", "::1")) for n in range(20)]
    tasks += [asyncio.create_task(crowd(turns, order, "other", "::2"))]
    await asyncio.sleep(0)
    tasks += [asyncio.create_task(crowd(turns, order, "lan", "::3", trusted=True))]
    await asyncio.sleep(0)
    holding.set()
    await asyncio.gather(*tasks)
    assert order[0] == "lan"
    assert order.index("other") <= 2
    assert len(order) == 22
    assert turns._lanes == {}
    assert turns._waiting == 0


async def test_of_one_name_one_at_a_time_and_few_at_once() -> None:
    turns = Turns(2)
    inside: list[str] = []
    most = 0

    async def enter(name: str, address: str) -> None:
        nonlocal most
        async with turns.turn(name, address, trusted=False):
            assert name not in inside
            inside.append(name)
            most = max(most, len(inside))
            await asyncio.sleep(0)
            inside.remove(name)

    await asyncio.gather(*(enter(f"n{i % 3}", f"::{i % 4}") for i in range(60)))
    assert most == 2


async def test_too_many_are_refused_and_who_leaves_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "WAITING_HERE", 3)
    monkeypatch.setattr(module, "WAITING", 5)
    turns = Turns(1)
    order: list[str] = []
    async with turns.turn("first", "::9", trusted=False):
        tasks = [asyncio.create_task(crowd(turns, order, f"a{n}", "::1")) for n in range(5)]
        tasks += [asyncio.create_task(crowd(turns, order, f"b{n}", "::2")) for n in range(3)]
        tasks += [asyncio.create_task(crowd(turns, order, "lan", "::1", trusted=True))]
        for _ in range(3):
            await asyncio.sleep(0)
        assert sum(task.done() for task in tasks) == 3
        tasks[0].cancel()
        await asyncio.sleep(0)
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(o, Crowded) for o in outcomes) == 3
    assert order[0] == "lan"
    assert turns._waiting == 0
