"""Agents on their WebSocket, incidents, maintenance, faults, the board: with a control process
whose clocks are set by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.conference import events as e
from bridge.conference.model import PointId, Title
from bridge.control.line_quality import LineQuality
from bridge.control.scheduler import Scheduler
from bridge.control.sessions import Client
from bridge.control.templates import Upcoming
from bridge.lines.incident import STREAM, history
from bridge.lines.incident_log import Incidents
from bridge.lines.merge import Around, believed, merge, speaker
from bridge.signalling.protocol import Playback
from bridge.store.database import NotSaved
from monitoring.quality.line_state import Figures, Mark
from tests.control_support import Bridge

POINT = "khoan-du"
GOOD = Figures(
    reachable=True,
    silent=0.1,
    up="good",
    down="good",
    up_loss=0.0,
    down_loss=0.0,
    up_variation=2.0,
    down_variation=2.0,
    round_trip=20.0,
    offset=0.0,
    uncertainty=5.0,
    up_mos=4.4,
    down_mos=4.4,
    marks={"ef": Mark(46, 46, 46)},
    restarts=0,
)
REPORT = {
    "type": "report",
    "devices": [{"kind": "camera", "name": "Cam"}, {"kind": "microphone", "name": "Mic"}],
    "machine": {"cpu": 0.2, "disk": 0.5, "synchronised": True},
    "kiosk": {"state": "running", "reason": "", "restarts": 0},
    "reflector": True,
}


class FakeAgent:
    """The agent's side of a WebSocket, message by message."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def send(self, message: Any) -> None:
        text = message if isinstance(message, str) else json.dumps(message)
        await self.socket.send_str(text)

    async def receive(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(5):
            while True:
                message: dict[str, Any] = await self.socket.receive_json()
                if message["type"] == kind:
                    return message

    async def closed(self) -> int:
        async with asyncio.timeout(5):
            while True:
                message = await self.socket.receive()
                if message.type is aiohttp.WSMsgType.CLOSE:
                    return int(message.data)
                if message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING):
                    return self.socket.close_code or 0


async def connect(bridge: Bridge, point: str = POINT, key: str = "") -> FakeAgent:
    socket = await bridge.client.ws_connect("/api/v1/agent")
    agent = FakeAgent(socket)
    key = key or bridge.keys[PointId(point)]
    await agent.send({"type": "hello", "version": 1, "point": point, "key": key, "agent": "t"})
    return agent


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what happens elsewhere has no event
            await asyncio.sleep(0.01)


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


# --- incidents ---------------------------------------------------------------------------------


async def look(
    bridge: Bridge, measured: dict[str, float], seconds: int, point: str = POINT
) -> None:
    incidents = bridge.process.incidents
    for _ in range(seconds):
        await incidents.look(point, measured, bridge.now)
        bridge.pass_time(1)


async def test_incidents_are_events_of_the_log_and_outlive_a_restart(
    bridge: Bridge, tmp_path: Path
) -> None:
    incidents = bridge.process.incidents
    await look(bridge, {"loss_down": 0.2}, 40)
    await look(bridge, {"lost": 1.0}, 3, "an-binh")
    assert {(i.point, i.kind, i.number) for i in incidents.open.values()} == {
        (POINT, "loss_down", 1),
        ("an-binh", "lost", 2),
    }
    again = Incidents(bridge.process.events, bridge.conductor.now)
    await again.load(bridge.now)
    assert again.open == incidents.open
    for _ in range(10):
        await again.look("an-binh", {"lost": 0.0}, bridge.now)
        bridge.pass_time(1)
    assert {i.kind for i in again.open.values()} == {"loss_down"}
    found = history(await bridge.process.events.tail(STREAM, 100))
    assert [(i.number, i.until is None) for i in found] == [(1, True), (2, False)]
    seqs = [r.seq for r in await bridge.process.events.read(STREAM)]
    assert seqs == list(range(1, len(seqs) + 1))
    assert await bridge.process.events.running() == []  # it is no conference
    report = await bridge.call("GET", f"/conferences/{STREAM}/report", role="operator")
    assert report.status == 404
    page = await bridge.call("GET", f"/conferences/{STREAM}/events", role="operator")
    assert len((await page.json())["events"]) == 3


