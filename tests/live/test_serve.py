"""The production start as docs/production.md has it: certificate, both units, command line."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import ssl
import string
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from bridge.control.relay_dial import RelayDial
from bridge.media import messages as m
from tests.live.served import Served
from tests.live.support import free_port
from tests.paths import ROOT
from tests.waiting import HANG

UNITS = ROOT / "docs" / "systemd"


async def run(*arguments: str, stdin: bytes = b"") -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "bridge.py", *arguments),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(process.communicate(stdin), HANG)
    return process.returncode or 0, out.decode()


def exec_start(unit: str) -> list[str]:
    """The command line of a unit, with the words of its file of variables."""
    text = (UNITS / unit).read_text("utf-8")
    found = re.search(r"^ExecStart=(.+)$", text, re.MULTILINE)
    assert found is not None
    named = re.search(r"^EnvironmentFile=/etc/diem-cau/(.+)$", text, re.MULTILINE)
    file = (UNITS / named[1]).read_text("utf-8") if named is not None else ""
    variables = dict(re.findall(r"^(\w+)=(.+)$", file, re.MULTILINE))
    return string.Template(found[1]).substitute(variables).split()


class Systemd:
    """The socket that units tell their state to."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.socket.setblocking(False)

    async def said(self, what: bytes, process: asyncio.subprocess.Process, log: Path) -> None:
        """Wait until a process says this, or has ended: then its log tells why."""
        loop = asyncio.get_running_loop()
        ended = asyncio.create_task(process.wait())
        async with asyncio.timeout(HANG):
            while True:
                heard = asyncio.create_task(loop.sock_recv(self.socket, 4096))
                await asyncio.wait((heard, ended), return_when=asyncio.FIRST_COMPLETED)
                assert not ended.done(), log.read_text("utf-8")
                if await heard == what:
                    ended.cancel()
                    return


async def test_a_production_start(tmp_path: Path) -> None:
    """The units' own command lines, TLS by the local authority, a conference by command line."""
    made = Served(tmp_path)
    file = ["--file", str(made.path)]
    code, out = await run("ca", "init", "--host", "localhost", *file)
    assert code == 0, out
    systemd = Systemd(tmp_path)
    environment = {
        **os.environ,
        "NOTIFY_SOCKET": str(systemd.path),
        "WATCHDOG_USEC": "400000",
    }
    worker_line = exec_start("diem-cau-worker.service")
    replaced = {
        "/opt/diem-cau/current/.venv/bin/python": sys.executable,
        "192.0.2.10": made.media[0],
        "5004": str(made.media[1]),
        "/var/lib/diem-cau/worker.sock": str(made.state / "worker.sock"),
        "/etc/diem-cau/topology.yaml": str(made.path),
    }
    processes: list[asyncio.subprocess.Process] = []
    try:
        for line in (worker_line, exec_start("diem-cau.service")):
            log = tmp_path / f"{len(processes)}.log"
            with log.open("wb") as output:
                process = await asyncio.create_subprocess_exec(
                    *(replaced.get(word, word) for word in line),
                    cwd=ROOT,
                    env=environment,
                    stdout=output,
                    stderr=asyncio.subprocess.STDOUT,
                )
            processes.append(process)
            await systemd.said(b"READY=1", process, log)
            await systemd.said(b"WATCHDOG=1", process, log)
        trust = ssl.create_default_context(cafile=made.state / "tls" / "ca.crt")
        url = f"https://localhost:{made.topology.bridge.web.port}"
        async with aiohttp.ClientSession() as http, asyncio.timeout(HANG):
            with pytest.raises(aiohttp.ClientError):
                await http.get(f"{url}/healthz")  # nobody else's authority knows it
            while (await http.get(f"{url}/healthz", ssl=trust)).status != 200:
                pass
            answer = await http.get(f"{url}/api/v1/ca.crt", ssl=trust)
            assert await answer.read() == (made.state / "tls" / "ca.crt").read_bytes()
        code, out = await run("conference", "start", "giao-ban", *file)
        assert code == 0, out
        conference = out.strip()
        code, out = await run("conference", "start", "giao-ban", *file)
        assert code == 1
        assert "A point can be in one conference only" in " ".join(out.split())
        code, out = await run("conference", "list", *file)
        assert conference in out
        assert "live" in out
        code, out = await run("conference", "end", conference, *file, stdin=b"n\n")
        assert code == 1
        code, out = await run("conference", "end", conference, "--yes", *file)
        assert code == 0, out
        code, out = await run("conference", "show", conference, *file)
        assert "khoan-du" in out
        code, out = await run("point", "code", "khoan-du", *file)
        assert re.match(r"[2-9A-Z]{5}-[2-9A-Z]{5} ", out), out
        saved = tmp_path / "saved.jsonl.gz"
        code, out = await run("backup", str(saved), *file)
        assert code == 0, out
        code, out = await run("restore", str(saved), "--yes", *file)
        assert code == 0, out
        (tmp_path / "rubbish").write_bytes(b"rubbish")
        code, out = await run("restore", str(tmp_path / "rubbish"), "--yes", *file)
        assert code == 1
        assert "not a backup" in out
        # The control process ends; the worker that systemd started goes on.
        processes[1].send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(processes[1].wait(), HANG) == 0
        assert processes[0].returncode is None
    finally:
        for process in reversed(processes):
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
                await asyncio.wait_for(process.wait(), HANG)
        systemd.socket.close()


