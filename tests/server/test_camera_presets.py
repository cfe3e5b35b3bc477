"""Presets of cameras: from a console's key and from REST to the agent, and what comes back."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from bridge.conference import commands as c
from bridge.conference.model import Actor
from config.camera_schema import CameraControl, Preset
from config.schema import Name
from tests.agents.support import POINT, FakeAgent, connect
from tests.control_support import TOPOLOGY, Bridge, until
from tests.waiting import HANG

CONTROL = CameraControl(
    kind="onvif",
    address="192.0.2.21",
    user="dieu-khien",
    password="may-quay.txt",
    presets=[
        Preset(number=3, name=Name(vi="Chủ tọa", en="Chair"), token="PresetToken_3"),
        Preset(number=1, name=Name(vi="Toàn cảnh", en="Everybody")),
    ],
)


@pytest.fixture
async def steered(bridge: Bridge) -> Bridge:
    """A bridge whose topology has a camera that can be steered."""
    points = [
        point.model_copy(update={"camera_control": CONTROL if point.id == POINT else None})
        for point in TOPOLOGY.points
    ]
    folder = bridge.process._folder  # where paths of the topology lead
    (folder / "may-quay.txt").write_text("a-secret-of-the-camera\n", "utf-8")
    current = bridge.control.topology.current
    bridge.control.swap_topology(current.model_copy(update={"points": points}))
    return bridge


async def present(bridge: Bridge) -> FakeAgent:
    """An agent that the bridge has taken in."""
    agent = await connect(bridge)
    await agent.receive("welcome")
    return agent


async def answer(agent: FakeAgent, **outcome: Any) -> dict[str, Any]:
    """Take the request for a preset and say what came of it."""
    asked = await agent.receive("preset")
    await agent.send({"type": "outcome", "id": asked["id"], "ok": False} | outcome)
    return asked


async def console(bridge: Bridge) -> aiohttp.ClientWebSocketResponse:
    return await bridge.connect(await bridge.login(None))


async def test_the_agent_is_told_of_its_camera(steered: Bridge) -> None:
    agent = await present(steered)
    assert await agent.receive("camera") == {
        "type": "camera",
        "kind": "onvif",
        "address": "192.0.2.21",
        "port": 80,
        "user": "dieu-khien",
        "password": "a-secret-of-the-camera",
    }
    gone = [p.model_copy(update={"camera_control": None}) for p in TOPOLOGY.points]
    current = steered.control.topology.current
    steered.control.swap_topology(current.model_copy(update={"points": gone}))
    steered.process.agent_sockets.tell_rooms()
    assert (await agent.receive("camera"))["kind"] == ""


async def test_a_preset_from_the_console(steered: Bridge) -> None:
    agent, socket = await present(steered), await console(steered)
    welcome = await until(socket, "welcome")
    names = {p["id"]: p["presets"] for p in welcome["points"]}
    assert [(p["number"], p["name"]["vi"]) for p in names[POINT]] == [
        (1, "Toàn cảnh"),
        (3, "Chủ tọa"),
    ]
    assert names["an-binh"] == []
    await socket.send_json({"type": "preset", "id": 4, "point": POINT, "number": 3})
    asked = await agent.receive("preset")
    assert asked["token"] == "PresetToken_3"
    async with asyncio.timeout(HANG):
        while not (shown := await until(socket, "state"))["cameras"]:
            pass
    assert shown["cameras"][POINT] | {"at": 0} == {
        "preset": 3,
        "at": 0,
        "waits": True,
        "problem": None,
    }
    await agent.send({"type": "outcome", "id": asked["id"], "ok": True})
    assert (await until(socket, "result"))["ok"]
    moves = steered.control.cameras.all()
    assert (moves[POINT].preset, moves[POINT].waits, moves[POINT].problem) == (3, False, None)
    assert steered.process.meters.counts["camera_presets_total", "done"] == 1


FAULTS = ["missing", "timeout", "refused", "denied", "unreachable", "nonsense", "unknown"]


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_a_camera_does_not_do_is_a_sentence(steered: Bridge, fault: str) -> None:
    agent, socket = await present(steered), await console(steered)
    await socket.send_json({"type": "preset", "id": 4, "point": POINT, "number": 1})
    await answer(agent, camera=fault, detail="x")
    result = await until(socket, "result")
    assert (result["ok"], result["key"]) == (False, f"preset.{fault}")
    problem = steered.control.cameras.all()[POINT].problem
    assert problem is not None
    assert problem.en == result["error"]["en"]
    assert POINT in problem.vi
    trail = await steered.process.accounts.audit(limit=10)
    line = next(entry for entry in trail if entry.action == "camera preset 1")
    assert (line.target, line.outcome) == (POINT, f"preset.{fault}")


async def test_others_go_on_while_a_camera_moves(steered: Bridge) -> None:
    """A console's next message is answered before the camera is; a third request is too many."""
    agent, socket = await present(steered), await console(steered)
    for ident in (1, 2, 3):
        await socket.send_json({"type": "preset", "id": ident, "point": POINT, "number": 1})
    result = await until(socket, "result")
    assert (result["id"], result["key"]) == (3, "preset.busy")
    await answer(agent, ok=True)
    await answer(agent, ok=True)
    assert {(await until(socket, "result"))["id"] for _ in range(2)} == {1, 2}


