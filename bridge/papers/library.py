"""The papers of this bridge: taken in, ruled, removed, and brought to the conferences that they
belong to."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.base.i18n import text
from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.desk_call import NAMED
from bridge.conference.model import SYSTEM, Actor, State
from bridge.conference.strokes import Stroke
from bridge.control.control import Control
from bridge.papers.copies import Copies
from bridge.papers.kept_papers import KeptPaper, PaperCatalogue
from bridge.papers.page_pictures import PagePictures
from bridge.papers.stroke_board import StrokeBoards
from bridge.papers.taking_in import Found, Intake, RefusedPaperError, pieces_of
from bridge.papers.titles import title_of
from bridge.papers.visibility import Rules, belongs
from bridge.store.database import FAULTS
from bridge.store.log import EventLog
from bridge.store.shared_files import shared_files

log = logging.getLogger("papers")

LOOK = 1.0  # seconds between looks where nothing is committed
AHEAD = 1280  # pixels across of pages that are drawn before anybody asks
MAX_VERSIONS = 100


class Library:
    """All papers. ``folder`` is where their files lie."""

    def __init__(
        self, control: Control, events: EventLog, folder: Path, engine: AsyncEngine
    ) -> None:
        self._conductor = control.conductor
        self.catalogue = PaperCatalogue(events, folder, self._conductor.now)
        self.intake = Intake(folder, self.catalogue.file)
        self.copies = Copies(self.catalogue.file, shared_files(engine))
        self._ahead: set[str] = set()
        self.pictures = PagePictures()
        self.strokes = StrokeBoards(control.sessions, self._conductor)
        self._with_strokes: dict[tuple[str, str], str] = {}
        """The paper in which the strokes of a conference's paper were kept last."""
        self._changing = asyncio.Lock()

    async def load(self) -> None:
        """Read the log. Raises `StoreError`."""
        await self.catalogue.load()
        await asyncio.to_thread(self.intake.tidy)

    async def run(self) -> None:
        """Bring papers to their conferences, until cancelled."""
        beside = asyncio.create_task(self.copies.share(sorted(self.catalogue.used())))
        try:
            while True:
                self.settle()
                await self._forget_cases()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK):
                        await self._conductor.committed.wait()
        finally:
            beside.cancel()
            await asyncio.gather(beside, return_exceptions=True)
            await self.copies.close()
            await self.pictures.close()

    def settle(self) -> None:
        """Tell running conferences what papers they have, where that is news, and bring those to
        this disk before anybody opens them. What is told once too often changes nothing."""
        now, used = self._conductor.now(), set[str]()
        for state in self._conductor.running():
            wanted = self._wanted(state, now)
            for kept in wanted.values():
                used.add(kept.facts.drawn)
                if state.papers.get(kept.facts.paper) != kept.attached:
                    self._conductor.fact(state.booking.id, c.AttachPaper(newest=kept.attached))
            for ident in state.papers.keys() - wanted.keys():
                self._conductor.fact(state.booking.id, c.WithdrawPaper(paper=ident))
        for sha256 in sorted(used - self._ahead):
            self.copies.ahead(sha256)
        self._ahead = used
        self.strokes.settle()

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
            await self.copies.keep({facts.sha256, facts.drawn})
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
                self.pictures.forget(self.catalogue.file(sha256))
                await self.copies.remove(sha256)

    # --- strokes --------------------------------------------------------------------------

    async def keep_strokes(self, conference: str, actor: Actor) -> list[KeptPaper]:
        """Keep what is drawn on the pages of a conference: of each paper those pages become a PDF,
        a paper of its own with the rules of the other, or the next version of it. Raises
        `RefusedPaperError`, OSError, `NotSaved`."""
        drawn: dict[tuple[str, int], dict[int, tuple[Stroke, ...]]] = {}
        for leaf, strokes in self.strokes.of(conference).items():
            drawn.setdefault((leaf.paper, leaf.version), {})[leaf.page] = strokes
        if not drawn:
            raise RefusedPaperError("strokes.none")
        made = []
        for (paper, version), pages in drawn.items():
            made.append(await self._keep_drawn(conference, paper, version, pages, actor))
        return made

    async def _keep_drawn(
        self,
        conference: str,
        paper: str,
        version: int,
        pages: dict[int, tuple[Stroke, ...]],
        actor: Actor,
    ) -> KeptPaper:
        source = self.catalogue.kept.get(paper)
        facts = source.version(version) if source is not None else None
        if source is None or facts is None:
            raise RefusedPaperError("papers.unknown", id=paper)
        path = await self.copies.file(facts.drawn)
        async with self.intake.with_strokes(path, pages) as file:
            before = self._with_strokes.get((conference, paper), "")
            kept = await self.take(
                pieces_of(file),
                None,
                of=conference,
                name=text("vi", "strokes.title", title=facts.title),
                rules=source.rules,
                actor=actor.label,
                replaces=before if before in self.catalogue.kept else "",
            )
        self._with_strokes[conference, paper] = kept.facts.paper
        await self._conductor.submit(
            conference,
            c.KeepStrokes(
                paper=paper,
                version=version,
                pages=tuple(pages),
                kept=kept.facts.paper,
                sha256=kept.facts.sha256,
            ),
            actor,
        )
        return kept

    # --- pages ----------------------------------------------------------------------------

    async def page(self, facts: e.PaperKept, page: int, width: int) -> bytes:
        """A page's picture, as WebP. The page after it is drawn, too, where nobody waits. Raises
        `NotDrawnError`."""
        path = await self.copies.file(facts.drawn)
        picture = await self.pictures.picture(path, page, width)
        if page < facts.pages:
            self.pictures.prepare(path, page + 1, width)
        return picture
