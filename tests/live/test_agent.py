"""The agent as it is installed: enrolled with a one-time code, run as a process, with a real
browser as its kiosk; and headless, with a file as its camera."""

from __future__ import annotations

import asyncio
import contextlib
import fractions
import json
import os
import re
import shutil
import signal
import stat
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import av
import pytest
from aiortc.codecs.h264 import H264Encoder

from bridge.conference.model import PointId
from endpoints.simulation.points import simulated_peer
from endpoints.webrtc import aiortc_seams, test_card
from endpoints.webrtc.camera import CameraPoint, passes_through, source_options
from endpoints.webrtc.peer import Peer
from tests.live.served import Served
from tests.paths import ROOT
from tests.waiting import HANG

POINT, HOST = "khoan-du", "127.0.12.8"
BESIDE, BESIDE_HOST = "chi-ne", "127.0.12.3"


async def api(served: Served, method: str, path: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {served.token}"}
    async with served.http.request(
        method, f"{served.url}/api/v1{path}", json=body, headers=headers
    ) as response:
        assert response.status < 400, await response.text()
        return await response.json() if response.status != 204 else None


async def until(
    served: Served, condition: Callable[[dict[str, Any]], bool], point: str = POINT
) -> dict[str, Any]:
    """Wait until a point is as wanted, as the interface tells it."""
    last: dict[str, Any] = {}
    try:
        async with asyncio.timeout(HANG):
            while True:
                last = await api(served, "GET", f"/points/{point}")
                if condition(last):
                    return last
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(json.dumps(last, indent=1)[:3000]) from None


async def enrol(served: Served, state: Path, point: str = POINT) -> None:
    code = (await api(served, "POST", f"/points/{point}/enrolments"))["code"]
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "endpoints.agent",
        "enrol",
        served.url,
        code,
        "--state",
        str(state),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await child.communicate()
    assert child.returncode == 0, err.decode()
    assert point in out.decode()
    assert stat.S_IMODE((state / "agent.json").stat().st_mode) == 0o600


@contextlib.asynccontextmanager
async def running(
    state: Path, *arguments: str, host: str = HOST
) -> AsyncIterator[asyncio.subprocess.Process]:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "endpoints.agent",
        "run",
        "--state",
        str(state),
        "--listen",
        host,
        *arguments,
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "PYTHONWARNINGS": "default"},
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(HANG):
                    await child.wait()
            except TimeoutError:
                child.kill()
                await child.wait()


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    made = Served(tmp_path)
    async with aiohttp.ClientSession() as made.http:
        await made.start()
        try:
            yield made
        finally:
            await made.stop()


def kiosk(point: dict[str, Any]) -> dict[str, Any]:
    report = (point.get("agent") or {}).get("report") or {}
    return dict(report.get("kiosk") or {})


def marks_are_known(point: dict[str, Any]) -> bool:
    """Whether a probe of the highest class has come back; the line is reached by any of them."""
    mark = (point["quality"] or {}).get("marks", {}).get("ef")
    return mark is not None and mark["down"] is not None and mark["up"] is not None


def browser_of(agent: int) -> int:
    """The browser that an agent started."""
    found = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(agent)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    lines = [line.split(None, 1) for line in found.splitlines()]
    return next(int(pid) for pid, args in lines if "chrom" in args)


async def restarts(served: Served) -> int:
    """How often the kiosk's browser was started again so far."""
    point = await until(served, lambda p: "restarts" in kiosk(p))
    return int(kiosk(point)["restarts"])


async def one_that_dies_at_once(served: Served, tmp_path: Path) -> None:
    """At another point, whose kiosk backs off and says so."""
    state = tmp_path / "beside"
    await enrol(served, state, BESIDE)
    broken = tmp_path / "chromium-that-dies"
    broken.write_text("#!/bin/sh\nexit 7\n", "utf-8")
    broken.chmod(0o700)
    async with running(state, "--browser", str(broken), host=BESIDE_HOST):
        failed = await until(served, lambda p: kiosk(p).get("state") == "failed", BESIDE)
        assert kiosk(failed)["restarts"] >= 4
        assert kiosk(failed)["reason"]
        # The line is well all the same.
        await until(served, lambda p: (p["quality"] or {}).get("reach") == "yes", BESIDE)


