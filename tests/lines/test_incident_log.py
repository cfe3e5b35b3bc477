"""Incidents, maintenance and reported faults: numbered, saved in the log, brought back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridge.conference import events as e
from bridge.lines.incident import STREAM, history
from bridge.lines.incident_log import Incidents
from bridge.store.database import NotSaved
from tests.control_support import Bridge

POINT = "khoan-du"


async def look(
    bridge: Bridge, measured: dict[str, float], seconds: int, point: str = POINT
) -> None:
    incidents = bridge.process.incidents
    for _ in range(seconds):
        await incidents.look(point, measured, bridge.now)
        bridge.pass_time(1)


async def test_incidents_are_events_of_the_log_and_outlive_a_restart(
    bridge: Bridge, tmp_path: Path
) -> None:
    incidents = bridge.process.incidents
    await look(bridge, {"loss_down": 0.2}, 40)
    await look(bridge, {"lost": 1.0}, 3, "an-binh")
    assert {(i.point, i.kind, i.number) for i in incidents.open.values()} == {
        (POINT, "loss_down", 1),
        ("an-binh", "lost", 2),
    }
    again = Incidents(bridge.process.events, bridge.conductor.now)
    await again.load(bridge.now)
    assert again.open == incidents.open
    for _ in range(10):
        await again.look("an-binh", {"lost": 0.0}, bridge.now)
        bridge.pass_time(1)
    assert {i.kind for i in again.open.values()} == {"loss_down"}
    found = history(await bridge.process.events.tail(STREAM, 100))
    assert [(i.number, i.until is None) for i in found] == [(1, True), (2, False)]
    seqs = [r.seq for r in await bridge.process.events.read(STREAM)]
    assert seqs == list(range(1, len(seqs) + 1))
    assert await bridge.process.events.running() == []  # it is no conference
    report = await bridge.call("GET", f"/conferences/{STREAM}/report", role="operator")
    assert report.status == 404
    page = await bridge.call("GET", f"/conferences/{STREAM}/events", role="operator")
    assert len((await page.json())["events"]) == 3


async def test_maintenance_silences_and_ends_by_itself(bridge: Bridge) -> None:
    token = await bridge.user("technician", points=(POINT,))
    body = {"on": True, "minutes": 30, "note": "new camera"}
    answer = await bridge.call("POST", f"/points/{POINT}/maintenance", token=token, body=body)
    assert answer.status == 200
    await look(bridge, {"lost": 1.0}, 60)
    assert bridge.process.incidents.open == {}
    shown = await (await bridge.call("GET", f"/points/{POINT}", token=token)).json()
    assert shown["maintenance"]["note"] == "new camera"
    await look(bridge, {"lost": 1.0}, 30 * 60)
    assert [i.kind for i in bridge.process.incidents.of_point(POINT)] == ["lost"]
    assert not bridge.process.incidents.suppressed(POINT)
    audit = await (await bridge.call("GET", "/audit", token=await bridge.user("admin"))).json()
    assert any(line["action"] == "maintenance on" for line in audit)
    other = await bridge.call("POST", "/points/an-binh/maintenance", token=token, body=body)
    assert other.status == 403
    off = await bridge.call(
        "POST", f"/points/{POINT}/maintenance", token=token, body={"on": False, "minutes": None}
    )
    assert off.status in (200, 204)


async def test_a_reported_fault_has_a_number_and_is_cleared_by_people(bridge: Bridge) -> None:
    token = await bridge.user("technician", points=(POINT,))
    answer = await bridge.call(
        "POST", f"/points/{POINT}/faults", token=token, body={"fault": "picture", "note": "đen"}
    )
    assert answer.status == 201
    number = (await answer.json())["number"]
    second = await bridge.call(
        "POST", f"/points/{POINT}/faults", token=token, body={"fault": "sound"}
    )
    assert (await second.json())["number"] == number + 1
    shown = await (await bridge.call("GET", f"/points/{POINT}", token=token)).json()
    assert [i["kind"] for i in shown["incidents"]] == ["fault", "fault"]
    listed = await (await bridge.call("GET", "/incidents?open=1", token=token)).json()
    assert [i["number"] for i in listed] == [number + 1, number]
    stranger = await bridge.user("technician", name="other", points=("an-binh",))
    assert await (await bridge.call("GET", "/incidents", token=stranger)).json() == []
    refused = await bridge.call("DELETE", f"/incidents/{number}", token=stranger)
    assert refused.status == 403
    assert (await bridge.call("DELETE", f"/incidents/{number}", token=token)).status == 204
    assert (await bridge.call("DELETE", f"/incidents/{number}", token=token)).status == 404
    for bad in ({"fault": "smell"}, {"fault": "sound", "note": "x" * 501}, {}):
        answer = await bridge.call("POST", f"/points/{POINT}/faults", token=token, body=bad)
        assert answer.status == 422
    operator = await bridge.user("operator")
    exported = await bridge.call("GET", "/incidents?format=csv", token=operator)
    lines = (await exported.text()).splitlines()
    assert lines[0].lstrip("\ufeff").startswith("number")
    assert len(lines) == 3


async def test_incidents_wait_for_a_store_that_fails(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    incidents = bridge.process.incidents
    real = bridge.process.events.append

    async def full(*_: Any, **__: Any) -> None:
        raise NotSaved("disk full")

    monkeypatch.setattr(bridge.process.events, "append", full)
    await look(bridge, {"lost": 1.0}, 3)
    assert [i.kind for i in incidents.of_point(POINT)] == ["lost"]  # true, saved or not
    with pytest.raises(NotSaved):  # a person's report is acknowledged only when it is saved
        await incidents.report_fault("an-binh", "sound", "", "user:lan")
    assert incidents.of_point("an-binh") == []
    monkeypatch.setattr(bridge.process.events, "append", real)
    await look(bridge, {"lost": 1.0}, 1)
    recorded = await bridge.process.events.read(STREAM)
    assert [type(r.event) for r in recorded] == [e.IncidentOpened]
    assert (await incidents.report_fault("an-binh", "sound", "", "user:lan")).number == 2


@pytest.mark.usefixtures("worked_here")
async def test_a_restored_backup_brings_its_incidents(bridge: Bridge) -> None:
    incidents = bridge.process.incidents
    await look(bridge, {"lost": 1.0}, 3)
    token = await bridge.user("admin")
    data = await (await bridge.call("GET", "/backup", token=token)).read()
    await look(bridge, {"lost": 1.0}, 3, "an-binh")
    assert len(incidents.open) == 2
    restored = await bridge.call("PUT", "/backup", token=token, data=data)
    assert restored.status == 200
    assert [i.point for i in incidents.open.values()] == [POINT]
    await look(bridge, {"lost": 1.0}, 3, "an-binh")
    recorded = await bridge.process.events.read(STREAM)
    assert [r.seq for r in recorded] == [1, 2]
