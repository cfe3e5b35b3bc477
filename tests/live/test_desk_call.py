"""A citizen's desk calls an officer, in real browsers through a real bridge: ringing, no
answer, the next one, a talk that outlives its control process, papers on both screens, handed
over."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from playwright.async_api import Browser, FilePayload, Page

from bridge.accounts import passwords
from bridge.app.process import ControlProcess
from bridge.base.roles import User
from bridge.conference.desk_call_record import record
from bridge.conference.model import PointId
from config.schema import DeskCalls, Topology
from tests.control_support import DESK, LAND, STATUS, with_desks
from tests.live.browsers import chromium, new_page, text_is
from tests.live.support import free_port, only, topology
from tests.papers.support import pdf
from tests.waiting import HANG, eventually

pytestmark = pytest.mark.browser

# Both sides see each other: the programme moves.
SEEN = """() => {
  const video = document.querySelector('#stage video.picture');
  return video.videoWidth > 0 && video.currentTime > 0 && !video.paused;
}"""


def process_of(made: Topology, state: Path, *, last: bool = False) -> ControlProcess:
    return ControlProcess(made, state=state, folder=state, with_parent=True, keep_worker=not last)


async def open_desk(browser: Browser, process: ControlProcess, point: str, given: str) -> Page:
    page = await new_page(browser, viewport={"width": 1366, "height": 768})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.problems = problems  # type: ignore[attr-defined]
    await page.goto(f"{process.url}/desk#{given}")
    await page.wait_for_selector("#call-idle:not([hidden])")
    await text_is(page, "#self", name(process, point))
    return page


async def key_of_officer(process: ControlProcess) -> str:
    """The key that logs an officer in, who sits at one desk."""
    user = User(name="oanh", role="officer", points=(LAND,), created=process.conductor.now())
    hashed = await asyncio.to_thread(passwords.hash_password, passwords.new_password())
    await process.accounts.add_user(user, hashed, passwords.new_token())
    return process.auth.open_demo(user.name)


def by_key(process: ControlProcess, point: str) -> str:
    return f"point={point}&key={process.keys[PointId(point)]}"


def name(process: ControlProcess, point: str) -> str:
    found = process.topology.point(point)
    assert found is not None
    return found.name.vi


async def seen(*pages: Page) -> None:
    for page in pages:
        await page.wait_for_function(SEEN, polling=200)


async def test_a_desk_calls_an_officer_and_is_handed_over(tmp_path: Path) -> None:
    made = with_desks(topology())
    port = free_port(socket.SOCK_STREAM, "127.0.0.1")
    web = made.bridge.web.model_copy(update={"port": port})
    made = made.model_copy(
        update={
            "bridge": made.bridge.model_copy(update={"web": web}),
            "desk_calls": DeskCalls(ring_seconds=90),
        }
    )
    async with chromium() as browser:
        async with process_of(made, tmp_path) as process:
            async with asyncio.timeout(HANG):
                await process.worker.ready.wait()
            desk = await open_desk(browser, process, DESK, by_key(process, DESK))
            await desk.wait_for_selector(f"[data-officer={LAND}][data-state=offline]")
            land = await open_desk(browser, process, LAND, f"demo={await key_of_officer(process)}")
            status = await open_desk(browser, process, STATUS, by_key(process, STATUS))
            # The first officer declines: the desk is told, and offered the next one who is free.
            await desk.click(f"#call-list [data-officer={LAND}][data-state=free]")
            await text_is(desk, "#call-ringing-title", name(process, LAND))
            await text_is(land, "#call-rung-title", name(process, DESK))
            await land.click("#call-decline")
            await text_is(desk, "#call-missed-title", name(process, LAND))
            await desk.click("#call-next")
            await text_is(status, "#call-rung-title", name(process, DESK))
            await status.click("#call-answer")
            await seen(desk, status)
            call = only(process).booking.id
        # The control process is gone and another one comes: the talk goes on.
        async with process_of(made, tmp_path, last=True) as process:
            async with asyncio.timeout(HANG):
                await process.worker.ready.wait()
            await eventually(lambda: only(process).present == {DESK, STATUS})
            assert only(process).phase == "live"
            paper = FilePayload(name="don-cua-ong-A.pdf", mimeType="application/pdf", buffer=pdf(2))
            await desk.set_input_files("#call-file", paper)
            for page in (desk, status):
                await page.wait_for_selector('#paper-page canvas[data-page="1"]')
            assert [p.title for p in only(process).papers.values()] == ["Giấy tờ 1"]
            # Handed over to the other officer, who answers, and the first one is out.
            await land.wait_for_selector("#call-idle:not([hidden])")
            await status.click("#call-hand-over")
            await status.click(f"#call-officer-list [data-officer={LAND}][data-state=free]")
            await land.click("#call-answer")
            await status.wait_for_selector("#call-idle:not([hidden])")
            await seen(desk, land)
            await land.click("#call-hang-up")
            await text_is(desk, "#call-said", "đã kết thúc")
            await eventually(lambda: not process.conductor.running())
            made_of = record(await process.events.read(call), process.conductor.now())
            assert made_of is not None
            assert (made_of.outcome, made_of.handed_over) == ("talked", 1)
            assert made_of.rung == (LAND, STATUS, LAND)
            # What was shown is gone with the call.
            await eventually(lambda: not process.papers.catalogue.kept)
        for page in (desk, land, status):
            assert page.problems == []  # type: ignore[attr-defined]
