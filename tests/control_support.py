"""A control process whose worker only records what it is told. Time is set by hand."""

from __future__ import annotations

import asyncio
import io
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.test_utils import TestClient

from bridge.accounts import passwords
from bridge.app.process import ControlProcess
from bridge.base.roles import Role, User
from bridge.conference import commands as c
from bridge.conference.model import Actor, PointId, State
from bridge.control.draft import Done
from bridge.control.sessions import Session
from bridge.media import messages as m
from config.loader import load
from config.schema import Name, Point, Topology
from tests import databases
from tests.paths import ROOT
from tests.waiting import HANG

TOPOLOGY = load(ROOT / "config" / "lac-thuy.yaml")
CHROMIUM = (ROOT / "tests/signalling/fixtures/chromium-room.sdp").read_bytes().decode()
INVENTORY = m.Inventory(
    version=1,
    worker="w",
    fingerprint=m.Fingerprint(algorithm="sha-256", value="AB:CD"),
    addresses=(m.MediaAddress(host="127.0.0.1", port=5004),),
    transports=(),
    audio=(),
)

START = 1_795_000_000.0  # 2026-11-18: no conference of the topology's schedule is near
LAN = Actor(kind="user", name="lan", role="operator")
PASSWORD = "correct-horse-battery"


def with_database(url: str, topology: Topology = TOPOLOGY) -> Topology:
    bridge = topology.bridge.model_copy(
        update={
            "database": url,
            "web": topology.bridge.web.model_copy(update={"origins": ["https://console.example"]}),
        }
    )
    return topology.model_copy(update={"bridge": bridge})


def with_hls(**changes: Any) -> Topology:
    """A topology in which watching by HLS is allowed so."""
    audience = TOPOLOGY.bridge.audience
    allowed = audience.hls.model_copy(update=changes)
    bridge = TOPOLOGY.bridge.model_copy(
        update={"audience": audience.model_copy(update={"hls": allowed})}
    )
    return TOPOLOGY.model_copy(update={"bridge": bridge})


DESK, LAND, STATUS = "mot-cua-khoan-du", "can-bo-dia-chinh", "can-bo-ho-tich"


def with_desks(topology: Topology = TOPOLOGY) -> Topology:
    """A topology with a citizens' desk in a commune and two officers at the district."""
    made = {
        DESK: ("Bộ phận một cửa xã Khoan Dụ", "Khoan Dụ one-stop desk", "khoan-du"),
        LAND: ("Cán bộ địa chính", "Land officer", "huyen"),
        STATUS: ("Cán bộ hộ tịch", "Civil status officer", "huyen"),
    }
    desks = [
        Point(
            id=ident,
            name=Name(vi=vi, en=en),
            tier="desk",
            link=link,
            desk="citizen" if ident == DESK else "officer",
        )
        for ident, (vi, en, link) in made.items()
    ]
    return topology.model_copy(update={"points": [*topology.points, *desks]})


