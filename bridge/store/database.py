"""The database: SQLite beside the state by default, PostgreSQL by URL. Migrations at start."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bridge.base.files import PRIVATE
from bridge.store.leading.guarantees import Facts, outdated, problem_of, read_only
from bridge.store.leading.term import Deposed, Term
from bridge.store.servers import PATIENCE, Database, database, said

SQLITE = "diem-cau.sqlite3"
MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = max(path.name[:4] for path in (MIGRATIONS / "versions").glob("0*.py"))  # revision
REVISION = sa.text("SELECT version_num FROM alembic_version")
BUSY_TIMEOUT = 5000  # ms that a writer waits for another process (a backup, the user command)
PRAGMAS = (
    f"busy_timeout={BUSY_TIMEOUT}",
    "journal_mode=WAL",
    "synchronous=FULL",  # what was acknowledged survives a power cut
    "foreign_keys=ON",
)
WARNING = "01000"  # the SQLSTATE of a warning that has none of its own
THREAD_END = 5.0  # seconds that the thread of a connection may take to end
registry.register("sqlite.diemcau", __name__, "Dialect")


class StoreError(Exception):
    """The database cannot be used; the text says why and what to do."""


class DamagedError(StoreError):
    """The database has lost something, or cannot be read. Nothing was written to it."""


class NotSaved(Exception):
    """A transaction failed and changed nothing: a full disk, a database that is away."""


class Conflict(NotSaved):
    """What was to be saved is there already: an earlier commit succeeded although its answer was
    lost on the way."""


# What reading and writing may raise while a database is away or full.
FAULTS = (NotSaved, SQLAlchemyError, OSError)


def first_line(error: Exception) -> str:
    """What an error says in its first line, for people; one without words is that of an answer
    which did not come."""
    return said(error)


class Connection(sqlite3.Connection):
    """A connection with our settings. They are made where it is opened, in its own thread: a task
    that is cancelled between opening and setting would leave a connection that nobody closes."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        try:
            for pragma in PRAGMAS:
                self.execute(f"PRAGMA {pragma}").close()
        except BaseException:
            self.close()
            raise


class Dialect(SQLiteDialect_aiosqlite):
    """SQLite whose connections are ready when they are open. SQLAlchemy's own adds functions that
    we do not use, and a task that is cancelled in between leaves a connection nobody closes."""

    supports_statement_cache = True

    def on_connect(self) -> Callable[[DBAPIConnection], None]:
        """Add nothing."""
        return lambda _: None


