"""The demo as a newcomer starts it, a short slice of it, and `serve`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from bridge.app.credentials import load_keys
from config.loader import load
from endpoints.webrtc.client import BridgeClient
from tests.live.browsers import chromium, new_page, text_is
from tests.live.support import bridge_process, free_port, simulated_points, started
from tests.paths import ROOT
from tests.waiting import HANG, eventually

TRIES = 2  # runs of a demo whose viewers were late: the next has other luck
LATE = 500.0  # ms between points from which on this machine counts as busy


def children_of(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text()
            except OSError:
                continue
            if int(text.rpartition(")")[2].split()[1]) == pid:
                found.append(int(entry.name))
    return found


def workers_of(pid: int) -> list[int]:
    """The media workers of a control process; it has other children for a while, such as the one
    that writes a backup."""
    found = []
    for child in children_of(pid):
        with contextlib.suppress(OSError):
            if b"bridge.media" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"):
                found.append(child)
    return found


def short_demo(folder: Path, *more: str, codec: str = "vp8") -> tuple[dict[str, Any], int, str]:
    """A recorded demo of four points: its report, its exit code, and what it printed."""
    report, topology = folder / "r.json", folder / "topology.yaml"
    text = (ROOT / "config" / "lac-thuy.yaml").read_text("utf-8")
    topology.write_text(text.replace("codec: vp8", f"codec: {codec}"), "utf-8")
    result = subprocess.run(
        [
            *(sys.executable, "bridge.py", "demo", "--points", "4", "--seconds", "1", "--record"),
            *("--report", str(report), "--no-browser", "--file", str(topology), *more),
        ],
        cwd=ROOT,
        timeout=4 * HANG,
        check=False,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    return json.loads(report.read_text("utf-8")), result.returncode, result.stdout


def points_are_verified(document: dict[str, Any]) -> None:
    assert (document["points"], document["connected"]) == (4, 4)
    assert document["pictures"] == {"expected": 12, "verified": 12}
    assert document["sounds"] == {"expected": 12, "verified": 12}
    for name in ("latency_ms", "switch_ms"):
        assert 0 < document[name]["p50"] <= document[name]["p95"]
    # A picture may be there before the message that its point is.
    assert 0 <= document["first_frame_ms"]["p50"] <= document["first_frame_ms"]["p95"]
    assert document["forwarding"]["packets"] > 1000
    recording = document["recording"]
    assert recording["sha256_verified"] is True
    assert recording["takes"] == recording["pictures"] == recording["sounds"] >= 4


def test_a_short_demo_verifies_everything(tmp_path: Path) -> None:
    document, code, _ = short_demo(tmp_path, codec="h264")
    assert code == 0, document
    assert document["ok"] is True
    points_are_verified(document)


def test_a_short_demo_with_an_audience(tmp_path: Path) -> None:
    """Two watch by WebRTC and one by HLS; each sees the takes, and the exit code says so. Viewers
    decode what they see: where this machine is so busy that pictures between the points are late,
    theirs may be too late to count, and then the report and the exit code have to say that."""
    for _ in range(TRIES):
        document, code, printed = short_demo(tmp_path, "--audience", "3")
        points_are_verified(document)
        watched = document["audience"]
        assert [viewer["way"] for viewer in watched["viewers"]] == ["webrtc", "webrtc", "hls"]
        assert "Người theo dõi (3): WebRTC: " in printed
        assert "Viewers (3): WebRTC: " in printed
        assert (code == 0) is document["ok"]
        assert watched["ok"] or not document["ok"]
        if document["ok"] or document["latency_ms"]["p95"] > LATE:
            break
    if document["ok"]:
        assert watched["counted"] == {"anybody": 2, "hls": 1}
        for viewer in watched["viewers"]:
            assert viewer["takes"] == viewer["pictures"] >= 2
            assert viewer["first_picture_ms"] > 0
    else:
        assert document["latency_ms"]["p95"] > LATE, document


async def test_ctrl_c_leaves_nothing_running() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "bridge.py", "demo", "--points", "3", "--no-browser"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(HANG):
        first = await process.stdout.readline()
        assert b"http://127.0.0.1:" in first
    # A worker and a process of points; a spare worker later on.
    await eventually(lambda: len(children_of(process.pid)) >= 2)
    children = children_of(process.pid)
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(HANG):
        assert await process.wait() == 0
    # The kernel may be a moment behind with those that have ended.
    await eventually(lambda: not [pid for pid in children if Path(f"/proc/{pid}").exists()])


@pytest.mark.browser
async def test_the_demo_waits_for_one_key() -> None:
    """The address it prints is the console, logged in; twelve points wait; S starts them."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "bridge.py", "demo", "--no-browser"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(2 * HANG):  # fifteen processes start
            text = (await process.stdout.readline()).decode()
        async with chromium() as browser:
            address = re.search(r"http://127\.0\.0\.1:\d+/console#demo=\S+", text)
            assert address is not None, text
            page = await new_page(browser, viewport={"width": 1600, "height": 900})
            await page.goto(address[0])
            await text_is(page, "#templates li.chosen", "12/12")
            await page.keyboard.press("s")
            await page.wait_for_function(
                "() => [...document.querySelectorAll('.cell video')]"
                ".filter(v => v.videoWidth > 0 && v.readyState >= 2).length === 12",
                polling=50,
            )
            await text_is(page, "#phase", "Đang họp")
            assert (await page.locator("#phase").inner_text()).startswith("Đang họp")
    finally:
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(HANG):
            await process.communicate()


