"""Starts the simulated points of the demo as processes, and puts faults into them."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bridge.conference.model import PointId
from bridge.demo.ports import is_loopback
from config.schema import Topology

POINTS = 6  # of a process: they share the cores with the bridge and a browser
PLAIN = 2  # points that are WebRTC peers of aiortc; the others are cheaper
STOP = 4.0  # seconds that they may take to say goodbye
ROOT = Path(__file__).parent.parent.parent
LOOPBACK = "127.0.0.1"


def description(
    topology: Topology, keys: Mapping[PointId, str], impaired: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Each point as `endpoints.simulation` reads it, numbered from 1. ``impaired`` is what is
    wrong with lines, by point. All but the first two are light, where the codec allows it."""
    return [
        {
            "id": point.id,
            "key": keys[PointId(point.id)],
            "number": number,
            "name": point.name.vi,
            "light": number > PLAIN and topology.media.codec == "vp8",
            "address": point.probe if is_loopback(point.probe) else LOOPBACK,
            "fault": {"impair": impaired.get(point.id, "")},
        }
        for number, point in enumerate(topology.points, 1)
    ]


class PointProcesses:
    """The processes of a demo's simulated points."""

    def __init__(self) -> None:
        self._children: list[asyncio.subprocess.Process] = []
        self._of_point: dict[str, asyncio.subprocess.Process] = {}
        self._reading: list[asyncio.Task[None]] = []

    async def start(
        self,
        url: str,
        points: list[dict[str, Any]],
        told: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        """Start points (see `description`) that join the bridge at ``url``. ``told`` is given what
        they see, as `endpoints.simulation` writes it."""
        names = {str(point["number"]): point["id"] for point in points}
        processes = -(-len(points) // POINTS)
        for index in range(processes):
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "endpoints.simulation",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE if told is not None else None,
                cwd=ROOT,
                start_new_session=True,
            )
            self._children.append(child)
            share = points[index::processes]
            self._of_point |= {point["id"]: child for point in share}
            await _write(
                child, {"url": url, "names": names, "points": share, "tell": told is not None}
            )
            if told is not None:
                self._reading.append(asyncio.create_task(_read(child, told)))

    async def fault(self, point: str, fault: Mapping[str, Any]) -> None:
        """Put a fault into a point, in the words of `endpoints.simulation`."""
        await _write(self._of_point[point], {"point": point, **fault})

    async def end(self) -> None:
        """Let all points say goodbye, and wait until their processes ended."""
        for child in self._children:
            if child.stdin is not None:
                child.stdin.close()
        for child in self._children:
            try:
                async with asyncio.timeout(STOP):
                    await child.wait()
            except TimeoutError:
                child.kill()
                await child.wait()
        for task in self._reading:
            task.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)
        self._children.clear()
        self._of_point.clear()
        self._reading.clear()


async def _write(child: asyncio.subprocess.Process, document: Mapping[str, Any]) -> None:
    assert child.stdin is not None
    child.stdin.write(json.dumps(document).encode() + b"\n")
    await child.stdin.drain()


async def _read(child: asyncio.subprocess.Process, told: Callable[[dict[str, Any]], None]) -> None:
    assert child.stdout is not None
    while line := await child.stdout.readline():
        told(json.loads(line))