class Bridge:
    """A control process without a worker process."""

    client: TestClient[Any, Any]

    def __init__(
        self,
        state: Path,
        url: str = "",
        topology: Topology = TOPOLOGY,
        at: float = START,
        topology_file: Path | None = None,
    ) -> None:
        if not url:
            databases.put_migrated(state)
        self.now = 1000.0
        self.wall = at
        self.sent: list[m.Command] = []
        self.sent_to: dict[str, list[m.Command]] = defaultdict(list)
        self.process = ControlProcess(
            with_database(url, topology),
            state=state,
            folder=state,
            topology_file=topology_file,
            send=self._send,
            wall=lambda: self.wall,
            monotonic=lambda: self.now,
        )
        self.control = self.process.control
        self.conductor = self.process.conductor
        self.keys = self.process.keys
        self._task: asyncio.Task[None] | None = None
        self._tokens: dict[str, str] = {}

    def _send(self, worker: str, command: m.Command) -> None:
        self.sent.append(command)
        self.sent_to[worker].append(command)

    async def start(self, inventory: m.Inventory | None = INVENTORY) -> None:
        await self.process.prepare()
        self.http = self.process.http()
        self._task = asyncio.create_task(self.conductor.run())
        if inventory is not None:
            self.control.reconciler.on_event(inventory)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.process.engine.dispose()

    def pass_time(self, seconds: float) -> None:
        """Both clocks go on."""
        self.now += seconds
        self.wall += seconds

    async def settle(self) -> None:
        """Wait until everything that was asked is committed and told."""
        for _ in range(3):
            await self.conductor.submit("", c.Tick(), LAN)
            await asyncio.sleep(0)

    # --- conferences --------------------------------------------------------------------

    async def open(self, template: str = "giao-ban", *, start: bool = True) -> str:
        opened = await self.process.scheduler.open(
            self.process.scheduler.templates()[template], LAN
        )
        assert isinstance(opened, Done), opened
        if start:
            await self.do(opened.conference, c.Start())
        return opened.conference

    async def do(self, conference: str, command: c.Command, actor: Actor = LAN) -> Done:
        result = await self.conductor.submit(conference, command, actor)
        assert isinstance(result, Done), result
        return result

    def state(self, conference: str) -> State:
        return self.conductor.states[conference]

    # --- people -------------------------------------------------------------------------

    async def user(
        self, role: Role, name: str = "", *, points: tuple[str, ...] = (), change: bool = False
    ) -> str:
        """A bearer token of an account with a role; the account is made at the first call."""
        name = name or role
        if name not in self._tokens:
            user = User(name=name, role=role, points=points, must_change=change, created=self.wall)
            hashed = await asyncio.to_thread(passwords.hash_password, PASSWORD)
            await self.process.accounts.add_user(user, hashed, passwords.new_token())
            token, _ = await self.process.auth.login(name, PASSWORD, "127.0.0.1", "test")
            self._tokens[name] = token
        return self._tokens[name]

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        role: Role | None = None,
        token: str = "",
        data: bytes | io.BytesIO | None = None,
        headers: dict[str, str] | None = None,
    ) -> aiohttp.ClientResponse:
        """A call of the interface, as an account of a role."""
        sent = dict(headers or {})
        if role is not None:
            token = await self.user(role)
        if token:
            sent["Authorization"] = f"Bearer {token}"
        return await self.client.request(
            method, f"/api/v1{path}", json=body, data=data, headers=sent
        )

    async def login_session(self, role: Role) -> Session:
        """The session of a role's console."""
        response = await self.call("POST", "/sessions", {}, role=role)
        session = self.control.sessions.get((await response.json())["session"])
        assert session is not None
        return session

    # --- sessions -----------------------------------------------------------------------

    async def login(self, point: str | None, key: str | None = None) -> str:
        """A session's token: of a point, or of an operator's console."""
        if point is None:
            response = await self.call("POST", "/sessions", {}, role="operator")
        else:
            body = {"point": point, "key": key or self.keys[PointId(point)]}
            response = await self.client.post("/api/v1/sessions", json=body)
        assert response.status == 201, await response.text()
        token: str = (await response.json())["session"]
        return token

    async def connect(
        self, token: str, conference: str = "", last_seq: int = 0
    ) -> aiohttp.ClientWebSocketResponse:
        socket = await self.client.ws_connect("/api/v1/ws")
        await socket.send_json(
            {
                "type": "hello",
                "version": 2,
                "session": token,
                "conference": conference,
                "last_seq": last_seq,
            }
        )
        return socket

    async def offer(self, token: str, sdp: str = CHROMIUM) -> aiohttp.ClientResponse:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
        return await self.client.post("/api/v1/offer", data=sdp.encode(), headers=headers)

    def opened(self) -> list[m.Open]:
        return [item for item in self.sent if isinstance(item, m.Open)]

    def up(self, index: int = -1) -> None:
        self.control.reconciler.on_event(
            m.StateChanged(transport=self.opened()[index].transport, state="connected")
        )

    async def join(self, *points: str) -> dict[str, str]:
        """Sessions and media of points; returns their tokens."""
        tokens = {}
        for point in points:
            tokens[point] = await self.login(point)
            assert (await self.offer(tokens[point])).status == 201
            self.up()
        await self.settle()
        return tokens

    def routes(self) -> dict[tuple[str, str], str | None]:
        """What every slot shows by the last word of the control process: (label, slot) → label."""
        labels = {o.transport: o.label for o in self.opened()}
        found: dict[tuple[str, str], str | None] = {}
        for item in self.sent:
            if isinstance(item, m.SetRoutes):
                for route in item.routes:
                    source = labels.get(route.source.transport) if route.source else None
                    found[labels[route.transport], route.slot] = source
        return found

    def slot_of(self, receiver: str, point: str) -> str:
        """The thumbnail slot of a receiver in which a point stands."""
        session = self.control.sessions.of_point(receiver)
        assert session is not None
        stands = self.control.routes.stands(session.transport)
        return next(slot for slot, standing in stands.items() if standing == point)

    def heard(self, group: str) -> set[str]:
        """Labels of the microphones that a mix lets through."""
        labels = {o.transport: o.label for o in self.opened()}
        last = [s for s in self.sent if isinstance(s, m.SetAudio) and s.group == group][-1]
        return {labels[ref.transport] for ref in last.allowed}


async def until(socket: aiohttp.ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    """The next message of a kind; fails when the socket closes instead."""
    async with asyncio.timeout(HANG):
        while True:
            message = await socket.receive()
            assert message.type is aiohttp.WSMsgType.TEXT, (message, socket.close_code)
            document: dict[str, Any] = json.loads(message.data)
            if document["type"] == kind:
                return document


async def closed(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """The code of the server's close frame."""
    async with asyncio.timeout(HANG):
        while True:
            message = await socket.receive()
            if message.type is aiohttp.WSMsgType.CLOSE:
                return int(message.data)
            if message.type is not aiohttp.WSMsgType.TEXT:
                return socket.close_code
