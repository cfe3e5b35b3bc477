"""The demo's audience: processes that watch, and whether each of them saw the takes."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bridge.app.process import ControlProcess
from bridge.conference import events as e
from bridge.demo.summary import spread
from bridge.demo.takes import Seen, Take, judge, takes
from config.schema import Topology

ROOT = Path(__file__).parent.parent.parent
FIRST_BY = 40.0  # seconds that the first picture of everybody may take
LAST_BY = 20.0  # seconds that the last take may take to be seen by HLS
STOP = 4.0  # seconds that they may take to leave
POLL = 0.1
LINE = 1 << 16  # octets of a line that they write
FOR_HLS = 3  # one of so many watches by HLS


def by_hls(count: int) -> int:
    """How many of so many watch by HLS: one of three, and one of two."""
    return (count + 1) // FOR_HLS


def with_audience(topology: Topology, count: int) -> Topology:
    """The topology with conferences that anybody may watch, by HLS too."""
    allowed = topology.bridge.audience
    audience = allowed.model_copy(
        update={
            "viewers": max(allowed.viewers, count),
            "per_address": max(allowed.per_address, count + 2),
            "hls": allowed.hls.model_copy(update={"viewers": 30, "transcode": True}),
        }
    )
    templates = [
        t.model_copy(update={"rules": t.rules.model_copy(update={"audience": "anybody"})})
        for t in topology.templates
    ]
    bridge = topology.bridge.model_copy(update={"audience": audience})
    return topology.model_copy(update={"bridge": bridge, "templates": templates})


class Watched:
    """What one of them saw. ``way`` is "webrtc" or "hls"."""

    def __init__(self, way: str) -> None:
        self.way = way
        self.first_ms: float | None = None
        self.delays_ms: list[float] = []
        self.seen: list[Seen] = []

    def add(self, line: Mapping[str, Any], names: Mapping[int, str]) -> None:
        """Take a line of its process in; ``names`` are points by the numbers on their cards."""
        point = names.get(line["number"])
        if point is None:
            return
        self.first_ms = line["first_ms"] if self.first_ms is None else self.first_ms
        if line["delay_ms"] is not None:
            self.delays_ms.append(line["delay_ms"])
        self.seen.append(Seen(point, line["at"], line["age"]))

    def outcome(self, log: Sequence[e.Recorded], points: frozenset[str]) -> dict[str, Any]:
        """What is in the report of it; ``log`` is that of the conference."""
        if not self.seen:
            return {"way": self.way, "takes": 0, "pictures": 0, "ok": False}
        first, last = self.seen[0].at, self.seen[-1].at
        part = e.RecordingPart(at=first, offset=0.0, seconds=last - first)
        made = [take for take in takes(log, [part]) if take.point in points]
        verdict = judge(made, self.seen, ())
        missing = _late_ones(verdict.unseen)
        return {
            "way": self.way,
            "takes": len(verdict.takes),
            "pictures": len(verdict.takes) - len(missing),
            "missing": [[take.point, round(take.start - first, 3)] for take in missing],
            "strange": [(card.point, round(card.at - first, 3)) for card in verdict.strange],
            "first_picture_ms": self.first_ms,
            "delay_ms": spread(self.delays_ms),
            "ok": bool(verdict.takes) and not missing and not verdict.strange and verdict.on_time,
        }


def _late_ones(unseen: Iterable[Take]) -> list[Take]:
    """Takes that should have been seen: not one that the end has cut off."""
    return [take for take in unseen if not take.last]


class Spectators:
    """All of them, in one process."""

    def __init__(self, count: int, points: Iterable[str]) -> None:
        """``points`` are those whose takes are looked for."""
        self._points = frozenset(points)
        self._count = count
        self._names: dict[int, str] = {}
        self._watched = [
            Watched("hls" if number >= count - by_hls(count) else "webrtc")
            for number in range(count)
        ]
        self._child: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._conference = ""

    async def start(self, process: ControlProcess, conference: str) -> None:
        """Let them watch, and wait until each sees something; not for ever."""
        self._conference = conference
        self._names = {n: p.id for n, p in enumerate(process.topology.points, 1)}
        self._child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "endpoints.simulation.spectating"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE,
            cwd=ROOT,
            start_new_session=True,
        )
        hls = by_hls(self._count)
        config = {
            "url": process.url,
            "conference": conference,
            "webrtc": self._count - hls,
            "hls": hls,
            "address": "127.0.0.1",
        }
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(config).encode() + b"\n")
        self._reading = asyncio.create_task(self._read())
        await _until(lambda: all(watched.seen for watched in self._watched), FIRST_BY)

    def saw(self, point: str, since: float) -> bool:
        """Whether all of those by WebRTC have seen a point since an instant (UTC seconds)."""
        return all(
            any(card.point == point and card.at >= since for card in reversed(watched.seen))
            for watched in self._watched
            if watched.way == "webrtc"
        )

    @property
    def complete(self) -> bool:
        """Whether each of those by WebRTC has seen every point."""
        return all(
            self._points <= {card.point for card in watched.seen}
            for watched in self._watched
            if watched.way == "webrtc"
        )

    async def _read(self) -> None:
        assert self._child is not None
        assert self._child.stdout is not None
        while line := await self._child.stdout.readline():
            found = json.loads(line)
            self._watched[found["viewer"]].add(found, self._names)

    async def outcome(self, process: ControlProcess) -> dict[str, Any]:
        """Wait until what was shown last is seen by all; what is in the report of them. ``counted``
        is what the bridge says of how many watch."""
        until = time.time()
        counted = process.audience.watching(self._conference)
        await _until(lambda: all(w.seen and w.seen[-1].at > until for w in self._watched), LAST_BY)
        log = await process.events.read(self._conference) if self._conference else []
        viewers = [watched.outcome(log, self._points) for watched in self._watched]
        hls = by_hls(self._count)
        return {
            "viewers": viewers,
            "counted": counted,
            "ok": all(viewer["ok"] for viewer in viewers)
            and counted.get("hls", 0) == hls
            and sum(counted.values()) == self._count,
        }

    async def end(self) -> None:
        """Let them leave."""
        child, self._child = self._child, None
        if child is None:
            return
        if child.stdin is not None:
            child.stdin.close()
        try:
            async with asyncio.timeout(STOP):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)


async def _until(done: Callable[[], bool], seconds: float) -> None:
    latest = time.monotonic() + seconds
    while not done():
        if time.monotonic() > latest:
            break
        await asyncio.sleep(POLL)


WAYS = {"webrtc": "WebRTC", "hls": "HLS"}


def sentences(found: Mapping[str, Any]) -> tuple[str, str]:
    """What came of an audience, in Vietnamese and in English."""
    vietnamese, english = [], []
    for viewer in found["viewers"]:
        way, seen, made = WAYS[viewer["way"]], viewer["pictures"], viewer["takes"]
        if not made:
            vietnamese.append(f"{way}: không thấy hình nào")
            english.append(f"{way}: saw nothing")
            continue
        first, delay = viewer["first_picture_ms"], viewer["delay_ms"]["p95"]
        late = "chưa đo" if delay is None else f"{delay:.0f} ms"
        keeps = ("", "")
        if viewer["way"] == "hls":  # the player is only thought of: nothing is played
            keeps = (" (máy phát đi sau 4,5 s)", " (of a player that keeps 4.5 s)")
        vietnamese.append(
            f"{way}: thấy {seen}/{made} lần chuyển hình, hình đầu sau {first:.0f} ms, "
            f"chậm p95 {late}{keeps[0]}"
        )
        late = "not measured" if delay is None else f"{delay:.0f} ms"
        english.append(
            f"{way}: saw {seen} of {made} takes, first picture after {first:.0f} ms, "
            f"late p95 {late}{keeps[1]}"
        )
    return (
        f"Người theo dõi ({len(vietnamese)}): " + "; ".join(vietnamese) + ".",
        f"Viewers ({len(english)}): " + "; ".join(english) + ".",
    )
