"""A host that waits for its turn: what it tells everybody, and whose keys it must have."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bridge.app.errors import StartError
from bridge.app.turn import ALIKE, AUTHORITY, Turn, digests, unlike
from bridge.app.waiting import Waiting
from bridge.sip.gateway_service import Service
from bridge.store.leading.leadership import Leader
from bridge.store.leading.seen_database import read_seen
from config.hosts_schema import Hosts
from tests.control_support import TOPOLOGY, Bridge
from tests.waiting import HANG, eventually

A = Leader(3, "a", "https://a.example:8443", {})


@pytest.mark.parametrize(
    ("leader", "problem", "detail"),
    [
        (A, "http.not_leader", "https://a.example:8443"),
        (None, "http.no_leader", None),
        (A._replace(host="b"), "http.no_leader", None),  # this one led last, and nobody since
    ],
)
async def test_everybody_is_told_who_leads(
    leader: Leader | None, problem: str, detail: str | None
) -> None:
    waiting = Waiting(lambda: leader, "b")
    async with TestClient(TestServer(waiting.app)) as client:
        for method, path in (("GET", "/healthz"), ("GET", "/console"), ("POST", "/api/v1/offer")):
            answer = await client.request(method, path)
            body = await answer.json()
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "1"
            assert (body["type"], body.get("detail")) == (f"/problems/{problem}", detail)
            assert (detail or "host") in body["title"]
        async with client.ws_connect("/api/v1/ws") as socket:
            message = await socket.receive()
            assert (message.data, message.extra) == (4421, detail or "")


PAGES = ("https://b.example:8443", "https://a.example:8443")


async def test_a_waiting_host_has_the_pages_of_points_which_find_who_leads() -> None:
    waiting = Waiting(lambda: A, "b", PAGES)
    async with TestClient(TestServer(waiting.app)) as client:
        for path in ("/room", "/desk", "/web/room/room.js"):
            answer = await client.get(path)
            assert answer.status == 200
            assert PAGES[1] in answer.headers["Content-Security-Policy"]
        for path in ("/web/nothing", "/web/", "/web/%2e%2e/app.py"):
            assert (await client.get(path)).status in (403, 404, 503)


async def test_a_waiting_host_sends_people_to_who_leads() -> None:
    waiting = Waiting(lambda: A, "b", PAGES)
    async with TestClient(TestServer(waiting.app)) as client:
        answer = await client.get(
            "/report?id=x", headers={"Accept": "text/html,*/*"}, allow_redirects=False
        )
        assert answer.status == 307
        assert answer.headers["Location"] == "https://a.example:8443/report?id=x"


async def test_pages_of_the_other_hosts_may_read_what_a_waiting_host_says() -> None:
    waiting = Waiting(lambda: A, "b", PAGES)
    async with TestClient(TestServer(waiting.app)) as client:
        for origin, allowed in ((PAGES[1], PAGES[1]), ("https://evil.example", None)):
            for method in ("GET", "OPTIONS"):
                answer = await client.request(method, "/healthz", headers={"Origin": origin})
                assert answer.headers.get("Access-Control-Allow-Origin") == allowed
                assert answer.status == (204 if method == "OPTIONS" and allowed else 503)


@pytest.mark.parametrize("leader", [None, A])
async def test_everybody_is_told_of_a_database_that_is_away(leader: Leader | None) -> None:
    waiting = Waiting(lambda: leader, "a", problem=lambda: "the server is a copy")
    async with TestClient(TestServer(waiting.app)) as client:
        body = await (await client.get("/healthz")).json()
        assert (body["type"], body["detail"]) == (
            "/problems/http.no_database",
            "the server is a copy",
        )


def test_the_keys_of_a_host_are_those_of_who_led_last(tmp_path: Path) -> None:
    (tmp_path / ALIKE[0]).write_text("keys", "utf-8")
    own = digests(tmp_path)
    assert set(own) == {ALIKE[0]}
    assert unlike(None, own, tmp_path) == ""
    assert unlike(A._replace(files=own), own, tmp_path) == ""
    assert ALIKE[0] in unlike(A._replace(files=own), {}, tmp_path)
    assert ALIKE[0] in unlike(A._replace(files=own), {ALIKE[0]: "another"}, tmp_path)
    (tmp_path / AUTHORITY).parent.mkdir()
    (tmp_path / AUTHORITY).write_text("ca", "utf-8")
    assert AUTHORITY in unlike(A._replace(files=digests(tmp_path)), own, tmp_path)
    assert unlike(A._replace(files=own), digests(tmp_path), tmp_path) == ""  # the other has none


async def test_a_database_of_another_kind_is_refused(tmp_path: Path) -> None:
    hosts = Hosts.model_validate(
        {
            "this": "a",
            "all": [{"id": "a", "url": "https://a.example"}, {"id": "b", "url": "http://b"}],
        }
    )
    bridge = TOPOLOGY.bridge.model_copy(update={"hosts": hosts, "database": "mysql://x/y"})
    topology = TOPOLOGY.model_copy(update={"bridge": bridge})
    with pytest.raises(StartError, match="not supported"):
        Turn(topology, tmp_path, tmp_path)


async def test_a_leader_whose_claim_has_run_out_answers_nobody(tmp_path: Path) -> None:
    made = Bridge(tmp_path)
    await made.start()
    leads = True
    http = made.process.http(lambda: leads)
    async with TestClient(TestServer(http.app)) as client:
        assert (await client.get("/status")).status == 200
        leads = False
        answer = await client.get("/status")
        assert (answer.status, (await answer.json())["type"]) == (503, "/problems/http.no_leader")
    await made.stop()


class Leading:
    """A database that says who leads."""

    def __init__(self, state: Path, leader: Leader | None) -> None:
        self.leader = leader
        self.seen = read_seen(state)
        self.lost = asyncio.Event()
        self.resigned = False

    def leads(self) -> bool:
        return True  # so that this process does not end

    async def resign(self) -> None:
        self.resigned = True


def turn_of(state: Path, leader: Leader | None) -> Turn:
    """Host b's turn, without a database."""
    turn = Turn.__new__(Turn)
    made = cast("Any", turn)
    made._state, made._own = state, SimpleNamespace(id="b")
    made.leadership = Leading(state, leader)
    made.hand_over = SimpleNamespace(asked=asyncio.Event())
    return turn


async def test_a_host_that_waits_ends_the_gateway_it_has_left_running(tmp_path: Path) -> None:
    workers = cast("Any", SimpleNamespace(keep=lambda: None))
    service = asyncio.create_task(Service(tmp_path / "sip.sock", 60.0).run())
    await eventually((tmp_path / "sip.sock").exists)
    # Whoever leads next may be this host: its codecs' calls go on until another one does.
    for leader in (None, A._replace(host="b")):
        await turn_of(tmp_path, leader)._look(workers)
    await asyncio.sleep(0)
    assert not service.done()
    await turn_of(tmp_path, A)._look(workers)
    async with asyncio.timeout(HANG):
        await service
    await turn_of(tmp_path, A)._look(workers)  # there is none any more


async def test_a_host_that_hands_over_ends_its_gateway_at_once(tmp_path: Path) -> None:
    service = asyncio.create_task(Service(tmp_path / "sip.sock", 60.0).run())
    await eventually((tmp_path / "sip.sock").exists)
    turn = turn_of(tmp_path, None)
    turn.hand_over.asked.set()
    await turn.lead(asyncio.Event())
    assert cast("Any", turn.leadership).resigned
    async with asyncio.timeout(HANG):
        await service
