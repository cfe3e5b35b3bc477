"""The topology, the audit trail and backups."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp.test_utils import TestClient, TestServer

from bridge.conference import commands as c
from tests.control_support import Bridge
from tests.paths import ROOT

LAC_THUY = (ROOT / "config" / "lac-thuy.yaml").read_text("utf-8")


@pytest.fixture
async def with_file(tmp_path: Path) -> Any:
    path = tmp_path / "topology.yaml"
    path.write_text(LAC_THUY, "utf-8")
    made = Bridge(tmp_path / "state", topology_file=path)
    await made.start()
    async with TestClient(TestServer(made.http.app)) as made.client:
        yield made, path
    await made.stop()


async def test_a_topology_is_checked_compared_and_swapped(
    with_file: tuple[Bridge, Path],
) -> None:
    bridge, path = with_file
    shown = await bridge.call("GET", "/topology", role="admin")
    tag = {"If-Match": shown.headers["ETag"]}
    bad = {"text": LAC_THUY.replace("chair: hoi-truong", "chair: nobody")}
    checked = await (await bridge.call("POST", "/topology/check", bad, role="admin")).json()
    assert checked["ok"] is False
    assert checked["problems"][0]["line"] > 1
    assert checked["problems"][0]["sentence_vi"].startswith("Chủ trì 'nobody' không phải")
    refused = await bridge.call("PUT", "/topology", bad, role="admin", headers=tag)
    assert refused.status == 422
    assert path.read_text("utf-8") == LAC_THUY, "a bad file changes nothing"
    good = {"text": LAC_THUY.replace("Xã Khoan Dụ", "Xã Khoan Dụ mới")}
    checked = await (await bridge.call("POST", "/topology/check", good, role="admin")).json()
    found = {d["path"]: d["restart"] for d in checked["differences"]}
    assert found["points[khoan-du].name.vi"] is False
    assert found["bridge.web.origins"] is True, "a harness's own; it needs a restart"
    live = ("bridge.webhooks", "bridge.syslog", "bridge.metrics")
    assert not any(found[path] for path in found if path.startswith(live))
    assert "points[chi-ne].name.vi" not in found
    assert (await bridge.call("PUT", "/topology", good, role="admin")).status == 428
    swapped = await bridge.call("PUT", "/topology", good, role="admin", headers=tag)
    assert swapped.status == 200
    point = bridge.control.topology.current.point("khoan-du")
    assert point is not None
    assert point.name.vi == "Xã Khoan Dụ mới"
    again = await bridge.call("PUT", "/topology", good, role="admin", headers=tag)
    assert again.status == 412


@pytest.mark.usefixtures("worked_here")
async def test_webhooks_syslog_and_metrics_follow_a_reload(
    with_file: tuple[Bridge, Path],
) -> None:
    bridge, path = with_file
    changed = yaml.safe_load(LAC_THUY)
    changed["bridge"]["metrics"] = {"listen": "127.0.0.1", "port": 9555, "token": "x" * 20}
    changed["bridge"]["syslog"] = {"address": "127.0.0.1", "port": 5514}
    changed["bridge"]["webhooks"] = [
        {"id": "hook", "url": "http://127.0.0.1:9/x", "secret": "s" * 20}
    ]
    path.write_text(yaml.safe_dump(changed, allow_unicode=True), "utf-8")
    applied: list[Any] = []
    bridge.process.settings.apply = applied_by(applied)  # type: ignore[method-assign]
    answer = await bridge.call("POST", "/topology/reload", role="admin")
    assert answer.status == 200
    (settings,) = applied
    assert settings.metrics.port == 9555
    document = await answer.json()
    live = ("bridge.metrics", "bridge.syslog", "bridge.webhooks")
    needs = {d["path"]: d["restart"] for d in document["differences"]}
    of_live = {path: needs[path] for path in needs if path.startswith(live)}
    assert len({path.split(".")[1].partition("[")[0] for path in of_live}) == 3
    assert not any(of_live.values())
    assert document["notes"][0]["vi"].startswith("Đã đổi topology")


def applied_by(seen: list[Any]) -> Any:
    async def apply(settings: Any) -> list[str]:
        seen.append(settings)
        return ["api.metrics_not_served"]

    return apply


@pytest.mark.usefixtures("worked_here")
async def test_settings_that_cannot_be_used_are_refused_before_the_swap(
    with_file: tuple[Bridge, Path],
) -> None:
    bridge, path = with_file
    changed = yaml.safe_load(LAC_THUY)
    changed["bridge"]["metrics"] = {"port": 9555, "tls": {"certificate": "no.crt", "key": "no.key"}}
    before = bridge.control.topology.current
    path.write_text(yaml.safe_dump(changed, allow_unicode=True), "utf-8")
    answer = await bridge.call("POST", "/topology/reload", role="admin")
    assert answer.status == 409
    assert "bridge.metrics.tls" in (await answer.json())["refused"]["en"]
    assert bridge.control.topology.current is before


@pytest.mark.usefixtures("worked_here")
async def test_a_point_that_is_live_cannot_be_removed(with_file: tuple[Bridge, Path]) -> None:
    bridge, path = with_file
    conference = await bridge.open()
    await bridge.join("hoi-truong", "khoan-du")
    lines = LAC_THUY.splitlines(keepends=True)
    start = next(
        i
        for i, line in enumerate(lines)
        if line.strip() == "- id: khoan-du"
        and i > LAC_THUY[: LAC_THUY.index("points:")].count("\n")
    )
    end = next(i for i in range(start + 1, len(lines)) if lines[i].startswith("  - id:"))
    text = "".join(lines[:start] + lines[end:])
    path.write_text(text, "utf-8")
    refused = await bridge.call("POST", "/topology/reload", role="admin")
    assert refused.status == 409
    assert "khoan-du" in (await refused.json())["refused"]["vi"]
    assert "khoan-du" in bridge.control.topology.points
    await bridge.do(conference, c.End())
    assert (await bridge.call("POST", "/topology/reload", role="admin")).status == 200
    assert "khoan-du" not in bridge.control.topology.points
    assert bridge.control.sessions.of_point("khoan-du") is None, "its room is out"


async def test_the_audit_trail(bridge: Bridge) -> None:
    await bridge.call("POST", "/login", {"name": "=cmd", "password": "x" * 12})
    await bridge.call("POST", "/points/khoan-du/enrolments", role="admin")
    lines = await (await bridge.call("GET", "/audit", role="admin")).json()
    assert [line["action"] for line in lines][:2] == ["enrolment code", "login"]
    text = await (await bridge.call("GET", "/audit?format=csv", role="admin")).text()
    assert "enrolment code,khoan-du,done" in text
    assert ",=cmd" not in text
    exported = json.loads(
        await (await bridge.call("GET", "/audit?format=json", role="admin")).text()
    )
    assert {line["action"] for line in exported} >= {"audit export", "enrolment code"}


async def test_strangers_cannot_fill_the_audit_trail(bridge: Bridge) -> None:
    for _ in range(80):
        assert (await bridge.call("GET", "/users")).status == 401
    assert len(await bridge.process.accounts.audit(limit=None)) == 60
    bridge.pass_time(60)
    await bridge.call("GET", "/users")
    assert len(await bridge.process.accounts.audit(limit=None)) == 61


async def test_backup_and_restore_while_running(bridge: Bridge) -> None:
    conference = await bridge.open()
    await bridge.do(conference, c.End())
    token = await bridge.user("admin")
    data = await (await bridge.call("GET", "/backup", token=token)).read()
    later = await bridge.open("khan")
    live = await bridge.call("PUT", "/backup", token=token, data=data)
    assert live.status == 409
    await bridge.do(later, c.End())
    assert (await bridge.call("PUT", "/backup", token=token, data=b"rubbish")).status == 422
    restored = await bridge.call("PUT", "/backup", token=token, data=data)
    assert restored.status == 200
    assert await bridge.process.events.exists(conference)
    assert not await bridge.process.events.exists(later)


async def test_a_text_made_to_be_slow_holds_nobody_up(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """60,000 keys once stopped the event loop for more than half a minute; now another process
    works on them, and is ended when it has taken what it may."""
    from bridge.server.api import topology_check

    monkeypatch.setattr(topology_check, "SECONDS", 1.0)
    text = "version: 1\n" + "".join(f"key{number}: {number}\n" for number in range(60_000))
    asked = asyncio.create_task(
        bridge.call("POST", "/topology/check", {"text": text}, role="admin")
    )
    turns = 0
    while not asked.done():
        await asyncio.sleep(0.01)
        turns += 1
    answer = await (await asked).json()
    assert answer["ok"] is False
    assert answer["problems"][0]["sentence"].endswith(".")
    assert turns > 20, "others got their turn meanwhile"


@pytest.mark.parametrize(
    "data",
    [b"nonsense", gzip.compress(b"[]"), gzip.compress(b"[" * 9999)],
    ids=["nonsense", "empty", "deep"],  # gzip has the time in it, and processes collect apart
)
async def test_a_bad_backup_is_the_askers_fault(bridge: Bridge, data: bytes) -> None:
    response = await bridge.call("PUT", "/backup", data=data, role="admin")
    assert response.status == 422
    assert (await response.json())["detail"].endswith(".")
    actions = [line.action for line in await bridge.process.accounts.audit()]
    assert actions[0] == "restore"
