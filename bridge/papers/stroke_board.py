"""What is pointed at and drawn on the pages that conferences show: taken from whoever presents,
told to all others, kept while the conference runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import NamedTuple

from bridge.conference.model import Refusal, State
from bridge.conference.strokes import Leaf, Sheets, Stroke, not_drawn_by, shown
from bridge.control.conductor import Conductor
from bridge.control.sessions import Session, Sessions
from bridge.signalling.stroke_messages import Draw, Erase, OfPresenter, PointAt, Pointer, Strokes

EVERY = 0.1  # seconds between two places of a pointer: 16 kbit/s on the line of a room


class _Pointing(NamedTuple):
    """Who points, and at what."""

    session: Session
    message: Pointer


class _Board:
    """What one conference has."""

    def __init__(self) -> None:
        self.sheets = Sheets()
        self.pointing: _Pointing | None = None
        self.told: Pointer | None = None
        self.leaf: Leaf | None = None
        self.timer: asyncio.TimerHandle | None = None

    def turned(self, leaf: Leaf | None) -> bool:
        """Whether another page is shown than before. Nobody points at that yet."""
        changed, self.leaf = leaf != self.leaf, leaf
        if changed:
            self.pointing = self.told = None
        return changed

    def points(self, session: Session, message: Pointer) -> None:
        self.pointing = _Pointing(session, message)

    def tell(self) -> _Pointing | None:
        """Where is pointed, if that is news."""
        if self.pointing is None or self.pointing.message == self.told:
            return None
        self.told = self.pointing.message
        return self.pointing

    def wait(self, timer: asyncio.TimerHandle | None) -> None:
        self.timer = timer


class StrokeBoards:
    """The boards of all conferences that run."""

    def __init__(self, sessions: Sessions, conductor: Conductor) -> None:
        self._sessions = sessions
        self._conductor = conductor
        self._boards: dict[str, _Board] = {}

    def of(self, conference: str) -> dict[Leaf, tuple[Stroke, ...]]:
        """All pages of a conference that have strokes, with them."""
        board = self._boards.get(conference)
        return {leaf: board.sheets.of(leaf) for leaf in board.sheets} if board is not None else {}

    # --- from whoever presents ----------------------------------------------------------------

    def take(self, session: Session, message: OfPresenter) -> Refusal | None:
        """Take a message; why it changed nothing. A pointer that comes too late is none."""
        state = session.watched(self._conductor.running())
        if state is None:
            return Refusal(key="refusal.not_allowed")
        leaf = Leaf(message.paper, message.version, message.page)
        refused = not_drawn_by(state, session.actor, leaf)
        if refused is None:
            board = self._look(state)
            match message:
                case PointAt():
                    board.points(session, Pointer(**leaf._asdict(), at=message.at))
                    self._point(state.booking.id, board)
                case Draw():
                    refused = board.sheets.draw(leaf, message.stroke)
                    if refused is None:
                        start = len(board.sheets.of(leaf)) - 1
                        self._tell(state, leaf, start)
                case Erase():
                    left = board.sheets.erase(leaf, all_of_it=message.whole)
                    self._tell(state, leaf, left)
        if refused is None or isinstance(message, PointAt):
            return None
        self.welcome(session)  # its page may have drawn already what was not taken
        return refused

    def _point(self, conference: str, board: _Board) -> None:
        """Tell where is pointed: at once, and then the newest place every `EVERY`."""
        if board.timer is not None:
            return
        pointing, state = board.tell(), self._conductor.states.get(conference)
        if pointing is None or state is None:
            return
        for session in self._watching(state, pointing.message.paper):
            if session is not pointing.session:
                session.post(pointing.message)

        def again() -> None:
            board.wait(None)
            self._point(conference, board)

        board.wait(asyncio.get_running_loop().call_later(EVERY, again))

    # --- to everybody ---------------------------------------------------------------------------

    def welcome(self, session: Session) -> None:
        """Tell a page that has just come what is drawn, and where is pointed."""
        state = session.watched(self._conductor.running())
        leaf = shown(state) if state is not None else None
        if state is None or leaf is None or session not in self._watching(state, leaf.paper):
            return
        board = self._boards.get(state.booking.id)
        session.post(_strokes(board, leaf, 0))
        if board is not None and board.leaf == leaf and board.told is not None:
            session.post(board.told)

    def settle(self) -> None:
        """Look which pages are shown now: whoever is shown one is told what is drawn on it."""
        running = {state.booking.id: state for state in self._conductor.running()}
        for conference in self._boards.keys() - running.keys():
            board = self._boards.pop(conference)
            if board.timer is not None:
                board.timer.cancel()
        for conference, state in running.items():
            if conference in self._boards or state.showing is not None:
                self._look(state)

    def _look(self, state: State) -> _Board:
        leaf, board = shown(state), self._boards.setdefault(state.booking.id, _Board())
        board.sheets.keep_of(state)
        if board.turned(leaf) and leaf is not None:
            self._tell(state, leaf, 0)
        pointing = board.pointing
        if leaf is not None and pointing is not None and pointing.message.at is not None:
            self._end_pointing(state, leaf, board, pointing)
        return board

    def _end_pointing(self, state: State, leaf: Leaf, board: _Board, pointing: _Pointing) -> None:
        """Who has gone, or presents no longer, points at nothing."""
        session = pointing.session
        if session.client is None or not_drawn_by(state, session.actor, leaf) is not None:
            board.points(session, Pointer(**leaf._asdict(), at=None))
            self._point(state.booking.id, board)

    def _tell(self, state: State, leaf: Leaf, start: int) -> None:
        message = _strokes(self._boards.get(state.booking.id), leaf, start)
        for session in self._watching(state, leaf.paper):
            session.post(message)

    def _watching(self, state: State, paper: str) -> Iterator[Session]:
        """The pages that are shown a paper of a conference."""
        attached, running = state.papers.get(paper), self._conductor.running()
        for session in self._sessions.all():
            watched = session.watched(running)
            if attached is None or watched is None or watched.booking.id != state.booking.id:
                continue
            if session.may("watch") or (session.point and attached.for_point(session.point)):
                yield session


def _strokes(board: _Board | None, leaf: Leaf, start: int) -> Strokes:
    drawn = board.sheets.of(leaf) if board is not None else ()
    return Strokes(**leaf._asdict(), start=start, strokes=drawn[start:])
