"""A second worker that waits beside the active one: started, its code loaded, without port and
socket. When the active one dies it takes its place, so that nobody waits for a process to start.

It ends with this process. One that dies or hangs is replaced, later each time; that is nobody's
fault in a conference, and only the log and a metric tell of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from asyncio.subprocess import Process
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bridge.media.standby_words import READY, SERVING, STATE, TAKE_OVER

log = logging.getLogger("worker")

ROOT = Path(__file__).parent.parent.parent
SETTLING = 5.0  # seconds a worker has the machine for itself before a spare one is started
TAKE_OVER_TIMEOUT = 3.0  # seconds; a start takes as long
INTERVAL = 2.0  # seconds between questions
HANGING_AFTER = 4  # unanswered questions until one that was ready counts as hanging
STARTING = 30  # the same for one that still loads its code
RESTART_DELAY = 5.0  # seconds before a spare that died is started again; doubles up to
RESTART_MAX = 300.0


class Taken(NamedTuple):
    """A spare that has become the worker; one that is tied to this process ends with ``line``."""

    process: Process
    line: asyncio.StreamWriter


class SpareWorker:
    """Keeps one spare worker. ``command`` starts a worker; `bridge.media.shell.standby` is the
    other end."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = (*command, "--standby")
        self._process: Process | None = None
        self._line: asyncio.StreamWriter | None = None
        self._ready = False
        self._unanswered = 0
        self._serving: asyncio.Future[bool] | None = None
        self.starts = 0

    @property
    def ready(self) -> bool:
        """Whether it could take over now."""
        return self._ready

    @property
    def pid(self) -> int | None:
        """The spare's process id; None while there is none."""
        return self._process.pid if self._process is not None else None

    async def run(self, active: asyncio.Event) -> None:
        """Keep a spare until cancelled; one is started while a worker is ``active``."""
        delay = RESTART_DELAY
        while True:
            await active.wait()
            await asyncio.sleep(SETTLING)
            if not active.is_set():
                continue
            was_ready = taken = False
            try:
                was_ready, taken = await self._keep()
            except OSError as error:
                log.warning("a spare media worker cannot be started: %s", error)
            if taken:
                delay = RESTART_DELAY
                continue
            if was_ready:
                delay = RESTART_DELAY
            log.warning("the spare media worker has ended; the next one in %.0f s", delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, RESTART_MAX)

    async def _keep(self) -> tuple[bool, bool]:
        """Start a spare and look after it; whether it had become ready, and has taken over."""
        ours, theirs = socket.socketpair()
        with contextlib.ExitStack() as stack:
            stack.callback(theirs.close)
            stack.callback(ours.close)
            # A session of its own: Ctrl-C does not reach it.
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=theirs.fileno(), cwd=ROOT, start_new_session=True
            )
            theirs.close()
            self.starts += 1
            self._process = process
            try:
                reader, self._line = await asyncio.open_unix_connection(sock=ours)
            except BaseException:  # cancelled just then: nobody else knows of it
                self._process = None
                await _end(process)
                raise
            stack.pop_all()
        line = self._line
        self._unanswered = 0
        asking = asyncio.create_task(self._ask(process, line))
        was_ready = taken = False
        try:
            taken = await self._hear(reader)
        except (ConnectionError, ValueError):
            pass
        finally:
            asking.cancel()
            was_ready, self._ready = self._ready, False
            self._process = self._line = None
            if self._serving is not None and not self._serving.done():
                self._serving.set_result(taken)
            if not taken:
                line.close()
                await _end(process)
        return was_ready, taken

    async def _hear(self, reader: asyncio.StreamReader) -> bool:
        """Take its answers in until it is gone; True once it has taken over."""
        while line := await reader.readline():
            self._unanswered = 0
            word = line.rstrip(b"\n")
            if word == SERVING:
                return True
            if word == READY and not self._ready:
                log.info("a spare media worker is ready")
            self._ready = word == READY
        return False

    async def _ask(self, process: Process, line: asyncio.StreamWriter) -> None:
        """Ask how it is, again and again; end one that does not answer."""
        while True:
            if self._unanswered > (HANGING_AFTER if self._ready else STARTING):
                log.warning("the spare media worker hangs; it is ended")
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                return
            self._unanswered += 1
            line.write(STATE + b"\n")
            await asyncio.sleep(INTERVAL)

    async def take_over(self) -> Taken | None:
        """Let it take the place of a worker that is gone: its socket can be connected to
        afterwards. None where there is none that is ready, or it cannot."""
        process, line = self._process, self._line
        if not self._ready or process is None or line is None:
            return None
        self._ready = False
        self._serving = asyncio.get_running_loop().create_future()
        line.write(TAKE_OVER + b"\n")
        await asyncio.wait([self._serving], timeout=TAKE_OVER_TIMEOUT)
        if self._serving.done() and self._serving.result():
            return Taken(process, line)
        log.warning("the spare media worker does not take over; one is started")
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        return None


async def _end(process: Process) -> None:
    """End a process at once, and wait until it is gone."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
