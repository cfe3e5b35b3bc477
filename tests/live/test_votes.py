"""A vote in real browsers: the operator opens it, rooms press large buttons, one of them drops and
comes back; what they have signed is checked as anybody can who has the log."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page

from bridge.conference import commands as c
from bridge.proof.ballots import of_votes
from bridge.proof.verdict import worst
from tests.live.browsers import chromium, open_console, open_room, text_is
from tests.live.paper_rooms import NO_DEVICES
from tests.live.support import act, bridge_process, only, started
from tests.waiting import eventually

pytestmark = pytest.mark.browser

ROOMS = ("khoan-du", "chi-ne")
CAPITAL = """selector => {
  const element = document.querySelector(selector);
  return 0.7 * parseFloat(getComputedStyle(element).fontSize) / innerHeight;
}"""
FAR = 0.043  # of the screen's height: 29 mm on 55 inches, to be read from five metres


async def pressed(room: Page, choice: str) -> None:
    await room.wait_for_selector(f"#vote-choices [data-choice={choice}][aria-pressed=true]")


async def test_rooms_vote_and_the_count_is_that_of_what_they_signed(tmp_path: Path) -> None:
    async with bridge_process(tmp_path) as process, chromium() as browser:
        first, second = [
            await open_room(browser, process, point, script=NO_DEVICES) for point in ROOMS
        ]
        conference = await started(process)
        console = await open_console(browser, process)
        await console.wait_for_selector("#desk:not([hidden])")
        await console.keyboard.press("v")
        await console.fill("#vote-new-title", "Thông qua kế hoạch <b>")
        weights = console.locator("#vote-weights input")
        for index in range(await weights.count()):
            box = weights.nth(index)
            await box.fill("1" if await box.get_attribute("name") in ROOMS else "0")
        await console.click("#vote-form button")
        await text_is(first, "#vote-title", "Thông qua kế hoạch <b>")
        assert await first.evaluate(CAPITAL, "#vote-choices button") >= FAR
        await first.click("#vote-choices [data-choice=for]")
        await pressed(first, "for")
        await text_is(first, "#vote-said", "Tán thành")
        await text_is(console, "#vote-voted", "1/2")
        await first.reload()  # what was chosen is not lost, and does not count twice
        await pressed(first, "for")
        await first.keyboard.press("2")
        await pressed(first, "against")
        await console.click("#vote-remind")
        await text_is(second, "#vote-said", "ĐANG CHỜ")
        await second.keyboard.press("1")
        await pressed(second, "for")
        await text_is(console, "#vote-waiting", "Mọi điểm cầu")
        await console.click("#vote-end")
        for room in (first, second):
            await text_is(room, "#vote-said", "KHÔNG ĐƯỢC THÔNG QUA")
        await eventually(lambda: only(process).votes[0].result is not None)
        result = only(process).votes[0].result
        assert result is not None
        assert result.counts == {"for": 1, "against": 1, "abstain": 0}
        log = await process.events.read(conference)
        assert worst(of_votes(log)) == "proved", "each room has signed with a key of its own"
        assert len({ballot.key for ballot in only(process).votes[0].ballots.values()}) == 2
        # A secret one: taken once, shown to nobody, counted after the close.
        await act(process, conference, c.OpenVote(title="Bầu tổ trưởng", points=ROOMS, secret=True))
        for room in (first, second):
            await text_is(room, "#vote-title", "BỎ PHIẾU KÍN")
            await room.keyboard.press("1")
            await text_is(room, "#vote-said", "đã được nhận")
            await room.wait_for_selector("#vote-choices", state="hidden")
        await act(process, conference, c.CloseVote())
        for room in (first, second):
            await text_is(room, "#vote-said", "ĐƯỢC THÔNG QUA")
        await eventually(lambda: only(process).votes[1].result is not None)
        secret = only(process).votes[1]
        assert (secret.ballots, set(secret.secretly)) == ({}, set(ROOMS))
        await act(process, conference, c.End())
        for page in (first, second, console):
            assert page.problems == []  # type: ignore[attr-defined]
