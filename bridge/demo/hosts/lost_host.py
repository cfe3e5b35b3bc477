"""The demo with two hosts: at half time the one that leads is lost, with its media worker, and
every picture and sound is verified once more on the other one."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import logging
import os
import signal
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from bridge.base import logs
from bridge.conference.model import PointId
from bridge.demo.findings import Findings
from bridge.demo.hosts.again import Again
from bridge.demo.hosts.pair import Pair, pair, until
from bridge.demo.loopback import first_points
from bridge.demo.tour import DWELL_LONGEST, DWELL_MIN, dwell, order
from bridge.signalling.protocol import SlotReport
from config.schema import Topology

SECONDS = 60.0  # of a run for which no length is given
PATIENCE = 90.0  # seconds more that each half has on a busy machine until everything is verified


class HostsDemo:
    """One run; `run` returns whether everything expected was verified, before and after."""

    def __init__(
        self, topology: Topology, *, points: int, seconds: float | None, report: Path | None
    ) -> None:
        self.topology = first_points(topology, points)
        self._half = (seconds or SECONDS) / 2
        self._report = report
        self._console = Console()
        self._ids = [point.id for point in self.topology.points]
        self._findings = Findings(self._ids)
        self._again = Again(self._ids, 0.0)
        self._stop = asyncio.Event()

    async def run(self) -> bool:
        """Run until the time is over and all is verified, or until stopped by a signal. Raises
        `StartError`."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, self._stop.set)
        if logs.LEVEL not in os.environ:
            logging.getLogger().setLevel(logging.ERROR)
        stopped = asyncio.create_task(self._stop.wait())
        running = asyncio.create_task(self._run())
        await asyncio.wait([stopped, running], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not running.done():
            running.cancel()
        try:
            outcome = await running
        except asyncio.CancelledError:
            self._say("The demo was stopped before everything was verified.")
            return False
        if self._report is not None:
            text = json.dumps(outcome, ensure_ascii=False, indent=2) + "\n"
            self._report.write_text(text, "utf-8")
        self._say(sentence(outcome))
        return bool(outcome["ok"])

    def _say(self, text: str) -> None:
        self._console.print(text, soft_wrap=True, markup=False)

    def _told(self, told: dict[str, Any]) -> None:
        """Take in what a point sees."""
        self._again.add(told)
        for slot in told["slots"]:
            if slot["since"] > self._again.at:  # what it saw before is no proof
                self._findings.add(told["point"], SlotReport(**slot), told["stands"])

    async def _run(self) -> dict[str, Any]:
        self._say("PostgreSQL and two hosts are started.")
        async with pair(self.topology, self._told) as hosts:
            a, b = hosts.leader, hosts.other
            self._say(f"The host {a.id} leads: {a.url}   The host {b.id} waits: {b.url}")
            await hosts.open()
            before = await self._verify(hosts)
            self._say(f"The host {a.id} is lost now, with its media worker.")
            self._findings, self._again = Findings(self._ids), Again(self._ids, time.monotonic())
            at, led = await hosts.lose()
            self._say(f"The host {b.id} leads, {led - at:.1f} s later.")
            pictures = asyncio.create_task(self._until_pictures())
            try:
                after = await self._verify(hosts)
                await pictures
            finally:
                pictures.cancel()
            connected = await hosts.present()
        return document(self._again, connected, led - at, before, after)

    async def _until_pictures(self) -> None:
        """Say when all pictures are there again."""
        await until(lambda: self._again.complete, self._half + PATIENCE)
        took = max(self._again.pictures.values())
        programme = max(self._again.programme.values())
        self._say(
            f"All points have their large picture again {programme:.1f} s after the loss, and "
            f"every point sees every other one after {took:.1f} s."
        )

    async def _verify(self, hosts: Pair) -> Findings:
        """Bring every point on air until everybody was seen and heard by everybody, and for half
        the time at least; what was found out."""
        findings, begun = self._findings, time.monotonic()
        touring = asyncio.create_task(self._tour(hosts, findings, begun))
        try:
            with contextlib.suppress(TimeoutError):
                await until(
                    lambda: findings.complete() and time.monotonic() - begun >= self._half,
                    self._half + PATIENCE,
                )
        finally:
            touring.cancel()
            await asyncio.gather(touring, return_exceptions=True)
        return findings

    async def _tour(self, hosts: Pair, findings: Findings, begun: float) -> None:
        """Bring the points on air, one after the other, and again those that were not heard by all;
        not before everybody is seen, as far as there is time."""
        with contextlib.suppress(TimeoutError):
            await until(findings.all_pictures, self._half / 2)
        stops = order(map(PointId, self._ids), PointId(self.topology.conference.chair))
        left = self._half - (time.monotonic() - begun)
        pause = dwell(left, len(stops))
        while True:
            for point in [p for p in stops if not findings.heard_by_all(p)] or stops:
                findings.took(point, time.monotonic())
                await hosts.take(point)
                await asyncio.sleep(pause)
                with contextlib.suppress(TimeoutError):
                    await until(functools.partial(findings.heard_by_all, point), DWELL_LONGEST)
            pause = DWELL_MIN


def document(
    again: Again, connected: int, leader: float, before: Findings, after: Findings
) -> dict[str, Any]:
    """What ``--report`` writes; ``leader`` is how many seconds there was none. Pure."""
    count = len(again.points)

    def found(findings: Findings) -> dict[str, Any]:
        return {
            "pictures": {"expected": findings.expected, "verified": len(findings.pictures)},
            "sounds": {"expected": findings.expected, "verified": len(findings.sounds)},
            "missing": findings.missing(),
        }

    return {
        "points": count,
        "connected": connected,
        **found(after),
        "before": found(before),
        "lost": {
            "leader_s": round(leader, 2),
            "programme_s": _longest(again.programme.values(), count),
            "pictures_s": _longest(again.pictures.values(), count * (count - 1)),
        },
        "ok": connected == count and before.complete() and after.complete() and again.complete,
    }


def _longest(seconds: Any, expected: int) -> float | None:
    """The longest; None where not all are there."""
    known = list(seconds)
    return round(max(known), 2) if len(known) == expected else None


def sentence(outcome: dict[str, Any]) -> str:
    """What a `document` says, for people. Pure."""
    lost = outcome["lost"]

    def after(seconds: float | None) -> str:
        return "not at all" if seconds is None else f"after {seconds:.1f} s"

    def verified(found: dict[str, Any]) -> str:
        pictures, sounds = found["pictures"], found["sounds"]
        return (
            f"{pictures['verified']} of {pictures['expected']} pictures and "
            f"{sounds['verified']} of {sounds['expected']} sounds"
        )

    return (
        f"Verified by decoding: {verified(outcome['before'])} before a host was lost, "
        f"{verified(outcome)} on the other one. It led {after(lost['leader_s'])}; all points had "
        f"their large picture again {after(lost['programme_s'])}, and all pictures "
        f"{after(lost['pictures_s'])}. {outcome['connected']} of {outcome['points']} points are "
        "connected."
    )
