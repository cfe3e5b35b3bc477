"""The room page where something is missing: a camera, a microphone, a permission, the line, the
bridge; and whether it can be read from the other end of the room."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import signal
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page

from bridge.app.process import ControlProcess
from bridge.conference import commands as c
from bridge.conference.model import PointId
from bridge.control import worker_supervision
from bridge.control.views import seat_view
from bridge.lines.lamps import lamps
from tests.live.browsers import (
    chromium,
    new_page,
    open_console,
    open_room,
    programme_is,
    text_is,
)
from tests.live.support import act, bridge_process, free_port, only, simulated_points, started
from tests.paths import ROOT
from tests.waiting import HANG, eventually

pytestmark = pytest.mark.browser

DEVICES = (Path(__file__).parent / "devices.js").read_text("utf-8")
IMAGES = ROOT / "docs" / "images"
ROOM = "khoan-du"
SENT = """async kind => [...(await room.media.pc.getStats()).values()]
  .filter(s => s.type === 'outbound-rtp' && s.kind === kind)
  .reduce((sum, s) => sum + (s.packetsSent ?? 0), 0)"""


def taken(video: str = "", audio: str = "") -> str:
    """A script that takes devices away before the page asks for them."""
    return f"{DEVICES}\ndevices.video = '{video}'; devices.audio = '{audio}';"


async def shown_in(page: Page, place: str) -> None:
    """Wait until the programme's place holds a picture, a thumbnail or a slate."""
    await page.wait_for_function(
        "place => document.getElementById('stage').dataset.place === place", arg=place, polling=20
    )


async def tile_says(console: Page, text: str) -> None:
    await console.wait_for_function(
        "([id, text]) => (document.querySelector(`.cell[data-point=${id}] .faults`)"
        "?.dataset.mark ?? '').includes(text)",
        arg=[ROOM, text],
        polling=50,
    )


async def sends(page: Page, kind: str) -> None:
    """Wait until the page sends more of one kind than it has so far."""
    before = await page.evaluate(SENT, kind)
    async with asyncio.timeout(HANG):
        while await page.evaluate(SENT, kind) < before + 10:  # each look is a call: no busy loop
            pass


async def here(process: ControlProcess) -> None:
    await eventually(lambda: ROOM in only(process).present)


async def lamp_is(process: ControlProcess, name: str, level: str, text: str = "") -> None:
    """Wait until a lamp has this level, and a sentence with this text. The page knows before the
    bridge does what is wrong with its devices."""

    def found() -> bool:
        shown = lamp_of(process, name)
        return shown[0] == level and text in shown[1]

    await eventually(found)


def lamp_of(process: ControlProcess, name: str) -> tuple[str, str]:
    """Level and sentence of a lamp, as /status shows it."""
    session = process.control.sessions.of_point(ROOM)
    conference = process.conductor.conference_of(ROOM)
    assert session is not None
    seat = None
    if conference is not None:
        arriving = process.control.publisher.arriving(ROOM)
        seat = seat_view(conference.seats[ROOM], arriving)
    state = process.control.publisher.point_states()[ROOM]
    found = {lamp.name: lamp for lamp in lamps(state, session.status, None, None, seat)}
    return found[name].level, found[name].sentence.vi


