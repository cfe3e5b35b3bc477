"""The WebSocket of agents: who may open it, and what nonsense on it does (nothing)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bridge.conference.model import PointId
from bridge.control.sessions import Client
from tests.agents.support import POINT, REPORT, FakeAgent, connect, until
from tests.control_support import Bridge


@pytest.fixture
async def agent(bridge: Bridge) -> AsyncIterator[FakeAgent]:
    made = await connect(bridge)
    await made.receive("welcome")
    yield made
    await made.socket.close()


async def test_an_agent_is_told_how_it_is_probed(bridge: Bridge) -> None:
    agent = await connect(bridge)
    welcome = await agent.receive("welcome")
    assert welcome["point"] == POINT
    assert welcome["port"] == 50862
    assert welcome["senders"] == ["127.0.12.100"]
    assert bytes.fromhex(welcome["key"]) == bridge.process.agents.key(POINT)
    assert bridge.process.agents.key("an-binh") != bridge.process.agents.key(POINT)
    room = await agent.receive("room_state")
    assert room == {"type": "room_state", "connected": False, "in_conference": False}
    await agent.send(REPORT)
    await until(lambda: bridge.process.agents.of_point(POINT).report is not None)  # type: ignore[union-attr]
    await agent.socket.close()
    await until(lambda: bridge.process.agents.of_point(POINT) is None)
    assert bridge.process.agents.address(POINT) == "127.0.0.1"  # probed all the same


@pytest.mark.parametrize(
    "hello",
    [
        {"type": "hello", "version": 1, "point": POINT, "key": "wrong-key-wrong-key"},
        {"type": "hello", "version": 1, "point": "nowhere", "key": "wrong-key-wrong-key"},
        {"type": "hello", "version": 1, "point": "an-binh", "key": "KEY"},
    ],
)
async def test_a_wrong_key_is_final(bridge: Bridge, hello: dict[str, Any]) -> None:
    socket = await bridge.client.ws_connect("/api/v1/agent")
    agent = FakeAgent(socket)
    hello = hello | {"key": bridge.keys[PointId(POINT)] if hello["key"] == "KEY" else hello["key"]}
    await agent.send(hello)
    assert await agent.closed() == 4403
    assert bridge.process.agents.all() == []


@pytest.mark.parametrize(
    "first",
    ["rubbish", {"type": "report"}, {"type": "hello", "version": 9, "point": "a", "key": "b"}],
)
async def test_without_a_hello_there_is_no_agent(bridge: Bridge, first: Any) -> None:
    agent = FakeAgent(await bridge.client.ws_connect("/api/v1/agent"))
    await agent.send(first)
    assert await agent.closed() == 4400


NONSENSE: list[Any] = [
    "{",
    '{"type": "report", "machine": {"cpu": NaN}}',
    '{"type": "report", "machine": {"cpu": 1e999}}',
    {"type": "report", "machine": {"cpu": -1}},
    {"type": "report", "machine": {"disk_free": 2**63}},
    {"type": "report", "machine": {"temperature": 5000}},
    {"type": "report", "machine": {"clock_error": -3}},
    {"type": "report", "devices": [{"kind": "bomb", "name": "x"}]},
    {"type": "report", "devices": [{"kind": "camera", "name": "x"}] * 65},
    {"type": "report", "devices": [{"kind": "camera", "name": "x" * 201}]},
    {"type": "report", "kiosk": {"state": "running", "restarts": -1}},
    {"type": "report", "surprise": 1},
    {"type": "outcome", "id": 1, "ok": "perhaps"},
    '{"type": "report", "type": "bye"}',
    '{"type": "report", "devices": [{"kind": "camera", "name": "\\ud800"}]}',
]


@pytest.mark.parametrize("nonsense", NONSENSE, ids=range(len(NONSENSE)))
async def test_nonsense_moves_nothing(bridge: Bridge, agent: FakeAgent, nonsense: Any) -> None:
    other = await connect(bridge, "an-binh")
    await other.receive("welcome")
    await other.send(REPORT)
    await agent.send(REPORT)
    agents = bridge.process.agents
    mine, theirs = agents.of_point(POINT), agents.of_point("an-binh")
    assert mine is not None
    assert theirs is not None
    await until(lambda: mine.report is not None and theirs.report is not None)
    before = (mine.report, theirs.report)
    await agent.send(nonsense)
    await until(lambda: mine.unusable == 1)
    assert (mine.report, theirs.report) == before
    await other.socket.close()


async def test_a_megabyte_ends_the_connection(bridge: Bridge, agent: FakeAgent) -> None:
    await agent.send(json.dumps({"type": "report", "pad": "x" * (1 << 20)}))
    assert await agent.closed() == 1009
    await until(lambda: bridge.process.agents.of_point(POINT) is None)


async def test_too_much_nonsense_ends_the_connection(agent: FakeAgent) -> None:
    for _ in range(25):
        if agent.socket.closed:
            break
        await agent.send("{")
    assert await agent.closed() == 4400


async def test_an_agent_is_told_when_its_page_comes_and_goes(
    bridge: Bridge, agent: FakeAgent
) -> None:
    """A kiosk loads a page anew that the bridge does not see: it must know when it does."""
    assert (await agent.receive("room_state"))["connected"] is False
    sockets = bridge.process.agent_sockets
    await bridge.join(POINT)
    session = bridge.control.sessions.of_point(POINT)
    assert session is not None
    session.client = Client()
    sockets.tell_rooms()
    sockets.tell_rooms()  # nothing changed: nothing is said
    assert (await agent.receive("room_state"))["connected"] is True
    await bridge.open()
    sockets.tell_rooms()
    told = await agent.receive("room_state")
    assert (told["connected"], told["in_conference"]) == (True, True)
    session.client = None
    sockets.tell_rooms()
    assert (await agent.receive("room_state"))["connected"] is False


async def test_a_kiosk_gets_a_code_for_its_own_point(bridge: Bridge, agent: FakeAgent) -> None:
    await agent.send({"type": "want_room"})
    code = (await agent.receive("room"))["code"]
    enrolled = await (
        await bridge.call("POST", "/enrol", body={"code": code, "name": "kiosk"})
    ).json()
    assert enrolled["point"] == POINT
    again = await bridge.call("POST", "/enrol", body={"code": code, "name": "kiosk"})
    assert again.status == 401


async def test_an_agent_that_asks_for_codes_all_the_time_is_cut_off(
    bridge: Bridge, agent: FakeAgent
) -> None:
    """15,950 requests in six seconds once made 487 lines of the audit trail and 3.9 MB."""
    for _ in range(200):
        await agent.send({"type": "want_room"})
    assert await agent.closed() in (4400, 4429)
    lines = [x for x in await bridge.process.accounts.audit() if x.action == "enrolment code"]
    assert 1 <= len(lines) <= 5
