"""What happens around every call: rights by role, foreign pages, hostile bodies."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.base.roles import RIGHTS, ROLES
from bridge.server.api.routes import Route
from bridge.server.http import ROUTES
from tests.control_support import PASSWORD, Bridge

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


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.path}")
async def test_every_route_for_every_role(bridge: Bridge, route: Route) -> None:
    """401 without a login, 403 without the right, something else with it; refusals are noted."""
    conference = await bridge.open()
    path = (
        route.path.removeprefix("/api/v1")
        .replace("{id}", conference)
        .replace("{name}", "x")
        .replace("{number}", "7")
        .replace("{page}", "1")
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
