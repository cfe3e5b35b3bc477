"""An operator speaks to one room with the space key: pages of Chromium decode what they hear."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Page

from bridge.control.draft import Done
from tests.live.browsers import chromium, open_console, open_room, text_is
from tests.live.support import DEMO, bridge_process
from tests.paths import ROOT
from tests.waiting import HANG, eventually

pytestmark = pytest.mark.browser

SPOKEN_TO, OTHER = "khoan-du", "chi-ne"
IMAGES = ROOT / "docs" / "images"
HEARD = (
    "async () => [...(await room.media.pc.getStats()).values()]"
    ".filter(s => s.type === 'inbound-rtp' && s.kind === 'audio')"
    ".reduce((sum, s) => sum + (s.totalAudioEnergy ?? 0), 0)"
)


async def energy(page: Page) -> float:
    """The energy of all sound that a page has decoded."""
    found: float = await page.evaluate(HEARD)
    return found


async def hears(page: Page) -> None:
    """Wait until a page decodes more than silence: the fake microphone beeps once a second."""
    before = await energy(page)
    async with asyncio.timeout(HANG):
        while await energy(page) < before + 1e-4:  # noqa: ASYNC110 - a figure that is polled
            await asyncio.sleep(0.05)


async def test_only_the_room_that_is_spoken_to_hears_it(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    renew = request.config.getoption("--screenshots")
    async with bridge_process(tmp_path) as process, chromium() as browser:
        room = await open_room(browser, process, SPOKEN_TO)
        other = await open_room(browser, process, OTHER)
        console = await open_console(browser, process)
        opened = await process.scheduler.open(process.scheduler.templates()["giao-ban"], DEMO)
        assert isinstance(opened, Done)
        state = process.conductor.states[opened.conference]
        await eventually(
            lambda: {SPOKEN_TO, OTHER} <= set(process.conductor.states[opened.conference].present)
        )
        assert state.phase == "open"
        await console.wait_for_function("() => globalThis.room?.media?.up")
        await console.click(f"[data-point={SPOKEN_TO}]")
        await text_is(console, "#preview-name", "Khoan Dụ")
        await eventually(lambda: process.conductor.states[opened.conference].preview == SPOKEN_TO)
        assert process.control.talkback.talks() == {}

        await console.keyboard.down("Space")
        await text_is(room, "#talk", "Điều khiển viên demo đang nói với phòng")
        await text_is(room, "#microphone", "Chỉ điều khiển viên nghe")
        silence = await energy(other)
        await asyncio.gather(hears(room), hears(console))
        assert await energy(other) == silence, "somebody else heard it"
        assert await other.locator("#talk").is_hidden()
        await console.wait_for_selector(f"[data-point={SPOKEN_TO}] .talk[data-mark*='nói riêng']")
        if renew:
            await room.screenshot(path=IMAGES / "room-talkback.png")
            await console.screenshot(path=IMAGES / "console-talkback.png")

        await console.keyboard.up("Space")
        await room.wait_for_selector("#talk", state="hidden")
        await eventually(lambda: process.control.talkback.talks() == {})
        await console.wait_for_function("() => room.media.now.voiceLine.sender.track === null")

        # By the button; and a console that is gone speaks to nobody.
        await console.hover("#point-talk")
        await console.mouse.down()
        await eventually(lambda: SPOKEN_TO in process.control.talkback.talks())
        await hears(room)
        await console.close()
        await eventually(lambda: process.control.talkback.talks() == {})
        await room.wait_for_selector("#talk", state="hidden")
        assert await energy(other) == silence
        assert not room.problems, room.problems  # type: ignore[attr-defined]
