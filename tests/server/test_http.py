"""Pages, the guard in front of everything, and what a fault of ours answers."""

from __future__ import annotations

import aiohttp
import pytest

from bridge.conference.model import PointId
from tests.control_support import Bridge


@pytest.mark.parametrize(
    "path", ["/", "/room", "/console", "/status", "/admin", "/report", "/web/common/vi.json"]
)
async def test_pages(bridge: Bridge, path: str) -> None:
    response = await bridge.client.get(path)
    assert response.status == 200
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/nothing", "/web/../app.py", "/web/%2e%2e/app.py"])
async def test_nothing_else_is_served(bridge: Bridge, path: str) -> None:
    response = await bridge.client.get(path)
    assert response.status in (403, 404)
    assert response.content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://evil.example", 403),
        ("null", 403),
        ("https://console.example", 401),
        ("", 403),
    ],
)
async def test_foreign_origins(bridge: Bridge, origin: str, status: int) -> None:
    body = {"point": "khoan-du", "key": "wrong"}
    response = await bridge.client.post("/api/v1/sessions", json=body, headers={"Origin": origin})
    assert response.status == status
    if status == 403:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await bridge.client.ws_connect("/api/v1/ws", headers={"Origin": origin})


async def test_our_own_origin(bridge: Bridge) -> None:
    origin = str(bridge.client.make_url("")).rstrip("/")
    response = await bridge.client.post(
        "/api/v1/sessions",
        json={
            "point": "khoan-du",
            "key": bridge.keys[PointId("khoan-du")],
        },
        headers={"Origin": origin},
    )
    assert response.status == 201


async def test_health(bridge: Bridge) -> None:
    assert (await bridge.client.get("/healthz")).status == 200
    bridge.control.reconciler.on_worker_down()
    response = await bridge.client.get("/healthz")
    assert response.status == 503
    assert (await response.json())["title"].endswith(".")


async def test_a_fault_of_ours_is_a_sentence(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(bridge.process.scheduler, "written", fail)
    response = await bridge.call("GET", "/templates", role="viewer")
    assert response.status == 500
    assert (await response.json())["title_vi"].startswith("Cầu gặp lỗi")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8443", "127.0.0.1.evil.org", ""])
async def test_a_name_that_is_not_ours_is_not_served(bridge: Bridge, host: str) -> None:
    """A stranger's page whose name was made to lead here once could log in and open a WebSocket."""
    headers = {"Host": host, "Origin": f"http://{host}"}
    body = {"name": "operator", "password": "x"}
    response = await bridge.client.post("/api/v1/login", json=body, headers=headers)
    assert response.status == 421
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await bridge.client.ws_connect("/api/v1/ws", headers=headers)


async def test_the_scheme_of_an_origin_counts(bridge: Bridge) -> None:
    origin = str(bridge.client.make_url("")).rstrip("/").replace("http:", "https:")
    response = await bridge.client.get("/api/v1/me", headers={"Origin": origin})
    assert response.status == 403
