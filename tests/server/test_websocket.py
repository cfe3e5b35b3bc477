"""The WebSocket of rooms and consoles: hello, commands, states, and how it ends."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from bridge.conference import commands as c
from bridge.conference.model import Actor, PointId
from bridge.control.sessions import QUEUE, Client
from bridge.media import messages as m
from bridge.signalling import protocol
from tests.control_support import INVENTORY, Bridge, closed, until
from tests.waiting import HANG


async def test_a_second_session_takes_over_and_the_first_is_told(bridge: Bridge) -> None:
    first = await bridge.connect(await bridge.login("khoan-du"))
    await until(first, "welcome")
    old = bridge.control.sessions.of_point("khoan-du")
    assert old is not None
    await bridge.offer(old.token)
    second = await bridge.connect(await bridge.login("khoan-du"))
    ended = await until(first, "ended")
    assert ended["reason"] == "taken_over"
    assert ended["sentence"]["vi"]
    assert await closed(first) == 4409
    assert (await until(second, "welcome"))["point"] == "khoan-du"
    assert m.Close(transport=bridge.opened()[0].transport) in bridge.sent
    assert (await bridge.offer(old.token)).status == 401
    again = await bridge.connect(old.token)
    assert await closed(again) == 4401


async def test_a_session_is_resumed(bridge: Bridge) -> None:
    token = await bridge.login("khoan-du")
    socket = await bridge.connect(token)
    await until(socket, "welcome")
    state = await until(socket, "state")
    await bridge.offer(token)
    bridge.up()
    await bridge.open()
    await socket.close()
    socket = await bridge.connect(token)
    welcome = await until(socket, "welcome")
    assert (welcome["resumed"], welcome["media"]) == (False, True) or welcome["media"]
    while (await until(socket, "state"))["points"]["khoan-du"] != "in_session":
        pass
    assert state["points"]["khoan-du"] == "ready"


async def test_bye(bridge: Bridge) -> None:
    token = await bridge.login("khoan-du")
    socket = await bridge.connect(token)
    await bridge.offer(token)
    bridge.up()
    conference = await bridge.open()
    await bridge.settle()
    assert bridge.state(conference).present == {"khoan-du"}
    await socket.send_json({"type": "bye"})
    assert (await until(socket, "ended"))["reason"] == "bye"
    await bridge.settle()
    assert m.Close(transport=bridge.opened()[0].transport) in bridge.sent
    assert bridge.state(conference).present == frozenset()
    assert (await bridge.offer(token)).status == 401


async def test_a_worker_that_dies_is_told_to_the_rooms(bridge: Bridge) -> None:
    token = await bridge.login("khoan-du")
    socket = await bridge.connect(token)
    await bridge.offer(token)
    bridge.up()
    await bridge.open()
    while (await until(socket, "state"))["points"]["khoan-du"] != "in_session":
        pass
    bridge.control.reconciler.on_worker_down()
    assert (await until(socket, "media"))["reason"] == "worker_restarted"
    while (await until(socket, "state"))["points"]["khoan-du"] != "connecting":
        pass
    bridge.control.reconciler.on_event(INVENTORY)
    assert (await bridge.offer(token)).status == 201


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not JSON",
        "[" * 20_000,
        '{"type": "watch", "conference": "\ud800"}'.encode("utf-8", "surrogatepass"),
        r'{"type": "watch", "conference": "\ud800"}',
        "[" * 10_000 + "]" * 10_000,
        '{"type": "nonsense"}',
        '{"no": "type"}',
        '{"type": "watch", "conference": "x", "last_seq": NaN}',
        '{"type": "watch", "conference": "x", "last_seq": 1e999}',
        '{"type": "watch", "conference": "x", "last_seq": 9223372036854775808}',
        '{"type": "watch", "conference": "x", "conference": "y"}',
        '{"type": "watch", "conference": "x", "__proto__": {"a": 1}}',
        '{"type": "command", "id": 1, "conference": "x", "command": {"type": "take", "point": 5}}',
        '{"type": "command", "id": 1, "conference": "x", "command": {"type": "point_up", '
        '"point": "khoan-du"}}',
        '{"type": "command", "id": 1, "conference": "x", "command": {"type": "take", "x": 1}}',
        '{"type": "report", "slots": ' + "[" * 40 + "]" * 40 + "}",
        "null",
        "5",
    ],
)
async def test_bad_messages_change_nothing(bridge: Bridge, text: str | bytes) -> None:
    conference = await bridge.open()
    await bridge.join("hoi-truong")
    token = await bridge.login(None)
    socket = await bridge.connect(token)
    await until(socket, "welcome")
    before = bridge.state(conference)
    if isinstance(text, bytes):
        await socket.send_frame(text, aiohttp.WSMsgType.TEXT)
        assert await closed(socket) == 1007  # not UTF-8: the protocol itself refuses it
    else:
        await socket.send_str(text)
        reply = await until(socket, "error")
        assert reply["sentence"]["vi"]
        assert reply["sentence"]["en"].endswith(".")
    assert bridge.state(conference) == before


async def test_too_large_and_too_many(bridge: Bridge) -> None:
    token = await bridge.login(None)
    socket = await bridge.connect(token)
    await socket.send_str('{"type": "' + "x" * (70 << 10) + '"}')
    assert await closed(socket) == 1009
    socket = await bridge.connect(token)
    for _ in range(25):
        await socket.send_str("rubbish")
    assert await closed(socket) == 4400


async def test_messages_are_compressed_for_who_can_read_that(bridge: Bridge) -> None:
    """Browsers ask for RFC 7692. What went before stays known, so a state that repeats itself costs
    next to nothing: 22 kbit/s of a line of 100 were taken by messages."""
    plain = await bridge.connect(await bridge.login(None))
    assert not plain.compress
    hello = {"type": "hello", "version": 2, "session": await bridge.login("khoan-du")}
    socket = await bridge.client.ws_connect("/api/v1/ws", compress=15)
    assert (socket.compress, socket.client_notakeover) == (15, False)
    await socket.send_json({**hello, "conference": "", "last_seq": 0})
    assert (await until(socket, "state"))["points"]["khoan-du"] == "ready"


async def test_a_message_that_grows_when_it_is_unpacked_is_refused(bridge: Bridge) -> None:
    socket = await bridge.client.ws_connect("/api/v1/ws", compress=15)
    await socket.send_str(" " * (64 << 20))  # some 64 kB on the wire
    assert await closed(socket) == 1009


async def test_a_line_without_room_for_pictures_has_levels_once_a_second(bridge: Bridge) -> None:
    tokens = await bridge.join("hoi-truong", "khoan-du")
    thin, well = (bridge.control.sessions.get(tokens[p]) for p in ("khoan-du", "hoi-truong"))
    assert thin is not None
    assert well is not None
    clients = []
    for session in (thin, well):
        client = Client()
        session.attach(client)
        clients.append(client)
    event = m.SlotShowing(transport=thin.transport, slot="programme", source=None, paused="line")
    bridge.control.reconciler.on_event(event)
    told = [0, 0]
    for moment in range(40):
        bridge.control.publisher.levels({"hoi-truong": moment})
        for place, client in enumerate(clients):
            while client.waiting:
                told[place] += isinstance(await client.next(), protocol.Levels)
        bridge.pass_time(0.1)
    assert told[0] in range(4, 8)
    assert told[1] == 40


@pytest.mark.parametrize(
    "first",
    ['{"type": "bye"}', "rubbish", '{"type": "hello", "version": 99, "session": "x"}'],
)
async def test_hello_comes_first(bridge: Bridge, first: str) -> None:
    socket = await bridge.client.ws_connect("/api/v1/ws")
    await socket.send_str(first)
    assert (await until(socket, "error"))["sentence"]["en"]
    assert await closed(socket) == 4400


async def test_takes(bridge: Bridge) -> None:
    conference = await bridge.open()
    tokens = await bridge.join("hoi-truong", "khoan-du")
    console = await bridge.connect(await bridge.login(None))
    welcome = await until(console, "welcome")
    assert (welcome["kind"], welcome["may_direct"]) == ("console", True)
    assert len(welcome["slots"]["video"]) == 15

    async def take(
        socket: aiohttp.ClientWebSocketResponse, ident: int, point: str
    ) -> dict[str, object]:
        command = {"type": "take", "point": point}
        await socket.send_json(
            {"type": "command", "id": ident, "conference": conference, "command": command}
        )
        return await until(socket, "result")

    await bridge.do(
        conference, c.Direct(take_over=True), Actor(kind="user", name="operator", role="operator")
    )
    result = await take(console, 7, "khoan-du")
    assert (result["id"], result["ok"]) == (7, True)
    assert bridge.state(conference).on_air == "khoan-du"
    refused = await take(console, 8, "chi-ne")
    assert refused["ok"] is False
    assert "chi-ne" in refused["error"]["vi"]  # type: ignore[index]
    room = await bridge.connect(tokens["khoan-du"])
    for point in ("hoi-truong", "khoan-du"):
        refused = await take(room, 1, point)
        assert refused["key"] == "refusal.not_allowed"
    assert bridge.state(conference).on_air == "khoan-du"
    audit = await bridge.process.accounts.audit()
    assert [(a.actor, a.action) for a in audit if a.outcome == "refusal.not_allowed"] == [
        ("point:khoan-du", "command take")
    ] * 2


async def test_a_point_speaks_for_itself_only(bridge: Bridge) -> None:
    conference = await bridge.open()
    tokens = await bridge.join("hoi-truong", "khoan-du", "chi-ne")
    room = await bridge.connect(tokens["khoan-du"])
    state = await until(room, "state")
    assert set(state["conference"]["seats"]) == {"khoan-du"}, "a room sees its own seat only"
    assert state["conferences"] == []
    for point, ok in (("chi-ne", False), ("khoan-du", True)):
        await room.send_json(
            {
                "type": "command",
                "id": 1,
                "conference": conference,
                "command": {"type": "request_floor", "point": point},
            }
        )
        assert (await until(room, "result"))["ok"] is ok
    assert [r.point for r in bridge.state(conference).queue] == ["khoan-du"]


async def test_typed_lines(bridge: Bridge) -> None:
    conference = await bridge.open()
    await bridge.join("hoi-truong", "khoan-du")
    console = await bridge.connect(await bridge.login(None))
    for text, ok in (("direct take-over", True), ("take khoan-du", True), ("dance", False)):
        await console.send_json({"type": "typed", "id": 1, "conference": conference, "text": text})
        result = await until(console, "result")
        assert result["ok"] is ok
    assert bridge.state(conference).on_air == "khoan-du"


async def test_a_console_resumes_the_log(bridge: Bridge) -> None:
    conference = await bridge.open()
    token = await bridge.login(None)
    console = await bridge.connect(token)
    events = (await until(console, "events"))["events"]
    assert [line["seq"] for line in events] == list(range(1, len(events) + 1))
    await console.close()
    await bridge.do(conference, c.Banner(text="x"))
    console = await bridge.connect(token, conference, len(events))
    more = (await until(console, "events"))["events"]
    assert [line["event"]["type"] for line in more] == ["banner"]


async def test_a_slow_client_is_let_go_and_others_are_served(bridge: Bridge) -> None:
    conference = await bridge.open()
    token = await bridge.login(None)
    session = bridge.control.sessions.get(token)
    assert session is not None
    slow = Client()  # nobody empties its queue
    session.attach(slow)
    session.look_at(conference)
    fast = await bridge.connect(await bridge.login(None))
    await until(fast, "welcome")

    async def read_to_the_last() -> None:
        while (await until(fast, "state"))["conference"]["banner"] != str(QUEUE + 9):
            pass

    # It reads all the time, as a page does: who answers no ping is let go, too.
    async with asyncio.TaskGroup() as group:
        group.create_task(read_to_the_last())
        for number in range(QUEUE + 10):
            await bridge.do(conference, c.Banner(text=str(number)))
    assert slow.overflowed
    assert slow.waiting <= QUEUE + 3


async def test_a_revoked_device_stops_at_once(bridge: Bridge) -> None:
    conference = await bridge.open()
    tokens = await bridge.join("hoi-truong", "khoan-du")
    room = await bridge.connect(tokens["khoan-du"])
    await until(room, "welcome")
    devices = await (await bridge.call("GET", "/devices", role="admin")).json()
    device = next(d for d in devices if d["point"] == "khoan-du")
    bridge.sent.clear()
    response = await bridge.call("DELETE", f"/devices/{device['id']}", role="admin")
    assert response.status == 204
    assert type(bridge.sent[0]) is m.Close, "the media first, before all else"
    assert (await until(room, "ended"))["reason"] == "revoked"
    assert await closed(room) == 4403
    await bridge.settle()
    assert bridge.state(conference).present == {"hoi-truong"}
    body = {"point": "khoan-du", "key": bridge.keys[PointId("khoan-du")]}
    assert (await bridge.call("POST", "/sessions", body)).status == 401
    assert (await bridge.offer(tokens["khoan-du"])).status == 401


async def test_a_page_that_was_loaded_anew_shares_no_more(bridge: Bridge) -> None:
    conference = await bridge.open()
    tokens = await bridge.join("hoi-truong", "khoan-du")
    for token, sharer in ((tokens["khoan-du"], "point:khoan-du"), (await bridge.login(None), "")):
        page = await bridge.connect(token)
        await until(page, "welcome")
        await page.send_json({"type": "status", "sharing": True})
        actor = (
            Actor(kind="point", name="khoan-du")
            if sharer
            else Actor(kind="user", name="operator", role="operator")
        )
        if not sharer:
            await bridge.do(conference, c.Direct(take_over=True), actor)
        await bridge.do(conference, c.Share(point="khoan-du" if sharer else None), actor)
        await bridge.settle()
        assert bridge.state(conference).content == (sharer or "user:operator")
        await page.send_json({"type": "status", "sharing": False})
        await page.send_json({"type": "typed", "id": 1, "conference": "x", "text": ""})
        await until(page, "result")
        await bridge.settle()
        assert bridge.state(conference).content is None


async def test_a_room_that_floods_is_refused_and_cut_off(bridge: Bridge) -> None:
    conference = await bridge.open()
    tokens = await bridge.join("khoan-du")
    socket = await bridge.connect(tokens["khoan-du"])
    await until(socket, "welcome")
    before = bridge.state(conference).seq
    for number in range(150):
        kind = "request_floor" if number % 2 == 0 else "withdraw_floor"
        message = {"type": "command", "id": number, "conference": conference}
        command = {"type": kind, "point": "khoan-du"}
        await socket.send_json({**message, "command": command})
    refused = 0
    async with asyncio.timeout(HANG):
        while True:
            reply = await socket.receive()
            if reply.type is not aiohttp.WSMsgType.TEXT:
                break
            document = json.loads(reply.data)
            if document["type"] == "result" and not document["ok"]:
                refused += 1
    assert socket.close_code == 4429
    assert refused >= 50
    assert bridge.state(conference).seq - before <= 20


async def test_a_flood_of_status_messages_is_cut_off(bridge: Bridge) -> None:
    tokens = await bridge.join("khoan-du")
    socket = await bridge.connect(tokens["khoan-du"])
    await until(socket, "welcome")
    for _ in range(400):
        await socket.send_json({"type": "report", "slots": []})
    assert await closed(socket) == 4429


async def test_a_bridge_that_stops_hangs_up_before_it_waits_for_its_worker(bridge: Bridge) -> None:
    """A page that hears nothing for 2.5 s says that its line is broken."""
    socket = await bridge.connect(await bridge.login("khoan-du"))
    await until(socket, "welcome")
    session = bridge.control.sessions.of_point("khoan-du")
    assert session is not None
    assert session.client is not None
    client: Client = session.client
    said: list[bool] = []

    class Worker:
        """One that takes its time to end."""

        def ask_to_end(self) -> None:
            said.append(client.finished)

        async def shutdown(self) -> None:
            said.append(client.finished)

    bridge.process._keep_worker = False
    bridge.process.workers["0"] = Worker()  # type: ignore[assignment]
    await bridge.process.__aexit__()
    assert said == [False, True]
    assert await closed(socket) == 1000
