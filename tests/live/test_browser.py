"""Real Chromium pages and simulated points through the real bridge."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from bridge.accounts import passwords
from bridge.app.process import ControlProcess
from bridge.conference import commands as c
from endpoints.netem.impairment import Profile
from endpoints.netem.relay import Relay
from tests.live.browsers import chromium, new_page, open_room, programme_is, sees, text_is
from tests.live.support import act, bridge_process, only, simulated_points, started
from tests.waiting import HANG, eventually

pytestmark = pytest.mark.browser

ROOMS = ("hoi-truong", "khoan-du")
RELAY_HOST = "127.0.12.200"
STATS = """async () => [...(await room.media.pc.getStats()).values()].map(s => ({...s}))"""


@contextlib.asynccontextmanager
async def two_rooms(process: ControlProcess) -> AsyncIterator[list[Page]]:
    """Two browsers, each with its own point's card as its camera."""
    numbers = {p.id: n for n, p in enumerate(process.topology.points, 1)}
    async with contextlib.AsyncExitStack() as stack:
        pages = []
        for point in ROOMS:
            browser = await stack.enter_async_context(chromium(numbers[point]))
            pages.append(await open_room(browser, process, point))
        yield pages


async def everybody_sees(pages: list[Page], numbers: dict[str, int]) -> None:
    """Wait until every picture of every page carries the right number."""
    for page, own in zip(pages, ROOMS, strict=True):
        await sees(page, {point: number for point, number in numbers.items() if point != own})


def layers_sent(stats: list[dict[str, Any]]) -> dict[str, int]:
    """How many frames of each simulcast layer a page has sent, from `getStats()`."""
    return {
        s["rid"]: s.get("framesSent", 0)
        for s in stats
        if s["type"] == "outbound-rtp" and s.get("rid")
    }


async def are_sent(page: Page, layers: set[str]) -> None:
    """Wait until these layers are being sent, beside which others may be."""
    before = layers_sent(await page.evaluate(STATS))
    async with asyncio.timeout(HANG):
        while True:
            now = layers_sent(await page.evaluate(STATS))
            if all(now.get(layer, 0) > before.get(layer, 0) for layer in layers):
                return
            await asyncio.sleep(0.1)


async def test_twelve_points_in_two_browsers(tmp_path: Path) -> None:
    async with bridge_process(tmp_path) as process:
        numbers = {p.id: n for n, p in enumerate(process.topology.points, 1)}
        others = [p for p in numbers if p not in ROOMS]
        async with simulated_points(process, others, light=True), two_rooms(process) as pages:
            conference = await started(process)
            await everybody_sees(pages, numbers)
            # The chair is on air: the chair itself sees another point.
            await programme_is(pages[1], numbers["hoi-truong"])
            for point in ("dong-tam", "khoan-du"):
                await act(process, conference, c.Take(point=point))
                await programme_is(pages[0], numbers[point])
            # On air itself, the room sees the chair, a red lamp, and who sees it.
            await programme_is(pages[1], numbers["hoi-truong"])
            await pages[1].wait_for_selector("#lamp")  # visible
            await text_is(pages[0], "#programme-name", "Xã Khoan Dụ")
            assert await pages[0].locator("#programme-name").inner_text() == "Xã Khoan Dụ"

            pid = process.worker.pid
            assert pid is not None
            generation = [await page.evaluate("room.media.generation") for page in pages]
            killed = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            await eventually(lambda: process.worker.pid not in (pid, None))
            await eventually(lambda: len(only(process).present) == 12)
            print(f"all twelve back after {time.monotonic() - killed:.1f} s")
            # Until it has come anew a page still shows its last pictures.
            for page, before in zip(pages, generation, strict=True):
                await page.wait_for_function(
                    "before => room.media.up && room.media.generation > before", arg=before
                )
            await everybody_sees(pages, numbers)
            print(f"with all pictures after {time.monotonic() - killed:.1f} s")
            await programme_is(pages[0], numbers["khoan-du"])
            for page in pages:
                assert page.problems == []  # type: ignore[attr-defined]


async def test_gcm_simulcast_and_names(tmp_path: Path) -> None:
    """What a room negotiates and what its page says; each layer is sent once it is wanted."""
    async with bridge_process(tmp_path) as process, two_rooms(process) as (_, page):
        await page.wait_for_function("() => globalThis.room?.media?.up")
        await page.wait_for_function("() => globalThis.room?.media && !room.media.sending")
        conference = await started(process)
        sdp = await page.evaluate("room.media.pc.currentRemoteDescription.sdp")
        assert "a=simulcast:recv q;h;f" in sdp
        await are_sent(page, {"q"})  # the chair's thumbnail
        await act(process, conference, c.Take(point="khoan-du"))
        await are_sent(page, {"q", "h"})  # the chair's programme is larger
        stats = await page.evaluate(STATS)
        transport = next(s for s in stats if s["type"] == "transport")
        assert transport["srtpCipher"] == "SRTP_AEAD_AES_128_GCM"
        assert transport["dtlsState"] == "connected"
        assert await page.locator("#self").inner_text() == "Xã Khoan Dụ"
        await text_is(page, "#status", "Đã kết nối")
        assert await page.locator("#status").inner_text() == "Đã kết nối"
        await page.click("#language")
        await page.wait_for_function(
            "() => document.getElementById('self').textContent === 'Khoan Dụ commune'"
        )
        await text_is(page, "#status", "Connected")
        assert await page.locator("#status").inner_text() == "Connected"
        assert page.problems == []  # type: ignore[attr-defined]


