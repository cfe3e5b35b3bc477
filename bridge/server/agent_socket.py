"""The WebSocket of the endpoint agents: their hello, reports and outcomes in, commands out.

Messages are those of `bridge.agents.protocol`; docs/agent-protocol.md explains them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from aiohttp import WSMessage, WSMsgType, web

from bridge.accounts import passwords
from bridge.accounts.auth import Auth, Denied
from bridge.agents import protocol as p
from bridge.agents.registry import Agent, Agents
from bridge.base import logs
from bridge.base.liveness import Liveness, hang_up, keep_asking
from bridge.control.control import Control
from bridge.server.guard.message_budget import CODES, REPORTS, Budgets, Rate
from bridge.signalling.text import BadMessage
from bridge.store.accounts import Accounts
from bridge.store.database import FAULTS

log = logging.getLogger("agents")

HELLO_TIMEOUT = 10.0
CLOSE_TIMEOUT = 10.0  # seconds that the agent's own end of the WebSocket is waited for
ASK_EVERY = 1.0  # seconds between pings; a vanished agent is noticed within 3 s
SEND_TIMEOUT = 10.0
TELL_INTERVAL = 1.0  # seconds between looks at whether an agent has to be told something
MAX_BAD = 20  # unusable messages until the connection is closed
CLOSE_PROTOCOL, CLOSE_KEY, CLOSE_BUSY, CLOSE_TOO_MANY = 4400, 4403, 4409, 4429


class AgentSockets:
    """Serves the WebSocket of every agent. ``senders`` gives the addresses that probes come from,
    for the address at which an agent reached us; ``certificate`` is the local authority's (PEM),
    ``camera`` what the agent of a point is to steer."""

    def __init__(
        self,
        agents: Agents,
        auth: Auth,
        accounts: Accounts,
        control: Control,
        senders: Callable[[str], tuple[str, ...]],
        certificate: Callable[[], Awaitable[str]],
        camera: Callable[[str], p.Camera],
    ) -> None:
        self._agents = agents
        self._auth = auth
        self._accounts = accounts
        self._control = control
        self._senders = senders
        self._certificate = certificate
        self._camera = camera
        self._budgets = Budgets()

    async def websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one agent until it goes."""
        socket = web.WebSocketResponse(
            timeout=CLOSE_TIMEOUT, autoping=False, max_msg_size=p.MAX_MESSAGE, compress=False
        )
        await socket.prepare(request)
        agent = await self._greet(socket, request.remote or "")
        if agent is None:
            return socket
        self._agents.add(agent)
        agent.post(
            p.Welcome(
                version=p.VERSION,
                point=agent.point,
                port=self._control.topology.current.probes.port,
                key=self._agents.key(agent.point).hex(),
                senders=self._senders(_local_address(request)),
                certificate=await self._certificate(),
                now=self._control.conductor.now(),
                hosts=self._control.topology.current.bridge.host_pages,
            )
        )
        self.tell_room(agent)
        writer = asyncio.create_task(self._write(socket, agent))
        liveness = Liveness()
        asking = asyncio.create_task(
            keep_asking(liveness, socket.ping, hang_up(request.transport), ASK_EVERY)
        )
        try:
            await self._read(socket, agent, liveness)
        finally:
            asking.cancel()
            self._agents.remove(agent)
            agent.post(None)
            await asyncio.gather(writer, return_exceptions=True)
        return socket

    def tell_room(self, agent: Agent) -> None:
        """Tell an agent how its point's page is, as seen from here, and which camera it steers,
        where that changed."""
        session = self._control.sessions.of_point(agent.point)
        state = p.RoomState(
            connected=session is not None and session.client is not None,
            in_conference=self._control.conductor.conference_of(agent.point) is not None,
        )
        agent.tell(state)
        agent.steer(self._camera(agent.point))

    async def run(self) -> None:
        """Keep all agents told, until cancelled."""
        while True:
            await asyncio.sleep(TELL_INTERVAL)
            self.tell_rooms()

    def tell_rooms(self) -> None:
        """Tell all agents how their points' pages are."""
        for agent in self._agents.all():
            self.tell_room(agent)

    async def _greet(self, socket: web.WebSocketResponse, address: str) -> Agent | None:
        try:
            message = await socket.receive(timeout=HELLO_TIMEOUT)
            hello = p.decode(message.data) if message.type is WSMsgType.TEXT else None
        except (TimeoutError, BadMessage):
            hello = None
        if not isinstance(hello, p.Hello) or hello.version != p.VERSION:
            await socket.close(code=CLOSE_PROTOCOL, message=b"hello expected")
            return None
        try:
            if hello.point not in self._control.topology.points:
                raise Denied(401, "http.wrong_key")
            device = await self._auth.device(hello.point, hello.key, address)
        except Denied:
            await socket.close(code=CLOSE_KEY, message=b"wrong key")
            return None
        except FAULTS:
            await socket.close(code=1013, message=b"try again later")
            return None
        if not self._agents.may_come(hello.point, device.id):
            self._control.publisher.notice(
                "notice.second_device", point=hello.point, device=device.name
            )
            await socket.close(code=CLOSE_BUSY, message=b"another agent is connected")
            return None
        return Agent(
            hello.point, device.id, address, p.printable(hello.agent), self._control.clock()
        )

    async def _read(self, socket: web.WebSocketResponse, agent: Agent, liveness: Liveness) -> None:
        async for message in socket:
            liveness.heard()
            if message.type is WSMsgType.PONG:
                continue
            if message.type is WSMsgType.PING:
                await socket.pong(message.data)
                continue
            try:
                if not self._may(agent):
                    agent.unusable += 1
                    if agent.unusable > MAX_BAD:
                        log.warning("an agent sent far too many messages and was cut off")
                        await socket.close(code=CLOSE_TOO_MANY, message=b"too many messages")
                        return
                elif await self._handle(message, agent):
                    return
            except BadMessage as error:
                agent.unusable += 1
                with logs.context(point=agent.point):
                    log.warning("an agent sent nonsense: %s", error.detail or error)
                if agent.unusable > MAX_BAD:
                    await socket.close(code=CLOSE_PROTOCOL, message=b"too many bad messages")

    def _may(self, agent: Agent) -> bool:
        """Whether an agent has a message left."""
        return self._has(agent, "messages", REPORTS)

    def _has(self, agent: Agent, kind: str, rate: Rate) -> bool:
        return self._budgets.spend(agent.device, kind, rate, self._control.clock()) == "take"

    async def _handle(self, message: WSMessage, agent: Agent) -> bool:
        if message.type is not WSMsgType.TEXT:
            raise BadMessage("protocol.not_json")
        match p.decode(message.data):
            case p.Report() as report:
                self._agents.reported(agent, report)
            case p.Outcome() as outcome:
                self._agents.outcome(agent, outcome)
            case p.WantRoom():
                if not self._has(agent, "codes", CODES):  # each costs a line of the audit trail
                    raise BadMessage("refusal.too_many")
                await self._room_code(agent)
            case p.Bye():
                self._agents.signed_off(agent)
                return True
            case p.Hello():
                raise BadMessage("protocol.hello_once")
        return False

    async def _room_code(self, agent: Agent) -> None:
        """A one-time code for the kiosk's page of the same point. Worth no more than the key
        that the agent has."""
        code = passwords.new_code()
        try:
            await self._accounts.add_enrolment(
                passwords.digest(code),
                agent.point,
                f"agent:{agent.device}",
                self._control.conductor.now(),
            )
            await self._auth.note(f"agent:{agent.point}", agent.address, "enrolment code")
        except FAULTS as error:
            log.error("a code for a kiosk could not be saved: %s", type(error).__name__)
            return
        agent.post(p.Room(code=code))

    async def _write(self, socket: web.WebSocketResponse, agent: Agent) -> None:
        """Empty the agent's queue, then close."""
        code, reason = 1000, b""
        try:
            while (message := await agent.queue.get()) is not None:
                async with asyncio.timeout(SEND_TIMEOUT):
                    await socket.send_str(p.encode(message))
                if isinstance(message, p.Ended):
                    code = CLOSE_BUSY if message.reason == "taken_over" else CLOSE_KEY
                    reason = message.reason.encode()
        except (ConnectionError, TimeoutError, RuntimeError):
            pass  # it went, or does not read: closing ends the reading side, too
        with contextlib.suppress(TimeoutError):  # who does not answer the close frame is cut off
            async with asyncio.timeout(1):
                await socket.close(code=code, message=reason)


def _local_address(request: web.Request) -> str:
    """The address at which a client reached us."""
    name = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return str(name[0]) if name else ""
