"""The WebSocket of rooms and consoles: hello, then commands in, states and results out.

Messages are those of `bridge.signalling.protocol`; docs/protocol.md explains them.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from aiohttp import WSMsgType, web

from bridge.base.i18n import sentence
from bridge.conference import commands as c
from bridge.conference.model import Refusal
from bridge.conference.typed import parse
from bridge.control.conductor import Done
from bridge.control.sessions import Client, Session
from bridge.server.api.services import Services
from bridge.signalling import protocol
from bridge.store.database import FAULTS

log = logging.getLogger("http")

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


class ClientSockets:
    """Serves the WebSocket of every room and console."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.control = services.control

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
