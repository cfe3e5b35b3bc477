"""One host of two as it runs in production, ``bridge.py serve`` with its media worker, and how it
is lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from bridge.app.credentials import LOCAL_TOKEN
from bridge.app.errors import StartError
from bridge.base.end_with_parent import told_with_us
from bridge.base.peer_process import listener_pid
from bridge.demo.point_processes import ROOT
from bridge.demo.ports import free_port
from config.hosts_schema import Host, Hosts
from config.schema import Topology

LOOK = 0.02  # seconds between two looks
END = 10.0  # seconds that a host may take to end
ANSWER = 2.0  # seconds that a host may take to answer
NO_WORKER = "/problems/http.no_worker"


class ServedHost:
    """A host in a folder of its own, started by `start`."""

    def __init__(self, folder: Path, host: Host, http: aiohttp.ClientSession) -> None:
        self.id, self.url = host.id, host.url
        self.state = folder / "state"
        self._file = folder / "topology.yaml"
        self._http = http
        self._process: subprocess.Popen[bytes] | None = None
        self._left: list[int] = []  # what was stopped, not killed

    def write(self, topology: Topology) -> None:
        """Write its topology file."""
        document = topology.model_dump(mode="json", exclude_defaults=True)
        text = yaml.safe_dump(document, allow_unicode=True, sort_keys=False)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(text, "utf-8")

    def start(self) -> None:
        """Start it; it leads, or waits."""
        self._process = subprocess.Popen(
            served(self._file),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def why(self) -> str:
        """What it said when it ended by itself; "" while it runs."""
        if self._process is None or self._process.poll() is None:
            return ""
        said = self._process.stderr.read() if self._process.stderr is not None else b""
        return said.decode("utf-8", "replace")[-500:].strip() or "it ended without a word"

    async def leads(self) -> bool | None:
        """Whether it leads now; None where it does not answer."""
        try:
            async with self._http.get(f"{self.url}/healthz") as response:
                if response.status == 200:
                    return True
                document = await response.json(content_type=None)
                return bool(document.get("type") == NO_WORKER)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return None

    async def until(self, leads: bool, most: float) -> None:
        """Wait until it leads, or waits. Raises `StartError` where that takes too long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(most):
                while await self.leads() is not leads:
                    if said := self.why():
                        raise StartError(f"The host {self.id} does not start: {said}")
                    await asyncio.sleep(LOOK)
                return
        what = "lead" if leads else "wait"
        raise StartError(f"The host {self.id} did not {what} within {most:.0f} seconds.")

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """A call of its interface, as its command line makes it. Raises `aiohttp.ClientError`,
        OSError, TimeoutError."""
        token = (self.state / LOCAL_TOKEN).read_text("utf-8").strip()
        headers = {"Authorization": f"Bearer {token}"}
        async with self._http.request(
            method, f"{self.url}/api/v1{path}", json=body, headers=headers, raise_for_status=True
        ) as response:
            return await response.json()

    def lose(self, signals: signal.Signals = signal.SIGKILL) -> None:
        """End all of its processes at once (SIGKILL), or let all of them stand still (SIGSTOP) as
        if the machine had lost its power: then nobody is told of the end of any connection."""
        processes = self._processes()
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signals)
        self._left = processes if signals == signal.SIGSTOP else []
        if signals == signal.SIGKILL and self._process is not None:
            self._process.wait()

    def bury(self) -> None:
        """Kill what was left standing still."""
        for process in self._left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._left = []
        if self._process is not None:
            self._process.wait()

    def end(self) -> None:
        """Tell it to end, and see to it."""
        if self._left:
            self.bury()
        if self._process is None:
            return
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END)
        self.lose()

    def _processes(self) -> list[int]:
        """All processes of the host, the one that begins it anew first."""
        found = []
        if self._process is not None and self._process.poll() is None:
            found = [self._process.pid, *_below(self._process.pid)]
        if worker := listener_pid(self.state / "worker.sock"):
            found.append(worker)
        return list(dict.fromkeys(found))


def served(file: Path) -> list[str]:
    """What starts a host of this topology, which ends with this process."""
    return told_with_us([sys.executable, "bridge.py", "serve", str(file)])


def _below(process: int) -> list[int]:
    """All descendants of a process."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()
    except OSError:
        return []
    return [found for child in map(int, children) for found in (child, *_below(child))]


def two_of(topology: Topology, database: str, takeover: float) -> dict[str, Topology]:
    """The topologies of two hosts, a and b, on free ports of the topology's loopback addresses."""
    bridge = topology.bridge
    listen = str(bridge.web.listen)
    ports = {name: free_port(listen, socket.SOCK_STREAM) for name in "ab"}
    at = f"[{listen}]" if ":" in listen else listen
    known = [Host(id=name, url=f"http://{at}:{port}") for name, port in ports.items()]
    found = {}
    for name, port in ports.items():
        media = free_port(bridge.media.listen[0], socket.SOCK_DGRAM)
        metrics = free_port(str(bridge.metrics.listen), socket.SOCK_STREAM)
        changed = bridge.model_copy(
            update={
                "database": database,
                "state": "state",
                "hosts": Hosts(this=name, takeover=takeover, all=known),
                "web": bridge.web.model_copy(update={"port": port}),
                "media": bridge.media.model_copy(update={"port": media}),
                "metrics": bridge.metrics.model_copy(update={"port": metrics}),
            }
        )
        found[name] = topology.model_copy(update={"bridge": changed})
    return found