@pytest.mark.browser
@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
async def test_a_kiosk_enrols_itself_and_comes_back(served: Served, tmp_path: Path) -> None:
    state = tmp_path / "agent"
    await enrol(served, state)
    async with running(state, "--headless-browser") as agent:
        # One code was typed; the page's own came from the agent.
        point = await until(served, lambda p: p["state"] == "ready" and bool(p["room"]))
        assert kiosk(point)["state"] == "running"
        line = await until(served, marks_are_known)
        assert line["quality"]["reach"] == "yes"
        assert line["quality"]["marks"]["ef"] == {"sent": 46, "down": 46, "up": 46}
        answer = await api(served, "POST", f"/points/{POINT}/agent", {"command": "self_test"})
        assert answer["ok"], answer
        assert answer["call"]["picture"]
        assert answer["call"]["sound"]
        log = await api(served, "POST", f"/points/{POINT}/agent", {"command": "send_logs"})
        assert "connected to the bridge" in log["log"]
        # It dies: another one is started, with the reason.
        before = await restarts(served)  # a busy machine may have taken too long to start it
        os.kill(browser_of(agent.pid), signal.SIGKILL)
        dead = await until(served, lambda p: kiosk(p).get("restarts") == before + 1)
        assert "died" in kiosk(dead)["reason"]
        await until(served, lambda p: p["state"] == "ready" and kiosk(p).get("state") == "running")
        # It hangs: ended and started again. Half a minute passes until that is sure.
        before = await restarts(served)
        os.kill(browser_of(agent.pid), signal.SIGSTOP)
        async with asyncio.TaskGroup() as meanwhile:
            meanwhile.create_task(one_that_dies_at_once(served, tmp_path))
            hung = await until(served, lambda p: kiosk(p).get("restarts") == before + 1)
        assert "hangs" in kiosk(hung)["reason"]
        await until(served, lambda p: p["state"] == "ready" and kiosk(p).get("state") == "running")
        # Somebody asks: no failure is counted.
        before = await restarts(served)
        await api(served, "POST", f"/points/{POINT}/agent", {"command": "restart_kiosk"})
        asked = await until(served, lambda p: "on request" in kiosk(p).get("reason", ""))
        assert kiosk(asked)["restarts"] == before


def encoded_card(number: int, frames: int) -> Iterator[bytes]:
    """A test card as H.264 with start codes, a picture at a time."""
    card = test_card.TestCard(number, width=320, height=180)
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = 320, 180, "yuv420p"
    encoder.time_base = fractions.Fraction(1, 15)
    encoder.options = {"preset": "ultrafast", "g": "15", "tune": "zerolatency"}
    for n in range(frames):
        frame = av.VideoFrame.from_ndarray(card.render(n), format="yuv420p")
        frame.pts = n
        for packet in encoder.encode(frame):
            yield bytes(packet)


def film_of(number: int, path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=15)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        card = test_card.TestCard(number, width=320, height=180)
        for n in range(45):
            picture = av.VideoFrame.from_ndarray(card.render(n), format="yuv420p")
            for packet in stream.encode(picture):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


async def test_a_headless_point_sends_a_file(served: Served, tmp_path: Path) -> None:
    """The agent is the point itself: another point decodes the film's pictures."""
    aiortc_seams.install()
    state = tmp_path / "agent"
    await enrol(served, state)
    film = tmp_path / "film.mp4"
    film_of(77, film)
    chair = simulated_peer(
        served.url,
        "hoi-truong",
        served.keys[PointId("hoi-truong")],
        1,
        address="127.0.12.1",
        names={77: POINT},
    )
    watching = asyncio.create_task(chair.run())
    try:
        async with running(state, "--camera", str(film)):
            await until(
                served, lambda p: p["state"] == "ready" and kiosk(p).get("state") == "headless"
            )
            body = {"template": "giao-ban", "start": True}
            conference = (await api(served, "POST", "/conferences", body))["conference"]
            await until(served, lambda p: p["state"] == "in_session")
            async with asyncio.timeout(HANG):
                while chair.observations.number_of(POINT) != 77:  # noqa: ASYNC110 - decoded
                    await asyncio.sleep(0.1)
            await served.command(conference, {"type": "end"})
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


