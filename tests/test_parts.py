"""Webhooks, certificates, systemd, calling, quality, the command line: small shells."""

from __future__ import annotations

import asyncio
import base64
import datetime
import hashlib
import hmac
import itertools
import json
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from bridge.app.certificates import create
from bridge.base.systemd import notify, watchdog_interval
from bridge.conference import commands as c
from bridge.conference.model import SYSTEM
from bridge.control.calling import FIRST, LONGEST, Calls
from bridge.lines.media_quality import Lines
from bridge.media import messages as m
from bridge.server.webhooks import Delivery, sign
from config.schema import Webhook
from monitoring.quality.levels import WINDOW, Direction, level_of
from tests.conference.support import Run
from tests.control_support import Bridge
from tests.paths import ROOT

# --- webhooks ------------------------------------------------------------------------------


async def test_webhooks_are_signed_in_order_and_retried(bridge: Bridge) -> None:
    got: list[dict[str, Any]] = []
    refuse = 2
    enough = asyncio.Event()

    async def receive(request: web.Request) -> web.Response:
        nonlocal refuse
        body = await request.read()
        ident, stamp = request.headers["webhook-id"], request.headers["webhook-timestamp"]
        mac = hmac.new(b"secret-of-sixteen", f"{ident}.{stamp}.".encode() + body, hashlib.sha256)
        expected = "v1," + base64.b64encode(mac.digest()).decode()
        assert request.headers["webhook-signature"] == expected
        if refuse:
            refuse -= 1
            return web.Response(status=500)
        got.append({"id": ident, **json.loads(body)})
        if len(got) >= 3:
            enough.set()
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    hook = Webhook(
        id="x",
        url=f"http://127.0.0.1:{port}/hook",
        secret="secret-of-sixteen",
        events=["opened", "started", "banner"],
    )
    process = bridge.process
    delivery = Delivery(process.events, process.accounts, bridge.conductor.now)
    await process.accounts.put_setting("webhook x", "0")
    task = asyncio.create_task(delivery.run(hook))
    conference = await bridge.open()
    await bridge.do(conference, c.Lock())
    await bridge.do(conference, c.Banner(text="x"))
    async with asyncio.timeout(20):
        await enough.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await runner.cleanup()
    assert [item["type"] for item in got] == [
        "conference.opened",
        "conference.started",
        "conference.banner",
    ]
    assert got[0]["data"]["conference"] == conference


def test_the_signature() -> None:
    assert sign("s", "a", 1, b"{}").startswith("v1,")
    assert sign("s", "a", 1, b"{}") != sign("s", "a", 2, b"{}")


# --- certificates --------------------------------------------------------------------------


def test_an_authority_and_its_certificates(tmp_path: Path) -> None:
    now = datetime.datetime.now(datetime.UTC)
    ca, certificate, key = create(tmp_path, ["localhost", "127.0.0.1"], "Huyện", now)
    first = ca.read_bytes()
    assert key.stat().st_mode & 0o077 == 0
    assert (tmp_path / "ca.key").stat().st_mode & 0o077 == 0
    create(tmp_path, ["localhost", "127.0.0.1", "::1"], "Huyện", now)
    assert ca.read_bytes() == first, "room PCs trust it already"
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    client = ssl.create_default_context(cafile=ca)
    left, right = socket.socketpair()
    ends = ssl.MemoryBIO(), ssl.MemoryBIO()
    others = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(ends[0], others[0], server_hostname="127.0.0.1")
    two = server.wrap_bio(others[0], ends[0], server_side=True)
    for _ in range(4):
        for side in (one, two):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert one.version() == "TLSv1.3"
    left.close()
    right.close()


# --- systemd -------------------------------------------------------------------------------


def test_systemd_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "notify")
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert notify("READY=1") is False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        assert notify("READY=1") is True
        assert listener.recv(100) == b"READY=1"
    assert notify("READY=1") is False
    monkeypatch.setenv("WATCHDOG_USEC", "10000000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    assert watchdog_interval() == 5.0
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert watchdog_interval() is None


# --- calling -------------------------------------------------------------------------------


def test_points_are_called_until_they_come() -> None:
    run = Run(present=("a",), connect={"d": "none"})
    calls = Calls()
    reasons = {"b": "call.no_media"}
    assert calls.step([run.state], reasons, 0.0) == []
    now, nudges = 0.0, []
    for _ in range(2000):
        now += 0.5
        nudges += [(now, *nudge) for nudge in calls.step([run.state], reasons, now)]
    of_b = [(at, reason, note) for at, point, reason, note in nudges if point == "b"]
    assert of_b[0] == (FIRST, "call.no_media", False)
    assert of_b[1][1:] == ("call.no_media", True)
    gaps = [later[0] - earlier[0] for earlier, later in itertools.pairwise(of_b)]
    assert gaps == sorted(gaps)
    assert gaps[-1] == LONGEST, "tries go on"
    assert {point for _, point, *_ in nudges} == {"b", "c"}, "d is not called, a is in"
    run.ok(c.PointUp(point="b"), SYSTEM)
    assert [n[0] for n in calls.step([run.state], reasons, now + 100)] == ["c"]
    assert calls.step([], reasons, now + 200) == []


# --- quality -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "level"),
    [(0, "good"), (0.0099, "good"), (0.01, "fair"), (0.03, "poor"), (0.1, "bad"), (1, "bad")],
)
def test_levels(loss: float, level: str) -> None:
    assert level_of(loss) == level


