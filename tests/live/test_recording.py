"""A conference is recorded by real processes: what is in the file is what the rooms saw and heard,
also after a kill."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import av
import numpy as np
import pytest

from bridge.app.process import ControlProcess
from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.demo import read_back
from bridge.recordings.kept_recordings import Kept, name_of
from tests.live import support
from tests.live.browsers import chromium
from tests.live.support import DEMO, act, bridge_process, only, simulated_points, started
from tests.live.test_pages import log_in, person, violations
from tests.recordings.test_recordings import record
from tests.waiting import eventually

POINTS = ["hoi-truong", "an-binh"]


@contextlib.asynccontextmanager
async def recording_bridge(state: Path) -> AsyncIterator[ControlProcess]:
    """A bridge with two simulated points, whose conference may be recorded."""
    loaded = support.topology()
    rules = loaded.templates[0].rules.model_copy(update={"recording": "allowed"})
    template = loaded.templates[0].model_copy(update={"rules": rules})
    topology = loaded.model_copy(update={"templates": [template, *loaded.templates[1:]]})
    process = ControlProcess(
        topology, state=state, folder=state, with_parent=True, keep_worker=False
    )
    async with process, simulated_points(process, POINTS):
        await eventually(process.worker.ready.is_set)
        yield process


async def kept(process: ControlProcess, name: str) -> Kept:
    """A recording, once it is finished."""
    found: Kept = await eventually(lambda: process.recordings.catalogue.kept.get(name))
    return found


def shown(process: ControlProcess, facts: e.RecordingKept) -> list[str]:
    """The points of the test cards in the programme, each once for as long as it is on air."""
    names = {number: p.id for number, p in enumerate(process.topology.points, 1)}
    path = process.recordings.catalogue.file(facts.recording)
    cards = read_back.seen(path, facts.parts, names, 0.0)
    return [point for point, _ in itertools.groupby(card.point for card in cards)]


async def test_takes_are_in_the_file_and_a_kill_costs_seconds(tmp_path: Path) -> None:
    async with recording_bridge(tmp_path) as process:
        conference = await started(process, process.topology.templates[0].id)
        await eventually(lambda: len(only(process).present) == len(POINTS))
        await act(process, conference, c.Record())
        await eventually(lambda: only(process).recorded)
        name = name_of(conference, 1)
        folder = process.recordings.catalogue.folder / name
        await _grows(folder)
        await act(process, conference, c.Grant(point="an-binh"))
        await _grows(folder)
        pid = process.recordings.process_of(conference)
        assert pid is not None
        killed = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        await eventually(lambda: not only(process).recorded)
        # It is said again when the first picture of the next part has been written.
        await eventually(lambda: only(process).recorded)
        print(f"written again {time.monotonic() - killed:.2f} s after the kill")
        assert process.recordings.process_of(conference) not in (None, pid)
        await eventually(lambda: len(list(folder.iterdir())) == 2)
        await _grows(folder)
        await act(process, conference, c.StopRecording())
        facts = (await kept(process, name)).facts
        path = process.recordings.catalogue.file(name)
        assert facts.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert len(facts.parts) == 2
        assert facts.lost > 0, "what the kill cost is said"
        assert shown(process, facts)[:2] == POINTS
        with av.open(str(path)) as container:
            loudest = max(float(np.abs(f.to_ndarray()).max()) for f in container.decode(audio=0))
        assert loudest > 0.05, "voices are heard"
        kinds = [e.kind_of(i.event) for i in await process.events.read("recordings")]
        assert kinds == ["recording_kept"]
        await process.recordings.upkeep.delete(name, DEMO.label)
        assert not folder.exists()


async def _grows(folder: Path) -> None:
    """Until something more was written."""

    def octets() -> int:
        return sum(path.stat().st_size for path in folder.iterdir())

    before = octets()
    await eventually(lambda: octets() > before + 40_000)


@pytest.mark.browser
async def test_a_recording_is_played_and_sought_in_chromium(tmp_path: Path) -> None:
    async with bridge_process(tmp_path) as process, chromium() as browser:
        await person(process, "quan", "admin")
        conference = await started(process, process.topology.templates[0].id)
        name = name_of(conference, 1)
        record(process.recordings.catalogue.folder / name, process.conductor.now() - 1)
        await kept(process, name)
        page = await log_in(browser, process, "/recordings", "quan")
        await page.click("#list li button.primary")
        await page.wait_for_function("() => document.querySelector('#video').readyState >= 2")
        assert await page.evaluate("() => document.querySelector('#video').videoWidth") == 64
        duration = await page.evaluate("() => document.querySelector('#video').duration")
        assert duration == pytest.approx(2.0, abs=0.1)
        await page.evaluate("() => { document.querySelector('#video').currentTime = 1.5 }")
        await page.wait_for_function(
            "() => { const v = document.querySelector('#video');"
            " return !v.seeking && v.readyState >= 2 && v.currentTime >= 1.4 }"
        )
        await page.wait_for_selector("#timeline li.now")
        points = len(process.topology.points)
        assert await page.locator("#moment-points tbody tr").count() == points
        assert await page.locator("#strip-names li").count() == points
        assert await page.locator("#strip rect").count() > 0
        await page.focus("#strip")
        await page.keyboard.press("Home")
        await page.wait_for_function("() => document.querySelector('#video').currentTime === 0")
        await page.wait_for_selector("#strip[aria-valuenow='0']")
        assert await violations(page) == []
        if page_shot := os.environ.get("DIEMCAU_SHOT"):
            await page.screenshot(path=page_shot)
        await page.click("#list li button.danger")
        await page.click("dialog[open] .danger, dialog[open] button.primary")
        await page.wait_for_selector("#none:not([hidden])")
        assert not process.recordings.catalogue.kept
        assert page.problems == []  # type: ignore[attr-defined]
