"""Who only watches, by real processes: Chromium on /watch, and WHEP players that are not ours."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, VideoFrame
from playwright.async_api import Browser, Page, Route

from bridge.app.process import ControlProcess
from bridge.conference import commands as c
from config.audience_schema import Hls
from endpoints.webrtc import test_card
from tests.live import support
from tests.live.browsers import chromium, new_page, open_console, text_is
from tests.live.support import act, only, simulated_points, started
from tests.live.test_pages import violations
from tests.paths import ROOT
from tests.waiting import eventually
from tests.web.tools import packages

pytestmark = pytest.mark.browser

POINTS = ["hoi-truong", "an-binh"]
CARD = Path(__file__).parent / "card.js"
IMAGES = ROOT / "docs" / "images"
SEES = "n => readCard(document.getElementById('programme')) === n"


@contextlib.asynccontextmanager
async def open_to(state: Path, admits: str, hls: int = 0) -> AsyncIterator[ControlProcess]:
    """A bridge with two simulated points, whose conference may be watched; by HLS by so many."""
    loaded = support.topology()
    allowed = loaded.bridge.audience.model_copy(update={"hls": Hls(viewers=hls, transcode=True)})
    bridge = loaded.bridge.model_copy(update={"audience": allowed})
    rules = loaded.templates[0].rules.model_copy(update={"audience": admits})
    template = loaded.templates[0].model_copy(update={"rules": rules})
    topology = loaded.model_copy(
        update={"bridge": bridge, "templates": [template, *loaded.templates[1:]]}
    )
    process = ControlProcess(
        topology, state=state, folder=state, with_parent=True, keep_worker=False
    )
    async with process, simulated_points(process, POINTS):
        await eventually(process.worker.ready.is_set)
        yield process


def number(process: ControlProcess, point: str) -> int:
    return [p.id for p in process.topology.points].index(point) + 1


async def open_watch(
    browser: Browser,
    process: ControlProcess,
    ident: str,
    *,
    width: int = 1280,
    height: int = 720,
    page: Page | None = None,
) -> Page:
    if page is None:
        page = await new_page(browser, viewport={"width": width, "height": height})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda m: problems.append(m.text) if "Content Security" in m.text else None)
    page.problems = problems  # type: ignore[attr-defined]
    await page.add_init_script(path=CARD)
    await page.goto(f"{process.url}/watch/{ident}")
    return page


async def sees(page: Page, card: int) -> None:
    await page.wait_for_function(SEES, arg=card, polling=50)


async def hears(page: Page) -> None:
    """Wait until more sound arrives than so far."""
    script = """async before => [...(await watching.viewing?.pc.getStats())?.values() ?? []]
      .filter(s => s.type === 'inbound-rtp' && s.kind === 'audio')
      .reduce((sum, s) => sum + s.packetsReceived, 0) > before + 20"""
    await page.wait_for_function(f"({script})(0)", polling=100)


async def enter(page: Page, code: str) -> None:
    await page.fill("#code input", code)
    await page.press("#code input", "Enter")


async def test_chromium_watches_with_a_code_whatever_happens(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """What the rooms see is seen, by its pixels; the slate says the rest, and the page comes back
    by itself."""
    async with open_to(tmp_path, "code") as process, chromium() as browser:
        template = process.topology.templates[0].id
        conference = await started(process, template)
        await eventually(lambda: len(only(process).present) == len(POINTS))
        page = await open_watch(browser, process, template)
        await page.wait_for_selector("#code", state="visible")
        await enter(page, "AAAA-AAAA")
        await text_is(page, "#slate-text", "Mã không đúng")
        await enter(page, process.audience.code(only(process)))
        await sees(page, number(process, "hoi-truong"))
        await act(process, conference, c.Grant(point="an-binh"))
        await sees(page, number(process, "an-binh"))
        await text_is(page, "#speaker", "Đang phát biểu: Xã An Bình")
        await hears(page)
        await page.click("#picture-choice")
        await text_is(page, "#thin", "Chỉ nghe tiếng")
        await hears(page)
        await page.click("#picture-choice")
        await sees(page, number(process, "an-binh"))
        if request.config.getoption("--screenshots"):
            await page.screenshot(path=IMAGES / "watch.png")
        assert set(only(process).seats) == {p.id for p in process.topology.points}, "no point"

        process.worker.kill()
        await eventually(lambda: len(process.audience.viewers) == 0)
        # Until it has come anew the page may still show its last picture.
        await eventually(lambda: any(viewer.up for viewer in process.audience.viewers))
        await sees(page, number(process, "an-binh"))

        await act(process, conference, c.RenewCode())
        await text_is(page, "#slate-text", "Mã theo dõi đã được thay")
        await page.wait_for_selector("#code", state="visible")
        await enter(page, process.audience.code(only(process)))
        await sees(page, number(process, "an-binh"))
        await act(process, conference, c.End())
        await text_is(page, "#slate-text", "Cuộc họp đã kết thúc")
        assert page.problems == []  # type: ignore[attr-defined]


async def test_the_console_opens_a_conference_to_viewers(tmp_path: Path) -> None:
    """From the keyboard: who may watch, and a shared screen on a telephone and a projector; no page
    has a barrier (axe), and when it is closed again the viewers are told."""
    async with open_to(tmp_path, "nobody") as process, chromium() as browser:
        conference = await started(process, process.topology.templates[0].id)
        await eventually(lambda: len(only(process).present) == len(POINTS))
        viewer = await open_watch(browser, process, conference, width=390, height=844)
        await text_is(viewer, "#slate-text", "Không có cuộc họp nào mở")
        assert await violations(viewer) == []
        console = await open_console(browser, process)
        await console.wait_for_selector("#desk:not([hidden])")
        await act(process, conference, c.Direct(take_over=True))
        await console.wait_for_function("() => room.state.conference?.director === room.state.user")
        await console.keyboard.press("Shift+V")
        await console.wait_for_selector("#audience[open]")
        await console.check("#audience input[value=anybody]")
        await text_is(console, "#audience-page", f"/watch/{conference}")
        assert await violations(console) == []
        await viewer.reload()
        await sees(viewer, number(process, "hoi-truong"))
        await text_is(console, "#audience-count", "1 người đang theo dõi")
        await console.keyboard.press("Escape")
        await text_is(console, "#viewers", "1 người đang theo dõi")
        await console.wait_for_selector("#audience:not([open])", state="attached")
        await console.keyboard.press("x")
        await eventually(lambda: only(process).content is not None)
        await viewer.wait_for_function("() => document.getElementById('content').videoWidth > 0")
        assert await violations(viewer) == []
        for size in ({"width": 390, "height": 844}, {"width": 1280, "height": 720}):
            await viewer.set_viewport_size(size)  # type: ignore[arg-type]
            await viewer.wait_for_function(  # its window has the new size a moment later
                "size => innerWidth === size.width && innerHeight === size.height && "
                "document.documentElement.scrollWidth <= innerWidth && "
                "document.documentElement.scrollHeight <= innerHeight",
                arg=size,
            )
        await act(process, conference, c.SetAudience(admits="nobody"))
        await text_is(viewer, "#slate-text", "không còn mở")
        assert viewer.problems + console.problems == []  # type: ignore[attr-defined]


async def nothing_by_udp(route: Route) -> None:
    """An answer whose candidates lead to where nobody listens, as behind a firewall."""
    answer = await route.fetch()
    sdp = re.sub(r"(a=candidate:\S+ 1 udp \d+ \S+ )\d+", r"\g<1>9", await answer.text())
    await route.fulfill(response=answer, body=sdp)


async def test_over_http_where_udp_does_not_pass(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The page falls back to HLS by itself and says so; what the rooms see is seen, also after the
    programme process was killed; and who may not watch any more is told at once."""
    async with open_to(tmp_path, "anybody", hls=5) as process, chromium() as browser:
        conference = await started(process, process.topology.templates[0].id)
        await eventually(lambda: len(only(process).present) == len(POINTS))
        page = await new_page(browser, viewport={"width": 1280, "height": 720})
        await page.route("**/api/v1/whep/*", nothing_by_udp)
        page = await open_watch(browser, process, conference, page=page)
        await sees(page, number(process, "hoi-truong"))
        await text_is(page, "#note", "không cho UDP đi qua")
        await eventually(lambda: only(process).viewers == {"hls": 1})
        await act(process, conference, c.Grant(point="an-binh"))
        await sees(page, number(process, "an-binh"))
        if request.config.getoption("--screenshots"):
            await page.screenshot(path=IMAGES / "watch-http.png")

        playlist = process.audience.hls.folder_of(conference) / "index.m3u8"
        before = playlist.read_text("ascii")
        programme = process.recordings.process_of(conference)
        assert programme is not None
        os.kill(programme, signal.SIGKILL)
        await eventually(lambda: "#EXT-X-DISCONTINUITY\n" in playlist.read_text("ascii"))
        assert sequence(playlist.read_text("ascii")) >= sequence(before)
        await act(process, conference, c.Grant(point="hoi-truong"))
        await sees(page, number(process, "hoi-truong"))

        await page.unroute("**/api/v1/whep/*")
        await page.click("#way")
        await page.wait_for_function("() => watching.viewing?.pc?.connectionState === 'connected'")
        await sees(page, number(process, "hoi-truong"))
        await page.click("#way")
        await page.wait_for_function("() => watching.viewing?.player")
        await sees(page, number(process, "hoi-truong"))
        await act(process, conference, c.SetAudience(admits="nobody"))
        await text_is(page, "#slate-text", "không còn mở")
        await eventually(lambda: not list(playlist.parent.glob("*.m4s")))
        assert page.problems == []  # type: ignore[attr-defined]


