"""The end of a control process: in which order."""

from __future__ import annotations

import asyncio

from bridge.app.ending import end


class Link:
    """A link whose connection a task holds."""

    def __init__(self, said: list[str], name: str) -> None:
        self._said = said
        self._name = name
        self._connected = True

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self._connected = False

    def ask_to_end(self) -> None:
        if self._connected:
            self._said.append(f"{self._name} is told")

    async def shutdown(self) -> None:
        self.ask_to_end()
        self._said.append(f"{self._name} has ended")


async def nobody() -> None:
    """No client is connected."""


async def test_clients_are_let_go_before_anybody_waits_for_a_worker() -> None:
    said: list[str] = []
    link = Link(said, "one")
    task = asyncio.create_task(link.run())
    await asyncio.sleep(0)

    async def let_go() -> None:
        assert task.done()
        said.append("clients are let go")

    await end([task], [link], let_go)
    assert said == ["one is told", "clients are let go", "one has ended"]


async def test_workers_are_told_while_they_can_be_told() -> None:
    said: list[str] = []
    links = [Link(said, name) for name in ("one", "two")]
    tasks = [asyncio.create_task(link.run()) for link in links]
    await asyncio.sleep(0)
    await end(tasks, links, nobody)
    assert said[:2] == ["one is told", "two is told"]
    assert {"one has ended", "two has ended"} <= set(said)
    assert all(task.cancelled() for task in tasks)


async def test_workers_that_stay_are_not_told() -> None:
    said: list[str] = []
    link = Link(said, "one")
    task = asyncio.create_task(link.run())
    await asyncio.sleep(0)
    await end([task], (), nobody)
    assert (said, task.cancelled()) == ([], True)
