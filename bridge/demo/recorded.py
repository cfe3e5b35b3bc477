"""The demo's recording: ended, awaited, read back and compared with the takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import av

from bridge.app.process import ControlProcess
from bridge.conference import events as e
from bridge.conference.commands import StopRecording
from bridge.demo import read_back
from bridge.demo.account import DEMO_ACTOR
from bridge.demo.summary import spread
from bridge.demo.takes import Take, judge, takes
from bridge.recordings.kept_recordings import conference_of
from bridge.reports import evidence
from config.schema import Topology

FINISHED_BY = 60.0  # seconds that finishing may take
POLL = 0.1  # seconds between looks
PROBLEMS: dict[str, str] = {
    "space": "the disk is nearly full",
    "folder": "its folder is away or cannot be written",
    "failed": "it could not be written",
}
LAST = 2.5  # seconds that are recorded after everything was verified: the last take is in them
BEGUN_BY = 20.0  # seconds that the first picture of the recording may take


def with_recording(topology: Topology) -> Topology:
    """The topology with conferences that are recorded from their start on."""
    templates = []
    for template in topology.templates:
        rules = template.rules.model_copy(update={"recording": "automatic"})
        templates.append(template.model_copy(update={"rules": rules}))
    return topology.model_copy(update={"templates": templates})


async def until_recorded(process: ControlProcess) -> None:
    """Until what is to be recorded is; not for ever."""
    latest = time.monotonic() + BEGUN_BY
    while time.monotonic() < latest:
        states = process.conductor.running()
        if all(state.recorded for state in states if state.recording == "on"):
            return
        await asyncio.sleep(POLL)


async def finished(process: ControlProcess) -> tuple[e.RecordingKept | None, str]:
    """End the recording and wait for its file; what the log says of it, or why there is none."""
    for state in process.conductor.running():
        if state.recording_problem:
            return None, PROBLEMS[state.recording_problem]
        await asyncio.sleep(LAST)
        await process.conductor.submit(state.booking.id, StopRecording(), DEMO_ACTOR)
    catalogue = process.recordings.catalogue
    folders = catalogue.folder.iterdir() if catalogue.folder.is_dir() else ()
    made = [path for path in folders if conference_of(path.name) is not None]
    if not made:
        return None, "nothing was recorded"
    name = max(made, key=lambda path: path.stat().st_ctime).name
    latest = time.monotonic() + FINISHED_BY
    while time.monotonic() < latest:
        kept = catalogue.kept.get(name)
        if kept is not None:
            return kept.facts, ""
        await asyncio.sleep(POLL)
    return None, f"it was not finished within {FINISHED_BY:.0f} s"


async def outcome(
    process: ControlProcess, facts: e.RecordingKept | None, problem: str, points: frozenset[str]
) -> dict[str, Any]:
    """What is in the report of a recording; ``points`` are those whose takes are looked for."""
    if facts is None:
        return {"ok": False, "problem": problem}
    log = await process.events.read(facts.conference)
    made = [take for take in takes(log, facts.parts) if take.point in points]
    numbers = {number: p.id for number, p in enumerate(process.topology.points, 1)}
    names = {number: point for number, point in numbers.items() if point in points}
    path = process.recordings.catalogue.file(facts.recording)
    clock = time.time() - time.monotonic()
    return await asyncio.to_thread(examined, path, facts, made, names, clock)


def examined(
    path: Path,
    facts: e.RecordingKept,
    made: Sequence[Take],
    names: Mapping[int, str],
    clock: float,
) -> dict[str, Any]:
    """What is found in a file. ``names`` are points by the numbers on their cards, ``clock`` is
    UTC minus the clock of the cards (seconds)."""
    try:
        intact = evidence.check(path).sha256 == facts.sha256
        verdict = judge(
            made,
            read_back.seen(path, facts.parts, names, clock),
            read_back.heard(path, facts.parts, names),
        )
    except (OSError, av.FFmpegError) as error:
        return {"ok": False, "problem": f"it cannot be read: {error.strerror}"}
    return {
        "seconds": facts.seconds,
        "octets": facts.octets,
        "lost_seconds": facts.lost,
        "sha256_verified": intact,
        "takes": len(verdict.takes),
        "pictures": len(verdict.takes) - len(verdict.unseen),
        "sounds": len(verdict.takes) - len(verdict.unheard),
        "missing": {
            "pictures": [_said(take, facts) for take in verdict.unseen],
            "sounds": [_said(take, facts) for take in verdict.unheard],
        },
        "strange": [(card.point, round(card.at, 3)) for card in verdict.strange],
        "take_ms": spread(1000 * late for late in verdict.pictures.values()),
        "sound_ms": spread(1000 * late for late in verdict.sounds.values()),
        "off_ms": spread(1000 * abs(age) for age in verdict.ages),
        "problem": "",
        "ok": intact and verdict.ok,
    }


def _said(take: Take, facts: e.RecordingKept) -> list[Any]:
    """A take, with where in the file it should be (seconds)."""
    part = max((p for p in facts.parts if p.at <= take.start), key=lambda p: p.at)
    return [take.point, round(part.offset + take.start - part.at, 3)]
