"""Where a PostgreSQL is: one server, or several, of which one is written to at a time and the
others are its copies.

asyncpg tries several servers one after another within one time limit, so that a machine which is
lost, and does not even refuse, uses all of it. Here each has its own, and they are tried beside one
another, the one that was right last a moment earlier (the idea of RFC 8305).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bridge.store.leading.guarantees import FACTS, Facts, read_only

PATIENCE = 5.0  # seconds that a PostgreSQL which is there may take to answer
PORT = 5432
AHEAD = 0.25  # seconds that the server which was right last has before the others are tried
GRACE = 0.5  # seconds that the others have where all are to be compared and one has answered
MOST = 8  # servers
WRITTEN = ("read-write", "primary")  # of target_session_attrs, those that mean what is done here
ONE = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>\d+))?")

Judge = Callable[[Facts], str]


class Address(NamedTuple):
    """A name, an address, or the folder of a socket."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def split(url: str) -> tuple[str, tuple[Address, ...]]:
    """A URL without its servers, and these, where it names several, as libpq has it
    (``//user@a:5432,b/name``, ``?host=a,b&port=…``) or SQLAlchemy (``?host=a:5432&host=b``); one
    that names one is left alone. Raises ValueError with what is wrong."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    who, at, where = parts.netloc.rpartition("@")
    names = [*where.split(",")] if where else []
    ports: list[str] = []
    for name, value in query:
        if name == "host":
            names += value.split(",")
        elif name == "port":
            ports += value.split(",")
    if len(names) < 2:
        return url, ()
    if ports and len(ports) not in (1, len(names)):
        raise ValueError(f"{len(names)} servers and {len(ports)} ports")
    if len(names) > MOST:
        raise ValueError(f"{len(names)} servers; {MOST} are the most")
    for name, value in query:
        if name == "target_session_attrs" and value not in WRITTEN:
            raise ValueError(f"target_session_attrs is {value}, and the bridge writes")
    found = tuple(
        _address(name, ports[i % len(ports)] if ports else "") for i, name in enumerate(names)
    )
    if len(set(found)) < len(found):
        raise ValueError("one server stands in it twice")
    taken = ("host", "port", "target_session_attrs")
    left = urlencode([item for item in query if item[0] not in taken], quote_via=quote)
    return f"{parts.scheme}://{who}{at}{parts.path}{'?' if left else ''}{left}", found


def _address(text: str, port: str) -> Address:
    match = ONE.fullmatch(text)
    if match is None or not match["host"]:
        raise ValueError(f"{text!r} is no server")
    return Address(match["host"].strip("[]"), int(match["port"] or port or PORT))


class Unwritable(OSError):
    """No server of a database can be used; the text says of each why."""


class Servers:
    """Opens connections to that of several servers to which ``judge`` has no objection. With
    ``all_of_them`` they are compared, and the one whose timeline is the highest is taken: a server
    whose copy took its place may be back, and not know."""

    def __init__(
        self, addresses: Sequence[Address], judge: Judge = read_only, *, all_of_them: bool = False
    ) -> None:
        self._addresses = list(addresses)
        self._judge = judge
        self._all = all_of_them

    async def connect(self, **arguments: Any) -> Any:
        """A connection of asyncpg. Raises what asyncpg does where there is one server, and
        `Unwritable`."""
        if not self._addresses:
            return await self._judged(None, arguments)
        found, problems = await self._race(arguments)
        if not found:
            said = "; ".join(f"{address}: {problems[address]}" for address in self._addresses)
            raise Unwritable(f"no server of the database can be written to ({said})")
        best = max(found, key=lambda each: each[2].seen.timeline)
        for address, connection, facts in found:
            if connection is not best[1]:
                connection.terminate()
            if facts.system != best[2].system:
                best[1].terminate()
                raise Unwritable(f"{address} and {best[0]} are two different databases")
        self._addresses.remove(best[0])
        self._addresses.insert(0, best[0])
        return best[1]

    async def _race(
        self, arguments: dict[str, Any]
    ) -> tuple[list[tuple[Address, Any, Facts]], dict[Address, str]]:
        """Connections, with whom and what it said; and why there is none with others."""
        waiting = list(self._addresses)
        trying: dict[asyncio.Task[tuple[Any, Facts]], Address] = {}
        found: list[tuple[Address, Any, Facts]] = []
        problems: dict[Address, str] = {}
        try:
            while (waiting or trying) and (self._all or not found):
                for address in waiting if self._all else waiting[:1]:
                    told = {**arguments, "host": address.host, "port": address.port}
                    trying[asyncio.create_task(self._judged(address, told))] = address
                waiting = [] if self._all else waiting[1:]
                patience = GRACE if found else AHEAD if waiting else None
                done, _ = await asyncio.wait(
                    trying, timeout=patience, return_when=asyncio.FIRST_COMPLETED
                )
                if found and not done:
                    break
                for task in done:
                    address = trying.pop(task)
                    error = task.exception()
                    if error is None:
                        found.append((address, *task.result()))
                    else:
                        problems[address] = said(error)
        except BaseException:
            for _, connection, _ in found:
                connection.terminate()
            raise
        finally:
            await _end(trying)
        return found, problems

    async def _judged(self, address: Address | None, arguments: dict[str, Any]) -> Any:
        """A connection; with an address also what the server is. Raises `Unwritable`."""
        import asyncpg  # type: ignore[import-untyped]  # noqa: PLC0415 - SQLite has none

        connection = await asyncpg.connect(**arguments)
        try:
            facts = Facts(**dict(await connection.fetchrow(FACTS)))
            problem = self._judge(facts)
            if problem:
                raise Unwritable(problem)
        except BaseException:
            connection.terminate()
            raise
        return connection if address is None else (connection, facts)


def said(error: BaseException) -> str:
    """What an error says in its first line; one without words is that of an answer which did not
    come."""
    return (str(error) or "there was no answer").splitlines()[0]


async def _end(tasks: Iterable[asyncio.Task[tuple[Any, Facts]]]) -> None:
    """End what is no longer needed, with the connections that it has made already."""
    for task in tasks:
        task.cancel()
    for made in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(made, tuple):
            made[0].terminate()


class Database(NamedTuple):
    """An address of a PostgreSQL: a URL as SQLAlchemy has it, and the servers where it names
    several."""

    url: sa.URL
    addresses: tuple[Address, ...] = ()

    @property
    def several(self) -> bool:
        return len(self.addresses) > 1

    def engine(
        self,
        judge: Judge | None = None,
        *,
        all_of_them: bool = False,
        patience: float | None = None,
        settings: dict[str, str] | None = None,
        **options: Any,
    ) -> AsyncEngine:
        """An engine whose connections are to a server to which ``judge`` has no objection, and
        have ``settings``. A statement that is not answered within ``patience`` seconds (None: for
        ever) fails. ``options`` are SQLAlchemy's."""
        arguments: dict[str, Any] = {"timeout": PATIENCE, "command_timeout": patience}
        if settings:
            arguments["server_settings"] = settings
        if judge is not None or self.addresses:
            servers = Servers(self.addresses, judge or read_only, all_of_them=all_of_them)
            arguments["async_creator_fn"] = servers.connect
        return create_async_engine(self.url, connect_args=arguments, **options)


def database(url: str) -> Database:
    """The address of a database, of whichever kind. Raises ValueError with what is wrong, and what
    SQLAlchemy does."""
    rest, addresses = split(url) if url.startswith("postgres") else (url, ())
    parsed = sa.engine.make_url(rest)
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+asyncpg")
    return Database(parsed, addresses)
