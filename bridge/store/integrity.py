"""Whether the SQLite database is whole, looked at before anything is written to it.

A mark beside the database says how it was when this program last saw it: how many events it had,
and what its file looked like. A file that nobody has touched since need not be read through again;
one that has become shorter, older or empty is told apart from a new one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from bridge.base.files import write_private
from bridge.store.database import FAULTS, SQLITE, DamagedError

log = logging.getLogger("store")

MARK = "database.mark"
MARK_INTERVAL = 10.0  # seconds
BOOT = Path("/proc/sys/kernel/random/boot_id")  # after a power cut everything is looked at
NETWORK = "network"  # the stream of incidents: a hole there is said, and stops nobody
HOLES = (
    "SELECT conference FROM events GROUP BY conference HAVING COUNT(*) <> MAX(seq) OR MIN(seq) <> 1"
)


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """How the database was: the number of its last event, and its file."""

    events: int = 0
    inode: int = 0
    size: int = 0
    changed: int = 0
    boot: str = ""


def _boot() -> str:
    try:
        return BOOT.read_text("ascii").strip()
    except OSError:
        return ""


def read_mark(folder: Path) -> Mark:
    """The last mark; one that cannot be read says nothing."""
    try:
        return msgspec.json.decode((folder / MARK).read_bytes(), type=Mark)
    except (OSError, msgspec.MsgspecError):
        return Mark()


def write_mark(folder: Path, events: int) -> None:
    """Note how the database is now; ``events`` is the number of its last event, -1 as before."""
    before = read_mark(folder)
    try:
        found = (folder / SQLITE).stat()
    except OSError:
        return
    mark = Mark(
        events=before.events if events < 0 else events,
        inode=found.st_ino,
        size=found.st_size,
        changed=found.st_mtime_ns,
        boot=_boot(),
    )
    if mark != before:
        with contextlib.suppress(OSError):  # a full disk: the next start reads a little more
            write_private(folder / MARK, msgspec.json.encode(mark))


async def keep_mark(folder: Path, last_number: Callable[[], Awaitable[int]]) -> None:
    """Note how far the log is now and then, until cancelled."""
    while True:
        await asyncio.sleep(MARK_INTERVAL)
        with contextlib.suppress(*FAULTS):
            write_mark(folder, await last_number())


def forget_mark(folder: Path) -> None:
    """Another database is there now, on purpose."""
    (folder / MARK).unlink(missing_ok=True)


def verify(folder: Path) -> None:
    """Look whether the SQLite database in ``folder`` is whole. Nothing is written to it. Raises
    `DamagedError`."""
    path, mark = folder / SQLITE, read_mark(folder)
    wal = path.with_name(path.name + "-wal")
    if not path.exists() or path.stat().st_size == 0:
        if mark.events or (wal.exists() and wal.stat().st_size):
            raise DamagedError(f"The database {path} is missing or empty, and was not before.")
        return
    if not path.is_file():
        raise DamagedError(f"The database {path} is no file.")
    found = path.stat()
    same = (mark.inode, mark.size, mark.changed) == (
        found.st_ino,
        found.st_size,
        found.st_mtime_ns,
    )
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        with contextlib.closing(connection):
            _look(connection, path, mark, whole=not (same and mark.boot and mark.boot == _boot()))
    except sqlite3.Error as error:
        raise DamagedError(f"The database {path} is damaged: {error}.") from None


def _look(connection: sqlite3.Connection, path: Path, mark: Mark, *, whole: bool) -> None:
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    if "alembic_version" not in tables and not tables:
        if mark.events:
            raise DamagedError(f"The database {path} is empty, and was not before.")
        return  # made by another program a moment ago
    if whole:
        said = [row[0] for row in connection.execute("PRAGMA quick_check(5)")]
        if said != ["ok"]:
            raise DamagedError(f"The database {path} is damaged: {said[0]}.")
    last = connection.execute("SELECT MAX(id) FROM events").fetchone()[0] or 0
    if last < mark.events:
        raise DamagedError(
            f"The database {path} ends with event {last} and had {mark.events}: it is older, or "
            "what was written last is lost."
        )
    if not whole:
        return
    rows, indexed = (
        connection.execute(f"SELECT COUNT(*) FROM events {how}").fetchone()[0]  # noqa: S608
        for how in ("NOT INDEXED", "INDEXED BY ix_events_kind")
    )
    holes = [row[0] for row in connection.execute(HOLES)]
    if rows != indexed:
        raise DamagedError(f"The database {path} is damaged: an index does not fit its table.")
    for conference in holes:
        if conference != NETWORK:
            raise DamagedError(
                f"The database {path} is damaged: events of the conference {conference} are "
                "missing from its log."
            )
        log.error("events are missing from the log of incidents")
