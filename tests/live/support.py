"""What tests of real processes share: ports, waiting, a bridge and its simulated points."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bridge.app.process import ControlProcess
from bridge.conference import commands as c
from bridge.conference.model import Actor, PointId, State
from bridge.control.draft import Done
from config.loader import load
from config.schema import Topology
from tests.paths import ROOT
from tests.waiting import HANG

# Below those that the kernel gives to outgoing connections: one of these could take a port between
# its choice and its use. Each process of a run has ports of its own for the same reason, and
# another run on this machine begins elsewhere among them.
_SHARE = 3_000
_PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 4
_BEGIN = os.getpid() % 30 * 100
PORTS = itertools.cycle([20_000 + _PROCESS * _SHARE + (_BEGIN + n) % _SHARE for n in range(_SHARE)])


def free_port(kind: socket.SocketKind, host: str) -> int:
    """A port that nothing listens on; each call gives another one."""
    for port in itertools.islice(PORTS, 1000):
        with socket.socket(socket.AF_INET, kind) as probe, contextlib.suppress(OSError):
            probe.bind((host, port))
            return port
    raise OSError("a thousand ports are in use")


def free_ports(count: int, host: str) -> int:
    """The first of so many UDP ports in a row that nothing listens on."""
    while True:
        first = free_port(socket.SOCK_DGRAM, host)
        if all(free_port(socket.SOCK_DGRAM, host) == first + n for n in range(1, count)):
            return first


def reflector_port() -> int:
    """A port for the agents of all points: those of another test have the same addresses."""
    return free_port(socket.SOCK_DGRAM, "127.0.12.1")


def topology(*, workers: int = 1, **media: Any) -> Topology:
    """The demo's topology on free ports."""
    loaded = load(ROOT / "config" / "lac-thuy.yaml")
    bridge = loaded.bridge
    web = bridge.web.model_copy(update={"port": 0})
    port = free_ports(workers, bridge.media.listen[0])
    media_port = bridge.media.model_copy(update={"port": port, "spare": False, **media})
    changed = bridge.model_copy(update={"web": web, "media": media_port, "workers": workers})
    probes = loaded.probes.model_copy(update={"port": reflector_port()})
    return loaded.model_copy(update={"bridge": changed, "probes": probes})


@contextlib.asynccontextmanager
async def bridge_process(
    state: Path, *, made: Topology | None = None, **media: Any
) -> AsyncIterator[ControlProcess]:
    """A control process in this process, with its workers as children."""
    process = ControlProcess(
        made or topology(**media), state=state, folder=state, with_parent=True, keep_worker=False
    )
    async with process:
        async with asyncio.timeout(HANG):
            for worker in process.workers.values():
                await worker.ready.wait()
        yield process


@contextlib.asynccontextmanager
async def simulated_points(
    process: ControlProcess,
    points: Sequence[str],
    *,
    light: bool = False,
    numbers: Mapping[str, int] | None = None,
) -> AsyncIterator[None]:
    """Real aiortc peers in a process of their own; ``light`` ones cost less, as in the demo.
    ``numbers`` are those of all points that they may see and hear, where they are not this
    bridge's alone."""
    if numbers is None:
        numbers = {p.id: n for n, p in enumerate(process.topology.points, 1)}
    described = [
        {
            "id": point,
            "key": process.keys[PointId(point)],
            "number": numbers[point],
            "address": f"127.0.12.{numbers[point]}",
            "light": light,
        }
        for point in points
    ]
    config = {
        "url": process.url,
        "names": {str(n): p for p, n in numbers.items()},
        "points": described,
    }
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "endpoints.simulation", stdin=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert child.stdin is not None
    try:
        child.stdin.write(json.dumps(config).encode() + b"\n")
        await child.stdin.drain()
        yield
    finally:
        child.stdin.close()
        try:
            await asyncio.wait_for(child.wait(), 30)
        except TimeoutError:
            child.kill()
            await child.wait()


DEMO = Actor(kind="user", name="demo", role="operator")


async def started(process: ControlProcess, template: str = "giao-ban") -> str:
    """Open and start a conference, as the demo's operator."""
    opened = await process.scheduler.open(process.scheduler.templates()[template], DEMO)
    assert isinstance(opened, Done), opened
    await act(process, opened.conference, c.Start())
    return opened.conference


async def act(process: ControlProcess, conference: str, command: c.Command) -> None:
    result = await process.conductor.submit(conference, command, DEMO)
    assert isinstance(result, Done), result


def only(process: ControlProcess) -> State:
    """The one conference that runs."""
    (state,) = process.conductor.running()
    return state