async def test_five_per_cent_loss_is_repaired_both_ways(tmp_path: Path) -> None:
    """The impairment hop loses 5 % in each direction; RTX repairs both, counted."""
    async with contextlib.AsyncExitStack() as stack:
        process = await stack.enter_async_context(bridge_process(tmp_path, public=[RELAY_HOST]))
        media = process.topology.bridge.media
        relay = Relay(
            (media.listen[0], media.port), up=Profile(loss=0.05), down=Profile(loss=0.05), seed=5
        )
        await relay.start(RELAY_HOST, media.port)
        stack.callback(relay.close)
        pages = await stack.enter_async_context(two_rooms(process))
        await started(process)
        await programme_is(pages[1], 1)
        await programme_is(pages[0], 8)

        async def repaired() -> tuple[int, int]:
            stats = await process.worker.stats()
            up = stats.counters["packets_recovered"] if stats else 0
            down = 0
            for page in pages:
                for s in await page.evaluate(STATS):
                    if s["type"] == "inbound-rtp" and s["kind"] == "video":
                        down += s.get("retransmittedPacketsReceived", 0)
            return up, down

        up = down = asked = 0
        async with asyncio.timeout(HANG):
            # Some repairs come unasked (bandwidth probing repeats the newest packets), and the
            # first twenty may all be such: the bridge must have asked, too, and as many been lost.
            while up < 20 or down < 20 or asked == 0 or min(relay.up.lost, relay.down.lost) <= 20:
                up, down = await repaired()
                now = await process.worker.stats()
                asked = now.counters["nacks_sent"] if now is not None else 0
                await asyncio.sleep(0.2)
        stats = await process.worker.stats()
        assert stats is not None
        assert stats.counters["nacks_sent"] > 0
        assert stats.counters["rtx_out"] + stats.counters["padding_out"] >= down
        assert relay.up.lost > 20
        assert relay.down.lost > 20
        assert {len(await page.evaluate("Object.keys(seen().tiles)")) for page in pages} == {11}


async def test_a_lost_network_and_a_wrong_key_are_said_in_plain_words(tmp_path: Path) -> None:
    async with bridge_process(tmp_path) as process, chromium() as browser:
        await started(process)
        page = await open_room(browser, process, "khoan-du")
        await page.wait_for_function("() => globalThis.room?.media?.up")
        wrong = await new_page(browser)
        await wrong.goto(f"{process.url}/room#point=chi-ne&key=wrong")
        await wrong.wait_for_function(
            "() => document.getElementById('status').textContent.startsWith('Khóa của điểm cầu')"
        )
        await page.context.set_offline(True)
        await page.evaluate("room.connection.socket?.close()")
        await page.wait_for_function(
            "() => document.getElementById('status').textContent.startsWith('Mất kết nối với cầu')"
        )
        await page.context.set_offline(False)
        await page.wait_for_function(
            "() => document.getElementById('status').textContent === 'Đã kết nối'"
        )
        await eventually(lambda: only(process).present == {"khoan-du"})


async def test_a_room_enrols_with_a_code_once(tmp_path: Path) -> None:
    """Nonsense is refused in words; a code makes the room what it is, also after a reload."""
    async with bridge_process(tmp_path) as process, chromium() as browser:
        page = await new_page(browser)
        await page.goto(f"{process.url}/room")
        await page.fill("input[name=code]", "nonsense")
        await page.click("#join button")
        await text_is(page, "#join-error", "Mã ghi danh không đúng")
        code = passwords.new_code()
        await process.accounts.add_enrolment(
            passwords.digest(code), "khoan-du", "test", process.conductor.now()
        )
        await page.fill("input[name=code]", code.lower().replace("-", " "))
        await page.click("#join button")
        await text_is(page, "#self", "Xã Khoan Dụ")
        await text_is(page, "#status", "Đã kết nối")
        await page.reload()
        await text_is(page, "#self", "Xã Khoan Dụ")
        await text_is(page, "#status", "Đã kết nối")
        device = next(d for d in await process.accounts.devices() if d.name.startswith("Mozilla"))
        await process.accounts.revoke_device(device.id, process.conductor.now())
        for session in process.control.sessions.all():
            process.control.presence.end(session, "revoked")
        await text_is(page, "#status", "đã bị thu hồi")
        await page.reload()
        await page.wait_for_selector("#join:not([hidden])")
