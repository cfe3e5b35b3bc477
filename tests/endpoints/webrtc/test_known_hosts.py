"""Which host of several an endpoint talks to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given, settings
from hypothesis import strategies as st

from endpoints.agent.cli import Settings, known_hosts
from endpoints.agent.link import AgentLink
from endpoints.webrtc import known_hosts as subject
from endpoints.webrtc.client import BridgeClient
from endpoints.webrtc.known_hosts import Hosts, Quiet, seek, usable
from tests.waiting import HANG, eventually

A, B = "https://192.0.2.10", "https://192.0.2.11"


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "AGAIN", 0.01)
    monkeypatch.setattr(subject, "QUIET_EVERY", 0.01)


@pytest.mark.parametrize(
    ("found", "hosts"),
    [
        (None, ()),
        ("https://a", ()),
        ({"a": 1}, ()),
        ([A], ()),
        ([A, A], ()),
        ([A, B + "/"], (A, B)),
        ([A, 7, None, "file:///etc", "a", B], (A, B)),
        ([f"https://{n}" for n in range(20)], tuple(f"https://{n}" for n in range(8))),
    ],
)
def test_what_was_told_or_kept_is_looked_at(found: object, hosts: tuple[str, ...]) -> None:
    assert usable(found) == hosts


@settings(max_examples=30)
@given(st.none() | st.text() | st.lists(st.none() | st.text() | st.just(A) | st.just(B)))
def test_nothing_that_is_told_fails(found: object) -> None:
    assert len(usable(found)) in (0, *range(2, 9))


async def test_whoever_leads_is_found_whatever_the_others_do() -> None:
    count = 0

    async def leads(host: str) -> bool:
        nonlocal count
        if host == A:
            await asyncio.Event().wait()  # it is lost
        count += 1
        if count == 1:
            raise OSError
        return count > 3

    assert await seek([A, B], leads) == B
    assert count == 4
    assert await seek([A], leads, limit=0.01) is None


class Bridge:
    """A host of two: what it says, and who came."""

    def __init__(self) -> None:
        self.leads = False
        self.hosts: tuple[str, ...] = ()
        self.hellos: list[dict[str, Any]] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.logins = 0

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_get("/healthz", self._health)
        app.router.add_post("/api/v1/sessions", self._login)
        app.router.add_get("/api/v1/ws", self._converse)
        app.router.add_get("/api/v1/agent", self._converse)
        async with TestServer(app) as server:
            yield str(server.make_url("")).rstrip("/")
            for socket in self.sockets:
                await socket.close()

    async def _health(self, _: web.Request) -> web.Response:
        if self.leads:
            return web.json_response({"type": "/problems/http.no_worker"}, status=503)
        return web.json_response({"type": "/problems/http.not_leader"}, status=503)

    async def _login(self, _: web.Request) -> web.Response:
        self.logins += 1
        return web.json_response({"session": "s"})

    async def _converse(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if not self.leads:
            await socket.close(code=4421)
            return socket
        self.sockets.append(socket)
        self.hellos.append(await socket.receive_json())
        await socket.send_json({"type": "welcome", "hosts": self.hosts})
        async for _ in socket:
            pass
        return socket


async def follow(
    run: Callable[[], Awaitable[None]],
    close: Callable[[], Awaitable[None]],
    a: Bridge,
    b: Bridge,
    *,
    silent: bool,
) -> None:
    """Greeted by a; by b when that leads, and a closes the connection or says nothing more."""
    running = asyncio.ensure_future(run())
    try:
        await eventually(lambda: a.hellos)
        a.leads, b.leads = False, True
        if not silent:
            await a.sockets[0].close()
        await eventually(lambda: b.hellos)
        await close()
        async with asyncio.timeout(HANG):
            await running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("silent", [False, True])
async def test_a_point_goes_on_with_its_session_where_another_host_leads(silent: bool) -> None:
    a, b = Bridge(), Bridge()
    a.leads = True
    async with a.served() as first, b.served() as second:
        a.hosts = b.hosts = (first, second)
        client = BridgeClient(first, "x", "key", lambda _: None)
        await follow(client.run, client.close, a, b, silent=silent)
        assert (a.logins, b.logins) == (1, 0)
        assert b.hellos[0]["session"] == a.hellos[0]["session"] == "s"


@pytest.mark.parametrize("silent", [False, True])
async def test_an_agent_goes_where_another_host_leads_and_remembers_both(
    tmp_path: Path, silent: bool
) -> None:
    a, b = Bridge(), Bridge()
    a.leads = True
    async with a.served() as first, b.served() as second:
        a.hosts = b.hosts = (first, second)
        given = Settings(first, "x", "key", None)
        hosts = known_hosts(given, tmp_path)
        assert not hosts.several
        link = AgentLink(hosts, "x", "key", "1", lambda _: None)
        await follow(link.run, link.close, a, b, silent=silent)
        kept = known_hosts(given, tmp_path)
        assert kept.all == (first, second)
        async with aiohttp.ClientSession() as http:
            assert await kept.follow(http)
            assert kept.url == second
            assert not await kept.follow(http), "it is there already"


async def test_a_silent_host_is_left_only_where_another_one_leads() -> None:
    a, b = Bridge(), Bridge()
    async with a.served() as first, b.served() as second, aiohttp.ClientSession() as http:
        hosts = Hosts(first, (first, second))
        left = asyncio.Event()
        quiet = Quiet(hosts, http, left.set)
        a.leads = True
        watching = asyncio.create_task(quiet.watch())
        await asyncio.sleep(0.2)
        assert not left.is_set(), "it leads still"
        a.leads, b.leads = False, True
        async with asyncio.timeout(HANG):
            await left.wait()
            await watching
        assert hosts.url == second


def test_what_was_kept_is_no_reason_to_fail(tmp_path: Path) -> None:
    given = Settings(A, "x", "key", None)
    for text in ("", "{", "[1, 2]", "null"):
        (tmp_path / "hosts.json").write_text(text, "utf-8")
        assert known_hosts(given, tmp_path).all == ()
