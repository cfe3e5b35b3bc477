"""The HTTP and WebSocket shell: sessions, offer → answer, pages. docs/protocol.md."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from bridge.conference.model import PointId
from bridge.control import Control
from bridge.signalling import protocol
from bridge.signalling.problems import problem
from bridge.signalling.sdp import MAX_SDP, SdpError
from bridge.signalling.sessions import Client, Session
from bridge.texts import sentence

log = logging.getLogger("http")

WEB = Path(__file__).parent.parent / "web"
MAX_BODY = MAX_SDP + 1024
HELLO_TIMEOUT = 10.0  # seconds from the opening of a WebSocket to its hello
HEARTBEAT = 4.0  # seconds between pings; a vanished page is noticed within twice that
SEND_TIMEOUT = 10.0  # seconds a client may not read
MAX_BAD_MESSAGES = 20  # unusable messages on one connection until it is closed
CLOSE_UNKNOWN_SESSION = 4401
CLOSE_PROTOCOL = 4400
CLOSE_TAKEN_OVER = 4409
CLOSE_TOO_SLOW = 4408

# No page loads anything from elsewhere, and nothing may frame a page.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "media-src 'self' blob: mediastream:; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Http:
    """Routes around one `Control`."""

    def __init__(self, control: Control, origins: list[str]) -> None:
        self.control = control
        self._origins = {origin.rstrip("/").lower() for origin in origins}
        self.app = web.Application(middlewares=[self._guard], client_max_size=MAX_BODY)
        self.app.add_routes(
            [
                web.post("/api/v1/sessions", self.create_session),
                web.post("/api/v1/offer", self.offer),
                web.get("/api/v1/ws", self.websocket),
                web.get("/healthz", self.healthz),
                web.get("/", self._page("demo")),
                web.get("/room", self._page("room")),
                web.static("/web", WEB, append_version=False),
            ]
        )

    # --- guards -------------------------------------------------------------------------

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self._same_origin(request):
            return problem(403, "http.foreign_origin")
        try:
            response = await handler(request)
        except web.HTTPRequestEntityTooLarge:
            return problem(413, "http.too_large")
        except web.HTTPException as error:
            if error.status < 400:
                raise
            response = problem(error.status, "http.not_found", path=request.path)
        if not isinstance(response, web.WebSocketResponse):
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
        return response

    def _same_origin(self, request: web.Request) -> bool:
        """Browsers name the page's origin; it must be ours (or configured). Programs that are
        no browsers send none: they cannot be tricked by a page."""
        origin = request.headers.get("Origin")
        if origin is None:
            return True
        host = urlsplit(origin).netloc.lower()
        return host == request.host.lower() or origin.rstrip("/").lower() in self._origins

    def _session(self, request: web.Request) -> Session | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        return self.control.sessions.get(token.strip())

    # --- handlers -----------------------------------------------------------------------

    async def healthz(self, _: web.Request) -> web.Response:
        if not self.control.worker_ready:
            return problem(503, "http.no_worker")
        return web.json_response({"ok": True})

    async def create_session(self, request: web.Request) -> web.Response:
        """``{"point": "khoan-du", "key": "…"}`` → 201 ``{"session": "…"}``. A missing point
        asks for a viewer's session."""
        try:
            body = json.loads(await request.text())
        except (ValueError, RecursionError):
            return problem(400, "protocol.not_json")
        if not isinstance(body, dict) or not isinstance(body.get("key"), str):
            return problem(400, "http.session_body")
        name = body.get("point")
        if name is not None and not isinstance(name, str):
            return problem(400, "http.session_body")
        point = PointId(name) if name is not None else None
        if not self.control.sessions.admits(point, body["key"]):
            log.warning("a wrong key was shown for %r", name if point is not None else "viewer")
            return problem(401, "http.wrong_key")
        session = self.control.open_session(point)
        return web.json_response({"session": session.token}, status=201)

    async def offer(self, request: web.Request) -> web.Response:
        """An SDP offer → 201 with the answer."""
        session = self._session(request)
        if session is None:
            return problem(401, "http.no_session")
        if request.content_type != "application/sdp":
            return problem(415, "http.not_sdp")
        try:
            text = (await request.read()).decode("utf-8")
            answer = self.control.offer(session, text)
        except UnicodeDecodeError:
            return problem(400, "http.bad_sdp", detail="The SDP is not UTF-8.")
        except SdpError as error:
            return problem(400, "http.bad_sdp", detail=str(error))
        except LookupError:
            return problem(503, "http.no_worker")
        return web.Response(status=201, content_type="application/sdp", text=answer)

    def _page(self, name: str) -> Handler:
        path = WEB / name / "index.html"

        async def handle(_: web.Request) -> web.StreamResponse:
            return web.FileResponse(path)

        return handle

    # --- WebSocket ----------------------------------------------------------------------

    async def websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Hello, then messages both ways; one writer task owns the sending side."""
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT, max_msg_size=protocol.MAX_MESSAGE, compress=False
        )
        await socket.prepare(request)
        session = await self._greet(socket)
        if session is None:
            return socket
        client = Client()
        if session.client is not None:
            session.client.finish()  # the same page, on a new connection
        resumed = session.last_state is not None
        session.client = client
        client.post(self.control.welcome(session, resumed=resumed))
        if session.last_state is not None:
            client.post(session.last_state)
        self.control.publish()
        writer = asyncio.create_task(self._write(socket, client))
        try:
            await self._read(socket, session, client)
        finally:
            client.finish()
            await asyncio.gather(writer, return_exceptions=True)
            if session.client is client:
                session.client = None
                session.idle_since = time.monotonic()
                self.control.publish()
        return socket

    async def _greet(self, socket: web.WebSocketResponse) -> Session | None:
        try:
            message = await socket.receive(timeout=HELLO_TIMEOUT)
            hello = protocol.decode(message.data) if message.type is WSMsgType.TEXT else None
        except (TimeoutError, protocol.BadMessage):
            hello = None
        if not isinstance(hello, protocol.Hello) or hello.version != protocol.VERSION:
            error = protocol.Error(sentence=sentence("protocol.hello_first"))
            if not socket.closed:
                await socket.send_str(protocol.encode(error))
            await socket.close(code=CLOSE_PROTOCOL, message=b"hello expected")
            return None
        session = self.control.sessions.get(hello.session)
        if session is None:
            await socket.close(code=CLOSE_UNKNOWN_SESSION, message=b"unknown session")
        return session

    async def _read(self, socket: web.WebSocketResponse, session: Session, client: Client) -> None:
        bad = 0
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                bad += 1
                client.post(protocol.Error(sentence=sentence("protocol.not_json")))
            else:
                try:
                    self._handle(protocol.decode(message.data), session, client)
                except protocol.BadMessage as error:
                    bad += 1
                    arguments = {"detail": error.detail} if error.detail else {}
                    client.post(protocol.Error(sentence=sentence(error.key, **arguments)))
            if bad > MAX_BAD_MESSAGES:
                await socket.close(code=CLOSE_PROTOCOL, message=b"too many bad messages")

    def _handle(self, message: protocol.FromClient, session: Session, client: Client) -> None:
        match message:
            case protocol.Take():
                error = (
                    self.control.take(message.point)
                    if session.may_take
                    else sentence("refusal.not_allowed")
                )
                client.post(protocol.Result(id=message.id, ok=error is None, error=error))
            case protocol.Report():
                for report in message.slots:
                    session.reports[report.slot] = report
            case protocol.Bye():
                client.post(protocol.Ended(reason="bye", sentence=sentence("ended.bye")))
                client.finish()
                self.control.end_session(session)
            case protocol.Hello():
                raise protocol.BadMessage("protocol.hello_once")

    async def _write(self, socket: web.WebSocketResponse, client: Client) -> None:
        """Empty the client's queue; a client that does not read is cut off."""
        code, reason = 1000, b""
        try:
            while True:
                message = await client.queue.get()
                if message is None or client.overflowed:
                    break
                async with asyncio.timeout(SEND_TIMEOUT):
                    await socket.send_str(protocol.encode(message))
                if isinstance(message, protocol.Ended):
                    taken = message.reason == "taken_over"
                    code = CLOSE_TAKEN_OVER if taken else 1000
        except (ConnectionError, TimeoutError, RuntimeError):
            client.overflowed = True
        if client.overflowed:
            code, reason = CLOSE_TOO_SLOW, b"too slow"
        try:
            async with asyncio.timeout(1):
                await socket.close(code=code, message=reason)
        except TimeoutError:
            pass
