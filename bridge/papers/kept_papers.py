"""Which papers there are: what the log says of them (its stream "papers"), and their files, which
are kept by what is in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from bridge.conference import events as e
from bridge.conference.model import Paper
from bridge.papers.visibility import Rules
from bridge.store.log import EventLog
from bridge.store.noted_stream import NotedStream

STREAM = "papers"
Noted = e.PaperKept | e.PaperRuled | e.PaperRemoved
REASONS: dict[type[Noted], str] = {
    e.PaperKept: "keep",
    e.PaperRuled: "rule",
    e.PaperRemoved: "remove",
}


class KeptPaper(NamedTuple):
    """A paper: its newest version, when that came (UTC seconds), from whom, and the versions
    before, oldest first."""

    at: float
    actor: str
    facts: e.PaperKept
    before: tuple[e.PaperKept, ...] = ()

    @property
    def rules(self) -> Rules:
        facts = self.facts
        return Rules(
            points=facts.points, seen_by=facts.seen_by, until=facts.until, collect=facts.collect
        )

    @property
    def attached(self) -> Paper:
        """The paper as its conference knows it."""
        facts = self.facts
        return Paper(
            id=facts.paper,
            version=facts.version,
            title=facts.title,
            pages=facts.pages,
            octets=facts.octets,
            sha256=facts.sha256,
            points=facts.points,
        )

    def version(self, number: int) -> e.PaperKept | None:
        """A version by its number."""
        versions = (*self.before, self.facts)
        return next((facts for facts in versions if facts.version == number), None)


class PaperCatalogue:
    """The papers that are kept. ``now`` is UTC seconds. `load` before anything else."""

    def __init__(self, events: EventLog, folder: Path, now: Callable[[], float]) -> None:
        self._last: dict[str, int] = {}
        self.folder = folder
        self.kept: dict[str, KeptPaper] = {}
        stream = NotedStream(events, STREAM, REASONS, now, self._forget, self._take)
        self.load, self.add = stream.load, stream.add

    def _forget(self) -> None:
        self.kept.clear()
        self._last.clear()

    def _take(self, item: e.Recorded) -> None:
        match item.event:
            case e.PaperKept() as facts:
                earlier = self.kept.get(facts.paper)
                before = (*earlier.before, earlier.facts) if earlier is not None else ()
                self.kept[facts.paper] = KeptPaper(item.at, item.actor, facts, before)
                number = int(facts.paper.rpartition("-p")[2])
                self._last[facts.of] = max(self._last.get(facts.of, 0), number)
            case e.PaperRuled() as ruled if ruled.paper in self.kept:
                kept = self.kept[ruled.paper]
                facts = replace(
                    kept.facts,
                    points=ruled.points,
                    seen_by=ruled.seen_by,
                    until=ruled.until,
                    collect=ruled.collect,
                )
                self.kept[ruled.paper] = kept._replace(facts=facts)
            case e.PaperRemoved() as removed:
                self.kept.pop(removed.paper, None)
            case _:
                pass

    def file(self, sha256: str) -> Path:
        """Where a file is, by the checksum of what is in it."""
        return self.folder / sha256[:2] / sha256

    def next_name(self, of: str) -> str:
        """The name of the next paper of a conference or template. None is given twice, also after
        papers were deleted."""
        return f"{of}-p{self._last.get(of, 0) + 1}"

    def used(self) -> set[str]:
        """Checksums of all files that some paper has."""
        found: set[str] = set()
        for kept in self.kept.values():
            for facts in (*kept.before, kept.facts):
                found |= {facts.sha256, facts.drawn}
        return found
