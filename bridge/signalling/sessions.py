"""Who is here: one live session per point, any number of viewers. No I/O.

A session outlives its WebSocket (the page resumes it) and its transport (the worker may be
restarted); it ends by takeover, by ``bye``, or after `GRACE` seconds without either.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from bridge.conference.model import PointId
from bridge.signalling import protocol

GRACE = 60.0  # seconds a session lives with neither WebSocket nor media
QUEUE = 64  # messages a client may be behind; more and it is told to come back later
LEVELS_QUEUE = 8  # from here on a slow client gets no level messages


@dataclass(slots=True)
class Client:
    """One WebSocket's outgoing side: a bounded queue that its writer task empties."""

    queue: asyncio.Queue[protocol.ToClient | None] = field(
        default_factory=lambda: asyncio.Queue(QUEUE)
    )
    overflowed: bool = False

    def post(self, message: protocol.ToClient) -> None:
        """Queue a message; a full queue marks the client, whose socket is then closed."""
        if isinstance(message, protocol.Levels) and self.queue.qsize() >= LEVELS_QUEUE:
            return
        try:
            self.queue.put_nowait(message)
        except asyncio.QueueFull:
            self.overflowed = True

    def finish(self) -> None:
        """Let the writer end after what is queued."""
        try:
            self.queue.put_nowait(None)
        except asyncio.QueueFull:
            self.overflowed = True


@dataclass(slots=True)
class Session:
    """``point`` is None for a viewer. ``transport`` is the worker's id, "" for none."""

    token: str
    point: PointId | None
    may_take: bool
    created: float
    client: Client | None = None
    transport: str = ""
    transport_up: bool = False
    seq: int = 0
    last_state: protocol.State | None = None
    idle_since: float = 0.0
    reports: dict[str, protocol.SlotReport] = field(default_factory=dict)

    def post(self, message: protocol.ToClient) -> None:
        if self.client is not None:
            self.client.post(message)


class Sessions:
    """The registry. ``new_token`` makes unguessable texts."""

    def __init__(self, keys: dict[PointId, str], viewer_key: str, new_token: Callable[[], str]):
        self._keys = keys
        self._viewer_key = viewer_key
        self._new_token = new_token
        self._by_token: dict[str, Session] = {}
        self._by_point: dict[PointId, Session] = {}

    def all(self) -> list[Session]:
        return list(self._by_token.values())

    def get(self, token: str) -> Session | None:
        return self._by_token.get(token)

    def of_point(self, point: PointId) -> Session | None:
        return self._by_point.get(point)

    def by_transport(self, transport: str) -> Session | None:
        return next((s for s in self._by_token.values() if s.transport == transport), None)

    def admits(self, point: PointId | None, key: str) -> bool:
        """Whether the key is right; compared in constant time."""
        expected = self._viewer_key if point is None else self._keys.get(point, "")
        right = hmac.compare_digest(expected.encode(), key.encode("utf-8", "replace"))
        return right and bool(expected)

    def create(self, point: PointId | None, now: float) -> tuple[Session, Session | None]:
        """Open a session; return it and the one of the same point that it replaces."""
        session = Session(self._new_token(), point, point is None, now, idle_since=now)
        replaced = self._by_point.get(point) if point is not None else None
        if replaced is not None:
            del self._by_token[replaced.token]
        self._by_token[session.token] = session
        if point is not None:
            self._by_point[point] = session
        return session, replaced

    def adopt(self, point: PointId, transport: str, now: float) -> Session:
        """Keep what a worker holds for a point whose room has not come back yet."""
        session, _ = self.create(point, now)
        session.transport = transport
        session.transport_up = True
        return session

    def remove(self, session: Session) -> None:
        self._by_token.pop(session.token, None)
        if session.point is not None and self._by_point.get(session.point) is session:
            del self._by_point[session.point]

    def expired(self, now: float) -> list[Session]:
        """Sessions with neither WebSocket nor media for longer than `GRACE`."""
        return [
            session
            for session in self._by_token.values()
            if session.client is None
            and not session.transport_up
            and now - session.idle_since > GRACE
        ]
