"""The tour of a measured run: every point is brought on air, so that all are heard."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from bridge.app.process import ControlProcess
from bridge.conference.commands import Grant
from bridge.conference.model import PointId
from bridge.demo.account import DEMO_ACTOR, start_conference
from bridge.demo.findings import Findings
from bridge.demo.recorded import until_recorded
from bridge.demo.spectators import Spectators

START_BY = 0.5  # share of the time until which pictures may take before the takes begin
DWELL_MIN, DWELL_MAX = 1.0, 2.5  # seconds that a point stays on air
DWELL_LONGEST = 10.0  # where the machine is slow, and not everybody has heard it yet
POLL = 0.1  # seconds between looks at the findings


def order(points: Iterable[PointId], chair: PointId) -> list[PointId]:
    """The points in the order in which they come on air: the chair last."""
    return [point for point in points if point != chair] + [chair]


def dwell(left: float, count: int) -> float:
    """How long each of ``count`` points stays on air where ``left`` seconds remain."""
    return max(DWELL_MIN, min(DWELL_MAX, left / count))


async def tour(
    process: ControlProcess,
    findings: Findings,
    started: float,
    seconds: float,
    spectators: Spectators | None = None,
) -> None:
    """Start the conference of a run that began at ``started`` (monotonic seconds) and lasts
    ``seconds``; once everybody is seen by everybody, bring each point on air. On a busy machine
    those that were not heard by everybody have their turn again, until the run is over, and all of
    them while ``spectators`` have not seen some; these watch from before the first take on."""
    there = findings.points
    conference = await start_conference(process)
    while not findings.all_pictures():
        if time.monotonic() - started > seconds * START_BY:
            break
        await asyncio.sleep(POLL)
    await until_recorded(process)
    if spectators is not None:
        await spectators.start(process, conference)
    chair = PointId(process.topology.conference.chair)
    stops = [p for p in order(map(PointId, process.control.topology.points), chair) if p in there]
    for number, point in enumerate(stops):
        left = seconds - (time.monotonic() - started) - 1.0
        begun, since = time.monotonic(), time.time()
        await _take(process, conference, findings, point)
        await asyncio.sleep(dwell(left, len(stops) - number))
        await _until_heard(findings, point, begun + DWELL_LONGEST, spectators, since)
    while not findings.complete() or (spectators is not None and not spectators.complete):
        await asyncio.sleep(POLL)
        missing = [point for point in stops if not findings.heard_by_all(point)]
        for point in missing or stops:
            begun, since = time.monotonic(), time.time()
            await _take(process, conference, findings, point)
            await asyncio.sleep(DWELL_MIN)
            await _until_heard(findings, point, begun + DWELL_LONGEST, spectators, since)


async def _take(
    process: ControlProcess, conference: str, findings: Findings, point: PointId
) -> None:
    findings.took(point, time.monotonic())
    await process.conductor.submit(conference, Grant(point=point), DEMO_ACTOR)


async def _until_heard(
    findings: Findings,
    point: PointId,
    latest: float,
    spectators: Spectators | None,
    since: float,
) -> None:
    """Until all points have heard one, and viewers have seen it since ``since`` (UTC seconds)."""
    while not (findings.heard_by_all(point) and (not spectators or spectators.saw(point, since))):
        if time.monotonic() > latest:
            break
        await asyncio.sleep(POLL)
