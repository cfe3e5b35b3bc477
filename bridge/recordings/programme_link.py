"""Keeps a conference's programme process running and connected, like the media worker's."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from bridge.base.peer_process import PeerProcess
from bridge.programme import orders as o
from bridge.programme.shelf import folder_of, name_of

log = logging.getLogger("programme")

START_TIMEOUT = 15.0  # seconds a process may take from its start to its socket
RESTART_DELAY = 0.2  # seconds before one that died is started again; doubles up to
RESTART_MAX = 5.0
STOP_TIMEOUT = 10.0  # seconds for what is to be written at the end
HANGING_AFTER = 6  # looks, a second apart, without a sign of life while it should write

ROOT = Path(__file__).parent.parent.parent


class ProgrammeLink:
    """One process. ``on_news`` is called when something has come of it, or it is gone."""

    def __init__(
        self, conference: str, sockets: Path, on_news: Callable[[o.Writing], None]
    ) -> None:
        """``sockets`` is the folder for its sockets: the media worker's."""
        name = name_of(conference)
        self.conference = conference
        self.segments = folder_of(sockets, conference)
        self.tap = sockets / f"{name}.rtp"
        self._control = sockets / f"{name}.sock"
        self._on_news = on_news
        self._process: asyncio.subprocess.Process | None = None
        self._peer: PeerProcess | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._ready = False
        self._ending = False
        self._silent = 0
        self.holding = ""
        """The recording that it was told to write, until it has said that it does not any more."""
        self.asked = ""
        self.packaging = False
        """Whether it was told to make segments."""
        self.starts = 0

    @property
    def ready(self) -> bool:
        """Whether it takes orders."""
        return self._ready and not self._ending

    @property
    def pid(self) -> int | None:
        return self._peer.pid if self._peer is not None else None

    async def run(self) -> None:
        """Keep it running until `end`."""
        delay = RESTART_DELAY
        try:
            while not self._ending:
                connection = await self._connect() or await self._start()
                if connection is not None:
                    await self._serve(*connection)
                    delay = RESTART_DELAY
                if not self._ending:
                    log.warning("the programme process of %s is gone", self.conference)
                    await asyncio.sleep(delay)
                    delay = min(delay * 2, RESTART_MAX)
        finally:
            process = self._process
            if process is not None and process.returncode is None and self._ending:
                try:
                    async with asyncio.timeout(STOP_TIMEOUT):
                        await process.wait()
                except TimeoutError:
                    process.kill()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer, self._peer = writer, PeerProcess(writer)
        self._silent = 0
        self.send(o.Hello(version=o.VERSION))
        if self._ending:
            self.send(o.Shutdown())
        try:
            while line := await reader.readline():
                self._take(o.news_decoder.decode(line))
        except (ConnectionError, ValueError, msgspec.MsgspecError) as error:
            log.error("the programme process of %s: %s", self.conference, error)
        finally:
            self._ready = False
            self._writer = None
            writer.close()
            peer, self._peer = self._peer, None
            peer.close()
            recording, self.holding, self.asked = self.holding, "", ""
            self.packaging = False
            self._on_news(o.Writing(recording=recording, writing=False))

    def _take(self, news: o.News) -> None:
        self._silent = 0
        if isinstance(news, o.Holding):
            self._ready = True
            self.holding = self.asked = news.recording
            self.packaging = news.packaging
            news = o.Writing(recording=news.recording, writing=news.writing)
        elif not news.writing and news.recording == self.holding:
            self.holding = ""
            if news.problem:
                self.asked = ""
        self._on_news(news)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        with contextlib.suppress(OSError):
            return await asyncio.open_unix_connection(str(self._control), limit=o.MAX_LINE)
        return None

    async def _start(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        self.starts += 1
        # A session of its own: neither Ctrl-C nor the end of this process reaches it.
        process = self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bridge.programme"),
            *("--control", str(self._control), "--tap", str(self.tap)),
            stdin=asyncio.subprocess.DEVNULL,
            cwd=ROOT,
            start_new_session=True,
        )
        deadline = asyncio.get_running_loop().time() + START_TIMEOUT
        while asyncio.get_running_loop().time() < deadline and process.returncode is None:
            connection = await self._connect()
            if connection is not None:
                return connection
            await asyncio.sleep(0.02)
        if process.returncode is None:
            process.kill()
        await process.wait()
        return None

    def send(self, order: o.Order) -> None:
        """Send an order; lost where nobody is there, and then `asked` says so."""
        if self._writer is not None:
            self._writer.write(o.encoder.encode(order) + b"\n")

    def write(self, order: o.Write) -> None:
        """Let it record."""
        self.holding = self.asked = order.recording
        self.send(order)

    def rest(self) -> None:
        """Let it write nothing."""
        self.asked = ""
        self.send(o.Rest())

    def package(self, codec: o.Codec) -> None:
        """Let it make segments."""
        self.packaging = True
        self.send(o.Package(folder=str(self.segments), codec=codec))

    def unpack(self) -> None:
        """Let it make none."""
        self.packaging = False
        self.send(o.Unpack())

    def look(self) -> None:
        """Called once a second: one that should write and is silent hangs, and is ended."""
        if not (self.ready and self.asked):
            self._silent = 0
            return
        self._silent += 1
        if self._silent >= HANGING_AFTER and self._peer is not None:
            log.error("the programme process of %s hangs; it is ended", self.conference)
            self._silent = 0
            self._peer.kill()

    def end(self) -> None:
        """It is not needed any more: it writes what it has, and ends."""
        self._ending = True
        self.send(o.Shutdown())
