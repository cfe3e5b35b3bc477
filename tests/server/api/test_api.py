"""The REST interface: rights by role, strict bodies, ETags, and what each part does."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from icalendar import Calendar
from openapi_spec_validator import OpenAPIV31SpecValidator

from bridge.accounts.throttle import FREE, LONGEST_WAIT, Throttle
from bridge.base.roles import RIGHTS, ROLES, password_problem
from bridge.conference import commands as c
from bridge.server.api.routes import Route
from bridge.server.http import ROUTES
from tests.control_support import PASSWORD, TOPOLOGY, Bridge
from tests.paths import ROOT

LAC_THUY = (ROOT / "config" / "lac-thuy.yaml").read_text("utf-8")
BODIES: dict[str, Any] = {
    "/api/v1/conferences": {"template": "giao-ban"},
    "/api/v1/conferences/{id}/commands": {"text": "lock"},
    "/api/v1/password": {"old": "x", "new": "y"},
    "/api/v1/users": {"name": "minh", "role": "viewer"},
    "/api/v1/users/{name}": {"disabled": False},
    "/api/v1/topology": {"text": "x"},
    "/api/v1/topology/check": {"text": "x"},
    "/api/v1/enrol": {"code": "x"},
}


# --- rights --------------------------------------------------------------------------------


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.path}")
async def test_every_route_for_every_role(bridge: Bridge, route: Route) -> None:
    """401 without a login, 403 without the right, something else with it; refusals are noted."""
    conference = await bridge.open()
    path = (
        route.path.removeprefix("/api/v1")
        .replace("{id}", conference)
        .replace("{name}", "x")
        .replace("{number}", "7")
    )
    if route.path.startswith("/api/v1/points/"):
        path = path.replace(conference, "khoan-du")
    body = BODIES.get(route.path)
    if route.right == "public":
        return
    await bridge.user("technician", points=("khoan-du",))
    response = await bridge.call(route.method, path, body)
    assert response.status == 401
    for role in ROLES:
        response = await bridge.call(route.method, path, body, role=role)  # type: ignore[arg-type]
        allowed = route.right is None or route.right in RIGHTS[role]
        if route.path.endswith("/logout"):
            continue
        if allowed:
            assert response.status not in (401,), (role, await response.text())
            if response.status == 403:  # a wrong old password is no missing right
                assert route.path.endswith("/password")
        else:
            assert response.status == 403, role
            document = await response.json()
            assert document["title_vi"] == "Tài khoản này không có quyền làm việc đó."
    audit = await bridge.process.accounts.audit(limit=None)
    refused = [a for a in audit if a.outcome in ("account.no_right", "account.log_in")]
    missing = sum(route.right is not None and route.right not in RIGHTS[role] for role in ROLES)
    assert len(refused) == 1 + missing


async def test_a_technician_sees_only_the_own_points(bridge: Bridge) -> None:
    token = await bridge.user("technician", "tuan", points=("khoan-du",))
    points = await (await bridge.call("GET", "/points", token=token)).json()
    assert [p["id"] for p in points] == ["khoan-du"]
    assert (await bridge.call("GET", "/points/khoan-du", token=token)).status == 200
    assert (await bridge.call("GET", "/points/chi-ne", token=token)).status == 403
    assert (await bridge.call("GET", "/points/nobody", token=token)).status == 404


# --- logins --------------------------------------------------------------------------------


async def test_the_first_login_changes_the_password(bridge: Bridge) -> None:
    made = await bridge.call("POST", "/users", {"name": "lan", "role": "operator"}, role="admin")
    password = (await made.json())["password"]
    body = {"name": "lan", "password": password, "token": True}
    me = await (await bridge.call("POST", "/login", body)).json()
    assert me["must_change"] is True
    token = me["token"]
    assert (await bridge.call("GET", "/conferences", token=token)).status == 403
    for new, status in (("short", 422), (password, 422), ("lan-lan-lan-lan", 422), (PASSWORD, 204)):
        change = {"old": password, "new": new}
        assert (await bridge.call("POST", "/password", change, token=token)).status == status, new
    assert (await bridge.call("GET", "/conferences", token=token)).status == 200
    assert (await bridge.call("POST", "/login", body)).status == 401


async def test_cookies_and_foreign_pages(bridge: Bridge) -> None:
    """The cookie is for scripts of nobody, and a foreign page can do nothing with it."""
    await bridge.user("operator")
    response = await bridge.call("POST", "/login", {"name": "operator", "password": PASSWORD})
    cookie = response.cookies["session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    assert "token" not in await response.json() or not (await response.json())["token"]
    sent = {"Cookie": f"session={cookie.value}"}
    body = {"template": "giao-ban"}
    origin = str(bridge.client.make_url("")).rstrip("/")
    for headers, status in (
        ({}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": origin}, 201),
    ):
        answer = await bridge.call("POST", "/conferences", body, headers={**sent, **headers})
        assert answer.status == status, headers
    assert (await bridge.call("GET", "/me", headers=sent)).status == 200
    out = await bridge.call("POST", "/logout", headers={**sent, "Origin": origin})
    assert out.status == 204
    assert (await bridge.call("GET", "/me", headers=sent)).status == 401


async def test_guessing_is_slowed_down(bridge: Bridge) -> None:
    await bridge.user("operator")
    wrong = {"name": "operator", "password": "wrong-wrong-wrong"}
    right = {"name": "operator", "password": PASSWORD}
    for _ in range(FREE):
        assert (await bridge.call("POST", "/login", wrong)).status == 401
    assert (await bridge.call("POST", "/login", right)).status == 429
    bridge.pass_time(31)
    assert (await bridge.call("POST", "/login", right)).status == 200


async def test_many_guesses_at_once_are_slowed_down_too(bridge: Bridge) -> None:
    await bridge.user("operator")
    wrong = {"name": "operator", "password": "wrong-wrong-wrong"}
    answers = await asyncio.gather(*(bridge.call("POST", "/login", wrong) for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [401] * FREE + [429] * (20 - FREE)
    for demo in ("x", "é", "\u0000"):
        assert (await bridge.call("POST", "/login", {"demo": demo})).status == 401


def test_waits_grow_and_are_forgotten() -> None:
    throttle = Throttle()
    now = 0.0
    waits = []
    for _ in range(20):
        throttle.failed("lan", "::1", now)
        waits.append(throttle.wait("lan", "::2", now))
        now += waits[-1]
    assert waits[: FREE - 1] == [0] * (FREE - 1)
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT
    assert throttle.wait("minh", "::2", now) == 0
    throttle.succeeded("lan")
    assert throttle.wait("lan", "::2", now) == 0
    throttle.failed("lan", "::1", now + 10_000)
    assert throttle.wait("lan", "::1", now + 10_000) == 0


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("short", "account.bad_length"),
        ("x" * 300, "account.bad_length"),
        ("aaaaaaaaaaaa", "account.too_simple"),
        ("my-name-is-lan", "account.too_simple"),
        (PASSWORD, ""),
    ],
)
def test_passwords(password: str, problem: str) -> None:
    assert password_problem("lan", password) == problem


async def test_ended_logins_and_disabled_accounts_are_out_at_once(bridge: Bridge) -> None:
    token = await bridge.user("operator")
    session = await bridge.login_session("operator")
    response = await bridge.call("PATCH", "/users/operator", {"disabled": True}, role="admin")
    assert response.status == 200
    assert (await bridge.call("GET", "/me", token=token)).status == 401
    assert session not in bridge.control.sessions.all()
    response = await bridge.call("PATCH", "/users/admin", {"role": "viewer"}, role="admin")
    assert response.status == 409, "the last admin stays"
    viewer = await bridge.user("viewer")
    logins = await (await bridge.call("GET", "/logins", role="admin")).json()
    ident = next(item["id"] for item in logins if item["user"] == "viewer")
    assert (await bridge.call("DELETE", f"/logins/{ident}", role="admin")).status == 204
    assert (await bridge.call("GET", "/me", token=viewer)).status == 401
    assert (await bridge.call("GET", "/me", token="nonsense")).status == 401
    bridge.pass_time(13 * 3600)
    admin_token = await bridge.user("admin")
    assert (await bridge.call("GET", "/me", token=admin_token)).status == 401, "idle too long"


# --- strict bodies -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b'{"template": "giao-ban", "template": "khan"}', 422),
        (b'{"template": NaN}', 400),
        (b'{"template": 9223372036854775808}', 422),
        (b'{"template": "\\ud800"}', 400),
        (b"[" * 10_000 + b"]" * 10_000, 422),
        (b'{"template": "giao-ban", "__proto__": {"role": "admin"}}', 422),
        (b'{"template": "giao-ban", "start": 1}', 422),
        (b"\xff", 400),
        (b"{", 400),
        (b" " * (2 << 20), 413),
        (b'{"template": "nothing"}', 404),
    ],
)
async def test_hostile_bodies(bridge: Bridge, text: bytes, status: int) -> None:
    import io

    response = await bridge.client.post(
        "/api/v1/conferences",
        data=io.BytesIO(text),
        headers={"Authorization": f"Bearer {await bridge.user('operator')}"},
    )
    assert response.status == status
    document = await response.json()
    assert document["title"].endswith(".")
    assert document["title_vi"]
    assert bridge.conductor.running() == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"command": {"type": "lock"}, "text": "lock"}, 422),
        ({"command": {"type": "point_down", "point": "khoan-du", "reason": "x"}}, 422),
        ({"command": {"type": "extend", "minutes": 2**63}}, 422),
        ({"command": {"type": "take", "point": "../etc"}}, 422),
        ({"command": {"type": "take", "point": "khoan-du"}}, 409),
        ({"text": "dance"}, 409),
        ({"text": "lock"}, 200),
    ],
)
async def test_commands(bridge: Bridge, body: dict[str, Any], status: int) -> None:
    conference = await bridge.open()
    await bridge.do(conference, c.End())
    assert (
        await bridge.call("POST", f"/conferences/{conference}/commands", body, role="operator")
    ).status in (404, 422)
    opened = await (
        await bridge.call("POST", "/conferences", {"template": "khan"}, role="operator")
    ).json()
    path = f"/conferences/{opened['conference']}/commands"
    assert (await bridge.call("POST", path, body, role="operator")).status == status


async def test_idempotency_keys(bridge: Bridge) -> None:
    headers = {"Idempotency-Key": "abc"}
    body = {"template": "khan", "start": True}
    opened = []
    for _ in range(2):
        bridge.pass_time(5)
        first = await bridge.call(
            "POST", "/conferences", body, role="operator", headers={"Idempotency-Key": "open"}
        )
        assert first.status == 201, await first.text()
        opened.append(await first.json())
    assert opened[0] == opened[1], "a page that asks twice opens one"
    conference = opened[0]["conference"]
    path = f"/conferences/{conference}/commands"
    extend = {"command": {"type": "extend", "minutes": 5}}
    answers = [
        await (await bridge.call("POST", path, extend, role="operator", headers=headers)).json()
        for _ in range(3)
    ]
    assert answers[0] == answers[1] == answers[2]
    other = {"command": {"type": "extend", "minutes": 6}}
    assert (await bridge.call("POST", path, other, role="operator", headers=headers)).status == 409


# --- the description -----------------------------------------------------------------------


async def test_the_description_is_valid_and_whole(bridge: Bridge) -> None:
    document = await (await bridge.client.get("/api/v1/openapi.json")).json()
    OpenAPIV31SpecValidator(document).validate()
    described = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    served = {
        (route.method, getattr(route.resource, "canonical", ""))
        for route in bridge.http.app.router.routes()
        if getattr(route.resource, "canonical", "").startswith("/api/")
    }
    hidden = {(m, p) for m in ("GET", "HEAD") for p in ("/api/v1/ws", "/api/v1/agent")}
    assert described == served - hidden
    reference = (ROOT / "docs" / "api.md").read_text("utf-8")
    for method, path in sorted(described):
        assert f"`{method} {path.removeprefix('/api/v1')}`" in reference, (method, path)


# --- templates, schedule, calendar ---------------------------------------------------------


async def test_templates_are_changed_with_etags(bridge: Bridge) -> None:
    template = {
        "title": {"vi": "Họp xã"},
        "points": ["khoan-du", "chi-ne"],
        "chair": "chi-ne",
        "schedule": {"start": "2026-11-20 08:00", "minutes": 60, "rule": "FREQ=DAILY;COUNT=3"},
    }

    async def put(body: object, tag: str = "", role: Any = "operator") -> Any:
        headers = {"If-Match": tag} if tag else {}
        return await bridge.call("PUT", "/templates/hop-xa", body, role=role, headers=headers)

    assert (await put(template, role="viewer")).status == 403
    made = await put(template)
    assert made.status == 201
    tag = made.headers["ETag"]
    assert (await put(template)).status == 428
    assert (await put(template, '"stale"')).status == 412
    bad = await put({**template, "chair": "yen-bong"}, tag)
    assert bad.status == 422
    assert "yen-bong" in (await bad.json())["title"]
    assert (await put({**template, "schedule": {"start": "soon"}}, tag)).status == 422
    changed = await put({**template, "title": {"vi": "Họp xã mới"}}, tag)
    assert changed.status == 200
    await bridge.process.scheduler.look()
    coming = await (await bridge.call("GET", "/schedule", role="technician")).json()
    assert [item["title"]["vi"] for item in coming][:3] == ["Họp xã mới"] * 3
    gone = {"If-Match": changed.headers["ETag"]}
    path = "/templates/hop-xa"
    assert (await bridge.call("DELETE", path, role="operator", headers=gone)).status == 204
    of_file = await bridge.call(
        "PUT", "/templates/giao-ban", template, role="operator", headers={"If-Match": "*"}
    )
    assert of_file.status == 409


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


async def test_the_calendar_feed(bridge: Bridge) -> None:
    me = await (await bridge.call("GET", "/me", role="viewer")).json()
    assert (await bridge.client.get("/api/v1/calendar.ics?key=wrong")).status == 401
    assert (await bridge.client.get("/api/v1/calendar.ics")).status == 401
    response = await bridge.client.get(f"/api/v1/calendar.ics?key={me['calendar']}")
    assert response.content_type == "text/calendar"
    event: Any
    (event,) = Calendar.from_ical(await response.text()).walk("VEVENT")
    assert event["SUMMARY"] == "Họp giao ban tuần"
    assert event["RRULE"]["FREQ"] == ["WEEKLY"]
    assert event["DTSTART"].dt.utcoffset().total_seconds() == 7 * 3600


# --- reports -------------------------------------------------------------------------------


async def test_reports(bridge: Bridge) -> None:
    conference = await bridge.open()
    await bridge.join("hoi-truong", "khoan-du")
    await bridge.do(conference, c.Grant(point="khoan-du"))
    bridge.pass_time(65)
    await bridge.do(conference, c.End())
    path = f"/conferences/{conference}/report"
    made = await (await bridge.call("GET", path, role="viewer")).json()
    row = next(r for r in made["report"]["points"] if r["point"] == "khoan-du")
    assert row["floor_seconds"] == 65.0
    assert made["names"]["khoan-du"]["vi"] == "Xã Khoan Dụ"
    text = (await (await bridge.call("GET", path + "?format=csv", role="viewer")).read()).decode()
    assert text.startswith("\ufeffĐiểm cầu,")
    assert "Xã Khoan Dụ,có," in text
    pdf = await (await bridge.call("GET", path + "?format=pdf", role="viewer")).read()
    assert pdf.startswith(b"%PDF-")
    assert len(pdf) > 10_000, "the font is inside"
    assert (await bridge.call("GET", path + "?format=exe", role="viewer")).status == 422
    assert (await bridge.call("GET", "/conferences/none/report", role="viewer")).status == 404
    listed = await (await bridge.call("GET", "/conferences", role="viewer")).json()
    assert [(e["id"], e["phase"]) for e in listed] == [(conference, "ended")]
    page = await (
        await bridge.call("GET", f"/conferences/{conference}/events?after=1&limit=2", role="viewer")
    ).json()
    assert [line["seq"] for line in page["events"]] == [2, 3]


# --- topology, audit, backup ---------------------------------------------------------------


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
    refused = await bridge.call("PUT", "/topology", bad, role="admin", headers=tag)
    assert refused.status == 422
    assert path.read_text("utf-8") == LAC_THUY, "a bad file changes nothing"
    good = {"text": LAC_THUY.replace("Xã Khoan Dụ", "Xã Khoan Dụ mới")}
    checked = await (await bridge.call("POST", "/topology/check", good, role="admin")).json()
    found = {d["path"]: d["restart"] for d in checked["differences"]}
    assert found["points[khoan-du].name.vi"] is False
    assert found["bridge.web.origins"] is True, "a harness's own; it needs a restart"
    assert "points[chi-ne].name.vi" not in found
    assert (await bridge.call("PUT", "/topology", good, role="admin")).status == 428
    swapped = await bridge.call("PUT", "/topology", good, role="admin", headers=tag)
    assert swapped.status == 200
    point = bridge.control.topology.current.point("khoan-du")
    assert point is not None
    assert point.name.vi == "Xã Khoan Dụ mới"
    again = await bridge.call("PUT", "/topology", good, role="admin", headers=tag)
    assert again.status == 412


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


async def test_lamps(bridge: Bridge) -> None:
    from bridge.lines.lamps import lamps
    from bridge.signalling.protocol import Quality, RoomStatus

    def levels(state: str, room: Any, quality: Any) -> list[tuple[str, str]]:
        return [(lamp.name, lamp.level) for lamp in lamps(state, room, quality, None)]

    line = Quality(up="good", down="poor", up_loss=0, down_loss=0, rtt_ms=1, at=0)
    assert levels("offline", None, None) == [
        ("picture", "unknown"),
        ("sound", "unknown"),
        ("line", "bad"),
    ]
    assert levels("ready", RoomStatus(camera=True), None) == [
        ("picture", "good"),
        ("sound", "bad"),
        ("line", "good"),
    ]
    room = RoomStatus(camera=True, microphone=True)
    assert levels("in_session", room, line)[2] == ("line", "warn")
    await asyncio.sleep(0)
