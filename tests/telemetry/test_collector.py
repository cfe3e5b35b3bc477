"""Snapshots of all metrics: complete, without I/O, whole when a part fails."""

from __future__ import annotations

import builtins
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from bridge.conference import commands as c
from monitoring.exposition.snapshot import exposition
from tests.control_support import TOPOLOGY, Bridge
from tests.telemetry.support import POINT, quality, snapshot


async def test_a_fresh_bridge_has_every_point_at_nought(watched: Bridge) -> None:
    found = snapshot(watched)
    for point in TOPOLOGY.points:
        assert found.value("point_up", point.id) == 0
        assert found.value("point_state", point.id, "offline") == 1
        assert found.value("point_joins_total", point.id, "joined") == 0
        assert found.value("point_info", point.id, point.name.vi, point.tier, point.link) == 1
        assert found.value("media_audio_level_decibels", point.id, "up", "audio") == -127
    assert found.value("workers", "ready") == 1
    assert found.value("config_last_reload_successful") == 1
    assert list(found.numbers["diemcau_build_info"].values()) == [1]


async def test_time_of_lines_and_in_conferences(watched: Bridge) -> None:
    tick = watched.process.collector.tick
    await watched.join(POINT, "hoi-truong")
    watched.process.health.publish({POINT: quality(), "an-binh": quality("bad", reach="no")})
    tick(1.0)
    ident = await watched.open()
    await watched.settle()
    tick(2.0)
    watched.process.health.publish({POINT: quality("poor"), "an-binh": quality("bad", reach="no")})
    tick(4.0)
    await watched.process.incidents.set_maintenance("an-binh", True, None, "", "user:x")
    tick(8.0)
    found = snapshot(watched)

    def seconds(point: str, state: str) -> float:
        return found.value("line_seconds_total", point, state)

    assert seconds(POINT, "up") == 15
    assert (seconds("an-binh", "down"), seconds("an-binh", "maintenance")) == (7, 8)
    assert seconds("yen-bong", "unknown") == 15
    assert seconds("hoi-truong", "up") == 15  # no probe, and media that flows
    inside = {
        key[1:]: value
        for key, value in watched.process.meters.counts.items()
        if key[0] == "line_conference_seconds_total" and key[2] == "up"
    }
    assert inside[POINT, "up", "good"] == 2
    assert inside[POINT, "up", "poor"] == 12
    assert inside["an-binh", "up", "bad"] == 14  # cut off
    assert ("yen-bong", "up", "unknown") not in inside  # nobody came; its line may be well
    await watched.do(ident, c.End())


async def test_refused_keys_and_passwords_are_counted(watched: Bridge) -> None:
    await watched.client.post("/api/v1/login", json={"name": "lan", "password": "wrong" * 4})
    await watched.client.post("/api/v1/sessions", json={"point": POINT, "key": "wrong"})
    await watched.client.post("/api/v1/enrol", json={"code": "ABCD-EFGH"})
    found = snapshot(watched)
    reasons = ("password", "device_key", "enrolment_code")
    assert [found.value("authentication_failures_total", r) for r in reasons] == [1, 1, 1]


async def test_a_fault_in_one_part_leaves_the_others(
    watched: Bridge, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Any:
        raise RuntimeError("broken")

    monkeypatch.setattr(watched.process.scheduler, "templates", broken)
    found = snapshot(watched)
    assert found.value("workers", "ready") == 1
    assert "a part of the figures is missing" in caplog.text


async def test_nothing_is_read_while_a_scrape_waits(
    watched: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    await watched.open()
    await watched.join(POINT)

    def forbidden(*_: Any, **__: Any) -> Any:
        raise AssertionError("I/O on the scrape path")

    for owner, name in (
        (builtins, "open"),
        (os, "open"),
        (os, "stat"),
        (os, "statvfs"),
        (socket, "socket"),
        (Path, "read_text"),
        (Path, "read_bytes"),
    ):
        monkeypatch.setattr(owner, name, forbidden)
    monkeypatch.setattr(type(watched.process.engine), "connect", forbidden)
    monkeypatch.setattr(watched.process.worker, "stats", forbidden)
    found = snapshot(watched)
    monkeypatch.undo()
    assert found.value("point_connected", POINT) == 1


async def test_a_scrape_has_its_size(tmp_path: Path) -> None:
    """Under 1 MB for twelve points; what more points cost is in docs/performance.md."""
    sizes = {}
    for count in (12, 150):
        first = TOPOLOGY.points[-1]
        more = [first.model_copy(update={"id": f"{first.id}-{n}"}) for n in range(count)]
        topology = TOPOLOGY.model_copy(update={"points": [*TOPOLOGY.points, *more][:count]})
        bridge = Bridge(tmp_path / str(count), topology=topology)
        await bridge.start()
        bridge.process.health.start()
        sizes[count] = len(exposition(snapshot(bridge))[0])
        bridge.process.health.prober.close()
        await bridge.stop()
    assert sizes[12] < 1_000_000
    assert sizes[150] < 15 * sizes[12]
