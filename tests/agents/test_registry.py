"""The agents that are connected: one a point, what they report, and commands to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.agents.support import POINT, REPORT, FakeAgent, connect, until
from tests.control_support import Bridge


@pytest.fixture
async def agent(bridge: Bridge) -> AsyncIterator[FakeAgent]:
    made = await connect(bridge)
    await made.receive("welcome")
    yield made
    await made.socket.close()


async def test_who_says_goodbye_is_probed_no_more(bridge: Bridge) -> None:
    """A room PC that is switched off for the night is no outage of the line; one whose
    connection breaks may be."""
    agents = bridge.process.agents
    first = await connect(bridge)
    await first.receive("welcome")
    await first.socket.close()
    await until(lambda: agents.of_point(POINT) is None)
    assert agents.address(POINT) == "127.0.0.1"
    second = await connect(bridge)
    await second.receive("welcome")
    await second.send({"type": "bye"})
    await until(lambda: agents.of_point(POINT) is None)
    assert agents.address(POINT) is None
    assert POINT not in bridge.process.health._targets()
    third = await connect(bridge)
    await third.receive("welcome")
    assert agents.address(POINT) == "127.0.0.1"
    await third.socket.close()


async def test_names_of_devices_are_made_printable(bridge: Bridge, agent: FakeAgent) -> None:
    name = "Cam\x1b[2J\u202eera\n"
    await agent.send(REPORT | {"devices": [{"kind": "camera", "name": name}]})
    found = bridge.process.agents.of_point(POINT)
    assert found is not None
    await until(lambda: found.report is not None)
    assert found.report is not None
    assert found.report.devices[0].name == "Cam\ufffd[2J\ufffdera\ufffd"


async def test_another_device_is_refused_and_the_same_one_takes_over(
    bridge: Bridge, agent: FakeAgent
) -> None:
    code = await (
        await bridge.call("POST", f"/points/{POINT}/enrolments", token=await bridge.user("admin"))
    ).json()
    enrolled = await (
        await bridge.call("POST", "/enrol", body={"code": code["code"], "name": "second"})
    ).json()
    stranger = await connect(bridge, key=enrolled["key"])
    assert await stranger.closed() == 4409
    again = await connect(bridge)
    await again.receive("welcome")
    assert await agent.closed() == 4409  # not to come back at once
    assert len(bridge.process.agents.all()) == 1
    await again.socket.close()


async def test_a_revoked_agent_is_hung_up_on(bridge: Bridge, agent: FakeAgent) -> None:
    token = await bridge.user("admin")
    devices = await (await bridge.call("GET", "/devices", token=token)).json()
    device = next(d["id"] for d in devices if d["point"] == POINT)
    assert (await bridge.call("DELETE", f"/devices/{device}", token=token)).status == 204
    assert (await agent.receive("ended"))["reason"] == "revoked"
    assert await agent.closed() == 4403
    assert await (await connect(bridge)).closed() == 4403


async def test_commands_reach_the_agent_and_its_answer_comes_back(
    bridge: Bridge, agent: FakeAgent
) -> None:
    token = await bridge.user("technician", points=(POINT,))
    asked = asyncio.create_task(
        bridge.call("POST", f"/points/{POINT}/agent", token=token, body={"command": "self_test"})
    )
    command = await agent.receive("command")
    assert command["name"] == "self_test"
    await agent.send({"type": "outcome", "id": 999, "ok": True})  # not asked for: nothing
    await agent.send(
        {
            "type": "outcome",
            "id": command["id"],
            "ok": False,
            "detail": "no\x07",
            "call": {"connected": True, "picture": True, "sound": False},
        }
    )
    answer = await (await asked).json()
    assert answer["ok"] is False
    assert answer["detail"] == "no\ufffd"
    assert answer["call"]["picture"] is True
    foreign = await bridge.call(
        "POST", "/points/an-binh/agent", token=token, body={"command": "self_test"}
    )
    assert foreign.status == 403
    away = await bridge.call(
        "POST",
        "/points/an-binh/agent",
        token=await bridge.user("operator"),
        body={"command": "self_test"},
    )
    assert away.status == 409


async def test_an_agent_that_leaves_in_the_middle_of_a_command(
    bridge: Bridge, agent: FakeAgent
) -> None:
    asked = asyncio.create_task(
        bridge.call(
            "POST",
            f"/points/{POINT}/agent",
            token=await bridge.user("operator"),
            body={"command": "send_logs"},
        )
    )
    await agent.receive("command")
    await agent.socket.close()
    assert (await asked).status == 409
