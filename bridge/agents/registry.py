"""The endpoint agents that are connected, one a point: what each last reported, and commands to
them. No I/O; the WebSocket around it is `bridge.server.agent_socket`."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from bridge.agents import protocol as p

QUEUE = 32  # messages an agent may be behind
KEY_OCTETS = 32
COMMAND_TIMEOUT = 40.0  # seconds
NO_CAMERA = p.Camera()


class AgentAway(Exception):
    """No agent of the point is connected, or it did not answer."""


@dataclass(slots=True)
class Agent:
    """One connected agent and its queue of messages. ``address`` is where it connects from."""

    point: str
    device: str
    address: str
    version: str
    since: float
    report: p.Report | None = None
    reported: float = 0.0
    unusable: int = 0  # messages of it that made no sense
    told: p.RoomState | None = None  # what it knows of its point's page
    camera: p.Camera = NO_CAMERA  # the one that it was told to steer
    queue: asyncio.Queue[p.ToAgent | None] = field(
        default_factory=lambda: asyncio.Queue(maxsize=QUEUE)
    )
    waiting: dict[int, asyncio.Future[p.Outcome]] = field(default_factory=dict)

    def take(self, report: p.Report, now: float) -> None:
        """Keep a report, without what could fool a terminal or a page; ``now`` is monotonic."""
        devices = tuple(replace(d, name=p.printable(d.name)) for d in report.devices)
        kiosk = replace(report.kiosk, reason=p.printable(report.kiosk.reason))
        failed = p.printable(report.failed)
        steered = replace(report.steered, detail=p.printable(report.steered.detail))
        self.report = replace(report, devices=devices, kiosk=kiosk, failed=failed, steered=steered)
        self.reported = now

    def tell(self, state: p.RoomState) -> None:
        """Tell it how its point's page is, where that changed."""
        if state != self.told:
            self.told = state
            self.post(state)

    def steer(self, camera: p.Camera) -> None:
        """Tell it which camera it steers, where that is another one than before."""
        if camera != self.camera:
            self.camera = camera
            self.post(camera)

    def post(self, message: p.ToAgent | None) -> None:
        """Queue a message (None: hang up). An agent that reads nothing is hung up on."""
        try:
            self.queue.put_nowait(message)
        except asyncio.QueueFull:
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(None)


class Agents:
    """All agents that are connected, found by point; sends them commands. ``clock`` is
    monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._agents: dict[str, Agent] = {}
        self._keys: dict[str, bytes] = {}
        self._addresses: dict[str, str] = {}
        self.ever: set[str] = set()
        """Points that had an agent since this process began."""
        self._count = itertools.count(1)
        self._heard = asyncio.Event()

    def of_point(self, point: str) -> Agent | None:
        return self._agents.get(point)

    def all(self) -> list[Agent]:
        return list(self._agents.values())

    def key(self, point: str) -> bytes:
        """The key that signs a point's probes; made anew by every control process."""
        if point not in self._keys:
            self._keys[point] = secrets.token_bytes(KEY_OCTETS)
        return self._keys[point]

    def address(self, point: str) -> str | None:
        """Where the point's agent is probed: where it last connected from. None: it never did,
        or it said goodbye."""
        return self._addresses.get(point)

    def may_come(self, point: str, device: str) -> bool:
        """One agent a point; the same device may come anew."""
        present = self._agents.get(point)
        return present is None or present.device == device

    def add(self, agent: Agent) -> None:
        before = self._agents.get(agent.point)
        if before is not None:
            before.post(p.Ended(reason="taken_over"))
            before.post(None)
            self._fail(before)
        self._agents[agent.point] = agent
        self._addresses[agent.point] = agent.address
        self.ever.add(agent.point)

    def remove(self, agent: Agent) -> None:
        self._fail(agent)
        if self._agents.get(agent.point) is agent:
            del self._agents[agent.point]

    def signed_off(self, agent: Agent) -> None:
        """An agent said goodbye: its PC is switched off in an orderly way. It is probed no more
        until it is back; otherwise every night would be an outage of the line."""
        if self._agents.get(agent.point) is agent:
            self._addresses.pop(agent.point, None)

    def revoke(self, device: str) -> None:
        """A device's key is not valid any more."""
        for agent in self.all():
            if agent.device == device:
                agent.post(p.Ended(reason="revoked"))
                agent.post(None)

    def reported(self, agent: Agent, report: p.Report) -> None:
        agent.take(report, self._clock())
        self._heard.set()
        self._heard.clear()

    async def come_back(self, point: str, before: Agent | None, timeout: float) -> Agent | None:
        """Wait until a point's agent has connected anew and has reported; None: it did not."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while True:
                    agent = self._agents.get(point)
                    if agent is not None and agent is not before and agent.report is not None:
                        return agent
                    await self._heard.wait()
        return None

    def outcome(self, agent: Agent, outcome: p.Outcome) -> None:
        future = agent.waiting.pop(outcome.id, None)
        if future is not None and not future.done():
            future.set_result(replace(outcome, detail=p.printable(outcome.detail)))

    async def command(
        self, point: str, name: p.CommandName, timeout: float = COMMAND_TIMEOUT
    ) -> p.Outcome:
        """Have a point's agent do something. Raises `AgentAway`."""
        return await self._ask(point, lambda ident: p.Command(id=ident, name=name), timeout)

    async def update(
        self, point: str, release: str, sha256: str, size: int, timeout: float
    ) -> p.Outcome:
        """Have a point's agent fetch and try a release. Raises `AgentAway`."""
        return await self._ask(
            point,
            lambda ident: p.Update(id=ident, release=release, sha256=sha256, size=size),
            timeout,
        )

    async def preset(self, point: str, token: str, timeout: float) -> p.Outcome:
        """Have a point's camera go to a preset. Raises `AgentAway`."""
        return await self._ask(point, lambda ident: p.Preset(id=ident, token=token), timeout)

    async def _ask(
        self, point: str, message: Callable[[int], p.ToAgent], timeout: float
    ) -> p.Outcome:
        agent = self._agents.get(point)
        if agent is None:
            raise AgentAway
        ident = next(self._count)
        future: asyncio.Future[p.Outcome] = asyncio.get_running_loop().create_future()
        agent.waiting[ident] = future
        agent.post(message(ident))
        try:
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            raise AgentAway from None
        finally:
            agent.waiting.pop(ident, None)

    def _fail(self, agent: Agent) -> None:
        for future in agent.waiting.values():
            if not future.done():
                future.set_exception(AgentAway())
        agent.waiting.clear()
