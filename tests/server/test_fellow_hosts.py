"""A page whose own host is lost goes on with this one: what it is told, and what its session is
worth here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from config.hosts_schema import Host, Hosts
from tests.control_support import TOPOLOGY, Bridge

HERE, THERE = "https://192.0.2.11", "https://192.0.2.10"


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Bridge]:
    """A host that leads."""
    hosts = Hosts(this="b", all=[Host(id="a", url=THERE), Host(id="b", url=HERE)])
    bridge = TOPOLOGY.bridge.model_copy(update={"hosts": hosts})
    made = Bridge(tmp_path, topology=TOPOLOGY.model_copy(update={"bridge": bridge}))
    await made.start()
    async with TestClient(TestServer(made.http.app)) as made.client:
        yield made
    await made.stop()


async def test_pages_learn_of_all_hosts(host: Bridge) -> None:
    socket = await host.connect(await host.login("khoan-du"))
    welcome = await socket.receive_json()
    assert welcome["hosts"] == [HERE, THERE]
    await socket.close()
    page = await host.client.get("/room")
    assert f" {THERE} " in page.headers["Content-Security-Policy"]


async def test_one_host_names_none(bridge: Bridge) -> None:
    socket = await bridge.connect(await bridge.login("khoan-du"))
    assert (await socket.receive_json())["hosts"] == []
    await socket.close()


@pytest.mark.parametrize(
    ("origin", "status"),
    [(THERE, 200), (HERE, 200), ("", 401), ("https://console.example", 401), ("https://x", 403)],
)
async def test_a_console_of_another_host_shows_its_session(
    host: Bridge, origin: str, status: int
) -> None:
    """Elsewhere the session of a console is worth no login."""
    token = await host.login(None)
    headers = {"Origin": origin} if origin else {}
    answer = await host.call("GET", "/me", token=token, headers=headers)
    assert answer.status == status
    allowed = origin if status == 200 else None
    assert answer.headers.get("Access-Control-Allow-Origin") == allowed


async def test_who_enrols_learns_of_all_hosts(host: Bridge) -> None:
    code = await (await host.call("POST", "/points/khoan-du/enrolments", role="admin")).json()
    answer = await host.call("POST", "/enrol", {"code": code["code"], "name": "PC 2"})
    assert (await answer.json())["hosts"] == [HERE, THERE]


async def test_the_session_of_a_room_is_no_login(host: Bridge) -> None:
    token = await host.login("khoan-du")
    answer = await host.call("GET", "/me", token=token, headers={"Origin": THERE})
    assert answer.status == 401


async def test_a_login_that_has_ended_ends_that_too(host: Bridge) -> None:
    token = await host.login(None)
    session = host.control.sessions.get(token)
    assert session is not None
    assert session.login is not None
    await host.process.accounts.end_login(session.login)
    answer = await host.call("GET", "/me", token=token, headers={"Origin": THERE})
    assert answer.status == 401


async def test_such_a_page_asks_first_and_is_told_what_it_may_send(host: Bridge) -> None:
    path = "/api/v1/offer"
    answer = await host.client.options(path, headers={"Origin": THERE})
    assert answer.status == 204
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    answer = await host.client.options(path, headers={"Origin": "https://x"})
    assert answer.status == 403
    assert "Access-Control-Allow-Origin" not in answer.headers
