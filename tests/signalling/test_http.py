"""The HTTP and WebSocket shell, with a worker that only records what it is told."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from bridge.conference import machine
from bridge.conference.model import PointId
from bridge.control import Control
from bridge.media import messages as m
from bridge.signalling.http import Http
from bridge.signalling.sessions import GRACE, Client, Sessions
from config.loader import load

TOPOLOGY = load(Path(__file__).parent.parent.parent / "config" / "lac-thuy.yaml")
CHROMIUM = (Path(__file__).parent / "fixtures" / "chromium-room.sdp").read_bytes().decode()
VIEWER_KEY = "viewer-key-of-sixteen"
KEYS = {PointId(p.id): f"key-of-{p.id}-0123456789" for p in TOPOLOGY.points}
INVENTORY = m.Inventory(
    version=1,
    worker="w",
    fingerprint=m.Fingerprint(algorithm="sha-256", value="AB:CD"),
    addresses=(m.MediaAddress(host="127.0.0.1", port=5004),),
    transports=(),
    audio=(),
)


class Bridge:
    """A control process without a worker process; time is set by hand."""

    def __init__(self) -> None:
        self.sent: list[m.Command] = []
        self.now = 1000.0
        tokens = itertools.count()
        sessions = Sessions(KEYS, VIEWER_KEY, lambda: f"token-{next(tokens)}-0123456789")
        self.control = Control(TOPOLOGY, sessions, self.sent.append, lambda: self.now)
        self.http = Http(self.control, ["https://console.example"])
        self.client: TestClient[Any, Any]

    async def login(self, point: str | None, key: str | None = None) -> str:
        body = {"point": point, "key": key or (KEYS[PointId(point)] if point else VIEWER_KEY)}
        response = await self.client.post("/api/v1/sessions", json=body)
        assert response.status == 201
        token: str = (await response.json())["session"]
        return token

    async def connect(self, token: str, last_seq: int = 0) -> aiohttp.ClientWebSocketResponse:
        socket = await self.client.ws_connect("/api/v1/ws")
        await socket.send_json(
            {"type": "hello", "version": 1, "session": token, "last_seq": last_seq}
        )
        return socket

    async def offer(self, token: str, sdp: str = CHROMIUM) -> aiohttp.ClientResponse:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
        return await self.client.post("/api/v1/offer", data=sdp.encode(), headers=headers)

    def opened(self) -> list[m.Open]:
        return [c for c in self.sent if isinstance(c, m.Open)]

    def up(self, index: int = -1) -> None:
        self.control.on_event(
            m.StateChanged(transport=self.opened()[index].transport, state="connected")
        )


@pytest.fixture
async def bridge() -> AsyncIterator[Bridge]:
    made = Bridge()
    made.control.on_event(INVENTORY)
    async with TestClient(TestServer(made.http.app)) as made.client:
        yield made


async def until(socket: aiohttp.ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    """The next message of a kind; fails when the socket closes instead."""
    async with asyncio.timeout(10):
        while True:
            message = await socket.receive()
            assert message.type is aiohttp.WSMsgType.TEXT, (message, socket.close_code)
            document: dict[str, Any] = json.loads(message.data)
            if document["type"] == kind:
                return document


async def closed(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """The code of the server's close frame."""
    async with asyncio.timeout(10):
        while True:
            message = await socket.receive()
            if message.type is aiohttp.WSMsgType.CLOSE:
                return int(message.data)
            if message.type is not aiohttp.WSMsgType.TEXT:
                return socket.close_code


# --- pages and guards ----------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/room", "/web/common/protocol.js", "/web/common/vi.json"])
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
        "/api/v1/sessions", json={"key": VIEWER_KEY}, headers={"Origin": origin}
    )
    assert response.status == 201


async def test_health(bridge: Bridge) -> None:
    assert (await bridge.client.get("/healthz")).status == 200
    bridge.control.on_worker_down()
    response = await bridge.client.get("/healthz")
    assert response.status == 503
    assert (await response.json())["title"].endswith(".")


# --- sessions ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"nonsense", 400),
        (b"[]", 400),
        (b"[" * 50_000, 400),
        (b'{"point": "khoan-du"}', 400),
        (b'{"point": 5, "key": "x"}', 400),
        (b'{"point": "khoan-du", "key": 5}', 400),
        (b'{"point": "khoan-du", "key": "wrong"}', 401),
        (b'{"point": "khoan-du", "key": ""}', 401),
        (b'{"point": "khoan-du", "key": "\\ud800"}', 401),
        (b'{"point": "nobody", "key": ""}', 401),
        (b'{"key": "wrong"}', 401),
        (b'{"point": "khoan-du", "key": "key-of-chi-ne-0123456789"}', 401),
        (b"x" * 600_000, 413),
    ],
)
async def test_keys(bridge: Bridge, body: bytes, status: int) -> None:
    response = await bridge.client.post("/api/v1/sessions", data=body)
    assert response.status == status
    document = await response.json()
    assert document["status"] == status
    assert document["title"].endswith((".", "}."))
    assert document["title_vi"]


