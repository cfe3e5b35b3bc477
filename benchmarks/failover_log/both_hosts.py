"""Two hosts, two database servers, the lines between them, and somebody who always directs."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from pathlib import Path

import aiohttp

from benchmarks.failover_log.cuttable import CuttableLine, Line
from benchmarks.failover_log.database_pair import Pair, Server, pair
from benchmarks.failover_log.host_process import HostProcess
from benchmarks.failover_log.log_comparison import Findings, Row, compare
from bridge.conference import events as e
from bridge.store.database import engine_of
from bridge.store.log import EventLog

NAMES = ("h1", "h2")
TAKEOVER = 1.5  # seconds: what a topology has where it does not say
PATIENCE = 3.0  # seconds that one attempt at a command may take
MOST = 120.0  # seconds until a command that nothing hinders has to be acknowledged
PAUSE = 0.02  # seconds between attempts
# Who committed each event, by what PostgreSQL itself knows of the connection.
WITNESS = """
CREATE TABLE witness (event bigint, epoch bigint, who text);
CREATE FUNCTION witness() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
 INSERT INTO witness SELECT NEW.id, epoch, current_setting('application_name') FROM leader;
 RETURN NEW; END $$;
CREATE TRIGGER witness AFTER INSERT ON events FOR EACH ROW EXECUTE FUNCTION witness();
"""


class Stuck(Exception):
    """Nothing was acknowledged for far too long."""


class Director:
    """Directs one conference: each command has a key, and is sent until it is acknowledged."""

    def __init__(self, hosts: list[HostProcess], http: aiohttp.ClientSession) -> None:
        self._hosts = hosts
        self._http = http
        self.conference = ""
        self.acknowledged: dict[str, int] = {}
        self.begun: list[float] = []  # when each acknowledged command was sent first
        self.heard: list[float] = []  # when it was acknowledged
        self.repeated = 0
        self.rest = asyncio.Event()
        """Set when it is enough; `run` ends with what is being sent then."""
        self._moved = asyncio.Event()

    async def open(self) -> None:
        """Open the conference on whichever host leads."""
        async with asyncio.timeout(MOST):
            while not self.conference:
                for host in self._hosts:
                    body = {"template": "giao-ban", "start": True}
                    made = await host.call(self._http, "/conferences", body, "open")
                    if made is not None:
                        self.conference = made["conference"]
                await asyncio.sleep(PAUSE)

    async def run(self) -> None:
        """Direct until it is to rest."""
        for number in itertools.count(1):
            if self.rest.is_set():
                return
            text, begun = f"{number}", time.monotonic()
            body = {"command": {"type": "banner", "text": text}}
            path = f"/conferences/{self.conference}/commands"
            for attempt in itertools.count():
                host = self._hosts[attempt % len(self._hosts)]
                answer = await host.call(self._http, path, body, f"key-{number}")
                if answer is not None:
                    break
                if attempt:
                    await asyncio.sleep(PAUSE)
            self.repeated += attempt > 1
            if attempt % len(self._hosts):
                self._hosts.reverse()  # who leads is asked first
            self.acknowledged[text] = int(answer["seq"])
            self.begun.append(begun)
            self.heard.append(time.monotonic())
            self._moved.set()

    def longest(self, since: float) -> float:
        """The longest time after a moment in which nothing was acknowledged."""
        heard = [since, *(at for at in self.heard if at > since)]
        return max((after - before for before, after in pairwise(heard)), default=0.0)

    async def directs(self, since: float) -> float:
        """Wait until a command that was sent first after a moment is acknowledged; how long after
        it that was. Raises `Stuck`."""
        try:
            async with asyncio.timeout(MOST):
                while not self.begun or self.begun[-1] < since:
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            raise Stuck from None
        return time.monotonic() - since


class World:
    """All of it. ``hosts`` may change their order, `leader` and `other` do not depend on it."""

    def __init__(self, folder: Path, servers: Pair, http: aiohttp.ClientSession) -> None:
        self.servers = servers
        self.http = http
        self.hosts = [HostProcess(name, folder) for name in NAMES]
        self.lines = {
            (host.name, server.name): CuttableLine(server.port)
            for host in self.hosts
            for server in servers.both
        }
        self.director = Director(list(self.hosts), http)
        self.directing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start both hosts, and the conference."""
        known = [{"id": host.name, "url": host.url} for host in self.hosts]
        for host in self.hosts:
            ports = {}
            for server in self.servers.both:
                line = self.lines[host.name, server.name]
                await line.start()
                ports[server.name] = line.port
            told = {"this": host.name, "takeover": TAKEOVER, "all": known}
            host.prepare(self.servers.url(ports=ports), told)
        first, second = self.hosts
        first.start()
        await self._until(lambda said: (200, "") in said)
        second.copy_keys_of(first)
        second.start()
        await self._until(lambda said: (503, "http.not_leader") in said)
        await asyncio.to_thread(self.servers.primary.sql, WITNESS)
        await self.director.open()

    async def _until(self, holds: Callable[[list[tuple[int, str]]], bool]) -> None:
        async with asyncio.timeout(MOST):
            while True:
                if holds([await host.health(self.http) for host in self.hosts]):
                    return
                await asyncio.sleep(PAUSE)

    async def leader(self) -> HostProcess:
        """The host that leads now."""
        async with asyncio.timeout(MOST):
            while True:
                for host in self.hosts:
                    if (await host.health(self.http))[0] == 200:
                        return host
                await asyncio.sleep(PAUSE)

    async def other(self) -> HostProcess:
        """The host that does not lead now."""
        leader = await self.leader()
        return next(host for host in self.hosts if host is not leader)

    def cut(
        self, line: Line, host: HostProcess | None = None, server: Server | None = None
    ) -> None:
        """Change the lines of a host, or to a server; None stands for both."""
        for (name, to), each in self.lines.items():
            if (host is None or host.name == name) and (server is None or server.name == to):
                each.become(line)

    async def findings(self) -> Findings:
        """Stop directing, compare what was acknowledged with the log, and look who committed."""
        self.director.rest.set()
        if self.directing is not None:
            await self.directing
        server = self.servers.primary
        engine = engine_of(f"postgresql://postgres@127.0.0.1:{server.port}/postgres", Path())
        try:
            log = await EventLog(engine).read(self.director.conference)
        finally:
            await engine.dispose()
        rows = [
            Row(item.seq, item.event.text if isinstance(item.event, e.BannerSet) else "")
            for item in log
        ]
        lines = await asyncio.to_thread(server.sql, "SELECT DISTINCT epoch, who FROM witness")
        commits = [(int(line.split("|")[0]), line.split("|")[1]) for line in lines.splitlines()]
        return compare(self.director.acknowledged, rows, commits)

    async def stop(self) -> None:
        for host in self.hosts:
            await host.lose()
        for line in self.lines.values():
            await line.stop()


@contextlib.asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    """Everything running, and somebody who directs."""
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    with pair() as servers:
        async with aiohttp.ClientSession(timeout=timeout) as http:
            made = World(folder, servers, http)
            try:
                await made.start()
                made.directing = asyncio.create_task(made.director.run())
                try:
                    yield made
                finally:
                    made.directing.cancel()
                    await asyncio.gather(made.directing, return_exceptions=True)
            finally:
                await made.stop()
