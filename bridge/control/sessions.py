"""Sessions of pages: one for each point, any number of consoles. No I/O.

A session outlives its WebSocket (the page resumes it), its transport (the worker may be
restarted) and the control process (it is stored); it ends by ``bye``, by revocation, by a newer
one of the same device, or after `GRACE` seconds without WebSocket and media.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import msgspec

from bridge.accounts.passwords import digest
from bridge.base.roles import RIGHTS, Right
from bridge.conference.model import Actor, State
from bridge.signalling import protocol

GRACE = 60.0  # seconds a session lives with neither WebSocket nor media
PEER = "peer"  # role of the session of another bridge, which has no page
QUEUE = 64  # messages a client may be behind; more and it is told to come back later
MAX_REPORTS = 600  # slots that a receiver may report: 500 points and some

Newest = (
    protocol.State | protocol.Levels | protocol.Lines | protocol.Pointer
)  # only the newest of these matters


@dataclass(slots=True)
class Client:
    """The queue of messages to one WebSocket, emptied by its writer task. Of states, levels and
    lines the newest replaces an unsent one, so that a slow client costs nothing."""

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

    def cut_off(self) -> None:
        """The client does not read: drop what is queued."""
        self.overflowed = True
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


@dataclass(frozen=True, slots=True)
class Move:
    """Where a session is on the way to another worker, or to another host's. ``beside`` is the
    transport that its page makes while it plays the present one, and whether that is ``up``;
    ``former`` is the one from before, which others may still be shown, and ``elsewhere`` whether
    its page holds one that is not here: another host's, or one that was lost. ``arrived`` is when
    it began to play the new one, monotonic."""

    beside: str = ""
    up: bool = False
    former: str = ""
    elsewhere: bool = False
    arrived: float | None = None

    @property
    def keeps(self) -> bool:
        """Whether its page holds another one beside the one that counts."""
        return bool(self.beside or self.former or self.elsewhere)


@dataclass(slots=True)
class Session:
    """One page of a point, one console, or one self-test. ``kind`` is point, console or echo;
    ``transport`` is the worker's id of its media, "" for none."""

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
    media_lost: bool = False
    """Its media was up, or was asked for, and is gone."""
    voices: tuple[str, ...] = ("microphone",)
    """The sources that carry its sound: of a page one, of another bridge several."""
    move: Move = field(default_factory=Move)
    seq: int = 0
    last_state: protocol.State | None = None
    idle_since: float = 0.0
    acted_at: float | None = None
    """When somebody gave a command last, monotonic; None: not since it was opened here."""
    watching: str = ""
    page: int = 0
    """Which page of thumbnails its page looks at."""
    sizes: dict[str, int] = field(default_factory=dict)
    """Lines in which its page shows the pictures of slots; 0 where one is hidden."""
    layers: dict[str, protocol.Layers] = field(default_factory=dict)
    """What its page was asked to send, by source."""
    # What a page reports of itself is kept as it was parsed: checked by then, and a copy in
    # another type would say the same.
    status: protocol.RoomStatus = field(default_factory=protocol.RoomStatus)
    playback: protocol.Playback | None = None
    reports: dict[str, protocol.SlotReport] = field(default_factory=dict)

    # --- its page -----------------------------------------------------------------------

    def know(self, token: str) -> None:
        """Its page came back with its token; of a stored session only the hash is known."""
        self.token = token

    def post(self, message: protocol.ToClient) -> None:
        if self.client is not None:
            self.client.post(message)

    def attach(self, client: Client) -> bool:
        """A page is connected: it gets the whole state anew. Returns whether it was here
        before."""
        if self.client is not None:
            self.client.finish()  # the same page, on a new connection
        resumed = self.last_state is not None
        self.client, self.last_state = client, None
        return resumed

    def detach(self, client: Client, now: float) -> bool:
        """A connection ended; returns whether it was the page's newest. ``now`` is monotonic."""
        if self.client is not client:
            return False
        self.client = None
        self.idle_since = now
        return True

    def act(self, now: float) -> None:
        """Somebody sits there: a command was given, or the page was opened."""
        self.acted_at = now

    def show(self, state: protocol.State) -> None:
        """Send what the page sees from now on, where that changed; numbered."""
        if state != self.last_state:
            self.seq += 1
            self.last_state = msgspec.structs.replace(state, seq=self.seq)
            self.post(self.last_state)

    def look_at(self, conference: str) -> None:
        """A console wants the pictures of another conference."""
        if self.watching != conference:
            self.page = 0
        self.watching = conference

    def turn_to(self, page: int) -> None:
        """Its page wants the thumbnails of another page."""
        self.page = page

    def shows(self, sizes: dict[str, int]) -> None:
        """Its page shows the pictures of slots in these sizes."""
        self.sizes = sizes

    def ask_for_layers(self, layers: protocol.Layers) -> None:
        """Ask its page for these layers of a source, where that is news."""
        if self.layers.get(layers.source) != layers:
            self.layers[layers.source] = layers
            self.post(layers)

    def does(self, status: protocol.RoomStatus) -> None:
        """What its page really does."""
        self.status = status

    def played(self, playback: protocol.Playback) -> None:
        self.playback = playback

    def observed(self, reports: Iterable[protocol.SlotReport]) -> None:
        """Keep the newest report of every slot."""
        for report in reports:
            if report.slot in self.reports or len(self.reports) < MAX_REPORTS:
                self.reports[report.slot] = report

    # --- its media ----------------------------------------------------------------------

    def use_transport(self, transport: str, *, up: bool = False) -> None:
        self.transport, self.transport_up = transport, up
        self.layers.clear()  # a fresh connection sends everything

    def media_began(self) -> None:
        self.transport_up, self.media_lost = True, False

    def media_ended(self, now: float) -> None:
        """Its media is gone, perhaps for a while only; ``now`` is monotonic."""
        self.transport_up, self.media_lost = False, True
        self.idle_since = now

    def release_transport(self) -> str:
        """Give the transport up; returns its id, "" where there was none."""
        transport, self.transport = self.transport, ""
        self.transport_up = False
        return transport

    # --- on the way to another worker ------------------------------------------------------

    @property
    def transports(self) -> tuple[str, ...]:
        """All that it has, the one that counts first: more than one while it moves."""
        return tuple(filter(None, (self.transport, self.move.beside, self.move.former)))

    def has(self, transport: str) -> bool:
        """Whether a transport is its own."""
        return transport in (self.transport, self.move.beside, self.move.former)

    def build(self, transport: str) -> str:
        """Its page makes a transport beside the one that it plays; returns one that was begun
        before, "" for none."""
        begun = self.move.beside
        self.move = replace(self.move, beside=transport, up=False)
        return begun

    def keep_former(self) -> None:
        """Its page plays a transport still that another host holds."""
        self.move = replace(self.move, elsewhere=True)

    def beside_began(self) -> None:
        self.move = replace(self.move, up=True)

    def drop_beside(self) -> str:
        """What was being made beside is gone; returns its id."""
        beside, self.move = self.move.beside, replace(self.move, beside="", up=False)
        return beside

    def come_over(self, now: float) -> str:
        """Its page plays the new transport, which counts from ``now`` on (monotonic); returns one
        that is to be closed for it, "" for none."""
        move = self.move
        if not move.beside:  # the former one is another host's
            self.move = replace(move, arrived=now)
            return ""
        self.move = Move(former=self.transport, elsewhere=not self.transport, arrived=now)
        self.use_transport(move.beside, up=move.up)
        return move.former

    def leave_former(self) -> str:
        """Nobody is shown the former transport any more; returns its id."""
        former = self.move.former
        self.move = replace(self.move, former="", elsewhere=False, arrived=None)
        return former

    def release_all(self) -> tuple[str, ...]:
        """Give everything up that it has; returns the ids."""
        transports, self.move = self.transports, Move()
        self.release_transport()
        return transports

    def take_over(self, other: Session) -> None:
        """Go on with the media of the session that this one replaces."""
        self.transport, self.transport_up = other.release_transport(), True

    # --- who it is ----------------------------------------------------------------------

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

    def watched(self, running: Iterable[State]) -> State | None:
        """The conference, of those that run, whose pictures the session gets: a room's own; of a
        console the one it looks at, or the first."""
        if self.kind == "echo":
            return None
        if self.point is not None:
            return next((state for state in running if self.point in state.seats), None)
        # Who directs meetings has no part in what a citizen says to an officer.
        by_id = {s.booking.id: s for s in running if s.booking.kind == "meeting"}
        if self.watching not in by_id and by_id:
            self.watching = next(iter(by_id))
        return by_id.get(self.watching)


