"""The workers that serve points, each with conferences of its own: one picture of them all, in
which every transport is found at the worker that holds it. No clock, no waiting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from msgspec.structs import replace

from bridge.conference.model import State
from bridge.conference.plan import plan
from bridge.control.listeners import Listeners, conference_of
from bridge.control.placing.worker_loads import Load, place
from bridge.control.sessions import Session, Sessions
from bridge.control.sound_groups import PrivateLine
from bridge.control.worker_routes import Shown, WorkerRoutes
from bridge.media import messages as m

FIRST = "0"  # the worker that there always is
Send = Callable[[str, m.Command], None]


class ActiveWorkers:
    """All of them by name. ``send`` posts to one, ``heights`` are those of a camera's layers."""

    def __init__(
        self,
        sessions: Sessions,
        send: Send,
        heights: Callable[[], tuple[int, ...]] = tuple,
        names: Sequence[str] = (FIRST,),
    ) -> None:
        self._sessions = sessions
        self.listeners = Listeners()
        self.by_name: dict[str, WorkerRoutes] = {
            name: WorkerRoutes(sessions, partial(send, name), heights, self.listeners)
            for name in names
        }
        self._first = self.by_name[names[0]]
        self._send = send
        self._homes: dict[str, str] = {}  # conference → the worker that holds it
        self._cpu: dict[str, float] = {}
        self._private: Callable[[], Sequence[PrivateLine]] = tuple
        self.lobby = names[0]
        """The worker that points wait at: where the next conference goes."""
        self.closed: frozenset[str] = frozenset()
        """Workers that are to be empty."""

    # --- the workers ----------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether one is connected."""
        return any(one.ready for one in self.by_name.values())

    @property
    def heard_of(self) -> bool:
        """Whether it is known what they hold, as far as there are any."""
        return all(one.heard_of for one in self.by_name.values())

    def holder(self, transport: str) -> str:
        """The worker that holds a transport; "" where none does."""
        found = (name for name, one in self.by_name.items() if one.holds(transport))
        return next(found, "") if transport else ""

    def _of(self, transport: str) -> WorkerRoutes:
        return self.by_name.get(self.holder(transport), self._first)

    def measured(self, worker: str, cpu: float) -> None:
        """The part of a core that a worker used lately."""
        self._cpu[worker] = cpu

    def cpu_of(self, worker: str) -> float:
        """The part of a core that a worker used lately."""
        return self._cpu.get(worker, 0.0)

    def empty(self, worker: str) -> None:
        """A worker is to hold nothing any more."""
        self.closed |= {worker}

    def reopen(self, worker: str) -> None:
        """A worker may hold conferences again."""
        self.closed -= {worker}

    # --- which conference is where --------------------------------------------------------

    def home(self, conference: str) -> str:
        """The worker that holds a conference; "" before it has one."""
        return self._homes.get(conference, "")

    def held(self, worker: str) -> int:
        """How many conferences a worker holds."""
        return sum(home == worker for home in self._homes.values())

    def settle(self, states: Sequence[State]) -> list[str]:
        """Give every conference a worker that is there. Returns those that got another one than
        they had."""
        running = {state.booking.id: state for state in states}
        self._homes = {ident: home for ident, home in self._homes.items() if ident in running}
        moved = []
        for ident, state in running.items():
            before = self._homes.get(ident, "")
            if before in self.by_name and self._may_hold(before):
                continue
            found = self._found(state) if not before else ""
            found = found or place(self._loads(running), self.lobby)
            if found:
                self._homes[ident] = found
                if before:
                    moved.append(ident)
        self.lobby = place(self._loads(running), self.lobby) or self.lobby
        return moved

    def _may_hold(self, worker: str) -> bool:
        return self.by_name[worker].ready and worker not in self.closed

    def _found(self, state: State) -> str:
        """Where the points of a conference are that has begun before this process did."""
        counted: Counter[str] = Counter()
        for point in state.present:
            session = self._sessions.of_point(point)
            if session is not None and (name := self.holder(session.transport)):
                counted[name] += 1
        found = next((name for name, _ in counted.most_common(1)), "")
        return found if found and self._may_hold(found) else ""

    def _loads(self, running: Mapping[str, State]) -> list[Load]:
        points: dict[str, list[int]] = {name: [] for name in self.by_name}
        for ident, home in self._homes.items():
            points[home].append(len(running[ident].seats))
        return [
            Load(name, tuple(points[name]), self._cpu.get(name, 0.0))
            for name in self.by_name
            if self._may_hold(name)
        ]

    def place_of(self, session: Session, running: Sequence[State]) -> str:
        """The worker that a session belongs to: that of its conference, or where points wait.
        "" while there is none."""
        state = session.watched(running)
        if session.kind == "echo" and (held := self.holder(session.transport)):
            return held
        home = self.home(state.booking.id) if state is not None else self.lobby
        if home in self.by_name and self.by_name[home].ready:
            return home
        return next((name for name in self.by_name if self._may_hold(name)), "")

    # --- what one of them holds -----------------------------------------------------------

    def open(self, worker: str, spec: m.Open | m.OpenRelay, session: Session) -> None:
        """Open a transport of a session at a worker; whoever stood in its thumbnail slots stands
        there still."""
        stands = self.stands(session.transport)
        self.by_name[worker].open(spec, session.point, stands)

    def open_listener(self, spec: m.Open | m.OpenTap | m.OpenRelay) -> None:
        """Give a tap, a viewer or a relay the programme of the conference in its label."""
        home = self.home(conference_of(spec.label))
        self.by_name.get(home, self._first).open_listener(spec)

    def inventory_of(self, conference: str) -> m.Inventory | None:
        """What the worker of a conference is; None while it is away."""
        home = self.home(conference)
        return self.by_name[home].inventory if home else None

    def close(self, transport: str) -> None:
        """Close a transport, "" for none: its media stops at once."""
        if transport:
            self._of(transport).close(transport)

    def shown(self, transport: str, slot: str) -> Shown:
        """What a slot shows now."""
        return self._of(transport).shown(transport, slot)

    def paused(self, transport: str) -> tuple[str, ...]:
        """Slots of a transport that are sent nothing because its line carries no more."""
        return self._of(transport).paused(transport)

    def arrives(self, transport: str, name: str) -> bool:
        """Whether media of a source arrives at its worker now."""
        return self._of(transport).arrives(transport, name)

    def stands(self, transport: str) -> Mapping[str, str]:
        """The points in the thumbnail slots of a transport, by slot."""
        return self._of(transport).stands(transport)

    def thumbnails(self, transport: str) -> int:
        """How many thumbnail slots a transport has negotiated."""
        return self._of(transport).thumbnails(transport)

    def named(self, source: m.SourceRef | None) -> str | None:
        """Whose source it is ("user:NAME" for an operator's screen)."""
        return self._of(source.transport).named(source) if source is not None else None

    def shares(self, session: Session) -> bool:
        """Whether a session, or another one of its user, has a screen to show."""
        if session.point is not None:
            return session.status.sharing
        others = self._sessions.of_user(session.user or "")
        return any(one.status.sharing and one.transport for one in others)

    # --- what they are to do --------------------------------------------------------------

    def keep_private(self, lines: Callable[[], Sequence[PrivateLine]]) -> None:
        """Whom to ask which rooms operators speak to, whoever has the workers told anew."""
        self._private = lines

    def apply(self, states: Sequence[State]) -> None:
        """Send what differs from the plans of the running conferences, and from the lines on which
        operators speak to rooms."""
        plans = {state.booking.id: plan(state) for state in states}
        private = self._private()
        for one in self.by_name.values():
            one.apply(states, plans, private)

    def end_group(self, group: str) -> None:
        """A conference has ended: so has its mix."""
        for one in self.by_name.values():
            one.end_group(group)

    def counted(self, stats: m.Stats) -> m.Stats:
        """A worker's figures without transports that do not count: of a session that moves only
        one does."""
        beside = {
            transport
            for session in self._sessions.all()
            for transport in session.transports
            if transport != session.transport
        }
        if not beside:
            return stats
        counting = tuple(t for t in stats.transports if t.transport not in beside)
        return replace(stats, transports=counting)

    def bound(self, bounds: Mapping[str, int], carried: Mapping[str, int]) -> None:
        """Say how much transports may be sent, and what their lines were found to carry."""
        for name, one in self.by_name.items():
            here = {transport: rate for transport, rate in bounds.items() if one.holds(transport)}
            if here:
                found = {t: rate for t, rate in carried.items() if t in here}
                self._send(name, m.SetBounds(bounds=here, carried=found))