def commands_of(heading: str) -> list[str]:
    """The commands that production.md has below a heading."""
    text = (ROOT / "docs" / "production.md").read_text("utf-8")
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)
    assert section is not None
    blocks = re.findall(r"^```\n(.*?)^```$", section[1], re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


@pytest.fixture
def relay_key(tmp_path: Path) -> Path:
    """The key of a machine for viewers, made and put in its place as the document has it."""
    install, make, place, enable = commands_of("11. A second machine for those who only watch")
    assert install.endswith(" bridge")
    assert enable == "systemctl enable --now diem-cau-relay"
    key = tmp_path / "relay.key.placed"
    place = place.replace("-o diem-cau -g diem-cau ", "")  # there is no such user here
    for command in (make, place.replace("/etc/diem-cau/relay.key", str(key))):
        subprocess.run(command, shell=True, cwd=tmp_path, check=True, timeout=HANG)  # noqa: S602
    assert key.stat().st_mode & 0o777 == 0o600
    return key


async def test_a_machine_for_viewers_as_its_unit_starts_it(tmp_path: Path, relay_key: Path) -> None:
    """A bridge that has the same key is told what it holds."""
    key = relay_key
    host = "127.0.0.5"
    port, udp = (free_port(kind, host) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM))
    replaced = {
        "/opt/diem-cau/current/.venv/bin/python": sys.executable,
        "/etc/diem-cau/relay.key": str(key),
        "192.0.2.20": host,
        "5004": str(udp),
        "7443": str(port),
    }
    line = exec_start("diem-cau-relay.service")
    assert set(replaced) <= set(line)
    systemd, log = Systemd(tmp_path), tmp_path / "relay.log"
    environment = {**os.environ, "NOTIFY_SOCKET": str(systemd.path), "WATCHDOG_USEC": "400000"}
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(replaced.get(word, word) for word in line),
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
        )
    try:
        await systemd.said(b"READY=1", process, log)
        await systemd.said(b"WATCHDOG=1", process, log)
        dial = RelayDial(host, port, key)
        async with asyncio.timeout(HANG):
            while (found := await dial()) is None:  # a machine that is busy answers late
                pass
        reader, writer = found
        writer.write(m.encoder.encode(m.Hello(version=m.VERSION)) + b"\n")
        event = m.event_decoder.decode(await asyncio.wait_for(reader.readline(), HANG))
        assert isinstance(event, m.Inventory)
        assert event.addresses[0].port == udp
        writer.close()
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), HANG) == 0
        systemd.socket.close()


def test_the_units_say_what_systemd_needs() -> None:
    for name in (
        "diem-cau.service",
        "diem-cau-worker.service",
        "diem-cau-worker@.service",
        "diem-cau-relay.service",
    ):
        text = (UNITS / name).read_text("utf-8")
        for line in ("Type=notify", "WatchdogSec=", "Restart=always", "User=diem-cau"):
            assert line in text, (name, line)
