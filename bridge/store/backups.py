"""The backups of one bridge: made by schedule and on demand, in a process of their own."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from bridge.base.limited import OverLimitError, limited
from bridge.store.backup import files
from bridge.store.backup_work import Outcome, Work, within
from bridge.store.database import NotSaved
from bridge.store.leading.term import Term

log = logging.getLogger("backup")

SECONDS = 900.0  # of CPU that a backup or a restoration may take
MEMORY = 2 << 30  # octets; both work row by row
FIRST_LOOK = 60.0  # seconds after the start, which has other things to do
LOOK = 600.0
PATIENCE = 2.0  # of the interval: so long a backup waits for the end of a conference


class Backups:
    """Writes backups by schedule and on demand, and restores them.

    ``url`` and ``state`` name the database, ``folder`` is where scheduled backups lie, one
    every ``hours`` (0: none), the newest ``keep`` of them. ``secret`` encrypts them; "" does not.
    ``term`` is that of a leader among several hosts, in which alone it restores.
    """

    def __init__(
        self,
        url: str,
        state: Path,
        folder: Path,
        *,
        hours: float = 24.0,
        keep: int = 14,
        secret: str = "",
        term: Term | None = None,
    ) -> None:
        self._url = url
        self.state = state
        self.folder = folder
        self._hours = hours
        self._keep = keep
        self._secret = secret
        self._term = term
        self._one = asyncio.Lock()
        self.problem = ""
        """Why the last one failed; "" where it did not."""

    @property
    def encrypted(self) -> bool:
        return bool(self._secret)

    def name(self, now: float) -> str:
        """What a backup of ``now`` (UTC seconds) is called."""
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
        return f"diem-cau-{stamp}.jsonl.gz" + (".sealed" if self._secret else "")

    async def write(self, path: Path) -> int:
        """Write a backup; returns its rows. Raises `NotSaved`."""
        outcome = await self._work("write", path)
        if outcome.fault or outcome.problem:
            raise NotSaved(outcome.fault or outcome.problem)
        return outcome.rows

    async def restore(self, path: Path, actor: str = "system") -> Outcome:
        """Replace everything by a backup, as ``actor`` wants. Raises ValueError with a sentence
        where it is no good one, and `NotSaved`; then nothing was changed."""
        outcome = await self._work("restore", path, actor)
        if outcome.problem:
            raise ValueError(outcome.problem)
        if outcome.fault:
            raise NotSaved(outcome.fault)
        return outcome

    async def _work(self, kind: str, path: Path, actor: str = "system") -> Outcome:
        work = Work(
            kind=kind,
            url=self._url,
            folder=str(self.state),
            file=str(path),
            secret=self._secret,
            actor=actor,
        )
        work = within(self._term, work)
        async with self._one:
            try:
                answer = await limited(
                    "bridge.store.backup_work",
                    msgspec.to_builtins(work),
                    seconds=SECONDS,
                    memory=MEMORY,
                )
            except OverLimitError:
                return Outcome(problem="The backup takes more time or memory than it may.")
            except OSError as error:
                return Outcome(fault=str(error))
        return msgspec.convert(answer, Outcome)

    # --- by schedule --------------------------------------------------------------------

    def newest(self) -> float | None:
        """When the newest scheduled backup was made, UTC seconds; None: there is none."""
        found = files(self.folder)
        return found[-1].stat().st_mtime if found else None

    def due(self, now: float, busy: bool) -> bool:
        """Whether one is to be made; it waits up to another interval for a conference to end."""
        if not self._hours:
            return False
        last = self.newest()
        wait = self._hours * 3600 * (PATIENCE if busy else 1.0)
        return last is None or not 0 <= now - last < wait

    async def look(self, now: float, busy: bool) -> bool:
        """Make a backup where one is due, and forget the oldest; whether one was made."""
        if not self.due(now, busy):
            return False
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            rows = await self.write(self.folder / self.name(now))
        except (NotSaved, OSError) as error:
            if not self.problem:
                log.error("the backup could not be made: %s", error)
            self.problem = str(error)
            return False
        self.problem = ""
        log.info("a backup of %d rows was made", rows)
        for old in files(self.folder)[: -self._keep]:
            old.unlink(missing_ok=True)
        return True

    async def run(self, now: Callable[[], float], busy: Callable[[], bool]) -> None:
        """Look now and then until cancelled."""
        await asyncio.sleep(FIRST_LOOK)
        while True:
            await self.look(now(), busy())
            await asyncio.sleep(LOOK)
