"""Two hosts on one database with a conference of simulated points on whichever leads, and what
happens when that is lost."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp

from bridge.app.credentials import KEYS, load_keys
from bridge.app.errors import StartError
from bridge.app.turn import ALIKE
from bridge.demo.hosts.own_postgres import own_postgres
from bridge.demo.hosts.served_host import ANSWER, ServedHost, two_of
from bridge.demo.point_processes import PointProcesses, description
from bridge.demo.ports import free_port, is_loopback, is_taken
from config.schema import Topology

START = 90.0  # seconds that a host may take to start, on a busy machine too
TAKEOVER = 60.0  # seconds until a host must lead in place of one that is lost
POLL = 0.05  # seconds between two looks at what was told
AGAIN = 0.2  # seconds until a command that was not answered is given again
FAULTS = (aiohttp.ClientError, OSError, TimeoutError)
Told = Callable[[dict[str, Any]], None]


async def until(there: Callable[[], bool], most: float | None = None) -> None:
    """Wait until something is so. Raises TimeoutError where that takes more than ``most`` seconds.
    What points see is told four times a second."""
    async with asyncio.timeout(most):
        while not there():  # noqa: ASYNC110 - several things are waited for in many places
            await asyncio.sleep(POLL)


class Pair:
    """The two hosts, and the points that follow them; made by `pair`."""

    def __init__(self, hosts: list[ServedHost], topology: Topology) -> None:
        self.hosts = hosts
        self.leader, self.other = hosts
        self.topology = topology
        self.conference = ""

    async def open(self) -> None:
        """Start the first template's conference."""
        body = {"template": self.topology.templates[0].id, "start": True}
        self.conference = (await self.leader.call("POST", "/conferences", body))["conference"]

    async def take(self, point: str) -> None:
        """Give a point the floor, once there is a host that takes the command."""
        body = {"command": {"type": "grant", "point": point}}
        while True:
            with contextlib.suppress(*FAULTS):
                path = f"/conferences/{self.conference}/commands"
                await self.leader.call("POST", path, body)
                return
            await asyncio.sleep(AGAIN)

    async def present(self) -> int:
        """How many points are in the conference."""
        state = await self.leader.call("GET", f"/conferences/{self.conference}")
        return sum(seat["present"] for seat in state["seats"].values())

    async def lose(self, signals: signal.Signals = signal.SIGKILL) -> tuple[float, float]:
        """Lose the leader; when that was, and when the other one led (monotonic seconds)."""
        lost, self.leader = self.leader, self.other
        self.other = lost
        at = time.monotonic()
        lost.lose(signals)
        await self.leader.until(True, TAKEOVER)
        return at, time.monotonic()

    async def mend(self) -> None:
        """Start the lost host again; it waits."""
        self.other.bury()
        self.other.start()
        await self.other.until(False, START)


@contextlib.asynccontextmanager
async def pair(topology: Topology, told: Told, takeover: float = 1.5) -> AsyncIterator[Pair]:
    """Run two hosts with the simulated points of a topology, which joins nobody to a conference
    yet. ``told`` is given what the points see, as `endpoints.simulation` writes it. Raises
    `StartError`."""
    topology = _with_free_probes(topology)
    folder = Path(tempfile.mkdtemp(prefix="diem-cau-"))
    points = PointProcesses()
    made: list[ServedHost] = []
    patience = aiohttp.ClientTimeout(total=ANSWER)
    try:
        with own_postgres() as database:
            async with aiohttp.ClientSession(timeout=patience) as http:
                for name, own in two_of(topology, database, takeover).items():
                    hosts = own.bridge.hosts
                    assert hosts is not None
                    host = ServedHost(folder / name, hosts.own, http)
                    host.write(own)
                    made.append(host)
                a, b = made
                try:
                    a.start()
                    await a.until(True, START)
                    b.state.mkdir(mode=0o700)
                    for file in ALIKE:
                        shutil.copy2(a.state / file, b.state / file)
                    b.start()
                    await b.until(False, START)
                    keys = load_keys(topology, a.state / KEYS)
                    await points.start(a.url, description(topology, keys, {}), told)
                    yield Pair(made, topology)
                finally:
                    await points.end()
                    for host in made:
                        host.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _with_free_probes(topology: Topology) -> Topology:
    """The topology with a port for probes that is free. Raises `StartError` where it listens on
    other addresses than loopback."""
    bridge = topology.bridge
    if not all(is_loopback(host) for host in [bridge.web.listen, *bridge.media.listen]):
        raise StartError("The demo listens on loopback addresses only; this topology does not.")
    hosts = [str(p.probe) for p in topology.points if is_loopback(p.probe)]
    probes = topology.probes
    if not hosts or not is_taken(hosts[0], probes.port, socket.SOCK_DGRAM):
        return topology
    port = free_port(hosts[0], socket.SOCK_DGRAM)
    return topology.model_copy(update={"probes": probes.model_copy(update={"port": port})})
