"""Conferences that the schedule opens."""

from __future__ import annotations

from pathlib import Path

from bridge.conference import commands as c
from tests.control_support import TOPOLOGY, Bridge


async def test_the_scheduler_opens_early_and_only_once(tmp_path: Path) -> None:
    """Monday 2026-11-23 07:30 in Viet Nam; the trial session opens an hour before."""
    start = 1_795_393_800.0
    bridge = Bridge(tmp_path, at=start - 3601)
    await bridge.start(inventory=None)
    scheduler = bridge.process.scheduler
    await scheduler.look()
    assert bridge.conductor.running() == []
    bridge.pass_time(2)
    await scheduler.look()
    await scheduler.look()
    (state,) = bridge.conductor.running()
    assert state.booking.id == "giao-ban-20261123-0730"
    assert (state.phase, state.booking.start) == ("open", start)
    await bridge.do(state.booking.id, c.End())
    await scheduler.look()
    assert bridge.conductor.running() == [], "one that was ended is not opened again"
    await bridge.stop()


async def test_opening_by_hand_near_the_time_is_the_planned_one(tmp_path: Path) -> None:
    bridge = Bridge(tmp_path, at=1_795_393_800.0 - 7200)
    await bridge.start(inventory=None)
    assert await bridge.open() == "giao-ban-20261123-0730"
    await bridge.stop()


async def test_one_that_starts_by_the_clock(tmp_path: Path) -> None:
    templates = [t.model_copy(update={"start": "on_time"}) for t in TOPOLOGY.templates]
    topology = TOPOLOGY.model_copy(update={"templates": templates})
    bridge = Bridge(tmp_path, at=1_795_393_800.0 - 5, topology=topology)
    await bridge.start(inventory=None)
    await bridge.process.scheduler.look()
    assert bridge.conductor.running()[0].phase == "open"
    bridge.pass_time(6)
    await bridge.process.scheduler.look()
    assert bridge.conductor.running()[0].phase == "live"
    await bridge.stop()


async def test_a_forgotten_conference_does_not_block_the_next(tmp_path: Path) -> None:
    """A week in which nobody did anything: both trial sessions open, both end by themselves."""
    start = 1_795_393_800.0
    bridge = Bridge(tmp_path, at=start - 60)
    await bridge.start(inventory=None)
    await bridge.process.scheduler.look()
    bridge.pass_time(60 + 90 * 60 + 29 * 60)
    await bridge.process.scheduler.look()
    assert len(bridge.conductor.running()) == 1
    bridge.pass_time(120)
    await bridge.process.scheduler.look()
    assert bridge.conductor.running() == []
    bridge.pass_time(7 * 86400 - 3 * 3600)
    await bridge.process.scheduler.look()
    (state,) = bridge.conductor.running()
    assert state.booking.id == "giao-ban-20261130-0730"
    await bridge.do(state.booking.id, c.Start())
    bridge.pass_time(5 * 3600)
    await bridge.process.scheduler.look()
    assert len(bridge.conductor.running()) == 1, "a meeting that goes on is not cut"
    bridge.pass_time(3 * 3600)
    await bridge.process.scheduler.look()
    assert bridge.conductor.running() == []
    await bridge.stop()
