"""What an operator does, by keyboard, from the start of the briefing to its report."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from playwright.async_api import Page

from bridge.conference import events as e
from tests.live.browsers import chromium, open_console, open_room, programme_is, sees, text_is
from tests.live.support import bridge_process, only, simulated_points
from tests.paths import ROOT
from tests.waiting import HANG, eventually

pytestmark = pytest.mark.browser

ROOMS = ("hoi-truong", "khoan-du")
IMAGES = ROOT / "docs" / "images"


async def log_has(page: Page, kind: str) -> None:
    await page.wait_for_function(
        "kind => document.querySelector(`#log li[data-kind=${kind}]`) !== null",
        arg=kind,
        polling=50,
    )


async def voice_level(page: Page) -> float:
    """The energy of the sound that a page has received so far."""
    energy: float = await page.evaluate(
        "async () => [...(await room.media.pc.getStats()).values()]"
        ".filter(s => s.type === 'inbound-rtp' && s.kind === 'audio')"
        ".reduce((sum, s) => sum + (s.totalAudioEnergy ?? 0), 0)"
    )
    return energy


async def test_an_operator_directs_the_briefing(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Pixels, microphones and the log are checked at each step; `--screenshots` renews the
    pictures of the guides."""
    renew = request.config.getoption("--screenshots")

    async def shoot(page: Page, name: str) -> None:
        if renew:
            await page.screenshot(path=IMAGES / f"{name}.png")

    async with bridge_process(tmp_path) as process, chromium() as browser:
        numbers = {p.id: n for n, p in enumerate(process.topology.points, 1)}
        others = [p for p in numbers if p not in ROOMS]
        async with (
            simulated_points(process, others, light=True),
            chromium(numbers[ROOMS[0]]) as chair_browser,
            chromium(numbers[ROOMS[1]]) as room_browser,
        ):
            chair = await open_room(chair_browser, process, ROOMS[0])
            room = await open_room(room_browser, process, ROOMS[1])
            page = await open_console(browser, process)
            await eventually(
                lambda: set(process.control.publisher.point_states().values()) == {"ready"}
            )
            await text_is(page, "#templates li.chosen", "12/12")
            await text_is(room, "#waiting", "Họp giao ban tuần")
            await page.wait_for_function("() => globalThis.room?.media?.up")
            await shoot(page, "console-lobby")
            await shoot(room, "room-waiting")

            # One key starts: all twelve come in by themselves, their pictures are on the console.
            begun = time.monotonic()
            await page.keyboard.press("s")
            await sees(page, numbers)
            print(f"twelve pictures {time.monotonic() - begun:.2f} s after the key")
            # One whose line a busy machine starved is away for a moment, with its picture shown.
            await eventually(lambda: len(only(process).present) == 12)
            state = only(process)
            assert (state.phase, len(state.present), state.director) == ("live", 12, "demo")
            await log_has(page, "started")
            await page.wait_for_selector("#recording")

            # Preview and take.
            await page.keyboard.press("6")
            await page.wait_for_function(
                "n => readCard(document.querySelector('#preview-stage video')) === n",
                arg=numbers["dong-tam"],
                polling=50,
            )
            await programme_is(room, numbers["hoi-truong"])
            await page.keyboard.press("Enter")
            await programme_is(room, numbers["dong-tam"])
            await programme_is(page, numbers["dong-tam"])
            await log_has(page, "taken")
            await text_is(page, "#preview-name", "Hội trường")
            await page.keyboard.press("Backspace")
            await programme_is(room, numbers["hoi-truong"])
            await text_is(page, "#preview-name", "Đồng Tâm")  # what the next one goes back to
            await page.keyboard.press("Backspace")
            await programme_is(room, numbers["dong-tam"])
            assert {p for p, seat in only(process).seats.items() if seat.heard} == {"hoi-truong"}

            # The first request gets the floor: on air, its microphone open, and heard.
            await room.keyboard.press("f")
            await text_is(room, "#ask", "thứ 1")
            await page.wait_for_selector("#queue [data-request=khoan-du]")
            await shoot(room, "room-asked")
            before = await voice_level(chair)
            await page.keyboard.press("f")
            await programme_is(chair, numbers["khoan-du"])
            await text_is(room, "#microphone", "MICRO ĐANG MỞ")
            heard = {p for p, seat in only(process).seats.items() if seat.heard}
            assert heard == {"hoi-truong", "khoan-du"}
            async with asyncio.timeout(HANG):
                while await voice_level(chair) <= before:
                    pass
            await room.wait_for_selector("#lamp")
            await programme_is(room, numbers["hoi-truong"])  # the return picture
            await log_has(page, "floor_granted")
            await shoot(room, "room-floor")

            # Return, mute all.
            await page.keyboard.press("r")
            await programme_is(room, numbers["hoi-truong"])
            await text_is(room, "#microphone", "Micro tắt")
            await log_has(page, "floor_ended")
            await page.keyboard.press("Control+k")
            await page.keyboard.type("unmute chi-ne")
            await page.keyboard.press("Enter")
            await eventually(lambda: only(process).seats["chi-ne"].heard)
            await page.keyboard.press("Escape")
            await page.keyboard.press("Shift+M")
            await eventually(lambda: not only(process).seats["chi-ne"].heard)
            await log_has(page, "microphones")

            # A layout for every room.
            await page.keyboard.press("l")
            await page.keyboard.press("l")
            await room.wait_for_selector("#room[data-layout=grid]")
            await shoot(room, "room-grid")

            # A screen for everyone: the rooms show it, and have their layout back at its end.
            await page.keyboard.press("x")
            for other in (room, chair):
                await other.wait_for_selector("#room[data-layout=content]")
                await other.wait_for_function(
                    "() => document.querySelector('#content-stage video').videoWidth > 0",
                    polling=100,
                )
            assert only(process).content == "user:demo"
            await log_has(page, "content_started")
            await shoot(room, "room-content")
            await page.keyboard.press("x")
            await eventually(lambda: only(process).content is None)
            await room.wait_for_selector("#room[data-layout=grid]")

            # The end asks first, and wants a word; then the report.
            conference = only(process).booking.id
            await page.keyboard.press("e")
            await page.fill("dialog[open] input", "Kết thúc")
            await page.press("dialog[open] input", "Enter")
            await page.wait_for_selector(f"[data-report={conference}]")
            await text_is(room, "#waiting", "Họp giao ban tuần")
            assert process.conductor.running() == []
            await room.wait_for_function("() => globalThis.room?.media && !room.media.sending")
            await page.click(f"[data-report={conference}]")
            await page.wait_for_selector("#table tbody tr[data-point=khoan-du]")
            row = await page.locator("tr[data-point=khoan-du]").inner_text()
            assert "Xã Khoan Dụ" in row
            assert row.split("\t")[6] == "1", "one turn"
            await shoot(page, "report")
            for kind, start in (("pdf", b"%PDF-"), ("csv", b"\xef\xbb\xbf")):
                link = await page.locator(f"#{kind}").get_attribute("href")
                assert link is not None
                answer = await page.request.get(process.url + link)
                assert answer.status == 200
                assert (await answer.body()).startswith(start)
            log = await process.events.read(conference)
            assert [r.seq for r in log] == list(range(1, len(log) + 1))
            kinds = [type(r.event) for r in log]
            assert kinds[0] is e.Opened
            assert kinds[-1] is e.Ended
            for other in (page, room, chair):
                assert other.problems == []  # type: ignore[attr-defined]
