"""``bridge.py serve`` of one of two hosts, which somebody starts again when it has ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from bridge.app.credentials import LOCAL_TOKEN
from bridge.app.state_folder import LOCK
from bridge.app.turn import ALIKE
from bridge.base.peer_process import listener_pid
from bridge.demo.hosts.served_host import served
from bridge.demo.point_processes import LOOPBACK, ROOT
from bridge.demo.ports import free_port

TOPOLOGY = ROOT / "config" / "lac-thuy.yaml"
AGAIN = 0.2  # seconds until a process that has ended is started again


class HostProcess:
    """One host, in a folder of its own."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.port = free_port(LOOPBACK, socket.SOCK_STREAM)
        self.url = f"http://{LOOPBACK}:{self.port}"
        self.folder = folder / name
        self.state = self.folder / "state"
        self.folder.mkdir()
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None

    def prepare(self, database: str, hosts: dict[str, Any]) -> None:
        """Write its topology."""
        document = yaml.safe_load(TOPOLOGY.read_text("utf-8"))
        bridge = document["bridge"]
        bridge["web"]["port"] = self.port
        media = free_port(LOOPBACK, socket.SOCK_DGRAM)
        bridge["media"] |= {"listen": [LOOPBACK], "port": media}
        bridge["media"]["spare"] = False
        bridge |= {"state": "state", "database": database, "hosts": hosts}
        bridge["metrics"] = {"port": free_port(LOOPBACK, socket.SOCK_STREAM)}
        text = yaml.safe_dump(document, allow_unicode=True)
        (self.folder / "topology.yaml").write_text(text, "utf-8")

    def copy_keys_of(self, other: HostProcess) -> None:
        self.state.mkdir(mode=0o700)
        for file in ALIKE:
            shutil.copy2(other.state / file, self.state / file)

    def start(self) -> None:
        """Run it, and again whenever it ends, as systemd would."""
        self._keeping = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        while True:
            self._process = await asyncio.create_subprocess_exec(
                *served(self.folder / "topology.yaml"),
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            await self._process.wait()
            await asyncio.sleep(AGAIN)

    def control(self) -> int | None:
        """The control process, which waits or leads; None: there is none now."""
        with contextlib.suppress(OSError, ValueError):
            process = int((self.state / LOCK).read_text("ascii"))
            if Path(f"/proc/{process}").exists():
                return process
        return None

    def signal(self, number: int) -> None:
        """Send the control process a signal."""
        process = self.control()
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def worker(self) -> int | None:
        """The process that listens as the media worker; None: there is none now."""
        return listener_pid(self.state / "worker.sock") or None

    async def lose(self) -> None:
        """Kill all of it, and start nothing again."""
        await self._leave()
        processes = [self.control(), self.worker()]
        if self._process is not None:
            processes.insert(0, self._process.pid)
        for process in processes:
            if process is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
        if self._process is not None:
            await self._process.wait()

    async def _leave(self) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)

    async def health(self, http: aiohttp.ClientSession) -> tuple[int, str]:
        """What it says of itself: the status, and the kind of problem."""
        with contextlib.suppress(aiohttp.ClientError, OSError, ValueError, TimeoutError):
            async with http.get(f"{self.url}/healthz") as answer:
                said = await answer.json()
                return answer.status, str(said.get("type", "")).rpartition("/")[2]
        return 0, ""

    async def call(self, http: aiohttp.ClientSession, path: str, body: Any, key: str = "") -> Any:
        """A POST as the command line makes it; None where it was not answered with a success."""
        with contextlib.suppress(aiohttp.ClientError, OSError, ValueError, TimeoutError):
            token = (self.state / LOCAL_TOKEN).read_text("utf-8").strip()
            headers = {"Authorization": f"Bearer {token}"} | (
                {"Idempotency-Key": key} if key else {}
            )
            url = f"{self.url}/api/v1{path}"
            async with http.post(url, json=body, headers=headers) as answer:
                return await answer.json() if answer.status < 300 else None
        return None
