"""Restoring a backup while no bridge runs: onto the database that is there, or, where that is
damaged, onto a new one beside it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bridge.app.state_folder import held, read_secret
from bridge.store import tables
from bridge.store.accounts import Accounts
from bridge.store.backup import AUDIT_COLUMNS
from bridge.store.backup_work import Work, carry_out, within
from bridge.store.database import SQLITE, DamagedError, NotSaved, StoreError, engine_of, migrate
from bridge.store.integrity import forget_mark, verify
from bridge.store.leading.leadership import Leadership
from bridge.store.leading.seen_database import read_seen
from bridge.store.leading.survey import survey
from bridge.store.leading.term import Term
from config.schema import Topology

LEAD = 60.0  # seconds of silence that the database bears of a command that leads and restores
WAIT = 5.0  # seconds, and twice the takeover, until a host that does not lead is said to be lost


async def restore_offline(topology: Topology, state: Path, source: Path, base: Path) -> str:
    """Restore a backup; returns a sentence. ``base`` is what paths of the topology refer to.
    Raises StartError, StoreError, `NotSaved`, and ValueError with a sentence for a bad backup."""
    config = topology.bridge.backup
    secret = read_secret(base / config.secret, "bridge.backup.secret") if config.secret else ""
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(held(state))
        term = None
        if topology.bridge.hosts is not None:
            term = await stack.enter_async_context(_leading(topology, state))
        aside = ""
        audit: list[dict[str, Any]] = []
        if not topology.bridge.database:
            aside, audit = _put_aside(state)
        engine = engine_of(topology.bridge.database, state, term=term)
        try:
            await migrate(engine)
            await _keep(engine, audit)
            work = Work(
                kind="restore",
                url=topology.bridge.database,
                folder=str(state),
                file=str(source),
                secret=secret,
                actor="user:cli",
            )
            outcome = await carry_out(within(term, work))
            if outcome.problem:
                raise ValueError(outcome.problem)
            if outcome.fault:
                raise NotSaved(outcome.fault)
            await Accounts(engine).note(
                at=time.time(),
                actor="user:cli",
                address="",
                action="restore",
                target=f"sha256:{hashlib.sha256(source.read_bytes()).hexdigest()[:16]}",
                outcome=outcome.noted,
            )
        except BaseException:
            if aside:
                _back(state, aside)
            raise
        finally:
            await engine.dispose()
        forget_mark(state)
    kept = f"; the damaged database is kept as {SQLITE}{aside}" if aside else ""
    return f"{said(outcome.rows, outcome.signed_by, outcome.lost_logs)}{kept}"


@contextlib.asynccontextmanager
async def _leading(topology: Topology, state: Path) -> AsyncIterator[Term]:
    """Lead among several hosts meanwhile, so that none begins in between, and none that leads is
    restored beneath. Raises `StoreError`."""
    hosts = topology.bridge.hosts
    assert hosts is not None
    url, own = topology.bridge.database, hosts.own
    led = (await survey(url)).leader
    files = led.files if led is not None else {}  # what hosts have alike stays what it is
    leadership = Leadership(url, own.id, own.url, files, LEAD, seen=read_seen(state))
    await leadership.look()
    task = asyncio.create_task(leadership.run())
    try:
        try:
            async with asyncio.timeout(2 * hosts.takeover + WAIT):
                await leadership.leading.wait()
        except TimeoutError:
            who = leadership.leader
            raise StoreError(
                f"Host {who.host if who is not None else '(unknown)'} leads, so nothing was "
                "restored beneath it. Restore there (diem-cau restore, or its page /admin at "
                f"{who.url if who is not None else 'its address'}), or end the bridges of all "
                "hosts first."
            ) from None
        yield leadership.term()
    finally:
        await leadership.resign()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def said(rows: int, signed: str, lost: int) -> str:
    """What is said after a restoration. Pure."""
    who = {"this": "this installation", "another": "another installation"}.get(signed, "nobody")
    return f"{rows} rows restored; the backup is signed by {who}; {lost} logs go on no longer"


def _put_aside(state: Path) -> tuple[str, list[dict[str, Any]]]:
    """Rename a damaged database; returns what was put behind its name, and those lines of its audit
    trail that can still be read."""
    try:
        verify(state)
    except DamagedError:
        pass
    else:
        return "", []
    path = state / SQLITE
    audit: list[dict[str, Any]] = []
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as old,
    ):
        names = ", ".join(AUDIT_COLUMNS)
        for row in old.execute(f"SELECT {names} FROM audit ORDER BY id"):  # noqa: S608
            audit.append(dict(zip(AUDIT_COLUMNS, row, strict=True)))
    aside = time.strftime(".damaged-%Y%m%d-%H%M%S", time.gmtime())
    _rename(state, "", aside)
    return aside, audit


def _back(state: Path, aside: str) -> None:
    """The backup was no good: everything as it was."""
    for end in ("", "-wal", "-shm"):
        (state / (SQLITE + end)).unlink(missing_ok=True)
    _rename(state, aside, "")


def _rename(state: Path, before: str, after: str) -> None:
    for end in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            (state / f"{SQLITE}{before}{end}").rename(state / f"{SQLITE}{after}{end}")


async def _keep(engine: Any, audit: list[dict[str, Any]]) -> None:
    if audit:
        async with engine.begin() as connection:
            await connection.execute(sa.insert(tables.audit), audit)
