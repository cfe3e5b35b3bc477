"""Snapshots of running conferences: a start need not replay a long log from its first event.

A snapshot is derived: it holds nothing that the log does not, is in no backup, and may be deleted
at any time. It counts only for the program whose rules made it (`RULES`).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from pathlib import Path

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge import conference as rules
from bridge.conference.apply import replay
from bridge.conference.model import State
from bridge.store import tables as t
from bridge.store.database import FAULTS
from bridge.store.log import EventLog

log = logging.getLogger("store")

EVERY = 5_000  # events after which a new one is made: what is left is replayed in 0.1 s


def _rules() -> str:
    """What tells this program's rules from another's: the text of the modules that say what an
    event does to a state, and what a state is."""
    folder = Path(rules.__file__).parent
    others = sorted(
        path.name for kind in ("events", "state") for path in folder.glob(f"*_{kind}.py")
    )
    names = ("apply.py", "events.py", "model.py", "voting.py", *others)
    text = b"".join((folder / name).read_bytes() for name in names)
    return hashlib.sha256(text).hexdigest()[:16]


RULES = _rules()


class Snapshots:
    """Makes snapshots beside the conductor's work, and rebuilds states from them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._saved: dict[str, int] = {}
        self._due: dict[str, State] = {}
        self._wake = asyncio.Event()

    def consider(self, state: State) -> None:
        """A state was committed: keep it where the last snapshot is far behind. Never waits."""
        ident = state.booking.id
        if state.phase == "ended" or state.seq - self._saved.get(ident, 0) >= EVERY:
            self._due[ident] = state
            self._wake.set()

    async def run(self) -> None:
        """Write what is due, until cancelled. One that cannot be written is tried later."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.save()

    async def save(self) -> None:
        """Write what is due now."""
        while self._due:
            ident, state = self._due.popitem()
            self._saved[ident] = state.seq
            try:
                await self._put(state)
            except FAULTS as error:
                log.warning("a snapshot could not be saved: %s", type(error).__name__)
            if state.phase == "ended":
                self._saved.pop(ident, None)

    async def _put(self, state: State) -> None:
        ident = state.booking.id
        row = {
            "conference": ident,
            "seq": state.seq,
            "rules": RULES,
            "body": msgspec.json.encode(state).decode(),
        }
        async with self._engine.begin() as connection:
            await connection.execute(
                sa.delete(t.snapshots).where(t.snapshots.c.conference == ident)
            )
            if state.phase != "ended":
                await connection.execute(sa.insert(t.snapshots).values(row))

    async def newest(self, conference: str) -> State | None:
        """The last snapshot of a conference that this program's rules made; None: there is none."""
        query = sa.select(t.snapshots).where(t.snapshots.c.conference == conference)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).first()
        if row is None or row.rules != RULES:
            return None
        try:
            state = msgspec.json.decode(row.body, type=State)
        except msgspec.MsgspecError:
            return None
        return state if state.seq == row.seq and state.booking.id == conference else None

    async def rebuild(self, conference: str, events: EventLog) -> State | None:
        """The state of a conference; None where its log is empty. Raises what `apply` raises for a
        log that it does not understand."""
        state = await self.newest(conference)
        if state is not None and await events.last_seq(conference) < state.seq:
            state = None  # the log is the truth
        self._saved[conference] = state.seq if state is not None else 0
        async for found in events.portions(conference, state.seq if state is not None else 0):
            state = replay(found, state)
        if state is not None:
            self.consider(state)
        return state
