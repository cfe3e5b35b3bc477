"""The HTTP and WebSocket shell, with a worker that only records what it is told."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from bridge.conference import commands as c
from bridge.conference.model import Actor, PointId, Refusal
from bridge.control.sessions import GRACE, QUEUE, Client
from bridge.media import messages as m
from bridge.signalling import protocol
from config.schema import Name, Template
from tests.control_support import CHROMIUM, INVENTORY, TOPOLOGY, Bridge, closed, until

# --- pages and guards ----------------------------------------------------------------------


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


# --- sessions ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 401),
        (b"nonsense", 400),
        (b"[]", 422),
        (b"[" * 50_000, 422),
        (b'{"point": "khoan-du"}', 401),
        (b'{"point": 5, "key": "x"}', 422),
        (b'{"point": "khoan-du", "key": 5}', 422),
        (b'{"point": "khoan-du", "point": "chi-ne", "key": "x"}', 422),
        (b'{"point": "khoan-du", "__proto__": {}}', 422),
        (b'{"point": NaN}', 400),
        (b'{"point": "khoan-du", "key": "wrong"}', 401),
        (b'{"point": "khoan-du", "key": ""}', 401),
        (b'{"point": "khoan-du", "key": "\\ud800"}', 400),
        (b'{"point": "nobody", "key": ""}', 401),
        (b'{"key": "wrong"}', 401),
        (b"x" * 2_000_000, 413),
    ],
)
async def test_keys(bridge: Bridge, body: bytes, status: int) -> None:
    response = await bridge.client.post("/api/v1/sessions", data=io.BytesIO(body))
    assert response.status == status
    document = await response.json()
    assert document["status"] == status
    assert document["title"].endswith(".")
    assert document["title_vi"]


async def test_the_key_of_another_point_opens_nothing(bridge: Bridge) -> None:
    body = {"point": "khoan-du", "key": bridge.keys[PointId("chi-ne")]}
    assert (await bridge.call("POST", "/sessions", body)).status == 401
    token = await bridge.login("chi-ne")
    assert (await bridge.call("GET", "/conferences", token=token)).status == 401
    audit = await bridge.process.accounts.audit()
    assert [(a.actor, a.outcome) for a in audit if a.action == "session"] == [
        ("point:khoan-du", "wrong key")
    ]


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


async def test_abandoned_sessions_end(bridge: Bridge) -> None:
    token = await bridge.login("khoan-du")
    bridge.now += GRACE + 1
    bridge.control.presence.sweep()
    assert (await bridge.offer(token)).status == 401
    assert bridge.control.publisher.point_states()["khoan-du"] == "offline"


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


# --- offers --------------------------------------------------------------------------------


async def test_an_offer_opens_a_transport_with_the_right_slots(bridge: Bridge) -> None:
    token = await bridge.login("khoan-du")
    response = await bridge.offer(token)
    assert response.status == 201
    assert response.content_type == "application/sdp"
    assert (await response.text()).startswith("v=0\r\n")
    spec = bridge.opened()[0]
    assert [s.name for s in spec.sources] == ["microphone", "camera", "content"]
    assert [s.name for s in spec.slots][:3] == ["programme", "thumb:hoi-truong", "thumb:phong-hop"]
    assert "thumb:khoan-du" not in {s.name for s in spec.slots}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x" * (1 << 20),
        b"\xff\xfe",
        b"v=0\r\n" + b"m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n" * 200,
        CHROMIUM.replace("a=fingerprint", "a=x").encode(),
        CHROMIUM.replace("a=fingerprint:sha-256 ", "a=fingerprint:sha-256 ZZ").encode(),
    ],
)
async def test_broken_offers_get_a_clear_4xx(bridge: Bridge, body: bytes) -> None:
    token = await bridge.login("khoan-du")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
    response = await bridge.client.post("/api/v1/offer", data=body, headers=headers)
    assert 400 <= response.status < 500
    document = await response.json()
    assert document["title"].endswith(".")
    assert bridge.opened() == []


async def test_offers_need_a_session_a_type_and_a_worker(bridge: Bridge) -> None:
    post = bridge.client.post
    assert (await post("/api/v1/offer", data=b"v=0")).status == 401
    token = await bridge.login("khoan-du")
    headers = {"Authorization": f"Bearer {token}"}
    assert (await post("/api/v1/offer", data=b"v=0", headers=headers)).status == 415
    bridge.control.reconciler.on_worker_down()
    assert (await bridge.offer(token)).status == 503


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


def holding(bridge: Bridge, *others: m.TransportState) -> m.Inventory:
    """What a worker holds that was told everything, each slot showing what was wanted."""
    routes = {
        (route.transport, route.slot): route
        for item in bridge.sent
        if isinstance(item, m.SetRoutes)
        for route in item.routes
    }

    def slot(spec: m.Open, name: str, kind: m.Kind) -> m.SlotState:
        route = routes.get((spec.transport, name))
        source = route.source if route is not None else None
        return m.SlotState(name=name, kind=kind, wanted=source, shown=source)

    held = [
        m.TransportState(
            transport=spec.transport,
            label=spec.label,
            state="connected",
            profile="",
            sources=tuple(
                m.SourceState(name=s.name, kind=s.kind, layers=("",)) for s in spec.sources
            ),
            slots=tuple(slot(spec, s.name, s.kind) for s in spec.slots),
        )
        for spec in bridge.opened()
    ]
    return m.Inventory(
        version=1,
        worker="w",
        fingerprint=INVENTORY.fingerprint,
        addresses=INVENTORY.addresses,
        transports=(*held, *others),
        audio=("gone",),
    )


async def test_a_restarted_control_process_goes_on(bridge: Bridge, tmp_path: Path) -> None:
    """Rooms and a console keep sessions, media and pictures; nothing is emptied in between."""
    points = ("hoi-truong", "khoan-du", "chi-ne")
    conference = await bridge.open()
    tokens = await bridge.join(*points)
    console = await bridge.login(None)
    await bridge.offer(console)
    bridge.up()
    await bridge.do(conference, c.Take(point="khoan-du"))
    operator = Actor(kind="user", name="operator", role="operator")
    await bridge.do(conference, c.Direct(take_over=True), operator)
    await bridge.do(conference, c.Share(), operator)
    sharing = bridge.control.sessions.get(console)
    assert sharing is not None
    bridge.control.presence.status(sharing, protocol.RoomStatus(sharing=True))
    await bridge.settle()
    before = bridge.state(conference)
    assert before.present == set(points)
    stale = m.TransportState(
        transport="gone-1", label="nobody", state="connected", profile="", sources=(), slots=()
    )
    inventory = holding(bridge, stale)
    await bridge.stop()

    fresh = Bridge(tmp_path)
    await fresh.start(inventory=None)
    assert fresh.state(conference) == before, "the log has it all"
    await fresh.do(conference, c.Banner(text="Nghỉ 10 phút"), operator)
    await fresh.settle()
    assert fresh.state(conference).present == set(points), "no worker is known: nobody has left"
    before = fresh.state(conference)
    fresh.control.reconciler.on_event(inventory)
    await fresh.settle()
    assert fresh.state(conference) == before
    assert [item for item in fresh.sent if isinstance(item, m.Close)] == [
        m.Close(transport="gone-1")
    ]
    wanted = {
        (r.transport, r.slot): r.source
        for i in bridge.sent
        if isinstance(i, m.SetRoutes)
        for r in i.routes
    }
    again = [r for i in fresh.sent if isinstance(i, m.SetRoutes) for r in i.routes]
    assert again
    assert all(r.source == wanted[r.transport, r.slot] for r in again)
    groups = [i for i in fresh.sent if isinstance(i, m.SetAudio)]
    assert {g.group for g in groups} == {conference, "gone"}
    assert [len(g.members) for g in groups if g.group == conference] == [4]
    async with TestClient(TestServer(fresh.http.app)) as fresh.client:
        for token in (tokens["chi-ne"], console):
            socket = await fresh.connect(token)
            welcome = await until(socket, "welcome")
            assert welcome["media"] is True, "no new offer, and no new login"
            state = await until(socket, "state")
            assert state["slots"]["programme"]["shown"] == "khoan-du"
    await fresh.stop()


async def test_a_restart_without_a_worker_loses_no_seat(bridge: Bridge, tmp_path: Path) -> None:
    conference = await bridge.open()
    await bridge.join("hoi-truong", "khoan-du")
    await bridge.do(conference, c.Grant(point="khoan-du"))
    await bridge.stop()
    fresh = Bridge(tmp_path)
    await fresh.start()  # a new worker, which holds nothing
    await fresh.settle()
    state = fresh.state(conference)
    assert state.present == frozenset()
    assert (state.on_air, state.floor and state.floor.point) == ("khoan-du", "khoan-du")
    await fresh.stop()


# --- WebSocket -----------------------------------------------------------------------------


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


async def test_states_replace_each_other_in_a_slow_clients_queue() -> None:
    client = Client()
    for seq in range(1000):
        client.post(protocol.State(seq=seq, programme="", points={}, slots={}))
        client.post(protocol.Levels(levels={}, now=0.0))
    assert client.waiting == 2
    first = await client.next()
    assert isinstance(first, protocol.State)
    assert first.seq == 999
    for _ in range(QUEUE + 1):
        client.post(protocol.Media(reason="x"))
    assert client.overflowed
    assert await client.next() is None


async def test_a_slow_client_is_let_go_and_others_are_served(bridge: Bridge) -> None:
    conference = await bridge.open()
    token = await bridge.login(None)
    session = bridge.control.sessions.get(token)
    assert session is not None
    slow = Client()  # nobody empties its queue
    session.client = slow
    session.watching = conference
    fast = await bridge.connect(await bridge.login(None))
    await until(fast, "welcome")
    for number in range(QUEUE + 10):
        await bridge.do(conference, c.Banner(text=str(number)))
    assert slow.overflowed
    assert slow.waiting <= QUEUE + 3
    while (await until(fast, "state"))["conference"]["banner"] != str(QUEUE + 9):
        pass


async def test_observers_send_nothing(tmp_path: Path) -> None:
    points = [
        point.model_copy(update={"role": "observer"}) if point.id == "yen-bong" else point
        for point in TOPOLOGY.points
    ]
    bridge = Bridge(tmp_path, topology=TOPOLOGY.model_copy(update={"points": points}))
    await bridge.start()
    async with TestClient(TestServer(bridge.http.app)) as bridge.client:
        assert (await bridge.offer(await bridge.login("yen-bong"))).status == 201
        assert bridge.opened()[0].sources == ()
        assert bridge.opened()[0].slots
    await bridge.stop()


async def test_a_console_sends_a_screen_only_and_a_viewer_nothing(bridge: Bridge) -> None:
    await bridge.offer(await bridge.login(None))
    assert [s.name for s in bridge.opened()[0].sources] == ["content"]
    response = await bridge.call("POST", "/sessions", {}, role="viewer")
    await bridge.offer((await response.json())["session"])
    assert bridge.opened()[1].sources == ()


async def test_another_device_cannot_take_a_live_point(bridge: Bridge) -> None:
    console = await bridge.connect(await bridge.login(None))
    await until(console, "welcome")
    first = await bridge.connect(await bridge.login("khoan-du"))
    await until(first, "welcome")
    code = await (await bridge.call("POST", "/points/khoan-du/enrolments", role="admin")).json()
    answer = await bridge.call("POST", "/enrol", {"code": code["code"].lower(), "name": "PC 2"})
    other = await answer.json()
    assert (answer.status, other["point"]) == (201, "khoan-du")
    refused = await bridge.call("POST", "/sessions", other)
    assert refused.status == 409
    assert "khoan-du" in (await until(console, "notice"))["sentence"]["vi"]
    await first.close()
    async with asyncio.timeout(10):
        while (response := await bridge.call("POST", "/sessions", other)).status != 201:
            print(response.status, await response.text())
    again = await bridge.call("POST", "/enrol", {"code": code["code"]})
    assert again.status == 401, "a code is good once"


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


async def test_a_dropped_point_is_cut_at_the_worker(bridge: Bridge) -> None:
    conference = await bridge.open()
    await bridge.join("hoi-truong", "phong-hop", "chi-ne")
    await bridge.do(conference, c.Grant(point="phong-hop"))
    await bridge.settle()
    assert bridge.heard(conference) == {"hoi-truong", "phong-hop"}
    assert bridge.routes()["chi-ne", "thumb:phong-hop"] == "phong-hop"
    await bridge.do(conference, c.Drop(point="phong-hop"))
    await bridge.settle()
    assert bridge.heard(conference) == {"hoi-truong"}
    routes = bridge.routes()
    assert {source for (_, slot), source in routes.items() if slot == "thumb:phong-hop"} == {None}
    assert {source for (label, _), source in routes.items() if label == "phong-hop"} == {None}


async def test_a_locked_mute_is_enforced_by_the_worker(bridge: Bridge) -> None:
    conference = await bridge.open("khan")
    await bridge.join("hoi-truong", "khoan-du")
    assert bridge.heard(conference) == {"hoi-truong", "khoan-du"}
    await bridge.do(conference, c.Mute(point="khoan-du", lock=True))
    await bridge.settle()
    assert bridge.heard(conference) == {"hoi-truong"}


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


async def test_a_fault_of_ours_is_a_sentence(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(bridge.process.scheduler, "templates", fail)
    response = await bridge.call("GET", "/templates", role="viewer")
    assert response.status == 500
    assert (await response.json())["title_vi"].startswith("Cầu gặp lỗi")


async def test_a_self_test_is_an_echo(bridge: Bridge) -> None:
    response = await bridge.call("POST", "/sessions", {"kind": "echo"}, role="technician")
    token = (await response.json())["session"]
    await bridge.offer(token)
    bridge.up()
    spec = bridge.opened()[0]
    assert [s.name for s in spec.slots if s.kind == "video"] == ["programme"]
    routes = [r for i in bridge.sent if isinstance(i, m.SetRoutes) for r in i.routes]
    assert routes[-1].source == m.SourceRef(transport=spec.transport, name="camera")
    mix = [i for i in bridge.sent if isinstance(i, m.SetAudio)][-1]
    assert (mix.echo, mix.members) == (True, (spec.transport,))


async def test_conferences_with_disjoint_points_run_side_by_side(tmp_path: Path) -> None:
    def template(ident: str, *points: str) -> Template:
        return Template(id=ident, title=Name(vi=ident), points=list(points), chair=points[0])

    topology = TOPOLOGY.model_copy(
        update={
            "templates": [
                template("mot", "phong-hop", "chi-ne"),
                template("hai", "khoan-du", "yen-bong"),
                template("ba", "yen-bong", "dong-tam"),
            ]
        }
    )
    bridge = Bridge(tmp_path, topology=topology)
    await bridge.start()
    async with TestClient(TestServer(bridge.http.app)) as bridge.client:
        one, two = await bridge.open("mot"), await bridge.open("hai")
        refused = await bridge.process.scheduler.open(
            bridge.process.scheduler.templates()["ba"],
            Actor(kind="user", name="lan", role="operator"),
        )
        assert isinstance(refused, Refusal)
        assert (refused.key, refused.arguments["point"]) == ("refusal.point_busy", "yen-bong")
        await bridge.join("phong-hop", "chi-ne", "khoan-du", "yen-bong")
        routes = bridge.routes()
        assert routes["chi-ne", "programme"] == "phong-hop"
        assert routes["yen-bong", "programme"] == "khoan-du"
        assert routes.get(("yen-bong", "thumb:phong-hop")) is None, "conferences stay apart"
        assert bridge.heard(one) == {"phong-hop"}
        assert bridge.heard(two) == {"khoan-du"}
        await bridge.do(one, c.End())
        await bridge.settle()
        assert bridge.routes()["chi-ne", "programme"] is None
        assert bridge.routes()["yen-bong", "programme"] == "khoan-du"
    await bridge.stop()
