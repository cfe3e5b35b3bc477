"""Real processes, sockets and browsers on loopback, each test with its own ports and state."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright

from bridge.app.process import ControlProcess
from bridge.conference import commands as c
from bridge.conference.model import Actor, PointId, State
from bridge.control.conductor import Done
from bridge.demo.account import demo_operator
from config.loader import load
from config.schema import Topology
from endpoints.webrtc.test_card import TestCard
from tests.paths import ROOT

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
    "--auto-select-desktop-capture-source=Entire screen",
]

Wait = Callable[[Callable[[], Any], float], Any]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if CHROMIUM is None and os.environ.get("CI") != "true":
        skip = pytest.mark.skip(reason="chromium is missing: apt-get install chromium")
        for item in items:
            if "browser" in item.keywords:
                item.add_marker(skip)


def free_port(kind: socket.SocketKind, host: str) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def topology(**media: Any) -> Topology:
    """The demo's topology on free ports."""
    loaded = load(ROOT / "config" / "lac-thuy.yaml")
    bridge = loaded.bridge
    web = bridge.web.model_copy(update={"port": 0})
    port = free_port(socket.SOCK_DGRAM, bridge.media.listen[0])
    media_port = bridge.media.model_copy(update={"port": port, **media})
    changed = bridge.model_copy(update={"web": web, "media": media_port})
    return loaded.model_copy(update={"bridge": changed})


@contextlib.asynccontextmanager
async def bridge_process(state: Path, **media: Any) -> AsyncIterator[ControlProcess]:
    """A control process in this process, with its worker as a child."""
    process = ControlProcess(
        topology(**media), state=state, folder=state, with_parent=True, keep_worker=False
    )
    async with process:
        async with asyncio.timeout(15):
            await process.worker.ready.wait()
        yield process


@contextlib.asynccontextmanager
async def simulated_points(process: ControlProcess, points: list[str]) -> AsyncIterator[None]:
    """Real aiortc peers in a process of their own."""
    numbers = {p.id: n for n, p in enumerate(process.topology.points, 1)}
    described = [
        {
            "id": point,
            "key": process.keys[PointId(point)],
            "number": numbers[point],
            "address": f"127.0.12.{numbers[point]}",
        }
        for point in points
    ]
    config = {
        "url": process.url,
        "names": {str(n): p for p, n in numbers.items()},
        "points": described,
    }
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "endpoints.simulation", stdin=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert child.stdin is not None
    try:
        child.stdin.write(json.dumps(config).encode() + b"\n")
        await child.stdin.drain()
        yield
    finally:
        child.stdin.close()
        try:
            await asyncio.wait_for(child.wait(), 10)
        except TimeoutError:
            child.kill()
            await child.wait()


async def eventually(condition: Callable[[], Any], timeout: float = 30.0) -> Any:
    """The first true value of a condition; looks often, gives up with TimeoutError."""
    async with asyncio.timeout(timeout):
        while True:
            value = condition()
            if value:
                return value
            await asyncio.sleep(0.02)


def card_file(path: Path, number: int, *, width: int = 640, height: int = 360) -> Path:
    """A Y4M film of one point's card, for Chromium's fake camera."""
    card = TestCard(number, width=width, height=height)
    with path.open("wb") as film:
        film.write(f"YUV4MPEG2 W{width} H{height} F15:1 Ip A1:1 C420jpeg\n".encode())
        for index in range(15):
            film.write(b"FRAME\n" + card.render(index * 67).tobytes())
    return path


@contextlib.asynccontextmanager
async def chromium(camera: Path | None = None) -> AsyncIterator[Browser]:
    flags = [*FLAGS, f"--use-file-for-fake-video-capture={camera}"] if camera else FLAGS
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        try:
            yield browser
        finally:
            await browser.close()


async def open_room(browser: Browser, process: ControlProcess, point: str) -> Page:
    """The room page of a point, with the card reader injected and page errors collected."""
    page = await browser.new_page(viewport={"width": 1280, "height": 720})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda m: problems.append(m.text) if "Content Security" in m.text else None)
    page.problems = problems  # type: ignore[attr-defined]
    await page.add_init_script(path=Path(__file__).parent / "card.js")
    await page.goto(f"{process.url}/room#point={point}&key={process.keys[PointId(point)]}")
    return page


DEMO = Actor(kind="user", name="demo", role="operator")


async def started(process: ControlProcess, template: str = "giao-ban") -> str:
    """Open and start a conference, as the demo's operator."""
    opened = await process.scheduler.open(process.scheduler.templates()[template], DEMO)
    assert isinstance(opened, Done), opened
    await act(process, opened.conference, c.Start())
    return opened.conference


async def act(process: ControlProcess, conference: str, command: c.Command) -> None:
    result = await process.conductor.submit(conference, command, DEMO)
    assert isinstance(result, Done), result


def only(process: ControlProcess) -> State:
    """The one conference that runs."""
    (state,) = process.conductor.running()
    return state


async def open_console(browser: Browser, process: ControlProcess, key: str = "") -> Page:
    """The console, logged in as the demo's operator."""
    key = key or await demo_operator(process)
    page = await browser.new_page(viewport={"width": 1600, "height": 900})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda m: problems.append(m.text) if m.type == "error" and "401" not in m.text else None,
    )
    page.problems = problems  # type: ignore[attr-defined]
    await page.add_init_script(path=Path(__file__).parent / "card.js")
    await page.goto(f"{process.url}/console#demo={key}")
    return page


async def sees(page: Page, numbers: dict[str, int], timeout: float = 30.0) -> None:
    """Wait until the tiles of a page show the cards of these points."""
    await page.wait_for_function(
        "expected => { const s = seen(); "
        "return Object.entries(expected).every(([p, n]) => s.tiles[p] === n); }",
        arg=numbers,
        timeout=timeout * 1000,
        polling=50,
    )


async def text_is(page: Page, selector: str, text: str, timeout: float = 20.0) -> None:
    """Wait until an element's text contains ``text``."""
    await page.wait_for_function(
        "([selector, text]) => document.querySelector(selector)?.textContent.includes(text)",
        arg=[selector, text],
        timeout=timeout * 1000,
        polling=50,
    )
