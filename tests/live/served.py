"""`bridge.py serve` as a process that tests kill and start again, watched packet by packet."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import socket
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiortc.codecs import CODECS

from bridge.app.credentials import LOCAL_TOKEN, load_keys
from bridge.conference.model import PointId
from config.loader import load
from config.schema import Topology
from endpoints.netem.impairment import Profile
from endpoints.netem.relay import Address, Relay
from tests.live.support import free_port, reflector_port
from tests.paths import ROOT
from tests.waiting import HANG

WATCH_HOST = "127.0.12.200"
# Payload types of retransmissions, as the simulated points offer them.
REPAIRS = {c.payloadType for c in CODECS["video"] if c.mimeType == "video/rtx"}


class Watcher(Relay):
    """A relay that notes when each stream's packets leave the bridge. Repairs of what was lost (RFC
    4588) have a number of their own, come while something is lost, and are no stream."""

    def __init__(self, server: Address) -> None:
        super().__init__(server, up=Profile(), down=Profile(), seed=1)
        self.seen: dict[tuple[Address, int], list[float]] = defaultdict(list)

    def from_server(self, data: bytes, client: Address) -> None:
        # RTP by RFC 7983 and RFC 5761: not STUN, not DTLS, not RTCP.
        media = len(data) > 12 and 128 <= data[0] < 192 and not 192 <= data[1] < 224
        if media and data[1] & 127 not in REPAIRS:
            ssrc = int.from_bytes(data[8:12], "big")
            self.seen[client, ssrc].append(time.monotonic())
        super().from_server(data, client)

    def steady(self, before: float, least: int = 20) -> list[tuple[Address, int]]:
        """Streams that had ``least`` packets in the two seconds before a moment."""
        return [
            key
            for key, times in self.seen.items()
            if sum(before - 2 < at < before for at in times) >= least
        ]

    def pause(self, start: float, end: float) -> float:
        """The longest time between two moments in which no packet at all was relayed."""
        times = sorted(at for seen in self.seen.values() for at in seen if start <= at <= end)
        return max(b - a for a, b in itertools.pairwise([start, *times, end]))

    def gaps(self, start: float, end: float, least: int = 20) -> list[float]:
        """The longest silence of every steady stream between two moments, the edges included."""
        found = []
        for key in self.steady(start, least):
            times = self.seen[key]
            inside = [start, *(at for at in times if start <= at <= end), end]
            found.append(max(b - a for a, b in itertools.pairwise(inside)))
        return found


class Served:
    """The process, its address and its keys."""

    def __init__(
        self,
        folder: Path,
        database: str = "",
        *,
        watched: bool = False,
        spare: bool = False,
        respawn: bool = False,
        port: int = 0,
        hosts: dict[str, Any] | None = None,
        probes: int = 0,
    ) -> None:
        document = yaml.safe_load((ROOT / "config" / "lac-thuy.yaml").read_text("utf-8"))
        bridge = document["bridge"]
        bridge["web"]["port"] = port or free_port(socket.SOCK_STREAM, "127.0.0.1")
        bridge["media"]["port"] = free_port(socket.SOCK_DGRAM, bridge["media"]["listen"][0])
        bridge["media"]["spare"] = spare
        document["probes"]["port"] = probes or reflector_port()
        if watched:
            bridge["media"]["public"] = [WATCH_HOST]
        bridge["state"] = "state"
        bridge["database"] = database
        if hosts is not None:
            bridge["hosts"] = hosts
        self.path = folder / "topology.yaml"
        self.path.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
        self.topology: Topology = load(self.path)
        self.state = folder / "state"
        self.url = f"http://127.0.0.1:{self.topology.bridge.web.port}"
        self.media: Address = (bridge["media"]["listen"][0], bridge["media"]["port"])
        self.keys: dict[PointId, str] = {}
        self._options = ["--respawn"] if respawn else []
        self.process: asyncio.subprocess.Process | None = None
        self.http: aiohttp.ClientSession

    @property
    def start_line(self) -> list[str]:
        """What starts it."""
        return [sys.executable, "bridge.py", "serve", *self._options, str(self.path)]

    @property
    def disk(self) -> Path:
        """The state folder as the process sees it."""
        return self.state

    @property
    def token(self) -> str:
        return (self.disk / LOCAL_TOKEN).read_text("utf-8").strip()

    async def start(self, *, wait: bool = True) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *self.start_line,
            cwd=ROOT,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "PYTHONWARNINGS": "default"},
        )
        if wait:
            await self.healthy()

    async def healthy(self) -> None:
        async with asyncio.timeout(HANG):
            while True:
                with contextlib.suppress(aiohttp.ClientError, OSError):
                    async with self.http.get(f"{self.url}/healthz") as response:
                        if response.status == 200:
                            break
                await asyncio.sleep(0.02)
        self.keys = load_keys(self.topology, self.disk / "keys.yaml")

    async def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self.process.wait(), HANG)
            except TimeoutError:
                await self.kill()

    async def call(self, method: str, path: str, body: Any = None, key: str = "") -> Any:
        """A call as the command line makes it; the answer as JSON. Raises for refusals."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if key:
            headers["Idempotency-Key"] = key
        async with self.http.request(
            method, f"{self.url}/api/v1{path}", json=body, headers=headers
        ) as response:
            text = await response.text()
            if response.status >= 400:
                raise RuntimeError(f"{response.status} {text}")
            return json.loads(text) if text else None

    async def command(self, conference: str, command: dict[str, Any], key: str = "") -> int:
        """Direct; returns the conference's number after it."""
        path = f"/conferences/{conference}/commands"
        answer = await self.call("POST", path, {"command": command}, key)
        return int(answer["seq"])

    async def state_of(self, conference: str) -> dict[str, Any]:
        state: dict[str, Any] = await self.call("GET", f"/conferences/{conference}")
        return state

    async def events_since(self, conference: str, seq: int, kind: str) -> list[dict[str, Any]]:
        """The events of a kind in a conference's log after an event, with their numbers. Others may
        come by themselves: a point that does not come is noted."""
        path = f"/conferences/{conference}/events?after={seq}&limit=1000"
        events = (await self.call("GET", path))["events"]
        return [line for line in events if line["event"]["type"] == kind]

    async def present(self, conference: str) -> int:
        seats = (await self.state_of(conference))["seats"].values()
        return sum(seat["present"] for seat in seats)

    async def until_present(self, conference: str, count: int, timeout: float = HANG) -> None:
        async with asyncio.timeout(timeout):
            while await self.present(conference) != count:  # each look is a call: no busy loop
                pass


@contextlib.asynccontextmanager
async def served(
    folder: Path,
    database: str = "",
    *,
    watched: bool = False,
    spare: bool = False,
    respawn: bool = False,
) -> AsyncIterator[Served]:
    made = Served(folder, database, watched=watched, spare=spare, respawn=respawn)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=HANG)) as made.http:
        await made.start()
        try:
            yield made
        finally:
            await made.stop()
