"""The database: SQLite beside the state by default, PostgreSQL by URL. Migrations at start."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import io
import json
import os
import threading
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bridge.base.files import PRIVATE
from bridge.store import tables

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_TIMEOUT = 5000  # ms that a writer waits for another process (a backup, the user command)
THREAD_END = 5.0  # seconds that the thread of a connection may take to end
BACKUP_FORMAT = 1
MAX_BACKUP = 1 << 30  # octets of an unpacked backup
BATCH = 500  # rows


class StoreError(Exception):
    """The database cannot be used; the text says why and what to do."""


class NotSaved(Exception):
    """A transaction failed and changed nothing: a full disk, a database that is away."""


class Conflict(NotSaved):
    """What was to be saved is there already: an earlier commit succeeded although its answer was
    lost on the way."""


# What reading and writing may raise while a database is away or full.
FAULTS = (NotSaved, SQLAlchemyError, OSError)


def engine_of(url: str, folder: Path) -> AsyncEngine:
    """An engine for ``url``; an empty one is SQLite in ``folder``. Raises `StoreError`."""
    if not url:
        url = f"sqlite+aiosqlite:///{folder / 'diem-cau.sqlite3'}"
    try:
        parsed = sa.engine.make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+asyncpg")
        if parsed.drivername == "sqlite":
            parsed = parsed.set(drivername="sqlite+aiosqlite")
        if parsed.drivername not in ("postgresql+asyncpg", "sqlite+aiosqlite"):
            raise StoreError(
                f"The database {parsed.drivername} is not supported. Use sqlite or postgresql."
            )
        engine = create_async_engine(parsed, pool_pre_ping=parsed.drivername.startswith("post"))
    except SQLAlchemyError as error:
        raise StoreError(f"The database address cannot be used: {error}.") from None
    if parsed.drivername == "sqlite+aiosqlite":
        sa.event.listen(engine.sync_engine, "connect", _pragmas)
    return engine


def _pragmas(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # what was acknowledged survives a power cut
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _keep_private(engine: AsyncEngine) -> None:
    """Make the SQLite file, and what SQLite puts beside it, readable by its owner only. SQLite
    itself would make it as readable as any document, and gives its log the file's own mode."""
    file = engine.url.database
    if engine.dialect.name != "sqlite" or not file or file == ":memory:":
        return
    path = Path(file)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE))
    for each in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
        with contextlib.suppress(FileNotFoundError, PermissionError):  # another owner's: theirs
            if each.stat().st_mode & 0o077:
                each.chmod(PRIVATE)


async def migrate(engine: AsyncEngine) -> None:
    """Bring the tables to this version. Raises `StoreError`."""

    def upgrade(connection: sa.Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    before = set(threading.enumerate())
    try:
        _keep_private(engine)
        async with engine.begin() as connection:
            await connection.run_sync(upgrade)
    except (SQLAlchemyError, OSError) as error:
        await _ended(set(threading.enumerate()) - before)
        raise StoreError(
            f"The database cannot be opened: {str(error).splitlines()[0]}. Check that its folder "
            "exists and is writable, or that the server runs and the address is right."
        ) from None


async def _ended(threads: set[threading.Thread]) -> None:
    """Wait for the threads of connections that could not be opened. aiosqlite tells each to stop
    and does not wait; one that outlives the event loop ends with a traceback on standard error."""
    for thread in threads:
        if "_connection_worker_thread" in thread.name:
            await asyncio.to_thread(thread.join, THREAD_END)


# --- backup and restore --------------------------------------------------------------------


def _kept() -> list[sa.Table]:
    """What a backup holds."""
    return [t for t in tables.metadata.sorted_tables if t.info.get("backup", True)]


async def backup(engine: AsyncEngine) -> bytes:
    """Every row, of one moment, as gzipped JSON lines; fits either kind of database."""
    lines: list[str] = []
    async with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection = await connection.execution_options(isolation_level="REPEATABLE READ")
        for table in _kept():
            for row in await connection.execute(sa.select(table)):
                lines.append(_line({"table": table.name, "row": dict(row._mapping)}))
    body = "".join(lines).encode()
    head = {
        "diem-cau": BACKUP_FORMAT,
        "rows": len(lines),
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    return gzip.compress(_line(head).encode() + body, 6)


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


def read_backup(data: bytes) -> dict[str, list[dict[str, Any]]]:
    """Rows by table. Raises ValueError with a sentence for anything that is no whole backup."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            text = file.read(MAX_BACKUP + 1)
    except (OSError, EOFError, ValueError):
        raise ValueError("The file is not a backup of this system.") from None
    if len(text) > MAX_BACKUP:
        raise ValueError("The backup is larger than 1 GiB.")
    head_line, _, body = text.partition(b"\n")
    try:
        head = json.loads(head_line)
        version, digest = head["diem-cau"], head["sha256"]
    except (ValueError, KeyError, TypeError):
        raise ValueError("The file is not a backup of this system.") from None
    if version != BACKUP_FORMAT:
        raise ValueError(f"The backup has format {version}; this version reads {BACKUP_FORMAT}.")
    if hashlib.sha256(body).hexdigest() != digest:
        raise ValueError("The backup is damaged: its checksum does not fit.")
    known = {table.name: table for table in _kept()}
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in known}
    for line in body.splitlines():
        item = json.loads(line)
        table = known.get(item.get("table"))
        if table is None or set(item["row"]) != {column.name for column in table.columns}:
            raise ValueError("The backup has rows that this version does not know.")
        rows[table.name].append(item["row"])
    return rows


async def restore(engine: AsyncEngine, rows: dict[str, list[dict[str, Any]]]) -> None:
    """Replace everything by a backup's rows, in one transaction. Raises `NotSaved`."""
    ordered = _kept()
    try:
        async with engine.begin() as connection:
            for table in reversed(ordered):
                await connection.execute(sa.delete(table))
            for table in ordered:
                for start in range(0, len(rows[table.name]), BATCH):
                    await connection.execute(
                        sa.insert(table), rows[table.name][start : start + BATCH]
                    )
            await _advance_counters(connection, engine.dialect.name)
    except SQLAlchemyError as error:
        raise NotSaved(str(error).splitlines()[0]) from None


async def _advance_counters(connection: AsyncConnection, dialect: str) -> None:
    """PostgreSQL's sequences do not see ids that were inserted."""
    if dialect != "postgresql":
        return
    for name in ("events", "audit"):
        await connection.execute(
            sa.text(
                f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), "  # noqa: S608
                f"COALESCE((SELECT MAX(id) FROM {name}), 0) + 1, false)"
            )
        )
