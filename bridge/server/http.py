"""The HTTP and WebSocket shell: pages, sessions, offer → answer. docs/protocol.md."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from aiohttp import WSMsgType, web

from bridge.accounts import passwords
from bridge.accounts.auth import Denied
from bridge.base.i18n import sentence
from bridge.conference import commands as c
from bridge.conference.model import Refusal
from bridge.conference.typed import parse
from bridge.control.conductor import Done
from bridge.control.sessions import Client, Session
from bridge.server import runbooks
from bridge.server.agent_socket import AgentSockets
from bridge.server.api import admin, conferences, lines, people, points, readiness
from bridge.server.api.routes import MAX_BACKUP_BODY, Call, Route, Table, read_bounded, token_of
from bridge.server.api.services import Services
from bridge.server.problems import problem
from bridge.signalling import protocol
from bridge.signalling.sdp import MAX_SDP, SdpError
from bridge.store.accounts import StoredSession
from bridge.store.database import FAULTS

log = logging.getLogger("http")

WEB = Path(__file__).parent.parent / "web"
PAGES = {
    "/console": "console",
    "/room": "room",
    "/status": "status",
    "/admin": "admin",
    "/report": "report",
    "/ready": "ready",
    "/lines": "lines",
}
HELLO_TIMEOUT = 10.0  # seconds from the opening of a WebSocket to its hello
HEARTBEAT = 4.0  # seconds between pings; a vanished page is noticed within twice that
SEND_TIMEOUT = 10.0  # seconds a client may not read
MAX_BAD_MESSAGES = 20  # unusable messages on one connection until it is closed
MAX_REPORTS = 600  # slots that a receiver may report: 500 points and some
LOG_PAGE = 5000  # events that a console is sent at once
CLOSE_UNKNOWN_SESSION = 4401
CLOSE_PROTOCOL = 4400
CLOSE_TAKEN_OVER = 4409
CLOSE_REVOKED = 4403
CLOSE_TOO_SLOW = 4408
FINAL = {"taken_over": CLOSE_TAKEN_OVER, "revoked": CLOSE_REVOKED, "logged_out": CLOSE_REVOKED}

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
Short = Annotated[str, msgspec.Meta(max_length=200)]


class SessionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A point with its device key; or, for who is logged in, a console or a self-test."""

    point: Short | None = None
    key: Short = ""
    kind: Literal["console", "echo"] = "console"


class SessionAnswer(msgspec.Struct, frozen=True):
    """The token of the session: for the WebSocket's hello, and as bearer of an offer."""

    session: str