async def test_over_rest(steered: Bridge) -> None:
    path = f"/points/{POINT}/camera/presets"
    agent = await present(steered)
    assert (await steered.call("POST", f"{path}/1")).status == 401
    for role in ("technician", "viewer", "auditor"):
        assert (await steered.call("POST", f"{path}/1", role=role)).status == 403
    listed = await (await steered.call("GET", path, role="operator")).json()
    assert [preset["number"] for preset in listed["presets"]] == [1, 3]
    assert listed["last"] is None
    call = asyncio.create_task(steered.call("POST", f"{path}/1", role="operator"))
    await answer(agent, ok=True)
    assert (await call).status == 204
    for number, status in (("2", 404), ("0", 404), ("x", 404), ("9" * 40, 404)):
        assert (await steered.call("POST", f"{path}/{number}", role="operator")).status == status
    no_camera = await steered.call("POST", "/points/an-binh/camera/presets/1", role="operator")
    assert no_camera.status == 404
    assert (await no_camera.json())["type"] == "/problems/preset.no_camera"
    nowhere = await steered.call("POST", "/points/nowhere/camera/presets/1", role="operator")
    assert nowhere.status == 404
    await agent.socket.close()
    async with asyncio.timeout(HANG):
        while steered.process.agents.of_point(POINT) is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    away = await steered.call("POST", f"{path}/1", role="operator")
    assert (away.status, (await away.json())["type"]) == (409, "/problems/api.agent_away")


async def test_who_may(steered: Bridge) -> None:
    """No viewer and no room moves a camera, and in a conference only who directs it."""
    for session in (await steered.login_session("viewer"), None):
        token = session.token if session is not None else await steered.login(POINT)
        socket = await steered.connect(token)
        await socket.send_json({"type": "preset", "id": 1, "point": POINT, "number": 1})
        assert (await until(socket, "result"))["key"] == "refusal.not_allowed"
        await socket.close()
    conference = await steered.open()
    hoa = Actor(kind="user", name="hoa", role="operator")
    await steered.do(conference, c.Direct(take_over=True), hoa)
    socket = await console(steered)
    await socket.send_json({"type": "preset", "id": 1, "point": POINT, "number": 1})
    assert (await until(socket, "result"))["key"] == "refusal.other_director"


@pytest.mark.parametrize(
    "nonsense", [{"number": 0}, {"number": 10}, {"number": "1"}, {"point": "x" * 65}, {"more": 1}]
)
async def test_nonsense(steered: Bridge, nonsense: dict[str, Any]) -> None:
    socket = await console(steered)
    await socket.send_json({"type": "preset", "id": 1, "point": POINT, "number": 1} | nonsense)
    await until(socket, "error")
