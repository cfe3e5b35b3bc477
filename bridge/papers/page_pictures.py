"""Pictures of pages: drawn by a few processes with bounds, each once, and kept while they are
wanted."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bridge.papers.page_bounds import SECONDS
from bridge.papers.paper_error import PaperError

log = logging.getLogger("papers")

WIDTHS = (320, 1280, 1920, 2560, 3840)  # pixels across, in which pages are drawn
PROCESSES = 2  # that draw at once; conferences need the rest of the machine
MAX_KEPT = 64 << 20  # octets of pictures in memory: some thousand pages of letters
MAX_WAITING = 200  # pages that wait to be drawn: more are asked for again later
MAX_LINE = 1 << 16
ROOT = Path(__file__).parent.parent.parent
WORK: Sequence[str] = (sys.executable, "-m", "bridge.papers.page_work")


class NotDrawnError(PaperError):
    """A page cannot be drawn."""


class Asked(NamedTuple):
    """Which picture: of what file, and how wide."""

    path: Path
    page: int
    width: int


def width_for(wanted: int) -> int:
    """The width of `WIDTHS` in which a picture is drawn for somebody who has ``wanted`` pixels."""
    return next((width for width in WIDTHS if width >= wanted), WIDTHS[-1])


class _Process:
    """One process that draws; started when it is first needed."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None

    async def draw(self, asked: Asked) -> bytes:
        """Raises `NotDrawnError`."""
        try:
            if self._process is None or self._process.returncode is not None:
                self._process = await asyncio.create_subprocess_exec(
                    *WORK,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.DEVNULL,
                    cwd=ROOT,
                )
            # The processor's time counts, in the process itself; the clock only for what sleeps.
            async with asyncio.timeout(6 * SECONDS):
                told, picture = await self._exchange(self._process, asked)
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError) as error:
            log.warning("a page could not be drawn: %s", type(error).__name__)
            await self.end()
            raise NotDrawnError("papers.page_too_heavy", page=str(asked.page)) from None
        except asyncio.CancelledError:
            await self.end()  # what it says next would be the answer to another question
            raise
        if told.get("problem"):
            raise NotDrawnError(told["problem"], **told["arguments"])
        return picture

    async def _exchange(
        self, process: asyncio.subprocess.Process, asked: Asked
    ) -> tuple[dict[str, Any], bytes]:
        assert process.stdin is not None
        assert process.stdout is not None
        line = {"path": str(asked.path), "page": asked.page, "width": asked.width}
        process.stdin.write(json.dumps(line).encode() + b"\n")
        await process.stdin.drain()
        told = json.loads(await process.stdout.readline())
        return told, await process.stdout.readexactly(told["octets"])

    async def end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


class PagePictures:
    """Draws pages for whoever asks. Rooms that ask for the same page at once share one drawing."""

    def __init__(self, processes: int = PROCESSES) -> None:
        self._free: asyncio.Queue[_Process] = asyncio.Queue()
        self._all = [_Process() for _ in range(processes)]
        for process in self._all:
            self._free.put_nowait(process)
        self._kept: OrderedDict[Asked, bytes] = OrderedDict()
        self._octets = 0
        self._drawing: dict[Asked, asyncio.Task[bytes]] = {}

    async def picture(self, path: Path, page: int, width: int) -> bytes:
        """A page as WebP. Raises `NotDrawnError`."""
        asked = Asked(path, page, width_for(width))
        found = self._kept.get(asked)
        if found is not None:
            self._kept.move_to_end(asked)
            return found
        return await asyncio.shield(self._task(asked))

    def prepare(self, path: Path, page: int, width: int) -> None:
        """Draw a page that will be wanted soon, where nobody waits for another one."""
        asked = Asked(path, page, width_for(width))
        if asked not in self._kept and not self._free.empty():
            self._task(asked).add_done_callback(_looked_at)

    def _task(self, asked: Asked) -> asyncio.Task[bytes]:
        task = self._drawing.get(asked)
        if task is None:
            if len(self._drawing) >= MAX_WAITING:
                raise NotDrawnError("papers.busy")
            task = asyncio.create_task(self._draw(asked))
            self._drawing[asked] = task
            task.add_done_callback(_looked_at)
        return task

    async def _draw(self, asked: Asked) -> bytes:
        try:
            process = await self._free.get()
            try:
                picture = await process.draw(asked)
            finally:
                self._free.put_nowait(process)
        finally:
            del self._drawing[asked]
        self._kept[asked] = picture
        self._octets += len(picture)
        while self._octets > MAX_KEPT:
            _, oldest = self._kept.popitem(last=False)
            self._octets -= len(oldest)
        return picture

    def forget(self, path: Path) -> None:
        """A file is gone, or is not to be shown any more."""
        for asked in [asked for asked in self._kept if asked.path == path]:
            self._octets -= len(self._kept.pop(asked))

    async def close(self) -> None:
        """End all processes."""
        for task in [*self._drawing.values()]:
            task.cancel()
        await asyncio.gather(*self._drawing.values(), return_exceptions=True)
        for process in self._all:
            await process.end()


def _looked_at(task: asyncio.Task[bytes]) -> None:
    """Nobody may be left to see how a drawing ended; that is no fault to be logged."""
    if not task.cancelled():
        task.exception()