async def test_a_room_without_a_camera_is_heard_and_has_a_slate(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    renew = request.config.getoption("--screenshots")
    async with bridge_process(tmp_path) as process, chromium() as browser:
        numbers = {p.id: n for n, p in enumerate(process.topology.points, 1)}
        async with simulated_points(process, ["hoi-truong"]), chromium(numbers["chi-ne"]) as other:
            room = await open_room(browser, process, ROOM, script=taken(video="NotFoundError"))
            watcher = await open_room(
                other, process, "chi-ne", viewport={"width": 1920, "height": 1080}
            )
            console = await open_console(browser, process)
            conference = await started(process)
            await here(process)
            await programme_is(watcher, numbers["hoi-truong"])
            await text_is(room, "#status", "Không thấy camera")
            await tile_says(console, "Không camera")
            said = "Không thấy camera. Kiểm tra nguồn và dây USB của camera."
            await lamp_is(process, "picture", "bad", said)
            # The voice is there all the same, and the bridge has it.
            await act(process, conference, c.Grant(point=ROOM))
            await text_is(room, "#microphone", "MICRO ĐANG MỞ")
            await sends(room, "audio")
            await lamp_is(process, "sound", "good")
            # Nobody looks at the point that was there before.
            for page in (watcher, console):
                await shown_in(page, "slate")
                await text_is(page, "#stage .slate .name", "Xã Khoan Dụ")  # no other's before it
                assert await page.locator("#stage .slate .name").inner_text() == "Xã Khoan Dụ"
                # Chromium's fake microphone beeps.
                await page.wait_for_function(
                    "() => parseFloat(document.querySelector('#stage .slate .bar').style.transform"
                    ".slice(7)) > 0.2",
                    polling=20,
                )
            await text_is(room, "#lamp", "NHƯNG KHÔNG CÓ CAMERA")
            if renew:
                await watcher.screenshot(path=IMAGES / "room-slate.png")
            # The camera comes back, and is pulled out again while on air.
            await room.evaluate("plug('video', '')")
            await shown_in(watcher, "picture")
            await text_is(room, "#status", "Đã kết nối")
            await room.wait_for_function(
                "() => document.getElementById('lamp').textContent === 'BẠN ĐANG LÊN HÌNH'"
            )
            await room.evaluate("plug('video', 'NotFoundError')")
            await shown_in(watcher, "slate")
            await sends(room, "audio")
            # A take from nobody's picture to somebody's, and back within a moment.
            await act(process, conference, c.Take(point="hoi-truong"))
            await programme_is(watcher, numbers["hoi-truong"])
            await shown_in(watcher, "picture")
            times = await slates(process, watcher, conference)
            print(f"slate of a point without a camera after {times} ms")
            for page in (room, watcher, console):
                assert page.problems == []  # type: ignore[attr-defined]


async def slates(process: ControlProcess, page: Page, conference: str) -> list[int]:
    """Milliseconds from a take of a point without a camera to its slate."""
    found = []
    for _ in range(5):
        begun = time.monotonic()
        await act(process, conference, c.Take(point=ROOM))
        await shown_in(page, "slate")
        found.append(round(1000 * (time.monotonic() - begun)))
        await act(process, conference, c.Take(point="hoi-truong"))
        await shown_in(page, "picture")
    return sorted(found)


async def test_a_room_without_a_microphone_is_seen_and_never_called_open(tmp_path: Path) -> None:
    """At start, then denied, busy, silent, and back."""
    async with bridge_process(tmp_path) as process, chromium() as browser:
        room = await open_room(browser, process, ROOM, script=taken(audio="NotFoundError"))
        console = await open_console(browser, process)
        conference = await started(process)
        await here(process)
        await act(process, conference, c.Grant(point=ROOM))
        await text_is(room, "#microphone", "KHÔNG CÓ MICRO")
        await sends(room, "video")
        await tile_says(console, "Không micro")
        cell = f".cell[data-point={ROOM}]"
        await console.wait_for_selector(f"{cell}[aria-label*='chưa nghe thấy']")
        label = await console.locator(cell).get_attribute("aria-label")
        assert label is not None
        assert "micro mở" not in label
        assert "MICRO ĐANG MỞ" not in await room.locator("#bar").inner_text()
        for fault, said in (
            ("NotAllowedError", "không được phép dùng micro"),
            ("NotReadableError", "phần mềm khác dùng"),
        ):
            await room.evaluate("fault => plug('audio', fault)", fault)
            await text_is(room, "#status", said)
            await lamp_is(process, "sound", "bad", said)
        await room.evaluate("plug('audio', 'silent')")
        await text_is(room, "#microphone", "MICRO KHÔNG CÓ TIẾNG")
        await tile_says(console, "Không có tiếng")
        await lamp_is(process, "sound", "bad", "im lặng")
        await room.evaluate("plug('audio', 'NotFoundError'); plug('audio', '')")
        await text_is(room, "#microphone", "MICRO ĐANG MỞ")
        # Muted by the room itself nothing is open, and nothing is wrong.
        await room.evaluate("document.getElementById('mute').click()")  # not the foremost page
        await text_is(room, "#microphone", "Micro tắt")
        await lamp_is(process, "sound", "good")
        assert room.problems == []  # type: ignore[attr-defined]


class Line:
    """A TCP line to the bridge that can be cut as a fibre is: nothing passes, nobody is told."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._to = (parts.hostname, parts.port)
        self.open = asyncio.Event()
        self.open.set()
        self._jobs: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> str:
        port = free_port(socket.SOCK_STREAM, "127.0.0.1")
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port)
        return f"http://127.0.0.1:{port}"

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._to)
        self._writers += [back, writer]
        for source, sink in ((reader, back), (there, writer)):
            job = asyncio.create_task(self._carry(source, sink))
            self._jobs.add(job)
            job.add_done_callback(self._jobs.discard)

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                await self.open.wait()
                sink.write(data)
                await sink.drain()
        sink.close()

    async def stop(self) -> None:
        self._server.close()
        for job in list(self._jobs):
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@contextlib.asynccontextmanager
async def line_to(process: ControlProcess) -> AsyncIterator[tuple[Line, str]]:
    line = Line(process.url)
    url = await line.start()
    try:
        yield line, url
    finally:
        await line.stop()


async def away_is(page: Page, kind: str) -> None:
    await page.wait_for_function(
        "kind => { const away = document.getElementById('away');"
        " return (kind === '') === away.hidden && (away.hidden || away.dataset.kind === kind); }",
        arg=kind,
        polling=20,
    )


async def test_a_room_that_is_cut_off_says_by_what(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line, another computer, the worker and the bridge itself are told apart, over the whole
    stage, and go away by themselves."""
    renew = request.config.getoption("--screenshots")
    # A worker that hangs is left alone until the page has said that its media is gone.
    monkeypatch.setattr(worker_supervision, "HANGING_AFTER", HANG)

    async def shoot(name: str) -> None:
        if renew:
            await page.screenshot(path=IMAGES / f"{name}.png")

    async with bridge_process(tmp_path) as process, chromium() as browser:
        async with line_to(process) as (line, url):
            page = await open_room(
                browser, process, ROOM, url=url, viewport={"width": 1920, "height": 1080}
            )
            await started(process)
            await page.wait_for_function("() => globalThis.room?.media?.up")
            await away_is(page, "")
            line.open.clear()
            begun = time.monotonic()
            await away_is(page, "line")
            print(f"a line that is cut is told after {time.monotonic() - begun:.1f} s")
            await text_is(page, "#away", "MẤT ĐƯỜNG TRUYỀN")
            await text_is(page, "#status", "Mất kết nối với cầu")
            box = await page.locator("#away").bounding_box()
            room = await page.locator("#room").bounding_box()
            assert box is not None
            assert room is not None
            assert box["width"] * box["height"] > 0.97 * room["width"] * room["height"]
            await shoot("room-line-cut")
            line.open.set()
            await away_is(page, "")

            pid = process.worker.pid
            assert pid is not None
            os.kill(pid, signal.SIGSTOP)  # its media is gone, and its life is not
            await away_is(page, "media")
            os.kill(pid, signal.SIGKILL)
            await eventually(lambda: process.worker.pid not in (pid, None))
            await page.wait_for_function("() => globalThis.room?.media?.up")
            await away_is(page, "")

            # Another computer with the same key takes the seat; a third, of another key, may not.
            second = await new_page(browser)
            await second.goto(f"{process.url}/room#point={ROOM}&key={process.keys[PointId(ROOM)]}")
            await away_is(page, "ended")
            await shoot("room-elsewhere")
            await second.close()
        assert page.problems == []  # type: ignore[attr-defined]


async def test_a_bridge_that_stops_is_not_taken_for_the_line(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    async with chromium() as browser:
        async with bridge_process(tmp_path) as process:
            page = await open_room(browser, process, ROOM, viewport={"width": 1920, "height": 1080})
            await page.wait_for_function("() => globalThis.room?.link === 'up'")
        await away_is(page, "bridge")
        await text_is(page, "#away", "Đường truyền không hỏng")
        if request.config.getoption("--screenshots"):
            await page.screenshot(path=IMAGES / "room-bridge-away.png")


BLOCKED = """globalThis.blocked = true;
const real = RTCPeerConnection.prototype.setRemoteDescription;
RTCPeerConnection.prototype.setRemoteDescription = async function (answer) {
  if (!blocked) return real.call(this, answer);
  // As if every check had failed, without the seconds that a browser takes to find that out.
  Object.defineProperty(this, "connectionState", { get: () => "failed" });
  this.dispatchEvent(new Event("connectionstatechange"));
};"""


async def test_after_two_failures_a_page_says_what_to_try(tmp_path: Path) -> None:
    """The bridge answers and media does not get through: a firewall, or Firefox on loopback."""
    async with bridge_process(tmp_path) as process, chromium() as browser:
        room = await open_room(browser, process, ROOM, script=BLOCKED)
        console = await open_console(browser, process, script=BLOCKED)
        await started(process)
        await away_is(room, "blocked")
        await text_is(room, "#away-next", "thử trình duyệt Chromium")
        await text_is(console, "#alarm", "thử trình duyệt Chromium")
        for page in (room, console):
            await page.evaluate("() => { blocked = false; }")
        await away_is(room, "")
        await console.wait_for_selector("#alarm", state="hidden")
        for page in (room, console):
            assert page.problems == []  # type: ignore[attr-defined]


# A 55-inch screen of 16:9, five metres away; capitals of the page's fonts are 0.71 of their size.
HEIGHT = 55 * 25.4 * 9 / math.hypot(16, 9)  # mm
DISTANCE = 5000.0  # mm
CAPITALS = 0.71
READABLE = ("#lamp", "#microphone", "#banner", "#programme-name", "#stage .slate .name")
CUT_OFF = ("#away-title", "#waiting")


def minutes(size: float, lines: int) -> float:
    """Minutes of arc of capitals of ``size`` px on a screen of so many lines."""
    return math.degrees(math.atan(size * CAPITALS * HEIGHT / lines / DISTANCE)) * 60


@pytest.mark.parametrize("viewport", [(1920, 1080), (3840, 2160), (1366, 768)])
async def test_what_must_be_read_can_be_read_from_five_metres(
    tmp_path: Path, viewport: tuple[int, int]
) -> None:
    width, height = viewport
    async with bridge_process(tmp_path) as process, chromium() as browser:
        room = await open_room(browser, process, ROOM, viewport={"width": width, "height": height})
        conference = await started(process)
        await here(process)
        await act(process, conference, c.Grant(point=ROOM))
        await act(process, conference, c.Banner(text="Nghỉ 10 phút"))
        await text_is(room, "#microphone", "MICRO")
        await text_is(room, "#banner", "Nghỉ 10 phút")
        for selector in ("#lamp", "#microphone", "#banner", "#programme-name"):
            await room.wait_for_selector(selector)
        sizes = await room.evaluate(
            "ids => ids.map(id => document.querySelector(id))"
            ".map(element => parseFloat(getComputedStyle(element).fontSize))",
            [*READABLE, *CUT_OFF],
        )
        found = {
            name: round(minutes(size, height), 1)
            for name, size in zip([*READABLE, *CUT_OFF], sizes, strict=True)
        }
        print(viewport, found)
        assert min(found.values()) >= 20, found
        names = await room.evaluate(
            "parseFloat(getComputedStyle(document.querySelector('.tile .name')).fontSize)"
        )
        assert minutes(names, height) >= 10
        # And nothing of it is cut off.
        for selector in ("#lamp", "#microphone", "#banner", "#programme-name"):
            box = await room.locator(selector).bounding_box()
            assert box is not None
            assert box["x"] >= 0, selector
            assert box["x"] + box["width"] <= width + 1, selector
            assert box["y"] + box["height"] <= height + 1, selector


async def test_devices_are_tried_before_anything_is_joined(tmp_path: Path) -> None:
    async with bridge_process(tmp_path) as process, chromium() as browser:
        page = await new_page(browser)
        await page.add_init_script(taken(video="NotAllowedError"))
        await page.goto(f"{process.url}/room")
        await page.click("#try-devices")
        await text_is(page, "#camera-found", "không được phép dùng camera")
        await text_is(page, "#voice-found", "Micro nghe rõ tiếng")  # the fake one beeps
        await page.evaluate("plug('video', '')")
        await text_is(page, "#camera-found", "Camera đang có hình")
        await page.wait_for_function("() => document.getElementById('try-picture').videoWidth > 0")
        await page.click("#try-speaker")
        await page.select_option("#profile", "hall")
        await page.wait_for_function(
            "() => devices.live.audio.at(-1)?.getSettings().echoCancellation === false"
        )
        await page.click("#choose-close")
        assert process.control.sessions.all() == []


async def test_a_codec_is_put_through_in_stereo(tmp_path: Path) -> None:
    """What the topology says of a point is what its browser is asked for, and what it sends."""
    async with bridge_process(tmp_path) as process, chromium() as browser:
        points = [
            p.model_copy(update={"sound": "codec"}) if p.id == ROOM else p
            for p in process.topology.points
        ]
        process.control.swap_topology(process.topology.model_copy(update={"points": points}))
        room = await open_room(browser, process, ROOM, script=DEVICES)
        await started(process)
        await room.wait_for_function("() => globalThis.room?.media?.up")
        await room.wait_for_function(
            "() => devices.live.audio.at(-1)?.getSettings().echoCancellation === false"
        )
        await room.wait_for_function(
            "() => /stereo=1/.test(room.media.pc.remoteDescription.sdp)", polling=50
        )
        await sends(room, "audio")
        other = await open_room(browser, process, "chi-ne", script=DEVICES)
        await other.wait_for_function("() => globalThis.room?.media?.up")
        await other.wait_for_function("() => devices.live.audio.length > 0")
        settings = await other.evaluate("devices.live.audio.at(-1).getSettings().echoCancellation")
        assert settings is not False
