"""A host that waits for its turn: it says who leads, and leads when the database lets it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import signal
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.app import credentials
from bridge.app.certificates import ServerCertificate
from bridge.app.errors import StartError
from bridge.app.handing_over import EXPECTED, HostHandOver, handed_to_us, sockets, still_forwards
from bridge.app.listening import WebServer
from bridge.app.sip_gateway import end_gateway
from bridge.app.waiting import Waiting
from bridge.app.warm_workers import WarmWorkers, end_former
from bridge.base.systemd import notify
from bridge.proof.signing_key import PRIVATE_KEY
from bridge.store.database import FAULTS, StoreError
from bridge.store.leading.leadership import Leader, Leadership, Unsuitable
from bridge.store.leading.seen_database import read_seen, write_seen
from config.schema import Topology

if TYPE_CHECKING:
    from bridge.app.process import ControlProcess

log = logging.getLogger("leading")

# What every host has to have alike: rooms show these keys, browsers and telephones hold what these
# have signed, and one key signs the log.
KEPT = (credentials.DEVICE_KEY, credentials.AUDIENCE_KEY, credentials.DELEGATE_KEY)
ALIKE = (credentials.KEYS, *KEPT, PRIVATE_KEY)
# The authority whose certificates rooms trust, where the bridge has one of its own.
AUTHORITY = "tls/ca.crt"
COUNT = 15.0  # seconds between counts of the hosts that wait
LOOK = 1.0  # seconds between looks at who leads
RETRY = 0.5  # seconds between tries to reach the database at the start


def digests(state: Path) -> dict[str, str]:
    """What the files of `ALIKE` are, and the authority, by name; a missing one is left out."""
    found = {}
    for name in (*ALIKE, AUTHORITY):
        with contextlib.suppress(FileNotFoundError):
            found[name] = hashlib.sha256((state / name).read_bytes()).hexdigest()[:32]
    return found


def unlike(leader: Leader | None, own: dict[str, str], state: Path) -> str:
    """Which of this host's files are not those of who led last, as a sentence with what to do; ""
    where they are, or nobody has led yet."""
    if leader is None:
        return ""
    names = [name for name, digest in leader.files.items() if own.get(name) != digest]
    if not names:
        return ""
    return (
        f"This host's {', '.join(names)} in {state} are missing or not those of host "
        f"{leader.host}, which led last: rooms and logins of one would be strangers to the other. "
        "End this bridge, copy these files from that host's state folder (owner and mode as "
        "there), and start again."
    )


class Turn:
    """One host's waiting, leading and ceasing to lead, in one process; given up at its end."""

    def __init__(
        self, topology: Topology, state: Path, folder: Path, *, own_worker: bool = True
    ) -> None:
        """Without ``own_worker`` somebody else (systemd) starts media workers. Raises
        `StartError`."""
        hosts = topology.bridge.hosts
        assert hosts is not None
        self._topology = topology
        self._state = state
        self._own_worker = own_worker
        self._certificate = ServerCertificate(topology.bridge.web.tls, folder, state / "tls")
        self._own = hosts.own
        self._pages = hosts.urls
        self._silence = hosts.takeover
        self.leadership = self._leadership()
        self.hand_over = HostHandOver(self._own.id, state)
        self._task: asyncio.Task[None] | None = None

    def _leadership(self) -> Leadership:
        try:
            return Leadership(
                self._topology.bridge.database,
                self._own.id,
                self._own.url,
                digests(self._state),
                self._silence,
                seen=read_seen(self._state),
            )
        except StoreError as error:
            raise StartError(str(error)) from None

    async def wait(self, stop: asyncio.Event) -> bool:
        """Wait until this host leads; False where it was told to stop before. Raises
        `StartError`."""
        waiting = Waiting(
            lambda: self.leadership.leader,
            self._own.id,
            self._pages,
            lambda: self.leadership.problem,
        )
        server = WebServer(waiting.app, lambda _: True)
        await server.start(self._topology.bridge.web, self._certificate.context())
        workers = WarmWorkers(self._topology, self._state, own=self._own_worker)
        try:
            if not await self._joined(stop):
                return False
            self._task = asyncio.create_task(self.leadership.run())
            while not await first(stop.wait(), self.leadership.leading.wait(), within=LOOK):
                await self._look(workers)
            if not stop.is_set():
                await workers.take_over()
        finally:
            await workers.close()
            write_seen(self._state, self.leadership.seen)
            await server.stop()
        return not stop.is_set()

    async def _joined(self, stop: asyncio.Event) -> bool:
        """Look at the database, which may be away for now, and make what the first host of all
        makes; False where the process was told to stop before. Raises `StartError`."""
        said = ""
        while True:
            try:
                leader = await self.leadership.look()
                break
            except Unsuitable as error:
                raise StartError(str(error)) from None
            except StoreError as error:
                if str(error) != said:
                    log.error("%s", error)
                said = str(error)
            if await first(stop.wait(), within=RETRY):
                return False
        if leader is None:
            credentials.load_keys(self._topology, self._state / credentials.KEYS)
            for name in KEPT:
                credentials.kept_key(self._state / name)
            credentials.signing_key(self._state)
            self.leadership = self._leadership()
        self._agree(leader)
        return True

    async def _look(self, workers: WarmWorkers) -> None:
        """What another host's leading means for this one."""
        write_seen(self._state, self.leadership.seen)
        leader = self.leadership.leader
        if leader is None or leader.host == self._own.id:
            return  # a worker that goes on here is adopted by whoever leads next, here
        # Codecs take one call: the leader's gateway gets through once ours has gone.
        end_gateway(self._state)
        self._agree(leader)
        if await still_forwards(self._state, leader.host, time.time()):
            return
        for socket in sockets(self._state):
            await end_former(socket)
        workers.keep()

    def _agree(self, leader: Leader | None) -> None:
        problem = unlike(leader, digests(self._state), self._state)
        if problem:
            raise StartError(problem)

    async def expect_rooms(self, process: ControlProcess) -> None:
        """Where another host has handed over, its rooms are on the way: nobody is called absent
        before they had time to come."""
        with contextlib.suppress(*FAULTS):
            host = await handed_to_us(process.accounts, self.leadership.epoch)
            if host:
                log.warning("host %s has handed over to this one", host)
                process.control.presence.expect(EXPECTED)

    async def count_waiting(self, process: ControlProcess) -> None:
        """Keep the metrics told of how many hosts wait, until cancelled."""
        while True:
            with contextlib.suppress(*FAULTS):
                process.meters.hosts_wait(len(await self.hand_over.waiting(process.engine)))
            await asyncio.sleep(COUNT)

    async def lead(self, stop: asyncio.Event) -> None:
        """Return when the process is told to stop. Where it leads no more it ends at once, as if it
        had been killed: nothing of it may act or answer any longer. Its media worker goes on, and
        the process that begins in its place waits for its turn."""
        asked = self.hand_over.asked
        await first(stop.wait(), self.leadership.lost.wait(), asked.wait())
        if asked.is_set():
            await self.leadership.resign()
            end_gateway(self._state)
        if not stop.is_set():
            self.fall()

    def fall(self) -> None:
        """End at once where this host leads no more."""
        if self.leadership.leads():
            return
        log.error("this host leads no more: %s", self.leadership.problem or "the lock is gone")
        notify("STATUS=leads no more")
        os.kill(os.getpid(), signal.SIGKILL)

    def healthy(self) -> bool:
        """Whether this host takes part still."""
        return self._task is None or not self._task.done()

    async def __aenter__(self) -> Turn:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let another host lead at once, where this one did."""
        if self._task is None:
            return
        if self.leadership.leading.is_set():
            await self.leadership.resign()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def first(*events: Awaitable[object], within: float | None = None) -> bool:
    """Whether one of several events comes within so many seconds."""
    waiting = [asyncio.ensure_future(event) for event in events]
    try:
        done, _ = await asyncio.wait(waiting, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    return bool(done)
