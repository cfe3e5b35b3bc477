"""The WebSocket of rooms and consoles: hello, then commands in, states and results out.

Messages are those of `bridge.signalling.protocol`; docs/protocol.md explains them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from aiohttp import WSMsgType, web

from bridge.base.i18n import sentence
from bridge.base.liveness import Liveness, hang_up, keep_asking
from bridge.conference import commands as c
from bridge.conference.model import Refusal
from bridge.conference.typed import parse
from bridge.control.draft import Done, Result
from bridge.control.sessions import Client, Session
from bridge.server.api.services import Services
from bridge.server.api.signing_keys import wrong_key
from bridge.server.camera_presets import RIGHT, call_preset
from bridge.server.directing import direct, note_refusal
from bridge.server.guard.message_budget import PERSON, POINTER, ROOM, STATUS, Budgets, Verdict
from bridge.signalling import protocol, text
from bridge.signalling.camera_messages import CallPreset
from bridge.signalling.move_messages import Moved
from bridge.signalling.room_call import CallFound
from bridge.signalling.stroke_messages import Draw, Erase, PointAt
from bridge.signalling.talk_messages import Talk
from bridge.store.database import FAULTS

log = logging.getLogger("http")

HELLO_TIMEOUT = 10.0  # seconds from the opening of a WebSocket to its hello
ASK_EVERY = 2.0  # seconds between pings; a vanished page is noticed within three times that
CLOSE_TIMEOUT = 10.0  # seconds that the client's own end of the WebSocket is waited for
SEND_TIMEOUT = 10.0  # seconds a client may not read
MAX_BAD_MESSAGES = 20  # unusable messages on one connection until it is closed
LOG_PAGE = 5000  # events that a console is sent at once
REFUSED_PAUSE = 0.01  # seconds until the next message of a client that sends too many is read
CLOSE_UNKNOWN_SESSION = 4401
CLOSE_PROTOCOL = 4400
CLOSE_TAKEN_OVER = 4409
CLOSE_REVOKED = 4403
CLOSE_TOO_SLOW = 4408
CLOSE_TOO_MANY = 4429
FINAL = {"taken_over": CLOSE_TAKEN_OVER, "revoked": CLOSE_REVOKED, "logged_out": CLOSE_REVOKED}


class ClientSockets:
    """Serves the WebSocket of every room and console."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._budgets = Budgets()

    async def websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one client until it goes."""
        socket = web.WebSocketResponse(
            # Compressed for who can read that (RFC 7692), with what went before as the dictionary:
            # states and levels repeat themselves, and on a thin line they cost the voices.
            timeout=CLOSE_TIMEOUT,
            autoping=False,
            max_msg_size=text.MAX_MESSAGE,
            compress=True,
        )
        await socket.prepare(request)
        greeted = await self._greet(socket)
        if greeted is not None:
            session, hello = greeted
            connection = _Connection(
                self._services, socket, session, request.remote or "", self._budgets
            )
            asking = asyncio.create_task(
                keep_asking(connection.liveness, socket.ping, hang_up(request.transport), ASK_EVERY)
            )
            try:
                await connection.serve(hello)
            finally:
                asking.cancel()
        return socket

    async def _greet(self, socket: web.WebSocketResponse) -> tuple[Session, protocol.Hello] | None:
        """The session that the client's first message names; None where it was hung up on."""
        control = self._services.control
        try:
            message = await socket.receive(timeout=HELLO_TIMEOUT)
            hello = text.decode(message.data) if message.type is WSMsgType.TEXT else None
        except (TimeoutError, text.BadMessage):
            hello = None
        if not isinstance(hello, protocol.Hello) or hello.version != protocol.VERSION:
            error = protocol.Error(sentence=sentence("protocol.hello_first"))
            control.observer.hung_up("no_hello")
            with contextlib.suppress(ConnectionError, RuntimeError):  # it may be gone already
                if not socket.closed:
                    await socket.send_str(text.encode(error))
                await socket.close(code=CLOSE_PROTOCOL, message=b"hello expected")
            return None
        session = control.sessions.get(hello.session)
        if session is None:
            await socket.close(code=CLOSE_UNKNOWN_SESSION, message=b"unknown session")
            return None
        return session, hello


