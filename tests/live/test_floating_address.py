"""An address that follows the host that leads: the example for Debian's keepalived, run by two of
them in network namespaces, each beside a stand-in for its host's ``/healthz``."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.live.namespaces import inside, sh
from tests.paths import ROOT
from tests.waiting import HANG, eventually

EXAMPLE = ROOT / "config" / "keepalived.conf"
ADDRESS = "192.0.2.20"
ADDRESSES = {"a": "192.0.2.10", "b": "192.0.2.11"}
HEALTH = """
import http.server, pathlib, sys
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if pathlib.Path(sys.argv[1]).exists() else 503)
        self.end_headers()
    def log_message(self, *args):
        pass
http.server.HTTPServer(("127.0.0.1", 8080), Health).serve_forever()
"""

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(shutil.which("keepalived") is None, reason="keepalived is missing"),
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is missing"),
]


class Host:
    """A namespace with its address, a stand-in that leads while a file is there, and keepalived."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.space = f"dcf{os.getpid()}{name}"
        self.folder = folder / name
        self.folder.mkdir()
        self._leads = self.folder / "leads"
        self._stack = contextlib.AsyncExitStack()

    def lead(self, leads: bool) -> None:
        if leads:
            self._leads.touch()
        else:
            self._leads.unlink()

    def holds(self) -> bool:
        """Whether the floating address is this host's now."""
        command = [
            "ip",
            "netns",
            "exec",
            self.space,
            "ip",
            "-o",
            "-4",
            "addr",
            "show",
            "dev",
            "eth0",
        ]
        found = subprocess.run(command, check=True, capture_output=True, text=True)
        return f"{ADDRESS}/" in found.stdout

    async def start(self) -> None:
        await self._run(sys.executable, "-c", HEALTH, str(self._leads))
        text = EXAMPLE.read_text("utf-8")
        text = text.replace("https://127.0.0.1/", "http://127.0.0.1:8080/")
        if self.name == "b":
            own, other = ADDRESSES["a"], ADDRESSES["b"]
            text = text.replace(own, "X").replace(other, own).replace("X", other)
        file = self.folder / "keepalived.conf"
        file.write_text(text, "utf-8")
        file.chmod(0o644)
        pids = [f"--{kind}={self.folder / kind}" for kind in ("pid", "vrrp_pid")]
        await self._run("keepalived", "--dont-fork", "--vrrp", f"--use-file={file}", *pids)

    async def _run(self, *command: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *("ip", "netns", "exec", self.space, *command),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )

        async def end() -> None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            async with asyncio.timeout(HANG):
                await process.wait()

        self._stack.push_async_callback(end)

    async def stop(self) -> None:
        await self._stack.aclose()


@contextlib.asynccontextmanager
async def two_hosts(folder: Path) -> AsyncIterator[tuple[Host, Host]]:
    a, b = (Host(name, folder) for name in "ab")
    try:
        for host in (a, b):
            sh(f"ip netns add {host.space}")
            inside(host.space, "ip link set lo up")
        sh(f"ip link add eth0 netns {a.space} type veth peer name eth0 netns {b.space}")
        for host in (a, b):
            inside(host.space, f"ip addr add {ADDRESSES[host.name]}/24 dev eth0")
            inside(host.space, "ip link set eth0 up")
        for host in (a, b):
            await host.start()
        yield a, b
    finally:
        for host in (a, b):
            await host.stop()
            with contextlib.suppress(Exception):
                sh(f"ip netns del {host.space}")


async def test_the_address_follows_whoever_leads(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    async with two_hosts(tmp_path) as (a, b):
        a.lead(True)
        await eventually(a.holds)
        assert not b.holds()
        a.lead(False)
        b.lead(True)
        await eventually(lambda: b.holds() and not a.holds())
        # Nobody leads: nobody has it.
        b.lead(False)
        await eventually(lambda: not b.holds())
        assert not a.holds()