async def test_maintenance_silences_and_ends_by_itself(bridge: Bridge) -> None:
    token = await bridge.user("technician", points=(POINT,))
    body = {"on": True, "minutes": 30, "note": "new camera"}
    answer = await bridge.call("POST", f"/points/{POINT}/maintenance", token=token, body=body)
    assert answer.status == 200
    await look(bridge, {"lost": 1.0}, 60)
    assert bridge.process.incidents.open == {}
    shown = await (await bridge.call("GET", f"/points/{POINT}", token=token)).json()
    assert shown["maintenance"]["note"] == "new camera"
    await look(bridge, {"lost": 1.0}, 30 * 60)
    assert [i.kind for i in bridge.process.incidents.of_point(POINT)] == ["lost"]
    assert not bridge.process.incidents.suppressed(POINT)
    audit = await (await bridge.call("GET", "/audit", token=await bridge.user("admin"))).json()
    assert any(line["action"] == "maintenance on" for line in audit)
    other = await bridge.call("POST", "/points/an-binh/maintenance", token=token, body=body)
    assert other.status == 403
    off = await bridge.call(
        "POST", f"/points/{POINT}/maintenance", token=token, body={"on": False, "minutes": None}
    )
    assert off.status in (200, 204)


async def test_a_reported_fault_has_a_number_and_is_cleared_by_people(bridge: Bridge) -> None:
    token = await bridge.user("technician", points=(POINT,))
    answer = await bridge.call(
        "POST", f"/points/{POINT}/faults", token=token, body={"fault": "picture", "note": "đen"}
    )
    assert answer.status == 201
    number = (await answer.json())["number"]
    second = await bridge.call(
        "POST", f"/points/{POINT}/faults", token=token, body={"fault": "sound"}
    )
    assert (await second.json())["number"] == number + 1
    shown = await (await bridge.call("GET", f"/points/{POINT}", token=token)).json()
    assert [i["kind"] for i in shown["incidents"]] == ["fault", "fault"]
    listed = await (await bridge.call("GET", "/incidents?open=1", token=token)).json()
    assert [i["number"] for i in listed] == [number + 1, number]
    stranger = await bridge.user("technician", name="other", points=("an-binh",))
    assert await (await bridge.call("GET", "/incidents", token=stranger)).json() == []
    refused = await bridge.call("DELETE", f"/incidents/{number}", token=stranger)
    assert refused.status == 403
    assert (await bridge.call("DELETE", f"/incidents/{number}", token=token)).status == 204
    assert (await bridge.call("DELETE", f"/incidents/{number}", token=token)).status == 404
    for bad in ({"fault": "smell"}, {"fault": "sound", "note": "x" * 501}, {}):
        answer = await bridge.call("POST", f"/points/{POINT}/faults", token=token, body=bad)
        assert answer.status == 422
    operator = await bridge.user("operator")
    exported = await bridge.call("GET", "/incidents?format=csv", token=operator)
    lines = (await exported.text()).splitlines()
    assert lines[0].lstrip("\ufeff").startswith("number")
    assert len(lines) == 3


