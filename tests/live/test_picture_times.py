"""How soon pictures are there: takes in a room and on the console, and joining a conference. Real
Chromium pages. What has to come is waited for; how long it takes is printed (``-s``) and asserted
nowhere. docs/performance.md has what a quiet machine gave."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from playwright.async_api import Page

from bridge.app.process import ControlProcess
from bridge.conference import commands as c
from bridge.conference.plan import PROGRAMME, THUMBNAIL
from monitoring.statistics import percentile
from tests.live.browsers import chromium, new_page, open_console, open_room, programme_is, sees
from tests.live.support import act, bridge_process, only, simulated_points, started
from tests.live.test_watch import POINTS, open_to, open_watch
from tests.waiting import HANG, eventually

pytestmark = pytest.mark.browser

WATCH = (Path(__file__).parent / "picture_times.js").read_text("utf-8")
ROOM = "khoan-du"
TAKEN = ("hoi-truong", "chi-ne", "dong-tam")  # with the room that makes four points
# How often: enough to see each happen. The table of docs/performance.md wants more.
TAKES = int(os.environ.get("DIEMCAU_TAKES", "6"))
JOINS = int(os.environ.get("DIEMCAU_JOINS", "4"))
KILLS = int(os.environ.get("DIEMCAU_KILLS", "2"))
VISITS = int(os.environ.get("DIEMCAU_VISITS", "5"))
VISIT = """
  globalThis.visit = { answered: 0, first: 0 };
  const answer = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function (...given) {
    visit.answered ||= performance.now();
    const picture = document.querySelector("#programme");
    picture.requestVideoFrameCallback(() => { visit.first ||= performance.now(); });
    return answer.apply(this, given);
  };
"""

Figures = dict[str, list[float]]


def table(figures: Mapping[str, Sequence[float]]) -> str:
    """Milliseconds, a row each."""
    rows = [f"{'ms':44} {'p50':>6} {'p95':>6} {'most':>6}   of"]
    for name, values in figures.items():
        ordered = sorted(values)
        p50, p95 = percentile(ordered, 0.5), percentile(ordered, 0.95)
        rows.append(f"{name:44} {p50:6.0f} {p95:6.0f} {ordered[-1]:6.0f}   {len(ordered)}")
    return "\n".join(rows)


async def when(page: Page, record: str, *names: str) -> dict[str, float]:
    """What a page has noted, once all of ``names`` are there."""
    script = f"names => names.every(name => {record}[name])"
    await page.wait_for_function(script, arg=list(names), polling=50)
    noted: dict[str, float] = await page.evaluate(record)
    return noted


class Takes:
    """Takes of one point after another, watched in a room and on the console."""

    def __init__(self, process: ControlProcess, room: Page, console: Page) -> None:
        self._process = process
        self._room = room
        self._console = console
        self._numbers = {p.id: n for n, p in enumerate(process.topology.points, 1)}
        self._names = {p.id: p.name.vi for p in process.topology.points}
        self.figures: Figures = {}

    def _note(self, name: str, milliseconds: float) -> None:
        self.figures.setdefault(name, []).append(milliseconds)

    async def _look_for(self, point: str) -> None:
        for page in (self._room, self._console):
            await page.evaluate(
                "wanted => lookFor(...wanted)",
                [point, self._numbers[point], self._names[point]],
            )

    async def _noted(self, kind: str, since: float) -> None:
        room = await when(self._room, "taken", "some", "full")
        console = await when(self._console, "taken", "tally", "some", "full")
        since = since or console["key"]
        self._note(f"{kind}: room, something of the point", room["some"] - since)
        self._note(f"{kind}: room, full picture", room["full"] - since)
        self._note(f"{kind}: console, tally", console["tally"] - since)
        self._note(f"{kind}: console, something of the point", console["some"] - since)
        self._note(f"{kind}: console, full picture", console["full"] - since)

    async def by_key(self, point: str) -> None:
        """Preview, wait for its picture, Enter: from the press of that key."""
        key = "123456789"[self._numbers[point] - 1]
        await self._console.keyboard.press(key)
        await self._console.wait_for_function(
            "n => readCard(document.querySelector('#preview-stage video')) === n",
            arg=self._numbers[point],
            polling=50,
        )
        await self._look_for(point)
        await self._console.keyboard.press("Enter")
        await self._noted("previewed", 0.0)

    async def at_once(self, conference: str, point: str) -> None:
        """Straight to air: from the moment the command is given."""
        await self._look_for(point)
        since = time.time() * 1000
        await act(self._process, conference, c.Take(point=point))
        await self._noted("not previewed", since)


async def test_takes_with_four_points(tmp_path: Path) -> None:
    """Takes of previewed points by keys, and as many straight to air. DIEMCAU_TAKES says how
    many."""
    async with bridge_process(tmp_path) as process, chromium() as browser:
        numbers = {p.id: n for n, p in enumerate(process.topology.points, 1)}
        async with (
            simulated_points(process, [*TAKEN], light=True),
            chromium(numbers[ROOM]) as room_browser,
        ):
            room = await open_room(room_browser, process, ROOM, script=WATCH)
            console = await open_console(browser, process, script=WATCH)
            conference = await started(process)
            await eventually(lambda: len(only(process).present) == 4)
            await sees(room, {point: numbers[point] for point in TAKEN})
            await sees(console, {point: numbers[point] for point in (*TAKEN, ROOM)})
            await programme_is(room, numbers[only(process).on_air])
            takes = Takes(process, room, console)
            others = [*TAKEN[1:], TAKEN[0]]
            for number in range(TAKES):
                await takes.by_key(others[number % len(others)])
            for number in range(TAKES):
                await takes.at_once(conference, others[number % len(others)])
            print(f"\nfour points, {TAKES} takes each\n{table(takes.figures)}")
            for page in (room, console):
                assert page.problems == []  # type: ignore[attr-defined]


async def test_joins_with_twelve_points(tmp_path: Path) -> None:
    """A room comes into a conference of eleven others: from its offer to their pictures.
    DIEMCAU_JOINS says how often."""
    async with bridge_process(tmp_path) as process:
        numbers = {p.id: n for n, p in enumerate(process.topology.points, 1)}
        others = [point for point in numbers if point != ROOM]
        async with (
            simulated_points(process, others, light=True),
            chromium(numbers[ROOM]) as browser,
        ):
            await started(process)
            await eventually(lambda: len(only(process).present) == len(others))
            room = await open_room(browser, process, ROOM, script=WATCH)
            figures: Figures = {"first small picture": [], "all eleven": []}
            for number in range(JOINS):
                if number:
                    await room.reload()
                async with asyncio.timeout(HANG):
                    noted = await when(room, "joined", "offered", "first", "all")
                figures["first small picture"].append(noted["first"] - noted["offered"])
                figures["all eleven"].append(noted["all"] - noted["offered"])
            await sees(room, {point: numbers[point] for point in others})
            print(f"\ntwelve points, {JOINS} joins, from the offer\n{table(figures)}")
            assert room.problems == []  # type: ignore[attr-defined]


async def test_first_pictures_of_who_watches(tmp_path: Path) -> None:
    """Visits of /watch one after another: from the answer until a picture is there. DIEMCAU_VISITS
    says how many."""
    async with open_to(tmp_path, "anybody") as process, chromium() as browser:
        conference = await started(process)
        await eventually(lambda: len(only(process).present) == len(POINTS))
        figures: Figures = {"first picture": []}
        for _ in range(VISITS):
            page = await new_page(browser)
            await page.add_init_script(VISIT)
            await open_watch(browser, process, conference, page=page)
            visit = await when(page, "visit", "answered", "first")
            figures["first picture"].append(visit["first"] - visit["answered"])
            assert page.problems == []  # type: ignore[attr-defined]
            await page.context.close()
        print(f"\nwho watches, {VISITS} visits, from the answer\n{table(figures)}")


def shown(process: ControlProcess, points: Sequence[str]) -> bool:
    """Whether the programme and every small picture of these points show somebody. Each of them
    began with a key frame, and the worker has said so."""
    names = [PROGRAMME, *(f"{THUMBNAIL}{n}" for n in range(1, len(process.topology.points)))]
    for point in points:
        session = process.control.sessions.of_point(point)
        ident = session.transport if session is not None else ""
        if any(process.control.routes.shown(ident, name).point is None for name in names):
            return False
    return True


async def ready_for_a_kill(process: ControlProcess, points: Sequence[str]) -> int:
    """Wait until all is well and a spare worker is ready; the active worker's process."""
    spare = process.worker.spare
    assert spare is not None
    await eventually(lambda: spare.ready and process.worker.ready.is_set())
    await eventually(lambda: shown(process, points))
    assert process.worker.pid is not None
    return process.worker.pid