class Engine(AsyncEngine):
    """An engine that ends with every connection it opened. SQLAlchemy's leaves those alone that a
    task still holds, for instance one that was cancelled and is about to give its back. With a
    ``term`` every transaction of `begin` is within it; whoever writes otherwise asks `within_term`
    first."""

    def __init__(
        self,
        made: AsyncEngine,
        term: Term | None = None,
        patient: Callable[[], AsyncEngine] | None = None,
    ) -> None:
        """``patient`` makes an engine to the same database that waits for as long as it takes."""
        super().__init__(made.sync_engine)
        self._term = term
        self._patient = patient
        self._open: set[Any] = set()  # the driver's connections; of these are with a task:
        self._held: set[Any] = set()
        self._doubted: set[Any] = set()  # that were told of a commit which no copy has
        self._given_back = asyncio.Event()
        for name in ("connect", "checkout", "checkin", "close", "close_detached"):
            sa.event.listen(self.sync_engine, name, getattr(self, f"_{name}"))

    def patient(self) -> AsyncEngine | None:
        """An engine for what is long, to be disposed of; None: this one does not hurry either."""
        return self._patient() if self._patient is not None else None

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, which is committed at the end. Raises `NotSaved` where another host
        leads, and where the database went on without the copies that it was to wait for: then it
        is saved there, and may yet be lost."""
        driver: Any = None
        async with super().begin() as connection:
            await self.hold(connection)
            if self._term is not None:
                driver = (await connection.get_raw_connection()).driver_connection
                self._doubted.discard(driver)
            yield connection
        if driver in self._doubted:
            self._doubted.discard(driver)
            raise NotSaved("no copy of the database has confirmed")

    async def confirm(self) -> None:
        """Return when everything that was committed before is where it has to be. What can be read
        may have been committed without its copy, and its asker told that it was not saved. Raises
        as `begin`, and what the driver does."""
        if self._term is not None:
            async with self.begin():  # it holds the epoch, which is written, and so waited for
                pass

    async def hold(self, connection: AsyncConnection) -> None:
        """Let a transaction be within the term, where there is one. Raises `NotSaved`."""
        if self._term is not None:
            try:
                await self._term.hold(connection)
            except Deposed:
                raise NotSaved("another host leads") from None

    def _connect(self, connection: Any, *_: object) -> None:
        driver = connection.driver_connection
        self._open.add(driver)
        if self._term is not None:
            driver.add_log_listener(self._noticed)

    def _noticed(self, driver: Any, message: Any) -> None:
        """PostgreSQL has said something beside its answers. A COMMIT that waited for a copy and
        was cancelled (by an administrator, by statement_timeout) is answered as if it were done,
        with a warning."""
        if message.severity_en == "WARNING" and message.sqlstate == WARNING:
            self._doubted.add(driver)

    def _checkout(self, connection: Any, *_: object) -> None:
        self._held.add(connection.driver_connection)

    def _checkin(self, connection: Any, *_: object) -> None:
        if connection is not None:  # None: it was invalid and is closed already
            self._held.discard(connection.driver_connection)
        self._given_back.set()

    def _close(self, connection: Any, *_: object) -> None:
        for known in (self._open, self._held, self._doubted):
            known.discard(connection.driver_connection)
        self._given_back.set()

    _close_detached = _close

    async def dispose(self, close: bool = True) -> None:
        """Close every connection. One that a task holds is waited for, ``THREAD_END`` at most."""
        await super().dispose(close)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(THREAD_END):
                while close and self._held:
                    self._given_back.clear()
                    await self._given_back.wait()
        while close and self._open:
            await self._open.pop().close()


async def confirm(engine: AsyncEngine) -> None:
    """`Engine.confirm`, of whichever engine."""
    if isinstance(engine, Engine):
        await engine.confirm()


async def within_term(engine: AsyncEngine, connection: AsyncConnection) -> None:
    """Let a transaction that was not begun by `Engine.begin` be within the term of an engine, where
    it has one. Raises `NotSaved`."""
    if isinstance(engine, Engine):
        await engine.hold(connection)


def engine_of(
    url: str, folder: Path, patience: float | None = PATIENCE, term: Term | None = None
) -> AsyncEngine:
    """An engine for ``url``; an empty one is SQLite in ``folder``. A PostgreSQL that does not
    answer a statement within ``patience`` seconds (None: for ever) is away. With a ``term`` only
    its leader writes. Raises `StoreError`."""
    if not url:
        url = f"sqlite+aiosqlite:///{folder / SQLITE}"
    try:
        found = database(url)
        if found.url.drivername == "sqlite":
            found = found._replace(url=found.url.set(drivername="sqlite+aiosqlite"))
        if found.url.drivername not in ("postgresql+asyncpg", "sqlite+aiosqlite"):
            raise StoreError(
                f"The database {found.url.drivername} is not supported. Use sqlite or postgresql."
            )
        if found.url.drivername.startswith("post"):
            return _postgres(found, patience, term)
        parsed = found.url.set(drivername="sqlite+diemcau")
        engine = Engine(create_async_engine(parsed, connect_args={"factory": Connection}))
    except (SQLAlchemyError, ValueError) as error:
        raise StoreError(f"The database address cannot be used: {error}.") from None
    return engine


def _postgres(found: Database, patience: float | None, term: Term | None) -> Engine:
    """An engine for one or several servers; within a term for those alone on which hosts may
    rely."""
    settings: dict[str, str] = {}
    judge: Callable[[Facts], str] | None = None
    if term is not None:
        seen = term.seen
        # A COMMIT that waits for a copy must not be cancelled: it would be answered as if done.
        settings = {
            "idle_in_transaction_session_timeout": str(round(1000 * term.silence)),
            "statement_timeout": "0",
            "application_name": f"diem-cau {term.host}"[:63],
        }

        def judge(facts: Facts) -> str:
            several = found.several
            return read_only(facts) or problem_of(facts, several) or outdated(facts, seen)

    made = found.engine(
        judge, patience=patience, settings=settings, pool_pre_ping=True, pool_timeout=PATIENCE
    )
    return Engine(made, term, lambda: found.engine(judge))


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
        begun = sa.inspect(connection).has_table("alembic_version")
        if begun and connection.execute(REVISION).scalars().all() == [HEAD]:
            return
        # Imported when there is something to do: what outlives a restart is of this version.
        from alembic import command  # noqa: PLC0415
        from alembic.config import Config  # noqa: PLC0415
        from alembic.runtime.migration import MigrationContext  # noqa: PLC0415
        from alembic.script import ScriptDirectory  # noqa: PLC0415

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        known = ScriptDirectory.from_config(config)
        found = MigrationContext.configure(connection).get_current_revision()
        if found is not None and found not in {
            script.revision for script in known.walk_revisions()
        }:
            raise StoreError(
                f"The database was written by a newer version of this program (revision {found}; "
                f"this one knows up to {known.get_current_head()}). Install that version again, or "
                "restore a backup of this one. Nothing was changed."
            )
        command.upgrade(config, "head")

    before = set(threading.enumerate())
    patient = (engine.patient() if isinstance(engine, Engine) else None) or engine
    try:
        _keep_private(engine)
        async with patient.begin() as connection:
            await within_term(engine, connection)
            await connection.run_sync(upgrade)
    except StoreError:
        await engine.dispose()
        raise
    except FAULTS as error:
        await _ended(set(threading.enumerate()) - before)
        raise StoreError(
            f"The database cannot be opened: {first_line(error)}. Check "
            "that its folder exists and is writable, or that the server runs and the address is "
            "right."
        ) from None
    finally:
        if patient is not engine:
            await patient.dispose()


async def _ended(threads: set[threading.Thread]) -> None:
    """Wait for the threads of connections that could not be opened. aiosqlite tells each to stop
    and does not wait; one that outlives the event loop ends with a traceback on standard error."""
    for thread in threads:
        if "_connection_worker_thread" in thread.name:
            await asyncio.to_thread(thread.join, THREAD_END)
