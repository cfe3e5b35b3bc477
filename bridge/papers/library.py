"""The papers of this bridge: taken in, ruled, removed, and brought to the conferences that they
belong to."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.desk_call import NAMED
from bridge.conference.model import SYSTEM, State
from bridge.control.conductor import Conductor
from bridge.papers.kept_papers import KeptPaper, PaperCatalogue
from bridge.papers.page_pictures import PagePictures
from bridge.papers.taking_in import Found, Intake, RefusedPaperError
from bridge.papers.titles import title_of
from bridge.papers.visibility import Rules, belongs
from bridge.store.database import FAULTS
from bridge.store.log import EventLog

log = logging.getLogger("papers")

LOOK = 1.0  # seconds between looks where nothing is committed
AHEAD = 1280  # pixels across of pages that are drawn before anybody asks
MAX_VERSIONS = 100


class Library:
    """All papers. ``folder`` is where their files lie."""

    def __init__(self, conductor: Conductor, events: EventLog, folder: Path) -> None:
        self._conductor = conductor
        self.catalogue = PaperCatalogue(events, folder, conductor.now)
        self.intake = Intake(folder, self.catalogue.file)
        self.pictures = PagePictures()
        self._changing = asyncio.Lock()

    async def load(self) -> None:
        """Read the log. Raises `StoreError`."""
        await self.catalogue.load()
        await asyncio.to_thread(self.intake.tidy)

    async def run(self) -> None:
        """Bring papers to their conferences, until cancelled."""
        try:
            while True:
                self.settle()
                await self._forget_cases()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK):
                        await self._conductor.committed.wait()
        finally:
            await self.pictures.close()

    def settle(self) -> None:
        """Tell running conferences what papers they have, where that is news. What is told once
        too often changes nothing."""
        now = self._conductor.now()
        for state in self._conductor.running():
            wanted = self._wanted(state, now)
            for kept in wanted.values():
                if state.papers.get(kept.facts.paper) != kept.attached:
                    self._conductor.fact(state.booking.id, c.AttachPaper(newest=kept.attached))
            for ident in state.papers.keys() - wanted.keys():
                self._conductor.fact(state.booking.id, c.WithdrawPaper(paper=ident))

    async def _forget_cases(self) -> None:
        """Delete the papers of desk calls that are over: they belong to the citizen."""
        running = self._conductor.states
        over = [
            kept.facts.paper
            for kept in self.catalogue.kept.values()
            if kept.facts.of.startswith(NAMED) and kept.facts.of not in running
        ]
        for paper in over:
            try:
                await self.remove(paper, SYSTEM.label)
            except FAULTS as error:
                log.error("papers of a call wait for the store: %s", type(error).__name__)
                return

    def _wanted(self, state: State, now: float) -> dict[str, KeptPaper]:
        return {
            ident: kept
            for ident, kept in self.catalogue.kept.items()
            if belongs(kept.facts.of, state) and not kept.rules.over(now)
        }

    # --- changes ------------------------------------------------------------------------

    async def take(
        self,
        pieces: AsyncIterator[bytes],
        announced: int | None,
        *,
        of: str,
        name: str,
        rules: Rules,
        actor: str,
        replaces: str = "",
    ) -> KeptPaper:
        """Take a paper in, or another version of the one that it ``replaces``, which keeps its
        rules. Raises `RefusedPaperError`, OSError, `NotSaved`."""
        found = await self.intake.take(pieces, announced)
        try:
            return await self._keep(found, of, name, rules, actor, replaces)
        finally:
            self.intake.arrived(found)

    async def _keep(
        self, found: Found, of: str, name: str, rules: Rules, actor: str, replaces: str
    ) -> KeptPaper:
        async with self._changing:
            paper, version = self.catalogue.next_name(of), 1
            if replaces:
                before = self.catalogue.kept.get(replaces)
                if before is None:
                    raise RefusedPaperError("papers.unknown", id=replaces)
                paper, version = replaces, before.facts.version + 1
                of, rules = before.facts.of, before.rules
                if version > MAX_VERSIONS:
                    raise RefusedPaperError("papers.too_many_versions", most=str(MAX_VERSIONS))
            facts = e.PaperKept(
                paper=paper,
                version=version,
                of=of,
                title=title_of(name),
                **found._asdict(),
                **msgspec.structs.asdict(rules),
            )
            await self.catalogue.add(facts, actor)
        self.settle()
        self.pictures.prepare(self.catalogue.file(facts.drawn), 1, AHEAD)
        log.info("paper %s: version %d, %d pages", paper, version, facts.pages)
        return self.catalogue.kept[paper]

    async def rule(self, paper: str, rules: Rules, actor: str) -> None:
        """Decide who sees a paper. Raises `NotSaved`."""
        await self.catalogue.add(e.PaperRuled(paper=paper, **msgspec.structs.asdict(rules)), actor)
        self.settle()

    async def remove(self, paper: str, actor: str) -> None:
        """Delete a paper: first what people see, then files that no other paper has. Raises
        `NotSaved`."""
        async with self._changing:
            kept = self.catalogue.kept[paper]
            await self.catalogue.add(e.PaperRemoved(paper=paper, sha256=kept.facts.sha256), actor)
            self.settle()
            files = {f for facts in (*kept.before, kept.facts) for f in (facts.sha256, facts.drawn)}
            arriving = {sha256 for sha256, count in self.intake.arriving.items() if count > 0}
            for sha256 in files - self.catalogue.used() - arriving:
                path = self.catalogue.file(sha256)
                self.pictures.forget(path)
                with contextlib.suppress(OSError):
                    await asyncio.to_thread(path.unlink, missing_ok=True)

    # --- pages ----------------------------------------------------------------------------

    async def page(self, facts: e.PaperKept, page: int, width: int) -> bytes:
        """A page's picture, as WebP. The page after it is drawn, too, where nobody waits. Raises
        `NotDrawnError`."""
        path = self.catalogue.file(facts.drawn)
        picture = await self.pictures.picture(path, page, width)
        if page < facts.pages:
            self.pictures.prepare(path, page + 1, width)
        return picture
