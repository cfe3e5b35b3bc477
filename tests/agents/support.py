"""An endpoint agent that says what a test wants, message by message."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp

from bridge.conference.model import PointId
from tests.control_support import Bridge
from tests.waiting import HANG

POINT = "khoan-du"


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
        async with asyncio.timeout(HANG):
            while True:
                message: dict[str, Any] = await self.socket.receive_json()
                if message["type"] == kind:
                    return message

    async def closed(self) -> int:
        async with asyncio.timeout(HANG):
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
    async with asyncio.timeout(HANG):
        while not condition():  # noqa: ASYNC110 - what happens elsewhere has no event
            await asyncio.sleep(0.01)