class _Connection:
    """One WebSocket of a session, from the hello on. ``address`` is the client's."""

    def __init__(
        self,
        services: Services,
        socket: web.WebSocketResponse,
        session: Session,
        address: str,
        budgets: Budgets,
    ) -> None:
        self._services = services
        self._budgets = budgets
        self._control = services.control
        self._socket = socket
        self._session = session
        self._address = address
        self._client = Client()
        self._moves: set[asyncio.Task[None]] = set()
        self.liveness = Liveness()

    async def serve(self, hello: protocol.Hello) -> None:
        """Read until the client goes; one writer task owns the sending side."""
        session, client = self._session, self._client
        resumed = session.attach(client)
        if session.acted_at is None:
            session.act(self._control.clock())
        client.post(self._control.publisher.welcome(session, resumed=resumed))
        for layers in session.layers.values():
            client.post(layers)
        self._control.publisher.publish()
        self._services.papers.strokes.welcome(session)
        writer = asyncio.create_task(self._write())
        try:
            if session.may("watch"):
                await self._watch(hello.conference, hello.last_seq)
            await self._read()
        finally:
            # First what must happen: this task may be cancelled while it waits.
            if session.detach(client, self._control.clock()):
                self._control.presence.page_gone(session)
            client.finish()
            await asyncio.gather(writer, return_exceptions=True)

    # --- reading ------------------------------------------------------------------------

    async def _read(self) -> None:
        bad = 0
        async for message in self._socket:
            self.liveness.heard()
            if message.type is WSMsgType.PING:
                await self._socket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                continue
            elif message.type is not WSMsgType.TEXT:
                bad += 1
                self._client.post(protocol.Error(sentence=sentence("protocol.not_json")))
            else:
                try:
                    asked = text.decode(message.data)
                    verdict = self._spend(asked)
                    if verdict == "take":
                        await self._handle(asked)
                    elif verdict == "refuse":
                        self._refuse(asked)
                        await asyncio.sleep(REFUSED_PAUSE)  # its own line waits, nobody else's
                    else:
                        self._control.observer.hung_up("too_many")
                        log.warning("a client sent far too many messages and was cut off")
                        await self._socket.close(code=CLOSE_TOO_MANY, message=b"too many messages")
                        return
                except text.BadMessage as error:
                    bad += 1
                    arguments = {"detail": error.detail} if error.detail else {}
                    self._client.post(protocol.Error(sentence=sentence(error.key, **arguments)))
            if bad > MAX_BAD_MESSAGES:
                self._control.observer.hung_up("bad_messages")
                await self._socket.close(code=CLOSE_PROTOCOL, message=b"too many bad messages")

    def _spend(self, message: protocol.FromClient) -> Verdict:
        """What a message costs; a page's goodbye is free."""
        session = self._session
        if isinstance(message, protocol.Bye | protocol.Hello):
            return "take"
        if isinstance(
            message, CallPreset | Talk | protocol.Command | protocol.Typed | protocol.Watch
        ):
            session.act(self._control.clock())
            kind, rate = "command", ROOM if session.point is not None else PERSON
        else:
            kind = type(message).__name__
            rate = POINTER if isinstance(message, PointAt) else STATUS
        return self._budgets.spend(session.id, kind, rate, self._control.clock())

    def _refuse(self, message: protocol.FromClient) -> None:
        if isinstance(message, CallPreset | Talk | protocol.Command | protocol.Typed):
            self._client.post(_result(message.id, Refusal(key="refusal.too_many")))
        elif isinstance(message, protocol.Watch):
            self._client.post(protocol.Error(sentence=sentence("refusal.too_many")))

    async def _handle(self, message: protocol.FromClient) -> None:
        session = self._session
        match message:
            case protocol.Command():
                result = await self._command(message.conference, message.command, message.key)
                self._client.post(_result(message.id, result))
            case protocol.Typed():
                result = await self._typed(message.conference, message.text)
                self._client.post(_result(message.id, result))
            case CallPreset():  # takes seconds, in which others are not kept waiting
                move = asyncio.create_task(self._call_preset(message))
                self._moves.add(move)
                move.add_done_callback(self._moves.discard)
            case Talk():
                self._client.post(_result(message.id, await self._talk(message)))
            case protocol.Watch():
                if session.may("watch"):
                    self._control.presence.watch(session, message.conference)
                    await self._watch(message.conference, message.last_seq)
                    self._services.papers.strokes.welcome(session)
            case protocol.Thumbnails():
                self._control.presence.turn_to(session, message.page)
            case Moved():
                self._control.presence.came_over(session)
            case protocol.Sizes():
                self._control.presence.sizes(session, message.slots)
            case protocol.RoomStatus():
                self._control.presence.status(session, message)
            case protocol.Playback():
                session.played(message)
            case PointAt() | Draw() | Erase():
                refused = self._services.papers.strokes.take(session, message)
                if refused is not None:
                    why = sentence(refused.key, **refused.arguments)
                    self._client.post(protocol.Error(sentence=why))
            case CallFound():
                self._services.readiness.calls.answered(session, message)
            case protocol.Report():
                session.observed(message.slots)
            case protocol.Bye():
                await self._bye()
            case protocol.Hello():
                raise text.BadMessage("protocol.hello_once")

    async def _watch(self, conference: str, after: int) -> None:
        """Send the log of a conference that a console looks at, from ``after`` on."""
        session = self._session
        if conference:
            session.look_at(conference)
        state = session.watched(self._services.conductor.running())
        if state is None:
            return
        ident = state.booking.id
        fresh = ident != conference
        try:
            events = await self._services.events.read(ident, 0 if fresh else after, LOG_PAGE)
        except FAULTS as error:  # the state comes all the same; the log when it asks again
            log.error("the log could not be read: %s", type(error).__name__)
            return
        session.post(protocol.Events(conference=ident, events=tuple(events), reset=fresh))

    async def _talk(self, asked: Talk) -> Result:
        """Speak to a point, or no more. Who it was and whom to stands in the audit trail; that
        cannot be written does not keep anybody from ending it."""
        session, services = self._session, self._services
        refused: Refusal | None = Refusal(key="refusal.not_allowed")
        if session.may("direct"):
            refused = self._control.presence.talk(session, asked.point)
        if asked.point is not None:
            outcome = refused.key if refused is not None else "done"
            self._control.observer.talked(outcome == "done")
            try:
                await services.auth.note(
                    session.actor.label, self._address, "talkback", asked.point, outcome
                )
            except FAULTS as error:
                log.error("a talkback was not audited: %s", type(error).__name__)
        return refused if refused is not None else Done("", 0, ())

    async def _call_preset(self, asked: CallPreset) -> None:
        services, session = self._services, self._session
        try:
            refused = await call_preset(
                services.cameras,
                services.auth,
                asked.point,
                asked.number,
                session.actor,
                may=session.may(RIGHT) and session.kind == "console",
                address=self._address,
            )
        except FAULTS:
            refused = Refusal(key="store.not_saved")
        self._client.post(_result(asked.id, refused if refused is not None else Done("", 0, ())))

    async def _bye(self) -> None:
        self._client.post(protocol.Ended(reason="bye", sentence=sentence("ended.bye")))
        self._client.finish()
        self._control.presence.end(self._session)
        try:
            await self._services.accounts.end_session(self._session.id)
        except FAULTS as error:
            log.error("the end of a session could not be saved: %s", type(error).__name__)

    async def _typed(self, conference: str, line: str) -> Result:
        state = self._services.conductor.states.get(conference)
        asked = parse(line, state.points if state is not None else self._control.topology.points)
        if isinstance(asked, Refusal):
            return asked
        return await self._command(conference, asked, "")

    async def _command(self, conference: str, command: c.Asked, key: str) -> Result:
        services, actor = self._services, self._session.actor
        if self._session.kind == "echo":  # a self-test takes part in nothing
            refusal = Refusal(key="refusal.not_allowed")
            await note_refusal(
                services.auth, conference, command, actor, refusal, address=self._address
            )
            return refusal
        try:
            refused = self._control.desk_calls.refusal(command)
            if refused is not None:
                return refused
            if isinstance(command, c.CastBallot):
                if self._control.secret_votes.vote_of(conference, command.number) is not None:
                    return await self._control.secret_votes.cast(conference, command, actor)
                wrong = await wrong_key(services.accounts, self._session.device, command)
                if wrong is not None:
                    return wrong
            return await direct(
                services.conductor,
                services.auth,
                conference,
                command,
                actor,
                address=self._address,
                key=key,
            )
        except FAULTS:
            return Refusal(key="store.not_saved")

    # --- writing ------------------------------------------------------------------------

    async def _write(self) -> None:
        """Empty the client's queue; a client that does not read is cut off."""
        client, socket = self._client, self._socket
        code, reason = 1000, b""
        try:
            while True:
                message = await client.next()
                if message is None:
                    break
                async with asyncio.timeout(SEND_TIMEOUT):
                    await socket.send_str(text.encode(message))
                if isinstance(message, protocol.Ended):
                    code = FINAL.get(message.reason, 1000)
        except (ConnectionError, TimeoutError, RuntimeError):
            client.cut_off()
        if client.overflowed:
            self._control.observer.hung_up("too_slow")
            code, reason = CLOSE_TOO_SLOW, b"too slow"
        with contextlib.suppress(TimeoutError):  # who does not answer the close frame is cut off
            async with asyncio.timeout(1):
                await socket.close(code=code, message=reason)


def _result(ident: int, result: Result) -> protocol.Result:
    if isinstance(result, Done):
        return protocol.Result(id=ident, ok=True, seq=result.seq)
    why = sentence(result.key, **result.arguments)
    return protocol.Result(id=ident, ok=False, error=why, key=result.key)