class Sessions:
    """All sessions that are open now, found by token, point, user or transport."""

    def __init__(self) -> None:
        self._by_id: dict[str, Session] = {}
        self._by_point: dict[str, Session] = {}

    def all(self) -> list[Session]:
        return list(self._by_id.values())

    def get(self, token: str) -> Session | None:
        """The session of a token."""
        session = self._by_id.get(digest(token))
        if session is not None and not session.token:
            session.know(token)
        return session

    def of_point(self, point: str) -> Session | None:
        return self._by_point.get(point)

    def voices(self, point: str) -> tuple[str, ...]:
        """The sources that carry the sound of a point."""
        session = self.of_point(point)
        return session.voices if session is not None else ()

    def of_user(self, user: str) -> list[Session]:
        return [s for s in self._by_id.values() if s.user == user]

    def by_transport(self, transport: str) -> Session | None:
        if not transport:
            return None
        return next((s for s in self._by_id.values() if s.has(transport)), None)

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

    def finish(self) -> None:
        """End all WebSockets, each after what is queued for it."""
        for session in self._by_id.values():
            if session.client is not None:
                session.client.finish()

    def expired(self, now: float) -> list[Session]:
        """Sessions with neither WebSocket nor media for longer than `GRACE`."""
        return [
            session
            for session in self._by_id.values()
            if not session.alive and now - session.idle_since > GRACE
        ]
