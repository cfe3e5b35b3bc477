"""A client of the bridge's interface for points: session, WebSocket, offer. Its counterpart for
pages is bridge/web/common/protocol.js; docs/protocol.md describes the protocol."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import aiohttp

from bridge.base.liveness import Liveness, cut, keep_asking
from bridge.base.patience import patiently
from endpoints.webrtc.known_hosts import Hosts, Quiet

# Seconds until the next try; the last repeats. Close together at first: a control process that
# was restarted is back within two seconds.
RETRY = (0.0, 0.3, 0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 2.0, 5.0)
ANSWER_TIMEOUT = 8.0  # seconds of patience with an answer
# aiohttp's own goes by the clock: a busy machine would ask anew for what has come already.
NO_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=ANSWER_TIMEOUT)
ASK_EVERY = 2.0  # seconds between pings to the bridge
UNKNOWN_SESSION = 4401
TAKEN_OVER = 4409
REVOKED = 4403


class Refused(Exception):
    """The bridge refused a request; the text is its error document's."""

    def __init__(self, status: int, document: dict[str, Any]) -> None:
        super().__init__(f"{status}: {document.get('detail') or document.get('title')}")
        self.status = status


class BridgeClient:
    """Keeps one WebSocket to the bridge open until `close`, or until the bridge ends the session.

    ``on_message`` gets every message as a dict.
    """

    def __init__(
        self,
        url: str,
        point: str,
        key: str,
        on_message: Callable[[dict[str, Any]], None],
        *,
        kind: str = "",
        tls: ssl.SSLContext | None = None,
        known: Iterable[str] = (),
    ) -> None:
        """``kind`` "echo" is a test call, which sees and hears itself. ``known`` are the hosts of
        the bridge, where they were told before."""
        self._kind = kind
        self.hosts = Hosts(url, known, tls)
        """The hosts of the bridge, and the one that is followed."""
        self._point = point
        self._key = key
        self._on_message = on_message
        self._session = ""
        self._last_seq = 0
        self._http: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._next_id = 0
        self._results: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._over = False
        self.ended = asyncio.Event()
        """Set once the bridge has ended the session for good: somebody else is the point, say."""
        self._asking: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Connect, and connect again whenever the connection is lost."""
        tries = 0
        async with aiohttp.ClientSession(timeout=NO_TIMEOUT) as self._http:
            try:
                while not self._over:
                    self._ask()
                    await asyncio.sleep(RETRY[min(tries, len(RETRY) - 1)])
                    tries += 1
                    try:
                        await self.hosts.follow(self._http)
                        if not self._session:
                            await self._login()
                        if await self._converse():
                            tries = 0
                    except (aiohttp.ClientError, OSError, TimeoutError, Refused):
                        continue
            finally:
                self._ask()

    async def _login(self) -> None:
        body: dict[str, Any] = {"point": self._point, "key": self._key}
        if self._kind:
            body["kind"] = self._kind
        answer = await self._post("/api/v1/sessions", json.dumps(body), "application/json")
        self._session = json.loads(answer)["session"]
        self._last_seq = 0

    async def _converse(self) -> bool:
        """One WebSocket's life; True where it got as far as a welcome."""
        assert self._http is not None
        greeted = False
        url = f"{self.hosts.url}/api/v1/ws"
        opening = self._http.ws_connect(url, autoping=False, ssl=self.hosts.tls)
        async with await patiently(opening, ANSWER_TIMEOUT) as socket:
            self._socket = socket
            await socket.send_json(
                {
                    "type": "hello",
                    "version": 2,
                    "session": self._session,
                    "last_seq": self._last_seq,
                }
            )
            code: int | None = None
            liveness = Liveness()
            gone = cut(socket.get_extra_info("socket"))
            quiet = Quiet(self.hosts, self._http, gone)
            self._ask(keep_asking(liveness, socket.ping, gone, ASK_EVERY), quiet.watch())
            while True:
                message = await socket.receive()
                liveness.heard()
                quiet.heard()
                if message.type is aiohttp.WSMsgType.PING:
                    await socket.pong(message.data)
                if message.type in (aiohttp.WSMsgType.PING, aiohttp.WSMsgType.PONG):
                    continue
                if message.type is aiohttp.WSMsgType.CLOSE:
                    code = message.data  # close_code is not kept where the peer hangs up first
                    continue
                if socket.closed or message.type is not aiohttp.WSMsgType.TEXT:
                    break
                document = json.loads(message.data)
                greeted = True
                match document["type"]:
                    case "welcome":
                        self.hosts.learn(document.get("hosts"))
                    case "state":
                        self._last_seq = document["seq"]
                    case "ended":
                        self._over = True
                        self.ended.set()
                    case "call":  # only pages have devices of a room to call with
                        await self.send({"type": "called", "id": document["id"], "made": False})
                    case "result":
                        future = self._results.pop(document["id"], None)
                        if future is not None and not future.done():
                            future.set_result(document)
                self._on_message(document)
            self._socket = None
            self._ask()
            if code == UNKNOWN_SESSION:
                self._session = ""
            if code in (TAKEN_OVER, REVOKED):
                self._over = True
                self.ended.set()
        return greeted

    def _ask(self, *jobs: Coroutine[Any, Any, None]) -> None:
        """Ask whether the bridge is there, on the present socket only."""
        for task in self._asking:
            task.cancel()
        self._asking = [asyncio.create_task(job) for job in jobs]

    async def send(self, message: dict[str, Any]) -> None:
        """Send a message; one that cannot be sent now is dropped."""
        if self._socket is not None and not self._socket.closed:
            with contextlib.suppress(ConnectionError, aiohttp.ClientError):
                await self._socket.send_json(message)

    async def command(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a command and return its result."""
        self._next_id += 1
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._results[self._next_id] = future
        await self.send({**message, "id": self._next_id})
        return await patiently(future, ANSWER_TIMEOUT)

    async def offer(self, sdp: str, *, beside: bool = False) -> str:
        """Exchange an offer for an answer; ``beside`` the media so far, which play on. Raises
        `Refused`."""
        path = "/api/v1/offer?beside=1" if beside else "/api/v1/offer"
        return await self._post(path, sdp, "application/sdp")

    async def _post(self, path: str, body: str, content_type: str) -> str:
        status, text = await patiently(self._answer(path, body, content_type), ANSWER_TIMEOUT)
        if status >= 400:
            try:
                document = json.loads(text)
            except ValueError:
                document = {"title": text[:200]}
            if status == 401:
                self._session = ""
            raise Refused(status, document)
        return text

    async def _answer(self, path: str, body: str, content_type: str) -> tuple[int, str]:
        assert self._http is not None
        headers = {"Content-Type": content_type}
        if self._session:
            headers["Authorization"] = f"Bearer {self._session}"
        async with self._http.post(
            self.hosts.url + path, data=body, headers=headers, ssl=self.hosts.tls
        ) as response:
            return response.status, await response.text()

    async def close(self) -> None:
        """Leave for good."""
        self._over = True
        await self.send({"type": "bye"})
        if self._socket is not None:
            await self._socket.close()
