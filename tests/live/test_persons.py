"""A delegate's telephone: it registers by the code on the room's screen, is seen on the console,
and votes with a large button; what it chose is still there after it was closed and opened again."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.conference import commands as c
from tests.live.browsers import chromium, new_page, open_console, open_room, text_is
from tests.live.paper_rooms import NO_DEVICES
from tests.live.support import act, bridge_process, only, started
from tests.live.test_pages import violations
from tests.waiting import eventually

pytestmark = pytest.mark.browser

TELEPHONE = {"width": 390, "height": 844}
ADDRESS = """async () => {
  const headers = { Authorization: `Bearer ${room.connection.session}` };
  return (await (await fetch("/api/v1/room/registration", { headers })).json()).address;
}"""
LARGE = 64  # pixels: a thumb that does not look


async def test_a_telephone_registers_by_the_rooms_code_and_votes(tmp_path: Path) -> None:
    async with bridge_process(tmp_path) as process, chromium() as browser:
        room = await open_room(browser, process, "khoan-du", script=NO_DEVICES)
        conference = await started(process)
        console = await open_console(browser, process)
        await console.wait_for_selector("#desk:not([hidden])")
        await console.keyboard.press("a")
        await console.click("#persons-code")
        await room.wait_for_selector("#registration-code svg path")
        address = await room.evaluate(ADDRESS)
        telephone = await new_page(browser, viewport=TELEPHONE)
        problems: list[str] = []
        telephone.on("pageerror", lambda error: problems.append(str(error)))
        await telephone.goto(f"{process.url}/delegate#{address.partition('#')[2]}")
        await text_is(telephone, "#where", "Xã Khoan Dụ")
        assert await violations(telephone) == []
        await telephone.fill("#name", "<b>An</b>")
        await telephone.click("#register button")
        await text_is(telephone, "#error", "không được có dấu < hoặc >")
        await telephone.fill("#name", "Nguyễn Văn An")
        await telephone.fill("#position", "Phó Chủ tịch")
        await telephone.click("#register button")
        await text_is(telephone, "#self-name", "Nguyễn Văn An")
        await text_is(telephone, "#self-present", "có mặt")
        await text_is(room, "#registration-count", "1")
        await text_is(console, "#person-rows", "Nguyễn Văn An")
        assert await violations(console) == []
        await console.click("#persons-close")
        await act(process, conference, c.OpenVote(title="Thông qua", by="persons"))
        button = telephone.locator("#choices [data-choice=for]")
        await button.wait_for()
        box = await button.bounding_box()
        assert box is not None
        assert box["height"] >= LARGE
        assert await telephone.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert await violations(telephone) == []
        await button.click()
        pressed = "#choices [data-choice=for][aria-pressed=true]"
        await telephone.wait_for_selector(pressed)
        await text_is(room, "#vote-said", "bằng điện thoại: 1/1")
        await telephone.reload()
        await telephone.wait_for_selector(pressed)
        await text_is(console, "#vote-voted", "1/1")
        await console.click("#vote-end")
        await text_is(telephone, "#said", "ĐƯỢC THÔNG QUA")
        await eventually(lambda: only(process).votes[0].result is not None)
        assert len(only(process).votes[0].ballots) == 1
        await act(process, conference, c.End())
        for found in (room.problems, console.problems, problems):  # type: ignore[attr-defined]
            assert found == []