async def other_than(process: ControlProcess, worker: int) -> None:
    """Wait for another worker."""
    await eventually(lambda: process.worker.pid not in (None, worker))


@pytest.mark.parametrize("rooms", [2, pytest.param(0, marks=pytest.mark.soak)])
async def test_pictures_after_the_worker_was_killed(tmp_path: Path, rooms: int) -> None:
    """Twelve points and a spare worker: from SIGKILL until every room has every picture again.
    DIEMCAU_KILLS says how often."""
    async with contextlib.AsyncExitStack() as stack:
        process = await stack.enter_async_context(bridge_process(tmp_path, spare=True))
        numbers = {p.id: n for n, p in enumerate(process.topology.points, 1)}
        real = [ROOM, "yen-bong"][:rooms]
        raw = [point for point in numbers if point not in real]
        await stack.enter_async_context(simulated_points(process, raw, light=True))
        pages = []
        for point in real:
            browser = await stack.enter_async_context(chromium(numbers[ROOM]))
            pages.append(await open_room(browser, process, point, script=WATCH))
        await started(process)
        await eventually(lambda: len(only(process).present) == len(numbers))
        figures: Figures = {}
        for _ in range(KILLS):
            worker = await ready_for_a_kill(process, [*raw, *real])
            since, begun = time.time() * 1000, time.monotonic()
            os.kill(worker, signal.SIGKILL)
            await other_than(process, worker)
            await eventually(lambda: not shown(process, raw))
            note(figures, "another worker is there", time.monotonic() - begun)
            await eventually(lambda: shown(process, raw))
            note(figures, "raw peers: all pictures sent", time.monotonic() - begun)
            for page in pages:
                await page.wait_for_function(
                    "since => joined.offered > since && joined.all && joined.programme",
                    arg=since,
                    polling=50,
                )
                noted = await page.evaluate("joined")
                last = max(noted["all"], noted["programme"])
                note(figures, "a room: it offers", (noted["offered"] - since) / 1000)
                note(figures, "a room: all pictures decoded", (last - since) / 1000)
        print(f"\n{len(raw)} raw peers, {rooms} rooms, {KILLS} kills\n{table(figures)}")
        await eventually(lambda: len(only(process).present) == len(numbers))
        for page in pages:
            assert page.problems == []  # type: ignore[attr-defined]


def note(figures: Figures, name: str, seconds: float) -> None:
    figures.setdefault(name, []).append(seconds * 1000)