async def test_a_second_session_takes_over_and_the_first_is_told(bridge: Bridge) -> None:
    first = await bridge.connect(await bridge.login("khoan-du"))
    await until(first, "welcome")
    old = bridge.control.sessions.of_point(PointId("khoan-du"))
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
    await socket.close()
    socket = await bridge.connect(token, state["seq"])
    welcome = await until(socket, "welcome")
    assert (welcome["resumed"], welcome["media"]) == (True, True)
    resumed = await until(socket, "state")
    assert resumed["seq"] > state["seq"]
    assert resumed["points"]["khoan-du"] == "in_session"


async def test_abandoned_sessions_end(bridge: Bridge) -> None:
    token = await bridge.login("khoan-du")
    bridge.now += GRACE + 1
    bridge.control.sweep()
    assert (await bridge.offer(token)).status == 401
    assert bridge.control.point_states()["khoan-du"] == "offline"


async def test_bye(bridge: Bridge) -> None:
    token = await bridge.login("khoan-du")
    socket = await bridge.connect(token)
    await bridge.offer(token)
    bridge.up()
    await socket.send_json({"type": "bye"})
    assert (await until(socket, "ended"))["reason"] == "bye"
    assert isinstance(bridge.sent[-2], m.Close) or isinstance(bridge.sent[-1], m.Close | m.SetAudio)
    assert bridge.control.state.present == frozenset()


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
    bridge.control.on_worker_down()
    assert (await bridge.offer(token)).status == 503


async def test_a_worker_that_dies_is_told_to_the_rooms(bridge: Bridge) -> None:
    token = await bridge.login("khoan-du")
    socket = await bridge.connect(token)
    await bridge.offer(token)
    bridge.up()
    while (await until(socket, "state"))["points"]["khoan-du"] != "in_session":
        pass
    bridge.control.on_worker_down()
    assert (await until(socket, "media"))["reason"] == "worker_restarted"
    while (await until(socket, "state"))["points"]["khoan-du"] != "connecting":
        pass
    bridge.control.on_event(INVENTORY)
    assert (await bridge.offer(token)).status == 201


async def test_a_restarted_control_process_adopts_what_the_worker_holds(bridge: Bridge) -> None:
    token = await bridge.login("khoan-du")
    await bridge.offer(token)
    bridge.up()
    spec = bridge.opened()[0]
    held = m.TransportState(
        transport=spec.transport,
        label=spec.label,
        state="connected",
        profile="",
        sources=(),
        slots=tuple(
            m.SlotState(name=s.name, kind=s.kind, wanted=None, shown=None) for s in spec.slots
        ),
    )
    stale = m.TransportState(
        transport="gone-1", label="nobody", state="connected", profile="", sources=(), slots=()
    )
    fresh = Bridge()
    fresh.control.on_event(
        m.Inventory(
            version=1,
            worker="w",
            fingerprint=INVENTORY.fingerprint,
            addresses=INVENTORY.addresses,
            transports=(held, stale),
            audio=(),
        )
    )
    assert fresh.control.state.present == {"khoan-du"}
    assert m.Close(transport="gone-1") in fresh.sent
    routes = next(c for c in fresh.sent if isinstance(c, m.SetRoutes))
    assert routes.routes[0].transport == spec.transport
    async with TestClient(TestServer(fresh.http.app)) as fresh.client:
        socket = await fresh.connect(await fresh.login("khoan-du"))
        assert (await until(socket, "welcome"))["media"] is True, "no new offer is needed"
        assert m.Close(transport=spec.transport) not in fresh.sent


def held(point: str, others: tuple[str, ...]) -> m.TransportState:
    """A connected transport of a point, each thumbnail showing its source."""

    def shows(other: str) -> m.SourceRef:
        return m.SourceRef(transport=f"{other}-0", name="camera")

    return m.TransportState(
        transport=f"{point}-0",
        label=point,
        state="connected",
        profile="",
        sources=(),
        slots=tuple(
            m.SlotState(name=f"thumb:{o}", kind="video", wanted=shows(o), shown=shows(o))
            for o in others
        ),
    )


async def test_adopting_never_empties_a_slot(bridge: Bridge) -> None:
    """What a worker shows goes on: no route takes a held source away, not even for a moment."""
    names = ("hoi-truong", "khoan-du", "chi-ne")
    fresh = Bridge()
    fresh.control.on_event(
        m.Inventory(
            version=1,
            worker="w",
            fingerprint=INVENTORY.fingerprint,
            addresses=INVENTORY.addresses,
            transports=tuple(held(n, tuple(o for o in names if o != n)) for n in names),
            audio=(),
        )
    )
    assert fresh.control.state.present == set(names)
    routes = [r for c in fresh.sent if isinstance(c, m.SetRoutes) for r in c.routes]
    assert len(routes) == 6
    assert all(r.source is not None for r in routes)
    mixes = [c for c in fresh.sent if isinstance(c, m.SetAudio)]
    assert [len(mix.members) for mix in mixes] == [3]
    session = fresh.control.sessions.of_point(PointId("chi-ne"))
    assert session is not None
    view = fresh.control.view(session)
    assert view.slots["thumb:khoan-du"].shown == "khoan-du"