async def test_a_killed_demo_leaves_nothing_running() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "bridge.py", "demo", "--points", "2", "--no-browser"),
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    await eventually(lambda: len(children_of(process.pid)) >= 2)
    children = children_of(process.pid)
    process.kill()
    await process.wait()
    await eventually(lambda: not [p for p in children if Path(f"/proc/{p}").exists()])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["demo", "--points", "99"], "2 to 12 points; 99 cannot be"),
        (["demo", "--report", "/nowhere/r.json"], "There is no folder /nowhere"),
        (["demo", "--file", "config/example.yaml"], "on loopback addresses only"),
        (["serve", "config/missing.yaml"], "cannot be read"),
    ],
)
def test_nonsense_is_answered_with_a_sentence(arguments: list[str], text: str) -> None:
    result = subprocess.run(
        [sys.executable, "bridge.py", *arguments],
        cwd=ROOT,
        timeout=HANG,
        check=False,
        capture_output=True,
        text=True,
    )
    assert result.returncode in (1, 2)
    assert text in result.stderr.replace("\n", " ")
    assert "Traceback" not in result.stderr


def write_topology(folder: Path) -> Path:
    document = yaml.safe_load((ROOT / "config" / "lac-thuy.yaml").read_text("utf-8"))
    import socket

    document["bridge"]["web"]["port"] = free_port(socket.SOCK_STREAM, "127.0.0.1")
    document["bridge"]["media"]["port"] = free_port(socket.SOCK_DGRAM, "127.0.12.100")
    document["bridge"]["media"]["spare"] = False
    document["bridge"]["state"] = "state"
    path = folder / "topology.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    return path


async def serve(path: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "bridge.py", "serve", str(path)),
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def healthy(url: str) -> None:
    async with aiohttp.ClientSession() as http, asyncio.timeout(HANG):
        while True:
            try:
                async with http.get(f"{url}/healthz") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)


async def test_the_worker_survives_its_control_process(tmp_path: Path) -> None:
    """SIGKILL of `serve`: the worker keeps its transports, a new one adopts them."""
    path = write_topology(tmp_path)
    topology = load(path)
    url = f"http://127.0.0.1:{topology.bridge.web.port}"
    first = await serve(path)
    await healthy(url)
    keys = load_keys(topology, tmp_path / "state" / "keys.yaml")
    assert (tmp_path / "state" / "keys.yaml").stat().st_mode & 0o077 == 0
    await eventually(lambda: list((tmp_path / "state").glob("worker*.sock")))  # it can be adopted
    (worker,) = workers_of(first.pid)
    seen: list[dict[str, object]] = []
    client = BridgeClient(
        url, "khoan-du", keys[next(p for p in keys if p == "khoan-du")], seen.append
    )
    running = asyncio.create_task(client.run())
    await eventually(lambda: [d for d in seen if d["type"] == "welcome"])
    first.kill()
    await first.wait()
    assert Path(f"/proc/{worker}").exists()
    seen.clear()
    second = await serve(path)
    try:
        await healthy(url)
        await eventually(lambda: [d for d in seen if d["type"] == "welcome"])
        assert workers_of(second.pid) == [], "the worker was adopted, not started again"
        os.kill(worker, 0)
    finally:
        running.cancel()
        second.terminate()
        assert await second.wait() == 0
    await eventually(lambda: not Path(f"/proc/{worker}").exists())


async def test_aiortc_points_send_remb(tmp_path: Path) -> None:
    """Offers with abs-send-time: aiortc answers with REMB, which the worker exposes."""
    from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

    from bridge.conference.model import PointId

    async with bridge_process(tmp_path) as process, simulated_points(process, ["hoi-truong"]):
        await started(process)
        welcome: list[dict[str, object]] = []
        client = BridgeClient(
            process.url, "an-binh", process.keys[PointId("an-binh")], welcome.append
        )
        running = asyncio.create_task(client.run())
        await eventually(lambda: [d for d in welcome if d["type"] == "welcome"])
        pc = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        pc.addTransceiver("video", direction="recvonly")
        await pc.setLocalDescription(await pc.createOffer())
        assert "abs-send-time" in pc.localDescription.sdp
        answer = await client.offer(pc.localDescription.sdp)
        await pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        try:
            async with asyncio.timeout(HANG):
                while True:
                    stats = await process.worker.stats()
                    assert stats is not None
                    if any(t.remb > 0 for t in stats.transports):
                        break
                    await asyncio.sleep(0.1)
            assert stats.counters["remb_received"] > 0
        finally:
            await pc.close()
            running.cancel()
