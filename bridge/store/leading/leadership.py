"""A host's session with the database on which its leadership hangs.

The session holds an advisory lock and asks something all the time. PostgreSQL itself ends it when
it is silent (``idle_session_timeout``): then the process is stopped, its machine is lost, or the
line to it is cut, and the lock goes to whoever asks next. ``LISTEN`` tells the others at once of a
leader that goes on purpose, and of one that has begun.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import NullPool

from bridge.store.database import FAULTS, StoreError, first_line
from bridge.store.leading.claim import ASK_EVERY, Claim, Step
from bridge.store.leading.guarantees import (
    FACTS,
    NOTHING,
    Facts,
    Seen,
    outdated,
    problem_of,
    read_only,
    warning_of,
)
from bridge.store.leading.term import LEADER, Term
from bridge.store.servers import PATIENCE, Database
from bridge.store.servers import database as database_of

log = logging.getLogger("leading")

LOCK = 0x4449454D434155  # "DIEMCAU": the advisory lock of all hosts of one database
LONGEST = 1.0  # seconds until the database is asked again, however long it bears silence
CHANNEL = "diem_cau_leader"
UNKNOWN_TABLE = "42P01"
MAKE = sa.text(
    f"CREATE TABLE IF NOT EXISTS {LEADER} (id integer PRIMARY KEY CHECK (id = 1),"
    " epoch bigint NOT NULL, host text NOT NULL, url text NOT NULL, files text NOT NULL)"
)
READ = sa.text(f"SELECT epoch, host, url, files FROM {LEADER} WHERE id = 1")  # noqa: S608
RAISE = sa.text(
    f"INSERT INTO {LEADER} AS l (id, epoch, host, url, files)"  # noqa: S608
    " VALUES (1, 1, :host, :url, :files) ON CONFLICT (id) DO UPDATE SET epoch = l.epoch + 1,"
    " host = :host, url = :url, files = :files RETURNING epoch"
)
TRY = sa.text(f"SELECT pg_try_advisory_lock({LOCK})")
TELL = sa.text(f"NOTIFY {CHANNEL}")
ALIVE = sa.text("SELECT 1")
LOOK = sa.text(FACTS)
UNCONFIRMED = (
    "the database does not confirm what it was told to save: the copy that it waits for "
    "(synchronous_standby_names) may be away"
)
Result = TypeVar("Result")


class Unsuitable(StoreError):
    """Several hosts cannot rely on this server."""


class Leader(NamedTuple):
    """Who led last. ``files`` are digests of what every host has to have alike."""

    epoch: int
    host: str
    url: str
    files: Mapping[str, str]


def seconds() -> float:
    """Seconds that also pass while the machine is suspended, as they do for the database."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Leadership:
    """Takes part for one host, of this name and with pages at ``url``."""

    def __init__(
        self,
        database: str,
        host: str,
        url: str,
        files: Mapping[str, str],
        silence: float,
        clock: Callable[[], float] = seconds,
        seen: Seen = NOTHING,
    ) -> None:
        """``silence`` is how many seconds pass until another host may lead in place of one that is
        not heard of. ``seen`` is the database as this host has known it: one of before is not led
        on. Raises `StoreError` for an address that cannot be used."""
        self.seen = seen
        """The database and its timeline, as far as this host has heard."""
        try:
            self._database = database_of(database)
            if self._database.url.drivername != "postgresql+asyncpg":
                raise ValueError(f"{self._database.url.drivername} is not supported, PostgreSQL is")
            self._engine = _engine(self._database, host, silence, lambda: self.seen)
        except (SQLAlchemyError, ValueError) as error:
            raise StoreError(f"The database address cannot be used: {error}.") from None
        self._host, self._url, self._files = host, url, dict(files)
        self._clock = clock
        self._claim = Claim(silence)
        self._session: AsyncConnection | None = None
        self._woken = asyncio.Event()
        self.leading = asyncio.Event()
        """Set when this host leads, for good: `lost` says when that has ended."""
        self.lost = asyncio.Event()
        self.leader: Leader | None = None
        """Who led last, as far as this host has heard."""
        self._away = False  # whether it could not be asked since this host has begun
        self._taken_over = False
        self._warned = ""
        self.problem = ""
        """Why the database cannot be asked; "" where it answers."""

    @property
    def epoch(self) -> int:
        """This host's, 0 until it leads."""
        return self._claim.epoch

    def leads(self) -> bool:
        """Whether this host may act and answer now."""
        return self._claim.leads(self._clock())

    def term(self) -> Term:
        """What this host's transactions are within."""
        claim = self._claim
        return Term(claim.epoch, claim.silence, self.leads, self.seen, self._host, self._taken_over)

    async def look(self) -> Leader | None:
        """Look at the server before anything else; who led last. Raises `Unsuitable`, and
        `StoreError` where it cannot be asked."""
        try:
            async with asyncio.timeout(2 * PATIENCE), self._engine.connect() as connection:
                facts = await self._facts(connection)
                problem = problem_of(facts, self._database.several)
                if problem:
                    raise Unsuitable(problem)
                warning = warning_of(facts, self._database.several)
                if warning and warning != self._warned:
                    log.warning(warning)
                    self._warned = warning
                self.leader = await read_leader(connection)
        except FAULTS as error:
            self._away, self.problem = True, first_line(error)
            raise StoreError(
                f"The database cannot be opened: {first_line(error)}. Check that the server runs "
                "and the address is right."
            ) from None
        self.problem = ""
        return self.leader

    async def run(self) -> None:
        """Take part until this host has led and does so no more, or until cancelled."""
        try:
            while True:
                step = self._claim.step(self._clock())
                if step == "hang_up":
                    return
                try:
                    await self._take(step)
                except FAULTS as error:
                    late = step == "raise" and isinstance(error, TimeoutError)
                    self._failed(UNCONFIRMED if late else first_line(error))
                    await self._hang_up()
                    self._claim = self._claim.lost()
                if self._claim.stage not in ("locked", "over"):
                    await self._rest()
        finally:
            self._claim = self._claim.lost()
            if self.leading.is_set():
                self.lost.set()
            await self._hang_up()
            await self._engine.dispose()

    async def resign(self) -> None:
        """Let go of the lock on purpose, and wake the others. `run` ends by itself."""
        session, self._session = self._session, None
        self._claim = self._claim.lost()
        self._woken.set()
        if session is None:
            return
        with contextlib.suppress(*FAULTS):
            async with asyncio.timeout(PATIENCE):
                await session.execute(sa.text(f"SELECT pg_advisory_unlock({LOCK})"))
                await session.execute(TELL)
        await _terminate(session)

    async def _take(self, step: Step) -> None:
        asked = self._clock()
        if step == "connect":
            async with asyncio.timeout(PATIENCE):
                self._session = await self._connect()
                self.leader = await read_leader(self._session)
            shy = self._away and self.leader is not None and self.leader.host != self._host
            self._claim = self._claim.connected(asked + self._claim.silence if shy else 0.0)
            return
        session = self._session
        if session is None:
            raise TimeoutError  # it was given up meanwhile
        if step == "look":
            self.leader = await self._soon(read_leader(session))
        elif step == "lock":
            granted = bool(await self._soon(session.scalar(TRY)))
            self.leader = await self._soon(read_leader(session))
            self._claim = self._claim.answered(granted)
        elif step == "raise":
            await self._soon(session.execute(MAKE))
            mine = {"host": self._host, "url": self._url, "files": json.dumps(self._files)}
            epoch = int(await self._soon(session.scalar(RAISE, mine)) or 0)
            self._claim = self._claim.raised(epoch, asked)
            self._taken_over = self.leader is not None and self.leader.host != self._host
            self.leader = Leader(epoch, self._host, self._url, self._files)
            await self._soon(session.execute(TELL))
            log.warning("this host leads", extra={"host": self._host, "epoch": epoch})
            self.leading.set()
        else:
            await self._soon(session.execute(ALIVE))
            self._claim = self._claim.confirmed(asked)
        if self.problem:
            log.warning("the database answers again")
            self.problem = ""

    async def _connect(self) -> AsyncConnection:
        session = await self._engine.connect()
        try:
            facts = await self._facts(session)
            problem = problem_of(facts, self._database.several)
            if problem:  # another server has taken the place of the one that was looked at
                raise OSError(problem)
            raw = await session.get_raw_connection()
            driver: Any = raw.driver_connection
            await driver.add_listener(CHANNEL, lambda *_: self._woken.set())
        except BaseException:
            await _terminate(session)
            raise
        return session

    async def _facts(self, session: AsyncConnection) -> Facts:
        """What the server is. It is the one that is known from now on: those to which a connection
        is made are looked at before."""
        facts = Facts(*(await session.execute(LOOK)).one())
        self.seen = facts.seen
        return facts

    async def _soon(self, asked: Coroutine[Any, Any, Result]) -> Result:
        """What the database answers within the silence that it bears itself."""
        async with asyncio.timeout(self._claim.silence):
            return await asked

    async def _rest(self) -> None:
        """Until it is time to ask again, or the others have told something."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(LONGEST, ASK_EVERY * self._claim.silence)):
                await self._woken.wait()
        self._woken.clear()

    def _failed(self, problem: str) -> None:
        self._away = True
        if problem != self.problem:
            log.error("the session with the database is lost: %s", problem)
        self.problem = problem

    async def _hang_up(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await _terminate(session)


async def _terminate(session: AsyncConnection) -> None:
    """End a session without waiting for the other side, which may be away."""
    with contextlib.suppress(*FAULTS):
        raw = await session.get_raw_connection()
        driver: Any = raw.driver_connection
        driver.terminate()
    with contextlib.suppress(*FAULTS):
        await session.invalidate()
        await session.close()


async def read_leader(connection: AsyncConnection) -> Leader | None:
    try:
        row = (await connection.execute(READ)).first()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") == UNKNOWN_TABLE:
            return None  # nobody has led yet
        raise
    return Leader(row.epoch, row.host, row.url, json.loads(row.files)) if row is not None else None


def _engine(found: Database, host: str, silence: float, seen: Callable[[], Seen]) -> AsyncEngine:
    """For single sessions that the server ends when they are silent."""

    def judge(facts: Facts) -> str:
        return read_only(facts) or outdated(facts, seen())

    settings = {
        "idle_session_timeout": str(round(1000 * silence)),
        "application_name": f"diem-cau leader {host}"[:63],
        "statement_timeout": "0",
    }
    return found.engine(
        judge,
        all_of_them=True,
        settings=settings,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
    )
