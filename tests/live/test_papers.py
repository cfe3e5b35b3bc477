"""The operator brings a paper, turns its pages, points and draws; a room sees it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import FilePayload

from tests.live.browsers import chromium, open_console, open_room, text_is
from tests.live.paper_rooms import NO_DEVICES, shows
from tests.live.support import bridge_process, only, started
from tests.papers.support import pdf
from tests.waiting import eventually

pytestmark = pytest.mark.browser

ROOM = "khoan-du"
# How many strokes a page shows, and the colour a quarter from its top, in the middle.
DRAWN = """count => {
  const canvas = document.querySelector('#paper-page .strokes');
  if (canvas?.dataset.strokes !== String(count)) return false;
  const [x, y] = [canvas.width >> 1, canvas.height >> 1];
  const [red, , , opaque] = canvas.getContext('2d').getImageData(x, y, 1, 1).data;
  return count === 0 ? opaque === 0 : red > 180 && opaque === 255;
}"""
SMALL = "document.querySelectorAll('#paper-strip canvas')[2]?.width > 0"


async def test_the_operator_brings_a_paper_and_turns_its_pages(tmp_path: Path) -> None:
    async with bridge_process(tmp_path) as process, chromium() as browser:
        await started(process)
        room = await open_room(browser, process, ROOM, script=NO_DEVICES)
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
        await console.click("#paper-tools [data-tool=pen]")
        place = await console.locator("#paper-page .strokes").bounding_box()
        assert place is not None
        left, top = place["x"], place["y"] + place["height"] / 2
        await console.mouse.move(left + place["width"] * 0.3, top)
        await console.mouse.down()
        await console.mouse.move(left + place["width"] * 0.7, top, steps=5)
        await console.mouse.up()
        await room.wait_for_function(DRAWN, arg=1)
        await room.reload()  # who comes late sees it, too
        await room.wait_for_function(DRAWN, arg=1)
        await console.click("#paper-tools [data-keep]")
        await text_is(console, "#paper-why", "có nét vẽ")
        await console.click("#paper-tools [data-erase=clear]")
        await room.wait_for_function(DRAWN, arg=0)
        assert len(only(process).papers) == 2
        await console.click("#paper-all")
        await console.wait_for_function(SMALL)
        await console.click("#paper-strip button >> nth=2")
        await shows(room, 3)
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
