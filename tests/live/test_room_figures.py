"""What the district is told of a room: the picture that its camera gives before a meeting, and in
the meeting what it is sent and sends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Page

from bridge.app.process import ControlProcess
from tests.live.browsers import chromium, open_console, open_room, text_is
from tests.live.support import bridge_process, only, simulated_points, started
from tests.live.test_pages import IMAGES, log_in, person
from tests.waiting import HANG, eventually

pytestmark = pytest.mark.browser

ROOM = "khoan-du"
READ_CARDS = (Path(__file__).parent / "card.js").read_text("utf-8") + ";0"
CARD = """async () => {
  const picture = document.querySelector("[data-point=khoan-du] .still");
  await picture.decode();
  const canvas = document.createElement("canvas");
  canvas.width = picture.naturalWidth;
  canvas.height = picture.naturalHeight;
  canvas.getContext("2d").drawImage(picture, 0, 0);
  const like = { videoWidth: canvas.width, videoHeight: canvas.height, readyState: 4 };
  return readCard(Object.assign(canvas, like));
}"""


async def called(process: ControlProcess) -> None:
    """Sweep until the room's page has made its call: a machine that is busy may need longer for
    one than a sweep waits."""
    async with asyncio.timeout(HANG):
        while True:
            board = await process.readiness.sweep([ROOM], None, "lan", window=0.1)
            found = {check.name: check.level for check in board.points[0].checks}
            if board.points[0].still and found["call"] == "pass":
                return
            print(board.points[0].checks)


async def test_readiness_shows_what_the_rooms_own_camera_saw(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The page calls with its own devices; the operator sees the picture that came back, and it is
    this room's. Inside a conference no picture is taken."""
    async with bridge_process(tmp_path) as process, chromium() as browser:
        numbers = {p.id: n for n, p in enumerate(process.topology.points, 1)}
        async with chromium(numbers[ROOM]) as room_browser:
            room = await open_room(room_browser, process, ROOM)
            await text_is(room, "#status", "Đã kết nối")
            await called(process)
            await person(process, "lan", "operator")
            page = await log_in(browser, process, "/ready", "lan")
            await page.evaluate(READ_CARDS)
            await page.wait_for_selector(f"[data-point={ROOM}] .still")
            alt = await page.locator(f"[data-point={ROOM}] .still").get_attribute("alt")
            assert alt is not None
            assert "Xã Khoan Dụ" in alt
            assert await page.evaluate(CARD) == numbers[ROOM]
            if request.config.getoption("--screenshots"):
                await page.set_viewport_size({"width": 1280, "height": 800})
                await page.screenshot(path=IMAGES / "ready-still.png")
            # The room itself is as it was: its call was another connection.
            await room.wait_for_function("() => room.media.up")
            await started(process)
            await eventually(lambda: ROOM in only(process).present)
            board = await process.readiness.sweep([ROOM], None, "lan", window=0.1)
            assert not board.points[0].still
            for each in (room, page):
                assert each.problems == []  # type: ignore[attr-defined]


async def figures_in(page: Page, selector: str) -> None:
    """Wait until figures of both directions stand there."""
    for text in ("Đang gửi xuống", "Hình chính: ", "Nhận từ điểm cầu", "Hình camera"):
        await page.wait_for_function(
            "([selector, text]) => [...document.querySelectorAll(`${selector} dl > div`)]"
            ".some(row => [...row.children].map(e => e.textContent).join(': ').includes(text)"
            " && !row.textContent.includes('0 kbit/s'))",
            arg=[selector, text],
            polling=100,
        )


async def test_what_a_room_is_sent_and_sends_is_told(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """On the console's panel of the point, and to its technician."""
    renew = request.config.getoption("--screenshots")
    async with bridge_process(tmp_path) as process, chromium() as browser:
        await person(process, "tuan", "technician", ROOM)
        async with simulated_points(process, ["hoi-truong", "chi-ne"]):
            room = await open_room(browser, process, ROOM)
            console = await open_console(browser, process)
            await started(process)
            await eventually(lambda: len(only(process).present) == 3)
            await room.wait_for_function("() => room.media.up")
            await console.click(f"#tiles [data-point={ROOM}]")
            await figures_in(console, "[data-section=traffic]")
            if renew:
                await console.locator("[data-section=traffic]").scroll_into_view_if_needed()
                await console.screenshot(path=IMAGES / "console-traffic.png")
            page = await log_in(browser, process, "/status", "tuan")
            await page.click(".traffic summary")
            await figures_in(page, ".traffic")
            width = await page.evaluate("document.documentElement.scrollWidth")
            assert width <= 360, "nothing needs scrolling sideways"
            if renew:
                await page.locator(".traffic").screenshot(path=IMAGES / "status-traffic.png")
            for each in (room, console, page):
                assert each.problems == []  # type: ignore[attr-defined]
