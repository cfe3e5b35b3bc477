"""The agent's WebSocket connection to the bridge (docs/agent-protocol.md)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable
from typing import Any

import aiohttp

from bridge.base.liveness import Liveness, cut, keep_asking
from bridge.base.patience import patiently
from endpoints.webrtc.client import ANSWER_TIMEOUT, NO_TIMEOUT, RETRY
from endpoints.webrtc.known_hosts import Hosts, Quiet

log = logging.getLogger("agent")

VERSION = 1
ASK_EVERY = 1.0  # seconds between pings to the bridge
CLOSE_KEY, CLOSE_BUSY = 4403, 4409
BUSY_WAIT = 30.0  # seconds until another try while another agent of the point is there


class KeyRevoked(Exception):
    """The bridge does not know the agent's key, or not any more: trying again is of no use."""


class AgentLink:
    """Keeps the agent connected to the bridge until `close`. ``on_message`` gets every message,
    ``on_link`` True or False when the connection comes up or is lost."""

    def __init__(
        self,
        hosts: Hosts,
        point: str,
        key: str,
        version: str,
        on_message: Callable[[dict[str, Any]], None],
        on_link: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._hosts = hosts
        self.point = point
        self.key = key
        self._version = version
        self._on_message = on_message
        self._on_link = on_link
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._closed = False

    async def run(self) -> None:
        """Connect, and again whenever the connection is lost. Raises `KeyRevoked`."""
        tries = 0
        async with aiohttp.ClientSession(timeout=NO_TIMEOUT) as http:
            while not self._closed:
                await asyncio.sleep(RETRY[min(tries, len(RETRY) - 1)])
                tries += 1
                try:
                    await self._hosts.follow(http)
                    code = await self._converse(http)
                except (aiohttp.ClientError, OSError, TimeoutError) as error:
                    log.info("no connection to the bridge: %s", error)
                    continue
                if code == CLOSE_KEY:
                    raise KeyRevoked
                if code == CLOSE_BUSY:
                    log.warning("another agent of this point is connected")
                    await asyncio.sleep(BUSY_WAIT)
                else:
                    tries = 0 if code == 0 else tries

    async def _converse(self, http: aiohttp.ClientSession) -> int:
        """One connection's life: the bridge's close code, 0 where it got as far as a welcome
        and simply ended."""
        greeted = False
        opening = http.ws_connect(
            f"{self._hosts.url}/api/v1/agent", autoping=False, ssl=self._hosts.tls
        )
        async with await patiently(opening, ANSWER_TIMEOUT) as socket:
            await socket.send_json(
                {
                    "type": "hello",
                    "version": VERSION,
                    "point": self.point,
                    "key": self.key,
                    "agent": self._version,
                }
            )
            code = 0
            liveness = Liveness()
            gone = cut(socket.get_extra_info("socket"))
            quiet = Quiet(self._hosts, http, gone)
            jobs = keep_asking(liveness, socket.ping, gone, ASK_EVERY), quiet.watch()
            asking = [asyncio.create_task(job) for job in jobs]
            try:
                while True:
                    message = await socket.receive()
                    liveness.heard()
                    quiet.heard()
                    if message.type is aiohttp.WSMsgType.PING:
                        await socket.pong(message.data)
                    if message.type in (aiohttp.WSMsgType.PING, aiohttp.WSMsgType.PONG):
                        continue
                    if message.type is aiohttp.WSMsgType.CLOSE:
                        code = message.data or 0
                        continue
                    if socket.closed or message.type is not aiohttp.WSMsgType.TEXT:
                        break
                    document = json.loads(message.data)
                    if document["type"] == "welcome":
                        greeted = True
                        self._hosts.learn(document.get("hosts"))
                        self._socket = socket
                        self._on_link(True)
                    self._on_message(document)
            finally:
                for task in asking:
                    task.cancel()
                self._socket = None
                if greeted:
                    self._on_link(False)
        return code if code in (CLOSE_KEY, CLOSE_BUSY) else 0 if greeted else 1

    @property
    def connected(self) -> bool:
        return self._socket is not None

    async def send(self, message: dict[str, Any]) -> None:
        """Send a message; one that cannot be sent now is dropped."""
        if self._socket is not None and not self._socket.closed:
            with contextlib.suppress(ConnectionError, aiohttp.ClientError):
                await self._socket.send_json(message)

    async def close(self) -> None:
        """Leave for good."""
        self._closed = True
        await self.send({"type": "bye"})
        if self._socket is not None:
            await self._socket.close()
