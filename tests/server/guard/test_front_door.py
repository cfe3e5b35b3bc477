"""The door on real sockets: limits, deadlines, and a line of those who may come in."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bridge.app.listening import WebServer
from bridge.server.guard import front_door
from bridge.server.guard.admission import Admission, Limits
from tests.control_support import Bridge
from tests.waiting import HANG, eventually

ROOM, STRANGER = "127.0.0.7", "127.0.0.66"


class Served:
    """The bridge's pages behind a door with small limits."""

    def __init__(self, bridge: Bridge, allowed: Limits) -> None:
        self.server = WebServer(bridge.http.app, lambda address: address == ROOM)
        self.server.admission = Admission(allowed)
        self.port = 0

    async def raw(self, address: str = STRANGER) -> socket.socket:
        made = socket.socket()
        made.setblocking(False)
        made.bind((address, 0))
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_connect(made, ("127.0.0.1", self.port))
        except OSError:
            made.close()
            raise
        return made

    async def answers(self, address: str) -> bool:
        """Whether a request from an address is answered."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError), await self.raw(address) as made:
            await loop.sock_sendall(made, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return (await loop.sock_recv(made, 100)).startswith(b"HTTP/1.1 200")
        return False


async def ended(made: socket.socket) -> bool:
    """Wait until the other side has closed."""
    try:
        async with asyncio.timeout(HANG):
            return await asyncio.get_running_loop().sock_recv(made, 100) == b""
    except ConnectionError:
        return True


@pytest.fixture
async def served(bridge: Bridge) -> AsyncIterator[Served]:
    made = Served(bridge, Limits(total=12, strangers=6, stranger=4, known=6))
    config = bridge.process.topology.bridge.web.model_copy(update={"port": 0})
    url = await made.server.start(config, None)
    made.port = int(url.rpartition(":")[2])
    yield made
    await made.server.stop()


async def test_strangers_fill_nothing_but_what_is_theirs(served: Served) -> None:
    """1,600 connections of a stranger once kept everybody out."""
    held = []
    for number in range(20):
        with contextlib.suppress(OSError):
            held.append(await served.raw(f"127.0.0.{100 + number % 3}"))
    await eventually(lambda: sum(served.server.admission.refused.values()) >= 14)
    assert served.server.admission.total == 6
    assert not await served.answers("127.0.0.103")
    assert await served.answers(ROOM)
    for made in held:
        made.close()
    await eventually(lambda: served.server.admission.total == 0)
    assert await served.answers(STRANGER)


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ", b"GET /healthz HT"],
    ids=["nothing", "half a head", "half a line"],
)
async def test_who_does_not_finish_a_head_is_cut_off(
    served: Served, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """500 connections that dribbled once stayed for ever."""
    monkeypatch.setattr(front_door, "HEAD_TIMEOUT", 0.3)
    loop = asyncio.get_running_loop()
    with await served.raw() as made:
        await loop.sock_sendall(made, sent)
        assert await ended(made)
    with await served.raw() as made:  # a second request on the same connection
        await loop.sock_sendall(made, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert await loop.sock_recv(made, 4096)
        await loop.sock_sendall(made, sent or b"G")
        assert await ended(made)
    await eventually(lambda: served.server.admission.total == 0)


async def test_a_body_that_dribbles_ends(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    from bridge.server.api import routes

    monkeypatch.setattr(routes, "BODY_TIMEOUT", 0.1)
    monkeypatch.setattr(routes, "BODY_RATE", 1 << 30)
    loop = asyncio.get_running_loop()
    with await served.raw() as made:
        head = b"POST /api/v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
        await loop.sock_sendall(made, head + b"Content-Type: application/json\r\n\r\n{")
        assert (await loop.sock_recv(made, 4096)).startswith(b"HTTP/1.1 408")


async def test_a_websocket_outlives_the_deadline_of_heads(
    served: Served, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front_door, "HEAD_TIMEOUT", 0.2)
    token = await bridge.login(None)
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"http://127.0.0.1:{served.port}/api/v1/ws") as ws,
    ):
        await ws.send_json({"type": "hello", "version": 2, "session": token})
        assert (await ws.receive_json())["type"] == "welcome"
        await asyncio.sleep(0.5)
        await ws.send_json({"type": "watch", "conference": "x"})
        await ws.send_str("rubbish")
        while (await ws.receive_json())["type"] != "error":
            pass


async def test_idle_websockets_leave_no_tracebacks(
    served: Served,
    bridge: Bridge,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """2,000 of them once left 4,117 in the log."""
    from bridge.server import agent_socket, websocket

    for module in (websocket, agent_socket):
        monkeypatch.setattr(module, "HELLO_TIMEOUT", 0.2)
        monkeypatch.setattr(module, "CLOSE_TIMEOUT", 0.2)
    loop = asyncio.get_running_loop()
    open_ = []
    for path in (b"/api/v1/ws", b"/api/v1/agent") * 2:
        made = await served.raw()
        await loop.sock_sendall(
            made,
            b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        assert (await loop.sock_recv(made, 4096)).startswith(b"HTTP/1.1 101")
        open_.append(made)
    for made in open_[:2]:  # two go without a word, two stay
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, front_door.RESET)
        made.close()
    await eventually(lambda: served.server.admission.total == 0)
    for made in open_:
        made.close()
    assert [r for r in caplog.records if r.exc_info or r.levelname == "ERROR"] == []


def test_the_unit_lets_enough_files_be_open() -> None:
    from bridge.app.listening import FILES, raise_open_files
    from tests.paths import ROOT

    unit = (ROOT / "docs" / "systemd" / "diem-cau.service").read_text("utf-8")
    (line,) = [line for line in unit.splitlines() if line.startswith("LimitNOFILE=")]
    assert int(line.partition("=")[2]) >= FILES
    assert raise_open_files() > 0
    assert Path("/proc/self/limits").exists()