# --- WebSocket -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not JSON",
        "[" * 20_000,
        '{"type": "take", "id": 1, "point": "\ud800"}'.encode("utf-8", "surrogatepass"),
        r'{"type": "take", "id": 1, "point": "\ud800"}',
        '{"type": "nonsense"}',
        '{"no": "type"}',
        '{"type": "take", "id": NaN, "point": "x"}',
        '{"type": "take", "id": 1e999, "point": "x"}',
        '{"type": "take", "id": 1, "point": 5}',
        '{"type": "take", "id": 1, "point": "x", "extra": 1}',
        '{"type": "report", "slots": ' + "[" * 40 + "]" * 40 + "}",
        "null",
        "5",
    ],
)
async def test_bad_messages_change_nothing(bridge: Bridge, text: str | bytes) -> None:
    token = await bridge.login(None)
    socket = await bridge.connect(token)
    await until(socket, "welcome")
    before = bridge.control.state
    if isinstance(text, bytes):
        await socket.send_frame(text, aiohttp.WSMsgType.TEXT)
        assert await closed(socket) == 1007  # not UTF-8: the protocol itself refuses it
    else:
        await socket.send_str(text)
        reply = await until(socket, "error")
        assert reply["sentence"]["vi"]
        assert reply["sentence"]["en"].endswith(".")
    assert bridge.control.state == before


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
    ['{"type": "take", "id": 1, "point": "chi-ne"}', "rubbish",
     '{"type": "hello", "version": 99, "session": "x"}'],
)  # fmt: skip
async def test_hello_comes_first(bridge: Bridge, first: str) -> None:
    socket = await bridge.client.ws_connect("/api/v1/ws")
    await socket.send_str(first)
    assert (await until(socket, "error"))["sentence"]["en"]
    assert await closed(socket) == 4400


async def test_takes(bridge: Bridge) -> None:
    room = await bridge.login("khoan-du")
    await bridge.offer(room)
    bridge.up()
    viewer = await bridge.connect(await bridge.login(None))
    welcome = await until(viewer, "welcome")
    assert welcome["may_take"] is True
    assert len(welcome["slots"]["video"]) == 14
    await viewer.send_json({"type": "take", "id": 7, "point": "khoan-du"})
    assert await until(viewer, "result") == {"type": "result", "id": 7, "ok": True, "error": None}
    while (await until(viewer, "state"))["on_air"] != "khoan-du":
        pass
    await viewer.send_json({"type": "take", "id": 8, "point": "chi-ne"})
    refused = await until(viewer, "result")
    assert refused["ok"] is False
    assert "chi-ne" in refused["error"]["vi"]
    await viewer.send_json({"type": "take", "id": 9, "point": "../../etc"})
    assert (await until(viewer, "result"))["ok"] is False
    point = await bridge.connect(room)
    await bridge.offer(await bridge.login("hoi-truong"))
    bridge.up()
    await point.send_json({"type": "take", "id": 1, "point": "hoi-truong"})
    refused = await until(point, "result")
    assert refused["ok"] is False
    assert refused["error"]["en"] == "This session may not direct the conference."
    assert bridge.control.state.on_air == "khoan-du"


async def test_a_slow_client_is_let_go_and_others_are_served(bridge: Bridge) -> None:
    token = await bridge.login(None)
    session = bridge.control.sessions.get(token)
    assert session is not None
    slow = Client()  # nobody empties its queue
    session.client = slow
    fast = await bridge.connect(await bridge.login(None))
    await until(fast, "welcome")
    for number in range(200):
        bridge.control.on_event(m.Levels(levels={}))
        bridge.control.state = bridge.control.state.__class__(
            chair=bridge.control.state.chair,
            points=bridge.control.state.points,
            on_air=bridge.control.points[number % 12],
        )
        bridge.control.publish()
        await asyncio.sleep(0)
    assert slow.overflowed
    assert slow.queue.qsize() <= 64
    await fast.send_json({"type": "take", "id": 1, "point": bridge.control.state.on_air})
    assert (await until(fast, "result"))["ok"] is True


async def test_observers_send_nothing(bridge: Bridge) -> None:
    point = PointId("yen-bong")
    bridge.control.state = machine.start(
        bridge.control.points, bridge.control.state.chair, frozenset({point})
    )
    assert (await bridge.offer(await bridge.login(point))).status == 201
    assert bridge.opened()[0].sources == ()
    assert bridge.opened()[0].slots
