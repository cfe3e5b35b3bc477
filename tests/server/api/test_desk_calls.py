"""Desk calls over HTTP and the WebSocket: who may call and sit where, who is free, what is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from bridge.conference import desk_call_commands as d
from bridge.conference.desk_call_record import record
from bridge.conference.model import Actor
from tests.control_support import DESK, LAND, STATUS, Bridge, until, with_desks
from tests.papers.support import pdf


@pytest.fixture
async def desks(tmp_path: Path) -> AsyncIterator[Bridge]:
    """A bridge with a citizens' desk and two officers' ones."""
    made = Bridge(tmp_path, topology=with_desks())
    await made.start()
    async with TestClient(TestServer(made.http.app)) as made.client:
        yield made
    await made.stop()


async def ask(
    socket: aiohttp.ClientWebSocketResponse, conference: str, kind: str, point: str, **fields: Any
) -> str:
    """Give a command; "" where it was taken, otherwise why not."""
    command = {"type": kind, "point": point, **fields}
    message = {"type": "command", "id": 1, "conference": conference, "command": command}
    await socket.send_json(message)
    result = await until(socket, "result")
    assert result["ok"] or result["error"]["vi"]
    return "" if result["ok"] else str(result["key"])


async def opened(bridge: Bridge, token: str, officer: str = "") -> tuple[int, str]:
    """Call an officer: status, and the conference or the reason."""
    response = await bridge.call("POST", "/desk-calls", {"officer": officer}, token=token)
    document = await response.json()
    if response.status == 201:
        return 201, str(document["conference"])
    return response.status, str(document["type"]).rsplit("/", 1)[-1]


async def sit(bridge: Bridge, *points: str) -> dict[str, aiohttp.ClientWebSocketResponse]:
    """Desks whose pages are open, with their media."""
    tokens = await bridge.join(*points)
    sockets = {point: await bridge.connect(tokens[point]) for point in points}
    for socket in sockets.values():
        await until(socket, "state")
    return sockets


async def test_only_a_free_officer_is_rung_and_only_by_a_desk(desks: Bridge) -> None:
    tokens = await desks.join(DESK, "khoan-du")
    desk = await desks.connect(tokens[DESK])
    first = await until(desk, "state")
    assert first["officers"] == [
        {"point": LAND, "state": "offline"},
        {"point": STATUS, "state": "offline"},
    ]
    assert await opened(desks, tokens[DESK], LAND) == (409, "refusal.officer_offline")
    assert await opened(desks, tokens[DESK]) == (409, "refusal.no_officer_free")
    assert await opened(desks, tokens[DESK], "khoan-du") == (409, "refusal.unknown_officer")
    assert await opened(desks, tokens["khoan-du"], LAND) == (403, "desk.no_desk")
    assert (await opened(desks, "nobody"))[0] == 401
    officers = await sit(desks, LAND, STATUS)
    await officers[LAND].send_json({"type": "status", "away": True})
    while (await until(desk, "state"))["officers"][0]["state"] != "away":
        pass
    assert await opened(desks, tokens[DESK], LAND) == (409, "refusal.officer_away")
    status, call = await opened(desks, tokens[DESK])
    assert (status, desks.state(call).call.ringing) == (201, STATUS)  # type: ignore[union-attr]
    assert await opened(desks, tokens[DESK], STATUS) == (201, call), "the same button, twice"
    assert await opened(desks, tokens[DESK]) == (201, call), "or the one for whoever is free"
    assert await opened(desks, tokens[DESK], LAND) == (409, "refusal.desk_busy")


async def test_a_call_from_ring_to_record(desks: Bridge, worked_here: None) -> None:
    sockets = await sit(desks, DESK, LAND, STATUS)
    tokens = {p: desks.control.sessions.of_point(p).token for p in sockets}  # type: ignore[union-attr]
    _, call = await opened(desks, tokens[DESK], LAND)
    desk, land, status = sockets[DESK], sockets[LAND], sockets[STATUS]
    assert await ask(land, call, "answer", STATUS) == "refusal.not_allowed", "for another one"
    assert await ask(status, call, "answer", STATUS) == "refusal.unknown_point"
    early = await desks.call("POST", "/room/papers", token=tokens[DESK], data=pdf(1))
    assert early.status == 409
    assert await ask(land, call, "answer", LAND) == ""
    await desks.settle()
    assert desks.state(call).present == {DESK, LAND}
    assert desks.routes()[DESK, "programme"] == LAND
    assert desks.routes()[LAND, "programme"] == DESK
    assert await ask(desk, call, "ring", DESK, officer=STATUS) == "refusal.already_started"
    brought = await desks.call("POST", "/room/papers", token=tokens[DESK], data=pdf(2))
    assert brought.status == 201, await brought.text()
    paper = await brought.json()
    assert (paper["title"], paper["pages"]) == ("Giấy tờ 1", 2)
    page = f"/room/papers/{paper['id']}/pages/1"
    await desks.settle()
    assert (await desks.call("GET", page, token=tokens[LAND])).status == 200
    assert (await desks.call("GET", page, token=tokens[STATUS])).status == 404
    assert await ask(land, call, "hand_over", LAND, officer=STATUS) == ""
    assert await ask(status, call, "decline", STATUS) == ""
    desks.pass_time(65)
    assert await ask(land, call, "hang_up", LAND) == ""
    await desks.process.papers._forget_cases()
    assert not desks.process.papers.catalogue.kept
    assert (await desks.call("GET", page, token=tokens[LAND])).status == 404
    listed = await desks.call("GET", "/desk-calls", role="operator")
    found = (await listed.json())["calls"]
    assert [(x["outcome"], x["talk_seconds"] >= 65, x["rung"]) for x in found] == [
        ("talked", True, [LAND, STATUS])
    ]
    table = await desks.call("GET", "/desk-calls?format=csv&language=en", role="viewer")
    assert "Land officer" in await table.text()
    assert (await desks.call("GET", "/desk-calls?format=xls", role="viewer")).status == 422
    assert (await desks.call("GET", "/desk-calls", role="officer")).status == 403
    minutes = await desks.call("GET", f"/conferences/{call}/minutes.pdf", role="operator")
    assert minutes.status == 409
    conferences = await desks.call("GET", "/conferences", role="operator")
    assert await conferences.json() == [], "a call is no meeting"


async def test_no_console_looks_at_a_call_or_ends_it(desks: Bridge) -> None:
    sockets = await sit(desks, DESK, LAND)
    token = desks.control.sessions.of_point(DESK).token  # type: ignore[union-attr]
    _, call = await opened(desks, token, LAND)
    assert await ask(sockets[LAND], call, "answer", LAND) == ""
    console = await desks.connect(await desks.login(None), call)
    state = await until(console, "state")
    assert (state["conference"], state["conferences"]) == (None, [])
    await console.send_json({"type": "watch", "conference": call, "last_seq": 0})
    for kind in ("end", "record"):
        await console.send_json(
            {"type": "command", "id": 1, "conference": call, "command": {"type": kind}}
        )
        assert (await until(console, "result"))["key"] == "refusal.desk_call"
    assert (await desks.call("GET", f"/conferences/{call}", role="admin")).status == 404
    assert desks.state(call).phase == "live"
    meeting = await desks.open()
    assert DESK not in desks.state(meeting).seats, "a desk is in no meeting by itself"


async def test_an_officer_sits_at_a_desk_of_theirs_after_logging_in(desks: Bridge) -> None:
    async def session(token: str, point: str) -> int:
        response = await desks.call("POST", "/sessions", {"point": point}, token=token)
        return response.status

    oanh = await desks.user("officer", "oanh", points=(LAND,))
    minh = await desks.user("officer", "minh", points=(LAND, STATUS))
    lan = await desks.user("operator", "lan")
    assert await session("", LAND) == 401
    assert await session(lan, LAND) == 403
    assert await session(oanh, STATUS) == 403, "somebody else's desk"
    assert await session(oanh, "khoan-du") == 403
    response = await desks.call("POST", "/sessions", {"point": LAND}, token=oanh)
    assert response.status == 201
    socket = await desks.connect((await response.json())["session"])
    welcome = await until(socket, "welcome")
    assert (welcome["desk"], welcome["user"], welcome["point"]) == ("officer", "oanh", LAND)
    assert {info["id"] for info in welcome["points"]} == {DESK, LAND, STATUS}
    await until(socket, "state")
    assert await session(minh, LAND) == 409, "who sits there stays"
    assert (await desks.call("POST", "/sessions", {}, token=oanh)).status == 403, "no console"
    desks.control.presence.end_consoles()
    ended = await until(socket, "ended")
    assert ended["reason"] == "logged_out"


async def test_two_desks_that_press_at_once_do_not_get_the_same_officer(desks: Bridge) -> None:
    """Who is free is looked at before; the one writer decides."""
    await sit(desks, DESK, LAND, STATUS)
    calls = desks.control.desk_calls
    desk = desks.control.topology.current.point(DESK)
    assert desk is not None
    meant = Actor(kind="point", name=DESK)
    first = calls._booking("call_1", desk, LAND)
    second = calls._booking("call_2", desk.model_copy(update={"id": "khoan-du"}), LAND)
    third = calls._booking("call_3", desk.model_copy(update={"id": "chi-ne"}), STATUS)
    assert not hasattr(await desks.conductor.open(first, meant), "key")
    busy = await desks.conductor.open(second, meant)
    assert getattr(busy, "key", "") == "refusal.point_busy"
    await desks.conductor.open(third, meant)
    officer = Actor(kind="point", name=STATUS)
    await desks.conductor.submit("call_3", d.AnswerCall(point=STATUS), officer)
    over = await desks.conductor.submit("call_3", d.HandOver(point=STATUS, officer=LAND), officer)
    assert getattr(over, "key", "") == "refusal.point_busy", "LAND is rung by the first"
    assert record(await desks.process.events.read("call_3"), 0.0) is not None