class Http:
    """Routes around the `Services`."""

    def __init__(self, services: Services, origins: list[str], agents: AgentSockets) -> None:
        self.services = services
        self.control = services.control
        self._origins = {origin.rstrip("/").lower() for origin in origins}
        self.app = web.Application(middlewares=[self._guard], client_max_size=MAX_BACKUP_BODY)
        table = Table(
            services,
            [
                *self._routes(),
                *conferences.ROUTES,
                *people.ROUTES,
                *points.ROUTES,
                *lines.ROUTES,
                *readiness.ROUTES,
                *admin.ROUTES,
            ],
        )
        services.routes = lambda: table.routes
        table.install(self.app)
        self.app.add_routes(
            [
                web.get("/api/v1/ws", self.websocket),
                web.get("/api/v1/agent", agents.websocket),
                web.get("/healthz", self.healthz),
                web.get("/", self.index),
                *(web.get(path, self._page(name)) for path, name in PAGES.items()),
                web.get("/runbooks", runbooks.show),
                web.get("/runbooks/{name}", runbooks.show),
                web.static("/web", WEB, append_version=False),
            ]
        )

    def _routes(self) -> list[Route]:
        return [
            Route(
                "POST",
                "/api/v1/sessions",
                self.create_session,
                "public",
                "Open a session for signalling and media",
                SessionBody,
                SessionAnswer,
                201,
            ),
            Route(
                "POST",
                "/api/v1/offer",
                self.offer,
                "public",
                "Exchange an SDP offer for an answer; bearer: the session",
                status=201,
                media_type="application/sdp",
                headers=("Authorization",),
            ),
        ]

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
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            response = problem(500, "http.fault")
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

    # --- pages --------------------------------------------------------------------------

    async def index(self, _: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/console")

    async def healthz(self, _: web.Request) -> web.Response:
        if not self.control.worker_ready:
            return problem(503, "http.no_worker")
        return web.json_response({"ok": True, "unsaved": self.services.conductor.unsaved})

    def _page(self, name: str) -> Handler:
        path = WEB / name / "index.html"

        async def handle(_: web.Request) -> web.StreamResponse:
            return web.FileResponse(path)

        return handle

    # --- sessions -----------------------------------------------------------------------

    async def create_session(self, call: Call) -> SessionAnswer:
        body: SessionBody = call.body
        token = passwords.new_token()
        if body.point is not None and body.kind == "echo":
            session = await self._test_session(call, body.point, body.key, token)
        elif body.point is not None:
            session = await self._point_session(call, body.point, body.key, token)
        else:
            session = await self._user_session(call, body.kind, token)
        self.control.add_session(session)
        try:
            await self.services.accounts.add_session(
                StoredSession(
                    id=session.id,
                    point=session.point,
                    device=session.device,
                    login=session.login,
                    user=session.user,
                    role=session.role,
                    created=session.created,
                )
            )
        except FAULTS as error:  # it works, and will not outlive a restart
            log.error("a session could not be saved: %s", type(error).__name__)
        return SessionAnswer(token)

    async def _point_session(self, call: Call, point: str, key: str, token: str) -> Session:
        if point not in self.control.points:
            raise Denied(401, "http.wrong_key")
        device = await self.services.auth.device(point, key, call.address)
        if not self.control.may_take_over(point, device.id):
            self.control.notice("notice.second_device", point=point, device=device.name)
            await self.services.auth.note(
                f"point:{point}", call.address, "session", device.id, "point busy"
            )
            raise Denied(409, "http.point_busy", point=point)
        return Session(
            token,
            passwords.digest(token),
            "point",
            point,
            "point",
            self.services.conductor.now(),
            device=device.id,
        )

    async def _test_session(self, call: Call, point: str, key: str, token: str) -> Session:
        """A test call of a point's agent: it sees and hears itself, beside the point's page."""
        if point not in self.control.points:
            raise Denied(401, "http.wrong_key")
        device = await self.services.auth.device(point, key, call.address)
        return Session(
            token,
            passwords.digest(token),
            "echo",
            None,
            "point",
            self.services.conductor.now(),
            device=device.id,
        )

    async def _user_session(self, call: Call, kind: str, token: str) -> Session:
        identity = await self.services.auth.identify(token_of(call.request)[0])
        if identity is None:
            raise Denied(401, "account.log_in")
        if identity.user.must_change:
            raise Denied(403, "account.change_first")
        user = identity.user
        if not user.may("watch") and kind == "console":
            raise Denied(403, "account.no_right")
        return Session(
            token,
            passwords.digest(token),
            kind,
            None,
            user.role,
            self.services.conductor.now(),
            user=user.name,
            login=identity.login,
        )

    async def offer(self, call: Call) -> web.Response:
        """An SDP offer → 201 with the answer."""
        token, by_cookie = token_of(call.request)
        session = None if by_cookie else self.control.sessions.get(token)
        if session is None:
            raise Denied(401, "http.no_session")
        if call.request.content_type != "application/sdp":
            raise Denied(415, "http.not_sdp")
        try:
            text = (await read_bounded(call.request, MAX_SDP + 1024)).decode("utf-8")
            answer = self.control.offer(session, text)
        except UnicodeDecodeError:
            return problem(400, "http.bad_sdp", detail="The SDP is not UTF-8.")
        except SdpError as error:
            return problem(400, "http.bad_sdp", detail=str(error))
        except LookupError:
            raise Denied(503, "http.no_worker") from None
        return web.Response(status=201, content_type="application/sdp", text=answer)

    # --- WebSocket ----------------------------------------------------------------------

    async def websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Hello, then messages both ways; one writer task owns the sending side."""
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT, max_msg_size=protocol.MAX_MESSAGE, compress=False
        )
        await socket.prepare(request)
        greeted = await self._greet(socket)
        if greeted is None:
            return socket
        session, hello = greeted
        client = Client()
        if session.client is not None:
            session.client.finish()  # the same page, on a new connection
        resumed = session.last_state is not None
        session.client = client
        client.post(self.control.welcome(session, resumed=resumed))
        session.last_state = None
        self.control.publish()
        writer = asyncio.create_task(self._write(socket, client))
        try:
            if session.may("watch"):
                await self._watch(session, hello.conference, hello.last_seq)
            await self._read(socket, session, client)
        finally:
            # First what must happen: this task may be cancelled while it waits.
            if session.client is client:
                session.client = None
                session.idle_since = self.control.clock()
                self.control.publish()
            client.finish()
            await asyncio.gather(writer, return_exceptions=True)
        return socket

    async def _greet(self, socket: web.WebSocketResponse) -> tuple[Session, protocol.Hello] | None:
        try:
            message = await socket.receive(timeout=HELLO_TIMEOUT)
            hello = protocol.decode(message.data) if message.type is WSMsgType.TEXT else None
        except (TimeoutError, protocol.BadMessage):
            hello = None
        if not isinstance(hello, protocol.Hello) or hello.version != protocol.VERSION:
            error = protocol.Error(sentence=sentence("protocol.hello_first"))
            self.control.observer.hung_up("no_hello")
            if not socket.closed:
                await socket.send_str(protocol.encode(error))
            await socket.close(code=CLOSE_PROTOCOL, message=b"hello expected")
            return None
        session = self.control.sessions.get(hello.session)
        if session is None:
            await socket.close(code=CLOSE_UNKNOWN_SESSION, message=b"unknown session")
            return None
        return session, hello

    async def _watch(self, session: Session, conference: str, after: int) -> None:
        """Send the log of a conference that a console looks at, from ``after`` on."""
        if conference:
            session.watching = conference
        state = self.control.watched(session)
        if state is None:
            return
        ident = state.booking.id
        fresh = ident != conference
        try:
            events = await self.services.events.read(ident, 0 if fresh else after, LOG_PAGE)
        except FAULTS as error:  # the state comes all the same; the log when it asks again
            log.error("the log could not be read: %s", type(error).__name__)
            return
        session.post(protocol.Events(conference=ident, events=tuple(events), reset=fresh))

    async def _read(self, socket: web.WebSocketResponse, session: Session, client: Client) -> None:
        bad = 0
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                bad += 1
                client.post(protocol.Error(sentence=sentence("protocol.not_json")))
            else:
                try:
                    await self._handle(protocol.decode(message.data), session, client)
                except protocol.BadMessage as error:
                    bad += 1
                    arguments = {"detail": error.detail} if error.detail else {}
                    client.post(protocol.Error(sentence=sentence(error.key, **arguments)))
            if bad > MAX_BAD_MESSAGES:
                self.control.observer.hung_up("bad_messages")
                await socket.close(code=CLOSE_PROTOCOL, message=b"too many bad messages")

    async def _handle(self, message: protocol.FromClient, session: Session, client: Client) -> None:
        match message:
            case protocol.Command():
                await self._command(
                    message.id, message.conference, message.command, session, client, message.key
                )
            case protocol.Typed():
                state = self.services.conductor.states.get(message.conference)
                points = state.points if state is not None else self.control.points
                asked = parse(message.text, points)
                if isinstance(asked, Refusal):
                    client.post(_refused(message.id, asked))
                else:
                    await self._command(message.id, message.conference, asked, session, client, "")
            case protocol.Watch():
                if session.may("watch"):
                    session.watching = message.conference
                    self.control.changed_watch(session)
                    await self._watch(session, message.conference, message.last_seq)
            case protocol.RoomStatus():
                self.control.status(session, message)
            case protocol.Playback():
                session.playback = message
            case protocol.Report():
                for report in message.slots:
                    if report.slot in session.reports or len(session.reports) < MAX_REPORTS:
                        session.reports[report.slot] = report
            case protocol.Bye():
                client.post(protocol.Ended(reason="bye", sentence=sentence("ended.bye")))
                client.finish()
                self.control.end_session(session)
                await self._forget(session)
            case protocol.Hello():
                raise protocol.BadMessage("protocol.hello_once")

    async def _forget(self, session: Session) -> None:
        try:
            await self.services.accounts.end_session(session.id)
        except FAULTS as error:
            log.error("the end of a session could not be saved: %s", type(error).__name__)

    async def _command(
        self,
        ident: int,
        conference: str,
        command: c.Asked,
        session: Session,
        client: Client,
        key: str,
    ) -> None:
        actor = session.actor
        try:
            result: Any = Refusal(key="refusal.not_allowed")
            if session.kind != "echo":
                result = await self.services.conductor.submit(conference, command, actor, key)
        except FAULTS:
            result = Refusal(key="store.not_saved")
        if isinstance(result, Done):
            client.post(protocol.Result(id=ident, ok=True, seq=result.seq))
            return
        if result.key in ("refusal.not_allowed", "refusal.other_director"):
            await self.services.auth.note(
                actor.label, "", f"command {c.name_of(command)}", conference, result.key
            )
        client.post(_refused(ident, result))

    async def _write(self, socket: web.WebSocketResponse, client: Client) -> None:
        """Empty the client's queue; a client that does not read is cut off."""
        code, reason = 1000, b""
        try:
            while True:
                message = await client.next()
                if message is None:
                    break
                async with asyncio.timeout(SEND_TIMEOUT):
                    await socket.send_str(protocol.encode(message))
                if isinstance(message, protocol.Ended):
                    code = FINAL.get(message.reason, 1000)
        except (ConnectionError, TimeoutError, RuntimeError):
            client.overflowed = True
        if client.overflowed:
            self.control.observer.hung_up("too_slow")
            code, reason = CLOSE_TOO_SLOW, b"too slow"
        try:
            async with asyncio.timeout(1):
                await socket.close(code=code, message=reason)
        except TimeoutError:
            pass


def _refused(ident: int, refusal: Refusal) -> protocol.Result:
    why = sentence(refusal.key, **refusal.arguments)
    return protocol.Result(id=ident, ok=False, error=why, key=refusal.key)
