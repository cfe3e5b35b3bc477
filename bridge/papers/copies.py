"""The files of papers on this machine's disk, and in the database where that is PostgreSQL:
whichever machine runs the bridge has the same papers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from bridge.store.database import FAULTS
from bridge.store.shared_files import SharedFiles

log = logging.getLogger("papers")


class Copies:
    """Files by checksum. ``place`` says where one lies here; ``shared`` is None where this disk is
    all there is."""

    def __init__(self, place: Callable[[str], Path], shared: SharedFiles | None) -> None:
        self._place = place
        self._shared = shared
        self._coming: dict[str, asyncio.Task[bool]] = {}

    async def keep(self, sha256s: Iterable[str]) -> None:
        """Files that came are where every machine finds them. Raises `NotSaved`."""
        if self._shared is not None:
            for sha256 in set(sha256s):
                await self._shared.put(sha256, self._place(sha256))

    async def file(self, sha256: str) -> Path:
        """Where a file lies here. One that is only in the database is brought first; where it is
        not there either, the path is of no file. Whoever asks for the same waits for one copy."""
        path = self._place(sha256)
        coming = self.ahead(sha256)
        if coming is not None:
            await asyncio.shield(coming)
        return path

    def ahead(self, sha256: str) -> asyncio.Task[bool] | None:
        """Bring a file that will be wanted; None where it is here."""
        path = self._place(sha256)
        if self._shared is None or path.is_file():
            return None
        task = self._coming.get(sha256)
        if task is None:
            task = asyncio.create_task(self._bring(self._shared, sha256, path))
            self._coming[sha256] = task
            task.add_done_callback(lambda _: self._coming.pop(sha256, None))
        return task

    async def _bring(self, shared: SharedFiles, sha256: str, path: Path) -> bool:
        try:
            return await shared.get(sha256, path)
        except FAULTS as error:
            log.error("a paper's file could not be read: %s", type(error).__name__)
            return False

    async def share(self, sha256s: Iterable[str]) -> None:
        """Put files into the database that are on this disk alone: of a version before."""
        for sha256 in sha256s if self._shared is not None else ():
            if await asyncio.to_thread(self._place(sha256).is_file):
                try:
                    await self.keep([sha256])
                except FAULTS as error:
                    log.error("a paper's file waits for the store: %s", type(error).__name__)
                    return

    async def remove(self, sha256: str) -> None:
        """Delete a file here, and in the database. What cannot be deleted now is in no list."""
        try:
            await asyncio.to_thread(self._place(sha256).unlink, missing_ok=True)
            if self._shared is not None:
                await self._shared.remove(sha256)
        except FAULTS as error:
            log.error("a paper's file could not be deleted: %s", type(error).__name__)

    async def close(self) -> None:
        """Let nothing come any more."""
        for task in [*self._coming.values()]:
            task.cancel()
        await asyncio.gather(*self._coming.values(), return_exceptions=True)
