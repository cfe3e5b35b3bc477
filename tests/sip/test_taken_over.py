"""A codec's point that somebody else takes over: its call ends, and it comes again where it is the
bridge's own."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.sip import codec_point
from bridge.sip.codec_point import Codec
from tests.sip.test_codec_point import POINT, state
from tests.waiting import eventually

WELCOME = {"type": "welcome", "media": False, "slots": {"video": [], "audio": []}, "layers": []}


class Bridge:
    """A bridge that calls a point in, and ends its session when it is told to."""

    def __init__(self, reason: str, code: int) -> None:
        self._ended = {"type": "ended", "reason": reason, "sentence": {}}
        self._code = code
        self.logins = 0
        self.over = asyncio.Event()

    async def login(self, _: web.Request) -> web.Response:
        self.logins += 1
        return web.json_response({"session": f"s{self.logins}"})

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        await socket.send_json(WELCOME)
        await socket.send_json({**state("c1"), "seq": 1})
        await self.over.wait()
        self.over.clear()
        if self._ended["reason"]:
            await socket.send_json(self._ended)
        await socket.close(code=self._code)
        return socket

    def server(self) -> TestServer:
        app = web.Application()
        app.router.add_post("/api/v1/sessions", self.login)
        app.router.add_get("/api/v1/ws", self.socket)
        return TestServer(app)


@pytest.mark.parametrize(
    ("reason", "code", "again"),
    [
        ("taken_over", 4409, True),
        ("", 4409, True),
        ("too_slow", 1000, True),
        ("revoked", 4403, False),
    ],
)
async def test_a_codec_whose_point_is_taken_over_hangs_up_and_comes_again_where_it_is_the_bridges(
    reason: str, code: int, again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codec_point, "COME_AGAIN", 0.0)
    bridge = Bridge(reason, code)
    hung_up: list[object] = []
    async with bridge.server() as server:
        gateway = SimpleNamespace(
            setup=SimpleNamespace(
                url=str(server.make_url("")), listen="127.0.0.1", media_address=""
            ),
            element=SimpleNamespace(hang_up=hung_up.append),
            ready=False,
            owned=asyncio.Event(),
        )
        codec = Codec(cast("Any", gateway), POINT, None)
        try:
            await eventually(lambda: codec.peer.called)
            first = codec.peer
            codec.call = cast(
                "Any",
                SimpleNamespace(
                    call="the call", up=False, media=SimpleNamespace(close=lambda: None)
                ),
            )
            bridge.over.set()
            await eventually(lambda: hung_up)
            assert codec.call is None
            assert not first.called  # nobody is let in either, until it is the point again
            await eventually(first.ended.is_set)
            # Nobody keeps this gateway: the one of the host that leads has the point.
            assert (codec.peer, bridge.logins) == (first, 1)
            gateway.owned.set()
            if again:
                await eventually(lambda: codec.peer is not first and codec.peer.called)
                assert bridge.logins == 2
            else:
                await eventually(codec._run.done)
                assert bridge.logins == 1
        finally:
            await codec.close()
