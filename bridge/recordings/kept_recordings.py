"""Which recordings there are: what the log says of them (its stream "recordings"), and files."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from bridge.conference import events as e
from bridge.store.log import EventLog
from bridge.store.noted_stream import NotedStream

STREAM = "recordings"
DAY = 86400.0  # seconds
_NAME = re.compile(r"^(?P<conference>[a-z0-9-]{1,100})-r(?P<number>[1-9][0-9]{0,5})$")


Noted = e.RecordingKept | e.RecordingRuled | e.RecordingDeleted
REASONS: dict[type[Noted], str] = {
    e.RecordingKept: "keep",
    e.RecordingRuled: "rule",
    e.RecordingDeleted: "delete",
}


class Kept(NamedTuple):
    """A finished recording; it was finished at ``at`` (UTC seconds)."""

    at: float
    facts: e.RecordingKept

    @property
    def deleted_at(self) -> float | None:
        """When it is deleted by itself; None: never."""
        days = self.facts.keep_days
        return None if days is None else self.at + days * DAY


def name_of(conference: str, number: int) -> str:
    """A recording's name, which is that of its folder, too."""
    return f"{conference}-r{number}"


def conference_of(name: str) -> tuple[str, int] | None:
    """Conference and number of a recording; None where it is not the name of one."""
    found = _NAME.match(name)
    return (found["conference"], int(found["number"])) if found else None


class Catalogue:
    """The recordings that are kept. ``now`` is UTC seconds. `load` before anything else."""

    def __init__(self, events: EventLog, folder: Path, now: Callable[[], float]) -> None:
        self.folder = folder
        self.kept: dict[str, Kept] = {}
        self.damaged: set[str] = set()
        """Those whose file was not what the log says when it was read last."""
        stream = NotedStream(events, STREAM, REASONS, now, self.kept.clear, self._take)
        self.load, self.add = stream.load, stream.add

    def _take(self, item: e.Recorded) -> None:
        match item.event:
            case e.RecordingKept() as facts:
                self.kept[facts.recording] = Kept(item.at, facts)
            case e.RecordingRuled() as ruled if ruled.recording in self.kept:
                kept = self.kept[ruled.recording]
                facts = msgspec.structs.replace(
                    kept.facts, seen_by=ruled.seen_by, keep_days=ruled.keep_days
                )
                self.kept[ruled.recording] = kept._replace(facts=facts)
            case e.RecordingDeleted() as deleted:
                self.kept.pop(deleted.recording, None)
                self.damaged.discard(deleted.recording)
            case _:
                pass

    def file(self, name: str) -> Path:
        """Where a recording's file is."""
        return self.folder / name / f"{name}.mkv"

    def checked(self, name: str, intact: bool) -> None:
        """A recording's file was read through."""
        self.damaged.discard(name) if intact else self.damaged.add(name)