class RtspCamera:
    """A camera: answers one client over TCP (RFC 2326 section 10, interleaved as in 10.12) and
    sends H.264 in RTP (RFC 6184)."""

    def __init__(self, pictures: list[bytes]) -> None:
        self.pictures = pictures
        self.clients: set[asyncio.Task[Any] | None] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.clients.add(asyncio.current_task())
        try:
            await self._talk(reader, writer)
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                request = (await reader.readuntil(b"\r\n\r\n")).decode()
                sequence = re.search(r"CSeq: (\d+)", request, re.IGNORECASE)
                assert sequence is not None
                method = request.partition(" ")[0]
                headers, body = f"CSeq: {sequence[1]}\r\n", ""
                if method == "OPTIONS":
                    headers += "Public: DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
                elif method == "DESCRIBE":
                    body = (
                        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n"
                        "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
                        "a=fmtp:96 packetization-mode=1\r\na=control:track1\r\n"
                    )
                    headers += f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
                elif method == "SETUP":
                    headers += "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
                elif method == "PLAY":
                    headers += "Session: 1\r\n"
                writer.write(f"RTSP/1.0 200 OK\r\n{headers}\r\n{body}".encode())
                await writer.drain()
                if method == "PLAY":
                    await self._play(writer)

    async def _play(self, writer: asyncio.StreamWriter) -> None:
        sequence = 0
        for index in range(10_000):
            picture = self.pictures[index % len(self.pictures)]
            payloads = H264Encoder._packetize(iter(H264Encoder._split_bitstream(picture)))
            for number, payload in enumerate(payloads):
                marker = 0x80 if number == len(payloads) - 1 else 0
                head = struct.pack(
                    "!BBHII", 0x80, 96 | marker, sequence & 0xFFFF, index * 6000 & 0xFFFFFFFF, 7
                )
                sequence += 1
                writer.write(b"$\0" + struct.pack("!H", len(head) + len(payload)) + head + payload)
            await writer.drain()
            await asyncio.sleep(1 / 30)


async def test_h264_of_an_rtsp_camera_is_not_transcoded(tmp_path: Path) -> None:
    pictures = list(encoded_card(33, 30))
    camera = RtspCamera(pictures)
    server = await asyncio.start_server(camera.serve, "127.0.0.1", 0)
    url = f"rtsp://127.0.0.1:{server.sockets[0].getsockname()[1]}/live"
    point = CameraPoint("http://127.0.0.1:9", POINT, "k", camera=url, microphone=None)
    try:
        assert await asyncio.to_thread(passes_through, url, source_options(url)[1])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Peer, "codec", "H264")
            track = await asyncio.to_thread(point._open, "video")
        sent = {nal for picture in pictures for nal in H264Encoder._split_bitstream(picture)}
        seen = 0
        while seen < 10:
            async with asyncio.timeout(HANG):
                packet = await track.recv()
            assert isinstance(packet, av.Packet)  # encoded as it came, not a frame
            for nal in H264Encoder._split_bitstream(bytes(packet)):
                seen += nal in sent
        # Not in this loop: the player's thread may be waiting for the camera, which is in it.
        await asyncio.to_thread(track.stop)
    finally:
        point._players.clear()
        server.close()
        for client in camera.clients:
            assert client is not None
            client.cancel()
        await asyncio.gather(*(c for c in camera.clients if c), return_exceptions=True)


async def test_a_point_without_a_microphone_is_silent_and_says_so() -> None:
    point = CameraPoint("http://127.0.0.1:9", POINT, "k", camera="/dev/video0", microphone=None)
    sound, _ = point._tracks()
    sound.active.set()
    frame = await sound.recv()
    assert isinstance(frame, av.AudioFrame)
    assert not frame.to_ndarray().any()
    sound.stop()
    assert [device["kind"] for device in point.sources()] == ["camera"]
    point._told("video", False)
    assert point.sources() == []
    secret = CameraPoint(
        "http://127.0.0.1:9", POINT, "k", camera="rtsp://user:word@192.0.2.5/live", microphone=None
    )
    assert secret.sources()[0]["name"] == "192.0.2.5/live"  # no password of a camera is reported


async def test_a_wrong_code_and_a_missing_bridge_are_said(served: Served, tmp_path: Path) -> None:
    async def said(*arguments: str) -> tuple[int, str]:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "endpoints.agent",
            *arguments,
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        _, err = await child.communicate()
        return child.returncode or 0, err.decode()

    state = str(tmp_path / "nowhere")
    code, text = await said("enrol", served.url, "ABCDE-FGHJK", "--state", state)
    assert code == 1
    assert "Traceback" not in text
    assert "code" in text.lower()
    code, text = await said("enrol", "http://127.0.0.1:9", "ABCDE-FGHJK", "--state", state)
    assert code == 1
    assert "cannot be reached" in text
    code, text = await said("run", "--state", state)
    assert code == 2
    assert "Enrol first" in text
    (tmp_path / "nowhere").mkdir()
    settings = {"url": served.url, "point": POINT, "key": "k" * 24}
    (tmp_path / "nowhere" / "agent.json").write_text(json.dumps(settings), "utf-8")
    code, text = await said("run", "--state", state, "--listen", HOST, "--no-kiosk")
    assert code == 3
    assert "Enrol it again" in text
