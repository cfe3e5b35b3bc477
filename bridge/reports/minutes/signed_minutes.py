"""Signed minutes that were brought to the bridge: what the log says of them (its stream "minutes"),
and their files, which are kept by what is in them: on this disk, and in the database where several
hosts share it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.base.files import write_private
from bridge.conference import events as e
from bridge.proof.statements import moment
from bridge.proof.verdict import Finding, finding
from bridge.store.database import NotSaved
from bridge.store.log import EventLog
from bridge.store.noted_stream import NotedStream
from bridge.store.shared_files import shared_files

log = logging.getLogger("minutes")

STREAM = "minutes"
REASONS: dict[type[e.MinutesSigned], str] = {e.MinutesSigned: "bring"}


class KeptMinutes(NamedTuple):
    """Minutes, when they were brought (UTC seconds), and by whom."""

    at: float
    actor: str
    facts: e.MinutesSigned


def known(sha256: str, kept: KeptMinutes | None) -> Finding:
    """Whether the log has a file as signed minutes, as a finding."""
    if kept is None:
        return finding("open", "pdf.not_known", sha256=sha256)
    return finding("proved", "pdf.known", conference=kept.facts.of, at=moment(kept.at))


class SignedMinutes:
    """The signed minutes in ``folder``. ``now`` is UTC seconds."""

    def __init__(
        self,
        events: EventLog,
        folder: Path,
        now: Callable[[], float],
        engine: AsyncEngine | None = None,
    ) -> None:
        self._folder = folder
        self._shared = shared_files(engine) if engine is not None else None
        self._kept: list[KeptMinutes] = []
        self._one = asyncio.Lock()
        self._stream = NotedStream(events, STREAM, REASONS, now, self._kept.clear, self._take)

    def _take(self, item: e.Recorded) -> None:
        if isinstance(item.event, e.MinutesSigned):
            self._kept.append(KeptMinutes(item.at, item.actor, item.event))

    def file(self, sha256: str) -> Path:
        """Where a file is, by the checksum of what is in it."""
        return self._folder / f"{sha256}.pdf"

    async def read(self, sha256: str) -> bytes:
        """A file, brought out of the database first where it came to another host; one that is
        here alone is put there. Raises OSError where it is nowhere."""
        path = self.file(sha256)
        if self._shared is not None:
            try:
                if await asyncio.to_thread(path.is_file):
                    await self._shared.put(sha256, path)
                else:
                    await self._shared.get(sha256, path)
            except NotSaved as error:
                log.error("signed minutes and the database: %s", error)
        return await asyncio.to_thread(path.read_bytes)

    async def all(self) -> list[KeptMinutes]:
        """What the log has, oldest first. It is read anew: a backup may have taken its place."""
        async with self._one:
            await self._stream.load()
            return list(self._kept)

    async def find(self, sha256: str) -> KeptMinutes | None:
        """The minutes with a checksum."""
        return next((kept for kept in await self.all() if kept.facts.sha256 == sha256), None)

    async def bring(
        self, conference: str, data: bytes, signers: tuple[str, ...], actor: str
    ) -> e.MinutesSigned:
        """Keep signed minutes of a conference, and note them in the log; what is there already is
        not noted again. Raises OSError, `NotSaved`."""
        facts = e.MinutesSigned(
            of=conference,
            sha256=hashlib.sha256(data).hexdigest(),
            octets=len(data),
            signers=signers,
        )
        async with self._one:
            await self._stream.load()
            if facts not in [kept.facts for kept in self._kept]:
                self._folder.mkdir(mode=0o700, exist_ok=True)
                await asyncio.to_thread(write_private, self.file(facts.sha256), data)
                if self._shared is not None:
                    await self._shared.put(facts.sha256, self.file(facts.sha256))
                await self._stream.add(facts, actor)
        return facts
