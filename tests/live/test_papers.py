"""Papers in real browsers: three rooms follow the presenter page by page, a fourth comes late, one
leafs by itself and comes back. What is shown is looked at in the pixels."""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import FilePayload, Page

from bridge.app.process import ControlProcess
from bridge.conference import commands as c
from tests.live.browsers import chromium, open_console, open_room, text_is
from tests.live.support import act, bridge_process, only, started
from tests.papers.support import COLOURS, pdf
from tests.waiting import HANG, eventually

pytestmark = pytest.mark.browser

ROOMS = ("khoan-du", "chi-ne", "an-binh")
LATE = "hung-thi"
PAGES = 40
TURNS = 10
# Rooms without devices: they cost little, and papers need none.
DEVICES = (Path(__file__).parent / "devices.js").read_text("utf-8")
NO_DEVICES = f"{DEVICES}\ndevices.video = devices.audio = 'NotFoundError';"
SHOWS = """([page, colour]) => {
  const canvas = document.querySelector('#paper-page canvas');
  if (canvas?.dataset.page !== String(page) || !canvas.width) return false;
  const [x, y] = [canvas.width >> 1, canvas.height >> 1];
  const found = canvas.getContext('2d').getImageData(x, y, 1, 1).data;
  return colour.every((part, index) => Math.abs(part - found[index]) < 24);
}"""
FETCHED = """() => performance.getEntriesByType('resource')
  .filter(entry => entry.name.includes('/room/papers/')).map(entry => entry.transferSize)"""


async def shows(room: Page, page: int) -> None:
    """Wait until the room shows a page, by the colour in its middle."""
    colour = list(COLOURS[(page - 1) % len(COLOURS)])
    await room.wait_for_function(SHOWS, arg=[page, colour], polling=20)


async def shown_at(room: Page) -> float:
    """When the room has drawn what it shows, UTC seconds; all are one machine's clock."""
    return (
        float(await room.evaluate("document.querySelector('#paper-page canvas').dataset.at")) / 1e3
    )


async def brought(process: ControlProcess, conference: str, data: bytes) -> dict[str, Any]:
    """A paper, as a program brings it."""
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=HANG)) as http,
        http.post(
            f"{process.url}/api/v1/papers?of={conference}&name=Kế hoạch.pdf",
            data=data,
            headers={"Authorization": f"Bearer {process.local_token}"},
        ) as response,
    ):
        assert response.status == 201, await response.text()
        return dict(json.loads(await response.text()))


async def test_rooms_follow_leaf_by_themselves_and_come_late(tmp_path: Path) -> None:
    async with bridge_process(tmp_path) as process, chromium() as browser:
        rooms = [await open_room(browser, process, point, script=NO_DEVICES) for point in ROOMS]
        conference = await started(process)
        paper = (await brought(process, conference, pdf(PAGES)))["id"]
        await eventually(lambda: paper in only(process).papers)
        await act(process, conference, c.ShowPage(paper=paper, page=1))
        for room in rooms:
            await shows(room, 1)
        slowest = []
        for page in range(2, 2 + TURNS):
            asked = time.time()
            await act(process, conference, c.ShowPage(page=page))
            for room in rooms:
                await shows(room, page)
            slowest.append(max([await shown_at(room) for room in rooms]) - asked)
        sizes = await rooms[0].evaluate(FETCHED)
        print(
            f"page turn → shown in the slowest of {len(rooms)} rooms: median "
            f"{statistics.median(slowest) * 1e3:.0f} ms, worst {max(slowest) * 1e3:.0f} ms; "
            f"{sum(sizes) / len(sizes) / 1e3:.1f} kB a page"
        )
        # One leafs by itself, and is not torn away when the presenter goes on.
        first = rooms[0]
        await first.keyboard.press("PageUp")
        await shows(first, TURNS)
        await act(process, conference, c.ShowPage(page=20))
        await shows(rooms[1], 20)
        await shows(first, TURNS)
        await text_is(first, "#paper-mode", "tự xem riêng")
        await first.keyboard.press("Home")
        await shows(first, 20)
        late = await open_room(browser, process, LATE, script=NO_DEVICES)
        await shows(late, 20)
        await act(process, conference, c.PutAway())
        await late.wait_for_selector("#paper-stage", state="hidden")
        # A room opens papers by itself, too, until they are collected.
        await late.click("#papers-open")
        await late.click("#paper-list button")
        await shows(late, 1)
        await act(process, conference, c.End())
        await late.wait_for_selector("#paper-stage", state="hidden")
        await late.wait_for_selector("#papers-open", state="hidden")
        for room in (*rooms, late):
            assert room.problems == []  # type: ignore[attr-defined]


async def test_the_operator_brings_a_paper_and_turns_its_pages(tmp_path: Path) -> None:
    async with bridge_process(tmp_path) as process, chromium() as browser:
        await started(process)
        room = await open_room(browser, process, ROOMS[0], script=NO_DEVICES)
        console = await open_console(browser, process)
        await console.wait_for_selector("#desk:not([hidden])")
        await console.keyboard.press("p")
        await text_is(console, "#papers-unscanned", "clamd")
        file: FilePayload = {
            "name": "Kế hoạch.pdf",
            "mimeType": "application/pdf",
            "buffer": pdf(3),
        }
        await console.set_input_files("#paper-file", files=file)
        await console.click("#paper-form button")
        await text_is(console, "#paper-list", "Kế hoạch.pdf")
        await console.click("#paper-list button:text('Trình chiếu')")
        await shows(room, 1)
        await shows(console, 1)
        await console.keyboard.press("PageDown")
        await shows(room, 2)
        await shows(console, 2)
        await console.click("#paper-larger")
        await eventually(lambda: (shown := only(process).showing) is not None and shown.zoom == 1.5)
        await console.keyboard.press("p")
        await console.set_input_files("#paper-file", files={**file, "buffer": b"none"})
        await console.click("#paper-form button")
        await text_is(console, "#papers-answer", "Không đọc được tệp")
        await console.click("#papers-close")
        await console.click("#paper-away")
        await room.wait_for_selector("#paper-stage", state="hidden")
        assert room.problems == []  # type: ignore[attr-defined]
        refused = [text for text in console.problems if "422" not in text]  # type: ignore[attr-defined]
        assert refused == []
