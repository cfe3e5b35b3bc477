"""Chromium for all tests: a process is started once and lives until the session ends, and every
test has contexts of its own in it. One process has Chromium's own fake camera; where a room needs
its point's card before the camera there is another, because the film is an argument of the
process."""

from __future__ import annotations

import contextlib
import functools
import socket
import tempfile
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright
from playwright.sync_api import sync_playwright

from benchmarks.chromium import CHROMIUM
from benchmarks.chromium import FLAGS as QUIET
from bridge.app.process import ControlProcess
from bridge.conference.model import PointId
from bridge.demo.account import DEMO_ACTOR, demo_accounts
from endpoints.webrtc.test_card import TestCard
from tests.live.support import free_port
from tests.waiting import HANG

FLAGS = (
    *QUIET,
    "--allow-loopback-in-peer-connection",
    "--auto-select-desktop-capture-source=Entire screen",
)
OWN_CAMERA = 0  # Chromium's fake camera; other numbers are those of test cards

_ends: list[Callable[[], None]] = []


def _film(path: Path, number: int, *, width: int = 640, height: int = 360) -> None:
    """A Y4M film of one point's card, for Chromium's fake camera."""
    card = TestCard(number, width=width, height=height)
    with path.open("wb") as film:
        film.write(f"YUV4MPEG2 W{width} H{height} F15:1 Ip A1:1 C420jpeg\n".encode())
        for index in range(15):
            film.write(b"FRAME\n" + card.render(index * 67).tobytes())


def _live(camera: int, ready: Future[str], over: threading.Event) -> None:
    """A Chromium from now until ``over``; in a thread, because event loops of tests end."""
    try:
        with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
            port = free_port(socket.SOCK_STREAM, "127.0.0.1")
            flags = [*FLAGS, f"--remote-debugging-port={port}"]
            if camera != OWN_CAMERA:
                film = Path(folder) / "card.y4m"
                _film(film, camera)
                flags.append(f"--use-file-for-fake-video-capture={film}")
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=flags, timeout=HANG * 1000
            )
            ready.set_result(f"http://127.0.0.1:{port}")
            over.wait()
            browser.close()
    except BaseException as error:
        if ready.done():
            raise
        ready.set_exception(error)


@functools.cache
def _endpoint(camera: int) -> str:
    """Where the Chromium with this camera is told what to do; starts it at the first call."""
    ready: Future[str] = Future()
    over = threading.Event()
    thread = threading.Thread(target=_live, args=(camera, ready, over), daemon=True)
    thread.start()

    def end() -> None:
        over.set()
        thread.join(HANG)

    _ends.append(end)
    return ready.result(HANG)


def end_all() -> None:
    """End what was started; the session is over."""
    while _ends:
        _ends.pop()()


@contextlib.asynccontextmanager
async def chromium(camera: int = OWN_CAMERA) -> AsyncIterator[Browser]:
    """The Chromium with this camera; the contexts made through it are closed at the end."""
    endpoint = _endpoint(camera)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(endpoint, timeout=HANG * 1000)
        others = list(browser.contexts)
        try:
            yield browser
        finally:
            for context in browser.contexts:
                if context not in others:
                    await context.close()
            await browser.close()  # of a connection that ends the connection, not the process


async def new_page(browser: Browser, **options: Any) -> Page:
    """A page in a context of its own; what it waits for may take its time."""
    context = await browser.new_context(**options)
    context.set_default_timeout(HANG * 1000)
    return await context.new_page()


async def open_room(
    browser: Browser,
    process: ControlProcess,
    point: str,
    *,
    script: str = "",
    url: str = "",
    **options: Any,
) -> Page:
    """The room page of a point, with the card reader injected and page errors collected.
    ``script`` runs before the page's own; ``url`` is another way to the bridge."""
    page = await new_page(browser, **{"viewport": {"width": 1280, "height": 720}, **options})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda m: problems.append(m.text) if "Content Security" in m.text else None)
    page.problems = problems  # type: ignore[attr-defined]
    await page.add_init_script(path=Path(__file__).parent / "card.js")
    if script:
        await page.add_init_script(script)
    await page.goto(f"{url or process.url}/room#point={point}&key={process.keys[PointId(point)]}")
    return page


async def open_console(
    browser: Browser, process: ControlProcess, key: str = "", *, script: str = ""
) -> Page:
    """The console, logged in as the demo's operator. ``script`` runs before the page's own."""
    key = key or (await demo_accounts(process))[DEMO_ACTOR.name]
    page = await new_page(browser, viewport={"width": 1600, "height": 900})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda m: problems.append(m.text) if m.type == "error" and "401" not in m.text else None,
    )
    page.problems = problems  # type: ignore[attr-defined]
    await page.add_init_script(path=Path(__file__).parent / "card.js")
    if script:
        await page.add_init_script(script)
    await page.goto(f"{process.url}/console#demo={key}")
    return page


async def press_briefly(page: Page, key: str) -> None:
    """Press a key that means something else when it is held. A busy machine may let go of it late,
    so a time that the page begins to count while it takes the key down is a hang's."""
    await page.evaluate(
        """hang => addEventListener("keydown", () => {
          const real = window.setTimeout;
          window.setTimeout = (work) => real(work, hang);
          real(() => { window.setTimeout = real; }, 0);  // when all have been told of it
        }, { capture: true, once: true })""",
        HANG * 1000,
    )
    await page.keyboard.press(key)


async def sees(page: Page, numbers: dict[str, int]) -> None:
    """Wait until the tiles of a page show the cards of these points."""
    await page.wait_for_function(
        "expected => { const s = seen(); "
        "return Object.entries(expected).every(([p, n]) => s.tiles[p] === n); }",
        arg=numbers,
        polling=200,
    )


async def text_is(page: Page, selector: str, text: str) -> None:
    """Wait until an element's text contains ``text``."""
    await page.wait_for_function(
        "([selector, text]) => document.querySelector(selector)?.textContent.includes(text)",
        arg=[selector, text],
        polling=50,
    )


async def programme_is(page: Page, number: int) -> None:
    """Wait until the large picture shows the card of a point."""
    await page.wait_for_function("n => seenProgramme() === n", arg=number, polling=50)