def test_the_commonest_of_three_windows_counts() -> None:
    direction = Direction()
    expected = lost = now = 0.0
    levels = []
    for share in (0.0, 0.0, 0.2, 0.2, 0.0):
        for _ in range(10):
            direction.feed(expected, lost, now)
            now += WINDOW / 10
            expected += 100
            lost += 100 * share
        levels.append(direction.level)
    direction.feed(expected, lost, now)
    levels.append(direction.level)
    assert levels == ["unknown", "good", "good", "good", "bad", "bad"]
    direction.feed(0, 0, now + 1)  # counters start again with a new transport
    assert direction.level == "bad"


def test_a_line_without_packets_is_unknown() -> None:
    direction = Direction()
    for step in range(60):
        direction.feed(0, 0, float(step))
    assert direction.level == "unknown"


def test_both_directions_of_a_point_are_apart() -> None:
    lines = Lines()

    def stats(seconds: float) -> m.Stats:
        packets = int(seconds * 100)
        source = m.SourceStats(
            name="camera",
            rid="q",
            packets=packets,
            octets=0,
            lost=0,
            recovered=0,
            nacked=0,
            unrepaired=0,
            jitter_ms=0,
            active=True,
        )
        slot = m.SlotStats(name="programme", packets=packets, octets=0, receiver_loss=0)
        transport = m.TransportStats(
            transport="t",
            label="khoan-du",
            state="connected",
            rtt_ms=12,
            remb=0,
            downlink_loss=0.05,
            allocation=0,
            sources=(source,),
            slots=(slot,),
        )
        console = m.TransportStats(
            transport="u",
            label="session:1",
            state="connected",
            rtt_ms=1,
            remb=0,
            downlink_loss=0,
            allocation=0,
            sources=(),
            slots=(),
        )
        return m.Stats(
            request=0,
            uptime=seconds,
            cpu_seconds=0,
            rss_bytes=0,
            loop_lag_ms=0,
            gso=True,
            counters={},
            delay_us=(0, 0, 0),
            transports=(transport, console),
        )

    found = {}
    for second in range(0, 50, 2):
        found = lines.feed(stats(second), second, second)
    assert set(found) == {"khoan-du"}
    line = found["khoan-du"]
    assert (line.up, line.down, line.rtt_ms) == ("good", "poor", 12)


# --- command line --------------------------------------------------------------------------


def topology_file(folder: Path) -> Path:
    document = yaml.safe_load((ROOT / "config" / "lac-thuy.yaml").read_text("utf-8"))
    document["bridge"]["state"] = "state"
    path = folder / "topology.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    return path


def cli(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "bridge.py", *arguments],
        cwd=ROOT,
        timeout=60,
        check=False,
        capture_output=True,
        text=True,
        input=stdin,
    )


def test_accounts_on_the_command_line(tmp_path: Path) -> None:
    file = ["--file", str(topology_file(tmp_path))]
    added = cli("user", "add", "lan", "--role", "operator", *file)
    assert added.returncode == 0, added.stderr
    assert "the first password is" in added.stdout
    assert cli("user", "add", "lan", *file).returncode == 2
    assert "is not a role" in cli("user", "add", "minh", "--role", "king", *file).stderr
    assert "no point nobody" in cli("user", "add", "minh", "--point", "nobody", *file).stderr
    assert cli("user", "role", "lan", "admin", *file).returncode == 0
    weak = cli("user", "passwd", "lan", "--stdin", *file, stdin="short\n")
    assert weak.returncode == 2
    strong = cli("user", "passwd", "lan", "--stdin", *file, stdin="correct-horse-battery\n")
    assert strong.stdout == "lan: done\n"
    assert cli("user", "disable", "lan", *file).returncode == 0
    listed = cli("user", "list", *file).stdout
    assert "lan" in listed
    assert "disabled" in listed
    assert cli("user", "disable", "nobody", *file).returncode == 2


def test_what_needs_a_bridge_says_so(tmp_path: Path) -> None:
    file = ["--file", str(topology_file(tmp_path))]
    for arguments in (["conference", "list"], ["point", "code", "khoan-du"]):
        result = cli(*arguments, *file)
        assert result.returncode == 1
        assert "does not run here" in result.stderr.replace("\n", " ")
    assert "Missing option" in cli("conference", "list").stderr


def test_a_certificate_on_the_command_line(tmp_path: Path) -> None:
    file = ["--file", str(topology_file(tmp_path))]
    result = cli("ca", "init", "--host", "cau.example.gov.vn", *file)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "state/tls/server.crt").exists()
    assert (tmp_path / "state/tls/server.key").stat().st_mode & 0o077 == 0
