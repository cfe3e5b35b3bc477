"""Starts the media worker, exchanges messages with it, and starts it again when it dies.

The worker is a process of its own: it is adopted where one answers on the socket already (a
control process that was restarted finds its worker forwarding), otherwise started. When it
dies it is started again at once. One that hangs is ended alike, adopted or not: the kernel says
which process is at the other end of the socket (SO_PEERCRED).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from bridge.base.peer_process import PeerProcess
from bridge.control.spare_worker import ROOT, SpareWorker
from bridge.media import messages as m

log = logging.getLogger("worker")

CONNECT_TIMEOUT = 10.0  # seconds a worker may take from its start to its hello
RESTART_DELAY = 0.2  # seconds before a worker that died is started again; doubles up to
RESTART_MAX = 5.0
STOP_TIMEOUT = 3.0
END_TIMEOUT = 0.5  # seconds a worker may need to be gone once its connection has ended
STATS_TIMEOUT = 5.0

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Dial = Callable[[], Awaitable[Connection | None]]


class WorkerLink:
    """Keeps a worker running and connected. ``on_event`` gets every event in order; ``on_down`` is
    called when the worker is lost."""

    def __init__(
        self,
        *,
        control: Path,
        hosts: list[str],
        port: int,
        with_parent: bool,
        on_event: Callable[[m.Event], None],
        on_down: Callable[[], None],
        own: bool = True,
        estimation: bool = True,
        spare: bool = False,
        dial: Dial | None = None,
    ) -> None:
        """Without ``own`` the worker is started by somebody else; this side only connects. With
        ``spare`` a second one of our own waits beside it. ``dial`` connects to one on another
        machine, which is never started or ended from here."""
        self._dial = dial
        self._control = control
        self._hosts = hosts
        self._port = port
        self._with_parent = with_parent
        self._own = own
        self._estimation = estimation
        self._on_event = on_event
        self._on_down = on_down
        self._process: asyncio.subprocess.Process | None = None
        self._peer: PeerProcess | None = None  # at the other end, whoever started it
        self._writer: asyncio.StreamWriter | None = None
        self._requests: dict[int, asyncio.Future[m.Stats]] = {}
        self._next_request = 0
        self.ready = asyncio.Event()
        self.starts = 0
        self.spare = SpareWorker(self._command()) if spare and own else None
        self._tie: asyncio.StreamWriter | None = None  # what a former spare ends with

    @property
    def pid(self) -> int | None:
        """The worker's process id; None while there is no connection to one."""
        return self._peer.pid if self._peer is not None else None

    @property
    def connected(self) -> bool:
        """Whether a worker is at the other end, whether or not it has answered yet."""
        return self._writer is not None

    async def run(self) -> None:
        """Keep a worker running and connected until cancelled."""
        if self.spare is None:
            await self._keep()
            return
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.spare.run(self.ready))
            await self._keep()

    async def _keep(self) -> None:
        delay = RESTART_DELAY
        lost = False  # a worker is gone, and nobody was told: its successor may tell it better
        while True:
            connection = await self._connect_existing()
            if connection is None:
                connection = await self._from_spare()
            if connection is None and lost:
                lost = False
                self._on_down()
                await self._ended()
            if connection is None and self._own:
                connection = await self._start()
            if connection is None:
                log.error("the media worker did not start; trying again in %.1f s", delay)
            elif await self._serve(*connection):
                log.warning("the media worker is gone")
                delay = RESTART_DELAY
                lost = True
                continue
            if lost:
                lost = False
                self._on_down()
            await asyncio.sleep(delay)
            delay = min(delay * 2, RESTART_MAX)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Be a worker's control process until the connection ends; whether it had taken us."""
        self._writer = writer
        self._peer = PeerProcess(writer)
        self.send(m.Hello(version=m.VERSION))
        taken = False
        try:
            await self._read(reader)
            taken = self.ready.is_set()
        finally:
            self.ready.clear()
            self._writer = None
            writer.close()
            for future in self._requests.values():
                future.cancel()
            self._requests.clear()
            peer, self._peer = self._peer, None
            if taken and self.spare is not None:
                # Until then a new connection would be to the one that is dying.
                await peer.ended(END_TIMEOUT)
            peer.close()
        return taken

    async def _from_spare(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Let the spare worker take the place of one that is gone, and connect to it."""
        taken = await self.spare.take_over() if self.spare is not None else None
        if taken is None:
            return None
        self.starts += 1
        self._process = taken.process
        if self._tie is not None:
            self._tie.close()
        self._tie = taken.line
        if not self._with_parent:
            self._tie.close()
        log.warning("the spare media worker takes its place")
        return await self._connect_existing()

    async def _ended(self) -> None:
        """Wait for the end of a worker whose connection ended; one that only closed it goes on,
        and is connected to again."""
        if self._process is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_TIMEOUT):
                    await self._process.wait()
            if self._process.returncode is not None:
                self._process = None

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await reader.readline()
            except (OSError, ValueError):  # one over TLS also ends with SSLError or TimeoutError
                return
            if not line:
                return
            try:
                event = m.event_decoder.decode(line)
            except msgspec.MsgspecError as error:
                log.error("a message of the worker was not understood: %s", error)
                continue
            if isinstance(event, m.Error) and event.command == "hello":
                log.error("the media worker does not take this process: %s", event.detail)
                return
            if isinstance(event, m.Stats):
                future = self._requests.pop(event.request, None)
                if future is not None and not future.done():
                    future.set_result(event)
            else:
                self._on_event(event)
                if isinstance(event, m.Inventory):
                    self.ready.set()

    async def _connect_existing(
        self,
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        if self._dial is not None:
            return await self._dial()
        try:
            return await asyncio.open_unix_connection(str(self._control), limit=m.MAX_LINE * 8)
        except OSError:
            return None

    def _command(self) -> list[str]:
        """What starts a worker."""
        arguments = [sys.executable, "-m", "bridge.media", "--control", str(self._control)]
        for host in self._hosts:
            arguments += ["--listen", host]
        arguments += ["--port", str(self._port)]
        if self._with_parent:
            arguments.append("--with-parent")
        if not self._estimation:
            arguments.append("--no-estimation")
        return arguments

    async def _start(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        self.starts += 1
        # A session of its own: neither Ctrl-C nor the end of this process reaches it.
        self._process = await asyncio.create_subprocess_exec(
            *self._command(),
            stdin=asyncio.subprocess.PIPE if self._with_parent else asyncio.subprocess.DEVNULL,
            cwd=ROOT,
            start_new_session=True,
        )
        deadline = asyncio.get_running_loop().time() + CONNECT_TIMEOUT
        while asyncio.get_running_loop().time() < deadline:
            connection = await self._connect_existing()
            if connection is not None:
                return connection
            if self._process.returncode is not None:
                break
            await asyncio.sleep(0.02)
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        self._process = None
        return None

    def send(self, command: m.Command) -> None:
        """Send a command; one sent while no worker is connected is lost, and the next
        inventory makes up for it."""
        if self._writer is not None:
            self._writer.write(m.encoder.encode(command) + b"\n")

    async def stats(self) -> m.Stats | None:
        """The worker's figures now; None while there is no worker."""
        if self._writer is None:
            return None
        self._next_request += 1
        future: asyncio.Future[m.Stats] = asyncio.get_running_loop().create_future()
        self._requests[self._next_request] = future
        self.send(m.GetStats(request=self._next_request))
        # Not wait_for: a cancelled future (the worker died) is no cancelled caller.
        await asyncio.wait([future], timeout=STATS_TIMEOUT)
        return future.result() if future.done() and not future.cancelled() else None

    def kill(self) -> None:
        """End a worker that hangs, whoever started it; `run` starts another, or finds the one that
        its supervisor starts. Where we may not, the connection is closed and the worker's own
        watchdog must end it."""
        if self._peer is not None and not self._peer.kill() and self._writer is not None:
            self._writer.transport.abort()  # over TLS `close` would wait for the other side

    def ask_to_end(self) -> None:
        """Tell the worker to end in an orderly way; one on another machine is never ended from
        here."""
        if self._dial is None:
            self.send(m.Shutdown())

    async def shutdown(self) -> None:
        """End the worker in an orderly way."""
        if self._dial is not None:
            return
        self.ask_to_end()
        process = self._process
        if process is None:
            return
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._tie is not None:
            self._tie.close()
