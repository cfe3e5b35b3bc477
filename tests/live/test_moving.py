"""Two active workers: conferences side by side, one that is killed, and rooms that come over from
one to the other, make before break."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest
from playwright.async_api import Page

from bridge.app.process import ControlProcess
from bridge.control.placing import moves
from bridge.media import messages as m
from bridge.media.layer import LAYER_IDLE
from config.schema import Name, Template, Topology
from tests.live.browsers import chromium, open_room, programme_is
from tests.live.support import bridge_process, simulated_points, started, topology
from tests.waiting import HANG, eventually

ONE, TWO = ["phong-hop", "chi-ne", "dong-tam"], ["khoan-du", "yen-bong", "an-binh"]

TRIES = 5  # moves in which the sender of the large picture was held up by the machine

# Everything that has ever stood in the programme's place since it was looked at.
PLACES = """() => {
  const stage = document.getElementById("stage");
  globalThis.places = new Set([stage.dataset.place]);
  new MutationObserver(() => places.add(stage.dataset.place)).observe(stage, { attributes: true });
  globalThis.before = room.media.pc;
}"""


async def note_places(page: Page) -> None:
    """Note from now on where the large picture is, once it is one: a page that has decoded it may
    have its slate up a moment longer."""
    await page.wait_for_function(
        "() => document.getElementById('stage').dataset.place === 'picture'"
    )
    await page.evaluate(PLACES)


def two_conferences() -> Topology:
    made = topology(workers=2)
    templates = [
        Template(id=ident, title=Name(vi=ident), points=points, chair=points[0])
        for ident, points in (("mot", ONE), ("hai", TWO))
    ]
    return made.model_copy(update={"templates": templates})


def present(process: ControlProcess, conference: str, points: list[str]) -> bool:
    return set(process.conductor.states[conference].present) == set(points)


def holders(process: ControlProcess, points: list[str]) -> set[str]:
    sessions = [process.control.sessions.of_point(point) for point in points]
    return {process.control.routes.holder(s.transport) for s in sessions if s is not None}


async def sent(process: ControlProcess, worker: str, points: list[str]) -> dict[str, int]:
    """Packets that a worker has sent to points so far, by transport."""
    stats = await process.workers[worker].stats()
    transports = stats.transports if isinstance(stats, m.Stats) else ()
    return {
        t.transport: sum(slot.packets for slot in t.slots) for t in transports if t.label in points
    }


async def grows(process: ControlProcess, worker: str, points: list[str], by: int) -> set[str]:
    """Wait until each of the points was sent so many packets more; returns their transports."""
    before: dict[str, int] = {}
    async with asyncio.timeout(HANG):
        while True:
            now = await sent(process, worker, points)
            if len(before) < len(points):  # not all are there yet
                before = now
            elif all(now.get(ident, 0) >= count + by for ident, count in before.items()):
                return set(before)
            await asyncio.sleep(0.2)


async def test_a_killed_worker_takes_its_conference_only(tmp_path: Path) -> None:
    async with (
        bridge_process(tmp_path, made=two_conferences()) as process,
        simulated_points(process, [*ONE, *TWO], light=True),
    ):
        one, two = await started(process, "mot"), await started(process, "hai")
        await eventually(lambda: present(process, one, ONE) and present(process, two, TWO))
        homes = [process.control.routes.home(ident) for ident in (one, two)]
        assert sorted(homes) == ["0", "1"]
        await eventually(lambda: holders(process, ONE) == {homes[0]})
        await eventually(lambda: holders(process, TWO) == {homes[1]})
        await grows(process, homes[0], ONE, 50)
        others = await grows(process, homes[1], TWO, 50)
        killed, kept = process.workers[homes[0]].pid, process.workers[homes[1]].pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        assert await grows(process, homes[1], TWO, 100) == others, "the very same transports"
        assert process.workers[homes[1]].pid == kept
        assert present(process, two, TWO)
        # And the other conference comes back, here or there.
        await eventually(lambda: process.workers[homes[0]].pid not in (killed, None))
        await eventually(lambda: present(process, one, ONE))
        await eventually(lambda: "" not in (found := holders(process, ONE)) and len(found) == 1)
        (home,) = holders(process, ONE)
        await grows(process, home, ONE, 50)


async def longest_pause(process: ControlProcess, point: str, stop: asyncio.Event) -> float:
    """The longest time in seconds in which nothing of a point's picture was seen to come to any
    worker. Who looks late may see one pause as two: a real one is at most twice as long."""
    counts: dict[str, int] = {}
    longest, last = 0.0, time.monotonic()
    while not stop.is_set():
        found: dict[str, int] = {}
        for worker in process.workers.values():
            stats = await worker.stats()
            for held in stats.transports if isinstance(stats, m.Stats) else ():
                if held.label == point:
                    found[held.transport] = sum(
                        s.packets for s in held.sources if s.name == "camera"
                    )
        if any(count > counts.get(ident, 0) for ident, count in found.items()):
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        counts.update(found)
        await asyncio.sleep(0.01)
    return max(longest, time.monotonic() - last)


@pytest.mark.browser
async def test_rooms_come_over_without_an_empty_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser, a light point and one of aiortc move together; the room's large picture never
    gives way to a slate or a small one. Where the one that is shown sent nothing for so long that
    its layer counted as off, there was nothing to show, and they move again."""
    monkeypatch.setattr(moves, "GIVE_UP", HANG)  # a busy machine may need longer than a room waits
    points = ["khoan-du", "yen-bong", "an-binh"]
    async with (
        chromium() as browser,
        bridge_process(tmp_path, made=two_conferences()) as process,
        simulated_points(process, points[1:2], light=True),
        simulated_points(process, points[2:]),
    ):
        numbers = {p.id: n for n, p in enumerate(process.topology.points, 1)}
        template = process.topology.templates[1].model_copy(update={"chair": "yen-bong"})
        made = process.topology.model_copy(update={"templates": [template]})
        process.control.swap_topology(made)
        page = await open_room(browser, process, "khoan-du")
        conference = await started(process, "hai")
        await eventually(lambda: present(process, conference, points))
        await programme_is(page, numbers["yen-bong"])
        home = process.control.routes.home(conference)
        await eventually(lambda: holders(process, points) == {home})
        await eventually(lambda: process.control.moves.under_way == 0)
        routes = process.control.routes
        for _ in range(TRIES):
            former = routes.home(conference)
            await note_places(page)
            stop = asyncio.Event()
            watching = asyncio.create_task(longest_pause(process, "yen-bong", stop))
            routes.empty(former)
            process.control.presence.settle()
            other = routes.home(conference)
            assert other != former
            await eventually(lambda: holders(process, points) == {other})  # noqa: B023 - awaited
            await eventually(lambda: process.control.moves.under_way == 0)
            await page.wait_for_function("() => room.media.pc !== before && !room.media.former")
            await grows(process, other, points, 50)
            await programme_is(page, numbers["yen-bong"])
            places = await page.evaluate("[...places]")
            stop.set()
            if await watching < LAYER_IDLE / 2 or places == ["picture"]:
                break
            routes.reopen(former)
        assert places == ["picture"]
        assert process.control.moves.cut == 0
        assert present(process, conference, points)
        assert await sent(process, former, points) == {}
        assert page.problems == []  # type: ignore[attr-defined]
