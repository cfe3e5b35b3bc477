"""What a point's client tells a bridge by itself."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from endpoints.webrtc.client import BridgeClient
from tests.waiting import HANG


async def test_a_client_without_a_rooms_devices_says_that_it_makes_no_calls() -> None:
    """The readiness check would wait for its answer."""
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def login(_: web.Request) -> web.Response:
        return web.json_response({"session": "s"})

    async def converse(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive_json()
        await socket.send_json({"type": "call", "id": 7})
        async for message in socket:
            heard.put_nowait(message.json())
        return socket

    application = web.Application()
    application.router.add_post("/api/v1/sessions", login)
    application.router.add_get("/api/v1/ws", converse)
    async with TestServer(application) as server:
        client = BridgeClient(str(server.make_url("/")), "a", "key", lambda _: None)
        running = asyncio.create_task(client.run())
        async with asyncio.timeout(HANG):
            assert await heard.get() == {"type": "called", "id": 7, "made": False}
            await client.close()
            await running
