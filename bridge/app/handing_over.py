"""A planned change of the leader: the host that leads lets another one lead, and its media workers
forward until their rooms have come over to the other's."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.base.files import write_private
from bridge.control.listeners import RELAY, TAP, VIEWER
from bridge.media import messages as m
from bridge.store.accounts import Accounts
from bridge.store.leading.term import EPOCH

log = logging.getLogger("leading")

NOTE = "handed-over.json"  # in the state folder of the host that has handed over
SETTING = "handed_over"  # in the database: for the host that leads next
HOLD = 30.0  # seconds that workers of a host which has handed over forward for those left
EXPECTED = 12.0  # seconds that the next leader waits before it calls points absent
ANSWER = 0.3  # seconds for the answer to whoever asked for it
ASKING = 2.0  # seconds that a worker may take to say what it holds
WAITING = sa.text(
    "SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name LIKE :prefix"
)
PREFIX = "diem-cau leader "  # before a host's name, on the session on which its turn hangs


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """How far it is: ``at`` UTC seconds, ``connections`` of points that there were, those ``left``,
    the ``leader`` by now ("" for nobody)."""

    at: float
    connections: int
    left: int
    leader: str = ""
    done: bool = False


def read_note(state: Path) -> Note | None:
    """What was noted last; None where nothing was, or it cannot be read."""
    try:
        return msgspec.json.decode((state / NOTE).read_bytes(), type=Note)
    except (OSError, msgspec.MsgspecError):
        return None


def write_note(state: Path, note: Note) -> None:
    write_private(state / NOTE, msgspec.json.encode(note))


class HostHandOver:
    """Hands the leadership to a waiting host when an admin asks over REST."""

    def __init__(self, own: str, state: Path) -> None:
        self._own = own
        self._state = state
        self._begun = False
        self.asked = asyncio.Event()
        """Set once another host is to lead."""

    async def begin(
        self, engine: AsyncEngine, accounts: Accounts, connections: int, now: float
    ) -> Sequence[str]:
        """Hand over in a moment; the hosts that wait. Raises LookupError with the key of a sentence
        where nobody does."""
        if self._begun:
            raise LookupError("drain.under_way")
        waiting = await self.waiting(engine)
        if not waiting:
            raise LookupError("drain.nobody_waits")
        self._begun = True
        async with engine.connect() as connection:
            epoch = await connection.scalar(EPOCH)
        await accounts.put_setting(SETTING, json.dumps({"epoch": epoch, "host": self._own}))
        write_note(self._state, Note(at=now, connections=connections, left=connections))
        log.warning("this host hands over to %s", " or ".join(waiting))
        asyncio.get_running_loop().call_later(ANSWER, self.asked.set)
        return waiting

    async def waiting(self, engine: AsyncEngine) -> list[str]:
        """The other hosts whose turn hangs on a session with the database now."""
        async with engine.connect() as connection:
            rows = await connection.execute(WAITING, {"prefix": f"{PREFIX}%"})
            names = sorted(row[0].removeprefix(PREFIX) for row in rows)
        return [name for name in names if name != self._own]


async def handed_to_us(accounts: Accounts, epoch: int) -> str:
    """The host that has handed over to the leader of an epoch; "" where it was lost, or nobody led
    before."""
    found = await accounts.setting(SETTING)
    try:
        told = json.loads(found or "{}")
        return str(told["host"]) if told["epoch"] == epoch - 1 else ""
    except (ValueError, KeyError, TypeError):
        return ""


async def still_forwards(state: Path, leader: str, now: float) -> bool:
    """Whether the workers of a host that has handed over serve somebody still. ``now`` is UTC
    seconds; what is found is noted for whoever looks on."""
    note = read_note(state)
    if note is None or note.done:
        return False
    left = sum([await connections_of(socket) for socket in sockets(state)])
    over = left == 0 or not 0 <= now - note.at < HOLD
    write_note(state, msgspec.structs.replace(note, left=left, leader=leader, done=over))
    return not over


def sockets(state: Path) -> list[Path]:
    """The control sockets of the workers of points."""
    return sorted(state.glob("worker*.sock"))


async def connections_of(socket: Path) -> int:
    """How many points a worker without a control process holds a connection to."""
    with contextlib.suppress(OSError, TimeoutError, ValueError, msgspec.MsgspecError):
        async with asyncio.timeout(ASKING):
            reader, writer = await asyncio.open_unix_connection(str(socket), limit=m.MAX_LINE * 8)
            try:
                writer.write(m.encoder.encode(m.Hello(version=m.VERSION)) + b"\n")
                while line := await reader.readline():
                    event = m.event_decoder.decode(line)
                    if isinstance(event, m.Inventory):
                        return sum(_is_point(one) for one in event.transports)
            finally:
                writer.close()
                await writer.wait_closed()
    return 0


def _is_point(transport: m.TransportState) -> bool:
    listens = transport.label.startswith((TAP, VIEWER, RELAY))
    return transport.state == "connected" and not listens