def sequence(playlist: str) -> int:
    found = re.search(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", playlist)
    assert found is not None
    return int(found[1])


class Player:
    """aiortc as it comes, watching by WHEP."""

    def __init__(self) -> None:
        self.pc = RTCPeerConnection()
        self.seen: set[int] = set()
        self.loudest = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self.pc.on("track", self._track)

    def _track(self, track: MediaStreamTrack) -> None:
        self._tasks.append(asyncio.create_task(self._take(track)))

    async def _take(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if isinstance(frame, VideoFrame):
                    found = test_card.read(frame.to_ndarray(format="gray").astype(np.uint8))
                    if found is not None:
                        self.seen.add(found.number)
                elif isinstance(frame, AudioFrame):
                    self.loudest = max(self.loudest, float(np.abs(frame.to_ndarray()).max()))

    async def watch(self, http: aiohttp.ClientSession, endpoint: str) -> str:
        """Begin; returns the address of the viewer."""
        self.pc.addTransceiver("video", direction="recvonly")
        self.pc.addTransceiver("audio", direction="recvonly")
        await self.pc.setLocalDescription(await self.pc.createOffer())
        sdp = self.pc.localDescription.sdp
        headers = {"Content-Type": "application/sdp"}
        async with http.post(endpoint, data=sdp, headers=headers) as response:
            assert response.status == 201, await response.text()
            answer = RTCSessionDescription(await response.text(), "answer")
            location = response.headers["Location"]
        await self.pc.setRemoteDescription(answer)
        return location

    async def close(self) -> None:
        await self.pc.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


PLAYER = """<!doctype html><video id="programme" autoplay muted playsinline></video>
<script type="module">
import { WHEPClient } from "/whep.js";
const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
pc.addTransceiver("audio", { direction: "recvonly" });
pc.addTransceiver("video", { direction: "recvonly" });
pc.ontrack = ({ track }) => {
  const video = document.getElementById("programme");
  if (track.kind === "video") video.srcObject = new MediaStream([track]);
};
window.client = new WHEPClient();
await window.client.view(pc, ENDPOINT);
</script>"""


async def test_players_that_are_not_ours_are_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client of WHEP's authors (npm whip-whep) in Chromium, and aiortc."""
    # aioice leaves loopback out, and there is nothing else here.
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda *_, **__: ["127.0.0.1"])
    async with (
        open_to(tmp_path, "anybody") as process,
        chromium() as browser,
        aiohttp.ClientSession() as http,
    ):
        conference = await started(process, process.topology.templates[0].id)
        await eventually(lambda: len(only(process).present) == len(POINTS))
        endpoint = f"{process.url}/api/v1/whep/{conference}"
        page = await new_page(browser)
        await page.add_init_script(path=CARD)
        html = PLAYER.replace("ENDPOINT", f'"{endpoint}"')
        client = packages() / "whip-whep" / "whep.js"
        await page.route("**/player", lambda r: r.fulfill(body=html, content_type="text/html"))
        await page.route("**/whep.js", lambda r: r.fulfill(path=client))
        await page.goto(f"{process.url}/player")
        await sees(page, number(process, "hoi-truong"))
        player = Player()
        location = await player.watch(http, endpoint)
        await eventually(lambda: number(process, "hoi-truong") in player.seen)
        await eventually(lambda: player.loudest > 300)
        await act(process, conference, c.Grant(point="an-binh"))
        await sees(page, number(process, "an-binh"))
        await eventually(lambda: number(process, "an-binh") in player.seen)
        await eventually(lambda: only(process).viewers == {"anybody": 2})
        async with http.delete(f"{process.url}{location}") as response:
            assert response.status == 200
        await player.close()
        await page.evaluate("client.stop()")
        await eventually(lambda: len(process.audience.viewers) == 0)