async def test_incidents_wait_for_a_store_that_fails(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    incidents = bridge.process.incidents
    real = bridge.process.events.append

    async def full(*_: Any, **__: Any) -> None:
        raise NotSaved("disk full")

    monkeypatch.setattr(bridge.process.events, "append", full)
    await look(bridge, {"lost": 1.0}, 3)
    assert [i.kind for i in incidents.of_point(POINT)] == ["lost"]  # true, saved or not
    with pytest.raises(NotSaved):  # a person's report is acknowledged only when it is saved
        await incidents.report_fault("an-binh", "sound", "", "user:lan")
    assert incidents.of_point("an-binh") == []
    monkeypatch.setattr(bridge.process.events, "append", real)
    await look(bridge, {"lost": 1.0}, 1)
    recorded = await bridge.process.events.read(STREAM)
    assert [type(r.event) for r in recorded] == [e.IncidentOpened]
    assert (await incidents.report_fault("an-binh", "sound", "", "user:lan")).number == 2


# --- figures to pages --------------------------------------------------------------------------


def around(at: float = 1.0, router: Figures | None = None) -> Around:
    return Around(
        at=at,
        agent=False,
        router=router,
        maintenance=False,
        incidents=0,
        watching=(),
        playback=None,
    )


def test_the_worse_of_probes_and_media_is_shown() -> None:
    media = LineQuality(up="poor", down="good", up_loss=0.05, down_loss=0.0, rtt_ms=9, at=0)
    assert merge(None, None, around()).reach == "unknown"
    alone = merge(None, media, around())
    assert (alone.up, alone.up_loss, alone.source, alone.at) == ("poor", 0.05, "media", 1.0)
    found = merge(GOOD, None, around())
    assert (found.up, found.down, found.source, found.reach) == ("good", "good", "probe", "yes")
    both = merge(GOOD._replace(down="fair"), media, around())
    assert (both.up, both.down, both.source, both.up_loss) == ("poor", "fair", "both", 0.05)
    lost = merge(GOOD._replace(reachable=False, up="bad", down="bad"), None, around())
    assert (lost.up, lost.reach) == ("bad", "no")
    assert merge(GOOD, None, around(router=GOOD)).router == "yes"


def test_blocked_probes_do_not_make_a_point_lost_that_is_heard() -> None:
    gone = GOOD._replace(reachable=False, up="bad", down="bad")
    assert believed(gone, has_media=False, heard=False) is gone
    assert believed(gone, has_media=True, heard=False) is gone  # its media may be old
    assert believed(gone, has_media=True, heard=True) is None
    never = gone._replace(answered=False)  # a firewall: no probe ever came back
    assert believed(never, has_media=True, heard=False) is None
    assert believed(GOOD, has_media=True, heard=True) is GOOD


async def test_media_counts_as_heard_for_a_while(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch itself: probes of a point that do not come back, and media that did."""
    health = bridge.process.health
    gone = GOOD._replace(reachable=False, up="bad", down="bad")
    media = LineQuality(up="good", down="good", up_loss=0, down_loss=0, rtt_ms=9, at=0)
    monkeypatch.setattr(health, "_look", lambda name, *_: gone if name == POINT else None)
    health.start()
    try:
        health.take_media({POINT: media}, {POINT: bridge.now - 1.5})
        await health.step()
        assert health.quality[POINT].reach == "unknown"
        bridge.pass_time(4.0)
        await health.step()
        assert health.quality[POINT].reach == "no"
    finally:
        health.prober.close()


async def test_where_probes_come_from(bridge: Bridge) -> None:
    health = bridge.process.health
    assert health.senders("10.0.0.1") == ("127.0.12.100",)
    topology = bridge.control.topology.current
    everywhere = {"listen": ["0.0.0.0"], "public": []}  # noqa: S104 - nothing is bound here
    media = topology.bridge.media.model_copy(update=everywhere)
    bridge.control.topology.swap(
        topology.model_copy(update={"bridge": topology.bridge.model_copy(update={"media": media})})
    )
    assert health.senders("192.0.2.10") == ("192.0.2.10",)


def test_the_router_speaks_for_a_room_that_is_off() -> None:
    off = GOOD._replace(reachable=False)
    assert speaker(off, GOOD, connected=False) is GOOD
    assert speaker(None, GOOD, connected=False) is GOOD
    assert speaker(GOOD, off, connected=False) is GOOD
    assert speaker(off, None, connected=False) is off
    assert speaker(off, GOOD, connected=True) is off


def test_lamps_say_the_direction_and_the_steps() -> None:
    from bridge.agents.protocol import Device, Report
    from bridge.lines.lamps import lamps
    from bridge.signalling.protocol import RoomStatus

    room = RoomStatus(camera=True, microphone=True)
    every = Report(
        devices=tuple(Device(kind=k, name="x") for k in ("camera", "microphone", "speaker"))
    )
    line = LineQuality(
        up="good", down="poor", up_loss=0, down_loss=0.05, rtt_ms=1, at=0, reach="yes"
    )
    picture, sound, lamp = lamps("in_session", room, line, every)
    assert (picture.level, sound.level, lamp.level) == ("good", "good", "warn")
    assert "down" in lamp.sentence.en
    assert "5.0" in lamp.sentence.vi
    assert len(lamp.steps) == 4
    gone = LineQuality(up="bad", down="bad", up_loss=1, down_loss=1, rtt_ms=0, at=0, reach="no")
    assert lamps("lost", None, gone, None)[2].level == "bad"
    router = LineQuality(
        up="bad", down="bad", up_loss=1, down_loss=1, rtt_ms=0, at=0, reach="no", router="yes"
    )
    assert lamps("offline", None, router, None)[2].level == "warn"
    silent = Report(devices=(Device(kind="camera", name="x"), Device(kind="microphone", name="y")))
    assert lamps("ready", room, line, silent)[1].level == "bad"  # nobody would hear anything
    frozen = LineQuality(
        up="good",
        down="good",
        up_loss=0,
        down_loss=0,
        rtt_ms=1,
        at=0,
        reach="yes",
        playback=Playback(frozen=0.3, concealed=0.2),
    )
    assert [lamp.level for lamp in lamps("in_session", room, frozen, every)] == [
        "warn",
        "warn",
        "good",
    ]


async def test_history_is_read_and_bounded(bridge: Bridge) -> None:
    token = await bridge.user("technician", points=(POINT,))
    path = f"/points/{POINT}/quality"
    assert await (await bridge.call("GET", path, token=token)).json() == []
    assert (await bridge.call("GET", f"{path}?from=x", token=token)).status == 422
    assert (await bridge.call("GET", f"{path}?from=10&to=5", token=token)).status == 422
    assert (await bridge.call("GET", "/points/an-binh/quality", token=token)).status == 403


async def test_a_board_without_anything_connected_is_no_go(bridge: Bridge) -> None:
    bridge.process.health.start()
    token = await bridge.user("operator")
    board = await (await bridge.call("GET", "/readiness", token=token)).json()
    assert board["at"] == 0
    report = await bridge.call("GET", "/readiness/report", token=token)
    assert report.status == 404
    refused = await bridge.call("POST", "/readiness", token=token, body={"template": "nowhere"})
    assert refused.status == 404
    begun = await bridge.call("POST", "/readiness", token=token, body={"window": 3})
    assert begun.status == 202
    again = await bridge.call("POST", "/readiness", token=token, body={"window": 3})
    assert again.status == 409
    await until_board(bridge, token)
    board = await (await bridge.call("GET", "/readiness", token=token)).json()
    assert board["level"] == "fail"
    assert len(board["points"]) == 12
    reasons = {c["name"]: c["level"] for c in board["points"][0]["checks"]}
    assert reasons["reach"] == "fail"
    for language in ("vi", "en"):
        pdf = await bridge.call("GET", f"/readiness/report?language={language}", token=token)
        assert (await pdf.read()).startswith(b"%PDF")
        table = await bridge.call(
            "GET", f"/readiness/report?format=csv&language={language}", token=token
        )
        assert len((await table.text()).splitlines()) == 12 * 17 + 1
    bridge.process.health.prober.close()


async def until_board(bridge: Bridge, token: str) -> None:
    async with asyncio.timeout(20):
        while (  # noqa: ASYNC110 - as the page asks
            await (await bridge.call("GET", "/readiness", token=token)).json()
        )["running"]:
            await asyncio.sleep(0.05)


async def test_the_board_keeps_itself_current_before_a_start(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bridge.lines import sweep as module

    for name in ("WINDOW", "LIGHT_WINDOW"):
        monkeypatch.setattr(module, name, 0.01)
    bridge.process.health.start()
    readiness = bridge.process.readiness
    start = bridge.wall + 2 * 3600

    def kinds() -> tuple[bool]:
        return (readiness.board.full,)

    coming = Upcoming("giao-ban", Title(vi="Họp", en="A meeting"), start, start + 60)
    monkeypatch.setattr(Scheduler, "upcoming", property(lambda _: (coming,)))
    try:
        await readiness._look_ahead()
        assert readiness.board.at == 0  # too early
        bridge.pass_time(3600)  # an hour before
        await readiness._look_ahead()
        first = readiness.board
        assert (first.full, first.start, first.by) == (True, start, "scheduler")
        assert len(first.points) == 12
        await readiness._look_ahead()
        assert readiness.board.at == first.at  # just looked
        bridge.pass_time(30)
        await readiness._look_ahead()
        assert kinds() == (False,)
        assert readiness.board.at > first.at
        bridge.pass_time(module.EVERY_FULL)
        await readiness._look_ahead()
        assert kinds() == (True,)
        bridge.pass_time(3600)  # it has begun
        last = readiness.board
        await readiness._look_ahead()
        assert readiness.board.at == last.at
    finally:
        bridge.process.health.prober.close()


async def test_many_points_do_not_all_send_at_once(bridge: Bridge) -> None:
    from monitoring.probing import stamp
    from monitoring.probing.prober import CLASSES, TOGETHER, Prober, Target

    prober = Prober(["127.0.0.1"])
    targets: dict[str, Target] = {}
    for n in reversed(range(150)):  # one after the other, and not in the order of their names
        targets[f"p{n:03}"] = Target("127.0.0.1", 9, stamp.Style(), True, (CLASSES["ef"],), 5)
        prober.set_targets(dict(targets))
    load = list(prober._groups.values())
    assert max(load.count(group) for group in set(load)) <= 19  # 150 in 8 groups
    prober.set_targets(dict(list(targets.items())[:TOGETHER]))
    assert len(prober.targets) == TOGETHER
    prober.close()


async def test_a_restored_backup_brings_its_incidents(bridge: Bridge) -> None:
    incidents = bridge.process.incidents
    await look(bridge, {"lost": 1.0}, 3)
    token = await bridge.user("admin")
    data = await (await bridge.call("GET", "/backup", token=token)).read()
    await look(bridge, {"lost": 1.0}, 3, "an-binh")
    assert len(incidents.open) == 2
    restored = await bridge.call("PUT", "/backup", token=token, data=data)
    assert restored.status == 200
    assert [i.point for i in incidents.open.values()] == [POINT]
    await look(bridge, {"lost": 1.0}, 3, "an-binh")
    recorded = await bridge.process.events.read(STREAM)
    assert [r.seq for r in recorded] == [1, 2]
