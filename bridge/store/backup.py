"""Backups: every row, of one moment, and signed minutes, as gzipped JSON lines, which fit either
kind of database.

A backup is a file that somebody brings: all of it is checked before anything is touched, row by
row and in bounded memory. Restoring keeps the audit trail that is there.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bridge.base.roles import ROLES
from bridge.conference import events as e
from bridge.proof.chain import BEGIN, Link, Walked, walk
from bridge.proof.chain import line as chain_line
from bridge.proof.signing_key import SigningKey, public_key
from bridge.proof.statements import backup_text
from bridge.store import backup_files, chaining, tables
from bridge.store.backup_files import FileCheck, is_piece
from bridge.store.database import NotSaved, first_line

FORMAT = 1
MAX_UNPACKED = 4 << 30  # octets: some ten million events
MAX_LINE = 4 << 20  # octets of a row
BATCH = 500  # rows
DERIVED = (tables.snapshots,)
LARGEST = 2**63 - 1
MAX_LOST = 1000  # logs that are named after a restore; more are counted
AUDIT_COLUMNS = ("at", "actor", "address", "action", "target", "outcome")

Rows = dict[str, int]


class Restored(NamedTuple):
    """Rows taken from a backup, and lines of the audit trail that were kept beside it. ``key`` is
    the fingerprint of who signed the backup ("": nobody); ``lost_logs`` are how many logs were
    there before and do not go on in it; ``files``, how many of signed minutes were missing and came
    back."""

    rows: int
    audit_kept: int
    key: str = ""
    lost_logs: int = 0
    files: int = 0


def _kept() -> list[sa.Table]:
    """What a backup holds."""
    return [t for t in tables.metadata.sorted_tables if t.info.get("backup", True)]


# --- writing -------------------------------------------------------------------------------


async def write_backup(
    engine: AsyncEngine,
    out: BinaryIO,
    spool: BinaryIO,
    key: SigningKey | None = None,
    state: Path | None = None,
) -> int:
    """Write every row to ``out``, and signed minutes of the folder ``state`` behind them, signed by
    ``key``; returns the number of rows. ``spool`` is an empty file for what must be known before
    the first line can be written: checksum and number."""
    digest, rows = hashlib.sha256(), 0
    with gzip.GzipFile(fileobj=spool, mode="wb", compresslevel=6, mtime=0) as packed:
        async with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                connection = await connection.execution_options(isolation_level="REPEATABLE READ")
            for table in _kept():
                async with connection.stream(_in_order(table)) as found:
                    async for row in found:
                        line = _line({"table": table.name, "row": dict(row._mapping)})
                        digest.update(line)
                        packed.write(line)
                        rows += 1
        # A file is there before the log names it: none of those that the rows name is missed.
        for item in backup_files.lines_of(state) if state is not None else ():
            line = _line(item)
            digest.update(line)
            packed.write(line)
    head: dict[str, Any] = {"diem-cau": FORMAT, "rows": rows, "sha256": digest.hexdigest()}
    if key is not None:
        head["key"] = key.public.pem.decode()
        signature = key.sign(backup_text(rows, digest.hexdigest()))
        head["signature"] = base64.b64encode(signature).decode()
    out.write(gzip.compress(_line(head), mtime=0))  # a file of two members is one file (RFC 1952)
    spool.seek(0)
    while chunk := spool.read(1 << 20):
        out.write(chunk)
    return rows


def _in_order(table: sa.Table) -> sa.Select[Any]:
    return sa.select(table).order_by(*table.primary_key.columns)


def _line(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


# --- reading -------------------------------------------------------------------------------


def _lines(source: BinaryIO) -> Iterator[bytes]:
    """The lines of a backup. Raises ValueError with a sentence for what is no backup."""
    source.seek(0)
    total = 0
    try:
        with gzip.GzipFile(fileobj=source) as file:
            while line := file.readline(MAX_LINE + 1):
                total += len(line)
                if len(line) > MAX_LINE or total > MAX_UNPACKED:
                    raise ValueError("The backup is larger than this system reads.")
                yield line
    except (OSError, EOFError, zlib.error):
        raise ValueError("The file is not a backup of this system, or it is cut off.") from None


def _head(lines: Iterator[bytes]) -> dict[str, Any]:
    """The first line. Raises ValueError with a sentence where it is not one of a backup."""
    try:
        head = json.loads(next(lines, b""))
        version, _, _ = head["diem-cau"], head["sha256"], head["rows"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError(
            "The file is not a backup of this system. Choose one that the bridge has written."
        ) from None
    if version != FORMAT:
        raise ValueError(f"The backup has format {version}; this version reads {FORMAT}.")
    return dict(head)


def signer(source: BinaryIO) -> str:
    """The fingerprint of the key that signed a backup; "": nobody signed it. Raises ValueError with
    a sentence where it is no backup, or the signature is false."""
    head = _head(_lines(source))
    if "signature" not in head and "key" not in head:
        return ""
    try:
        key = public_key(head["key"].encode())
        signature = base64.b64decode(head["signature"], validate=True)
        text = backup_text(int(head["rows"]), str(head["sha256"]))
    except (KeyError, ValueError, TypeError, AttributeError):
        raise ValueError("The backup's signature cannot be read.") from None
    if not key.signed(text, signature):
        raise ValueError("The backup's signature is false: somebody has changed the backup.")
    return key.fingerprint


def check(source: BinaryIO) -> Rows:
    """Rows by table of a whole, undamaged backup that this version can take in. Raises ValueError
    with a sentence for everything else."""
    lines = _lines(source)
    head = _head(lines)
    wanted, number = head["sha256"], head["rows"]
    digest, rows = hashlib.sha256(), {table.name: 0 for table in _kept()}
    known = {table.name: table for table in _kept()}
    numbers: dict[str, list[int]] = {}
    problem, files = "", FileCheck()
    for line in lines:
        digest.update(line)
        if not problem:
            problem = _problem(line, known, numbers, rows, files)
    if digest.hexdigest() != wanted:
        raise ValueError("The backup is damaged: its checksum does not fit.")
    problem = problem or files.end()
    if sum(rows.values()) != number and not problem:
        problem = "The backup is damaged: rows are missing."
    if not problem and any(count != last for count, last in numbers.values()):
        problem = "The backup is damaged: a conference's log has a hole."
    if problem:
        raise ValueError(problem)
    return rows


def _problem(
    line: bytes,
    known: dict[str, sa.Table],
    numbers: dict[str, list[int]],
    rows: Rows,
    files: FileCheck,
) -> str:
    """What is wrong with a line, as a sentence; "" for a good one, which is counted."""
    try:
        item = json.loads(line)
        if is_piece(item):
            return files.feed(item)
        table, row = known[item["table"]], item["row"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "The backup has lines that this version does not know."
    if not isinstance(row, dict) or not _fits(row, table):
        return f"The backup has rows of {table.name} that this version does not know."
    if table is tables.events:
        try:
            e.decoder.decode(row["body"])
        except (msgspec.MsgspecError, RecursionError):
            return "The backup has events that this version does not know."
        count = numbers.setdefault(row["conference"], [0, 0])
        count[0] += 1
        count[1] = max(count[1], row["seq"])
    if table is tables.users and row["role"] not in ROLES:
        return "The backup has accounts with a role that this version does not know."
    rows[table.name] += 1
    return ""


def _fits(row: dict[str, Any], table: sa.Table) -> bool:
    """Whether a row has the columns of its table (later ones may be missing) and their types."""
    columns = {column.name: column for column in table.columns}
    needed = {name for name, column in columns.items() if column.server_default is None}
    return needed <= set(row) <= set(columns) and all(
        _is_of(value, columns[name]) for name, value in row.items()
    )


def _is_of(value: Any, column: sa.Column[Any]) -> bool:
    if value is None:
        return bool(column.nullable)
    match column.type:
        case sa.Boolean():
            return isinstance(value, bool)
        case sa.Integer():
            return type(value) is int and abs(value) <= LARGEST
        case sa.Float():
            return type(value) in (int, float) and math.isfinite(value)
        case _:
            return isinstance(value, str) and "\0" not in value


def _rows(source: BinaryIO) -> Iterator[tuple[sa.Table, dict[str, Any]]]:
    known = {table.name: table for table in _kept()}
    lines = _lines(source)
    next(lines)
    for line in lines:
        item = json.loads(line)
        if not is_piece(item):
            yield known[item["table"]], item["row"]


def chains(source: BinaryIO) -> tuple[dict[str, Walked], bool]:
    """How far the chain of every log in a good backup holds; and whether there are events without
    a hash, which a version without chains has written."""
    found: dict[str, Walked] = {}
    unchained = False
    for table, row in _rows(source):
        if table is not tables.events:
            continue
        name, before = row["conference"], found.get(row["conference"], BEGIN)
        if not row.get("chain"):
            unchained = True
        elif not before.fault:
            line = chain_line(name, row["seq"], row["at"], row["actor"], row["reason"], row["body"])
            found[name] = walk([Link(row["seq"], line, row["chain"])], before)
    return found, unchained


# --- restoring -----------------------------------------------------------------------------


async def restore(
    engine: AsyncEngine,
    source: BinaryIO,
    *,
    actor: str = "system",
    sha256: str = "",
    state: Path | None = None,
) -> Restored:
    """Replace everything by a backup's rows, in one transaction; the audit trail that is there
    stays, and gets the lines that only the backup has. The log says that it was replaced, by whom
    (``actor``) and by which file (``sha256``), and which logs go on no longer. Signed minutes that
    are missing in the folder ``state`` come back. Raises ValueError with a sentence for what is no
    good backup, and `NotSaved`; then nothing was changed."""
    counted = check(source)
    key = signer(source)
    try:
        # First, since what is named by what is in it is in nobody's way if the rest fails.
        files = backup_files.put_back(_lines(source), state) if state is not None else 0
        async with engine.begin() as connection:
            kept = await _audit(connection)
            before = await connection.run_sync(chaining.heads)
            highest = max((row[0] for row in kept), default=0)
            there = {tuple(row[1:]) for row in kept}
            taken = {row[0] for row in kept}
            for table in [*DERIVED, *reversed(_kept())]:
                if table is not tables.audit:
                    await connection.execute(sa.delete(table))
            batch: list[dict[str, Any]] = []
            current: sa.Table | None = None
            for table, row in _rows(source):
                if table is tables.audit:
                    if tuple(row[name] for name in AUDIT_COLUMNS) in there:
                        continue
                    if row["id"] in taken:
                        highest += 1
                        row = {**row, "id": highest}
                    highest = max(highest, row["id"])
                if batch and (table is not current or len(batch) >= BATCH):
                    await connection.execute(sa.insert(current), batch)  # type: ignore[arg-type]
                    batch = []
                current = table
                batch.append(row)
            if batch and current is not None:
                await connection.execute(sa.insert(current), batch)
            await _advance_counters(connection, engine.dialect.name)
            rows = sum(counted.values())
            said = e.BackupRestored(sha256=sha256, rows=rows, key=key)
            said = await connection.run_sync(_say, before, said, actor)
    except IntegrityError:
        raise ValueError("The backup contradicts itself: rows refer to others not there.") from None
    except (SQLAlchemyError, OSError) as error:
        raise NotSaved(first_line(error)) from None
    return Restored(rows, len(kept), key, said.lost_logs, files)


def _say(
    connection: sa.Connection,
    before: dict[str, tuple[int, str]],
    said: e.BackupRestored,
    actor: str,
) -> e.BackupRestored:
    """Chain what came, and say in the log that it came. Raises ValueError where what came is not
    what was chained."""
    chained = chaining.chain_all(connection)
    if chained.late:  # a backup by a version without chains
        begun = e.ChainBegun(number=chained.number, events=chained.late)
        chaining.note(connection, begun, actor, "restore")
    lost = [
        e.LostLog(of=of, events=seq, head=head)
        for of, (seq, head) in sorted(before.items())
        if not chaining.holds(connection, of, seq, head)
    ]
    said = msgspec.structs.replace(said, lost_logs=len(lost), lost=tuple(lost[:MAX_LOST]))
    chaining.note(connection, said, actor, "restore")
    return said


async def _audit(connection: AsyncConnection) -> list[tuple[Any, ...]]:
    columns = [tables.audit.c.id, *(tables.audit.c[name] for name in AUDIT_COLUMNS)]
    return [tuple(row) for row in await connection.execute(sa.select(*columns))]


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


def files(folder: Path) -> list[Path]:
    """The backups that lie in a folder, oldest first; their names begin with the time."""
    return sorted(folder.glob("diem-cau-*.jsonl.gz*")) if folder.is_dir() else []
