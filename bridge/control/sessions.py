"""Who is here: one live session per point, any number of consoles. No I/O.

A session outlives its WebSocket (the page resumes it), its transport (the worker may be
restarted) and the control process (it is stored); it ends by ``bye``, by revocation, by a newer
one of the same device, or after `GRACE` seconds without WebSocket and media.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from bridge.accounts.passwords import digest
from bridge.base.roles import RIGHTS, Right
from bridge.conference.model import Actor
from bridge.signalling import protocol

GRACE = 60.0  # seconds a session lives with neither WebSocket nor media
QUEUE = 64  # messages a client may be behind; more and it is told to come back later

Newest = protocol.State | protocol.Levels | protocol.Lines  # only the newest of these matters


@dataclass(slots=True)
class Client:
    """One WebSocket's outgoing side, emptied by its writer task. Of states, levels and lines
    the newest replaces an unsent one, so that a slow client costs nothing."""

    overflowed: bool = False
    finished: bool = False
    _queue: deque[protocol.ToClient] = field(default_factory=deque)
    _newest: dict[type[protocol.ToClient], protocol.ToClient] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def post(self, message: protocol.ToClient) -> None:
        """Queue a message; a full queue marks the client, whose socket is then closed."""
        if isinstance(message, Newest):
            self._newest[type(message)] = message
        elif len(self._queue) >= QUEUE:
            self.overflowed = True
        else:
            self._queue.append(message)
        self._wake.set()

    def finish(self) -> None:
        """Let the writer end after what is queued."""
        self.finished = True
        self._wake.set()

    @property
    def waiting(self) -> int:
        return len(self._queue) + len(self._newest)

    async def next(self) -> protocol.ToClient | None:
        """The next message to send; None at the end."""
        while True:
            if self.overflowed:
                return None
            if self._queue:
                return self._queue.popleft()
            if self._newest:
                return self._newest.pop(next(iter(self._newest)))
            if self.finished:
                return None
            self._wake.clear()
            await self._wake.wait()


@dataclass(slots=True)
class Session:
    """``kind`` is point, console or echo. ``transport`` is the worker's id, "" for none."""

    token: str
    id: str
    kind: str
    point: str | None
    role: str
    created: float
    user: str | None = None
    device: str | None = None
    login: str | None = None
    client: Client | None = None
    transport: str = ""
    transport_up: bool = False
    seq: int = 0
    last_state: protocol.State | None = None
    idle_since: float = 0.0
    watching: str = ""
    status: protocol.RoomStatus = field(default_factory=protocol.RoomStatus)
    playback: protocol.Playback | None = None
    reports: dict[str, protocol.SlotReport] = field(default_factory=dict)

    def post(self, message: protocol.ToClient) -> None:
        if self.client is not None:
            self.client.post(message)

    def may(self, right: Right) -> bool:
        return self.kind == "console" and right in RIGHTS.get(self.role, ())

    @property
    def alive(self) -> bool:
        """Whether a page is connected, or its media."""
        return self.client is not None or self.transport_up

    @property
    def label(self) -> str:
        """What the worker keeps for us, so that a restarted process knows whose it is."""
        return self.point if self.point is not None else f"session:{self.id[:24]}"

    @property
    def actor(self) -> Actor:
        if self.point is not None:
            return Actor(kind="point", name=self.point)
        return Actor(kind="user", name=self.user or "", role=self.role)


class Sessions:
    """The registry."""

    def __init__(self) -> None:
        self._by_id: dict[str, Session] = {}
        self._by_point: dict[str, Session] = {}

    def all(self) -> list[Session]:
        return list(self._by_id.values())

    def get(self, token: str) -> Session | None:
        """The session of a token."""
        session = self._by_id.get(digest(token))
        if session is not None and not session.token:
            session.token = token  # stored ones know the hash only
        return session

    def by_id(self, ident: str) -> Session | None:
        return self._by_id.get(ident)

    def of_point(self, point: str) -> Session | None:
        return self._by_point.get(point)

    def of_user(self, user: str) -> list[Session]:
        return [s for s in self._by_id.values() if s.user == user]

    def by_transport(self, transport: str) -> Session | None:
        return next((s for s in self._by_id.values() if s.transport == transport), None)

    def by_label(self, label: str) -> Session | None:
        return next((s for s in self._by_id.values() if s.label == label), None)

    def add(self, session: Session) -> Session | None:
        """Add a session; return the one of the same point that it replaces."""
        replaced = self._by_point.get(session.point) if session.point is not None else None
        if replaced is not None:
            self._by_id.pop(replaced.id, None)
        self._by_id[session.id] = session
        if session.point is not None:
            self._by_point[session.point] = session
        return replaced

    def remove(self, session: Session) -> None:
        self._by_id.pop(session.id, None)
        if session.point is not None and self._by_point.get(session.point) is session:
            del self._by_point[session.point]

    def expired(self, now: float) -> list[Session]:
        """Sessions with neither WebSocket nor media for longer than `GRACE`."""
        return [
            session
            for session in self._by_id.values()
            if not session.alive and now - session.idle_since > GRACE
        ]
