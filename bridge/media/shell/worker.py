"""The worker process: event loop, media sockets and the control socket. A thin shell."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import functools
import gc
import logging
import os
import resource
import secrets
import signal
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bridge.base.peer_process import peer_pid
from bridge.base.systemd import attend, notify
from bridge.media import messages as m
from bridge.media import stats
from bridge.media.core import MediaCore
from bridge.media.counters import Drop
from bridge.media.dtls import Identity
from bridge.media.due import SOON, next_tick, pressing
from bridge.media.inventory import inventory
from bridge.media.relay_end import RELAY_SOCKET
from bridge.media.shell.hot_path import HotPath, Unavailable, choice
from bridge.media.shell.relay_sockets import RelaySockets
from bridge.media.shell.standby import Standby
from bridge.media.shell.tap_sockets import TapSockets
from bridge.media.shell.ticker import Ticker
from bridge.media.shell.turn_selector import TurnSelector
from bridge.media.shell.udp import MediaSockets, OwnSockets, prepare
from bridge.media.tap import TAP_SOCKET

log = logging.getLogger("media")

EVENTS_QUEUED = 4096  # events a slow control process may be behind before some are dropped
WRITE_BUFFER = 4 << 20  # octets towards the control process
# M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD of malloc.h; octets.
MALLOC_OPTIONS = ((-1, 256 << 20), (-2, 16 << 20), (-3, 64 << 20))
LEFT_OVER = 1.0  # seconds until the port of a worker that has just died must be free
GC_THRESHOLD = 50_000  # allocations: a young collection then costs < 1 ms a few times a second


def _hot_path() -> HotPath | None:
    """The compiled half, where it is wanted and can be had. Raises Unavailable where it is
    demanded and cannot."""
    wanted = choice()
    if wanted == "python":
        log.info("media is forwarded by Python, as DIEMCAU_HOT_PATH says")
        return None
    try:
        return HotPath()
    except Unavailable as error:
        if wanted == "compiled":
            raise
        log.warning("media is forwarded by Python: %s", error)
        return None


def keep_memory() -> bool:
    """Tell glibc to keep freed memory. A burst allocates some 200 kB of packets and frees them
    at once; by default the heap's top is then returned to the system and faulted in again at
    the next burst, which was measured to cost 15 % of all CPU (docs/performance.md)."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library: nothing to tell
        return False
    kept = [mallopt(option, value) for option, value in MALLOC_OPTIONS]
    return all(kept)


class Worker:
    """One worker process: its core, its media sockets, at most one control connection."""

    def __init__(
        self,
        *,
        hosts: list[str],
        port: int,
        control: Path,
        orphan_timeout: float,
        estimation: bool = True,
        selector: TurnSelector | None = None,
    ) -> None:
        """``selector`` is the event loop's, which forwards while it waits; None: a callback of the
        loop does."""
        self._hosts = hosts
        self._port = port
        self._control_path = control
        self._orphan_timeout = orphan_timeout
        self._selector = selector
        self._hot = _hot_path()
        self._switched = False  # to the compiled turn, once: where it fails, Python goes on
        self.core = MediaCore(
            identity=Identity.generate(datetime.now(UTC)),
            worker=secrets.token_hex(8),
            random_bits=secrets.randbits,
            makers=self._hot.following if self._hot is not None else None,
            estimation=estimation,
        )
        self.sockets: MediaSockets | None = None
        self._taps = TapSockets(control.parent, self.core.counters)
        self._relays = RelaySockets(self.core.counters, prepare)
        self._control: asyncio.StreamWriter | None = None
        self._stop = asyncio.Event()
        self._started = time.monotonic()
        self._ticker: Ticker | None = None
        self._alone_since = time.monotonic()

    @property
    def loaded(self) -> bool:
        """Whether the compiled turn is there, or is known never to come."""
        return self._hot is None or self._hot.settled

    async def run(self, standby: Standby | None = None) -> None:
        """Serve until told to stop, or until left alone for ``orphan_timeout`` seconds; in
        ``standby`` only once told to take over."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stop.set)
        keep_memory()
        # What start-up made lives for ever; a collection need not look at it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(GC_THRESHOLD, 20, 50)
        if standby is not None:
            if self._hot is not None:
                self._hot.begin()
            if not await standby.wait(self._stop):
                return
        sockets = self.sockets = await self._bind(LEFT_OVER if standby is not None else 0.0)
        self._started = self._alone_since = time.monotonic()
        self._control_path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(
            self._serve_control, path=self._control_path, limit=m.MAX_LINE
        )
        self._control_path.chmod(0o600)
        for index, sock in enumerate(sockets.sockets):
            loop.add_reader(sock.fileno(), sockets.readable, index)
        ticker = self._ticker = Ticker(self._tick)
        alive = asyncio.create_task(attend(lambda: ticker.alive))
        log.info("media worker %s on port %d", self.core.worker, sockets.port)
        if standby is not None:
            standby.serving()
        elif self._hot is not None:
            self._hot.begin()
        try:
            await self._stop.wait()
        finally:
            notify("STOPPING=1")
            alive.cancel()
            ticker.stop()
            if self._selector is not None:
                self._selector.wait_by(None)
            for transport in list(self.core.transports):
                self.core.command(m.Close(transport=transport), time.monotonic())
            sockets.flush(time.monotonic())
            for sock in sockets.sockets:
                loop.remove_reader(sock.fileno())
            server.close()
            if self._control is not None:
                self._control.close()
            sockets.close()
            self._taps.close()
            self._relays.close()
            if self._hot is not None:
                self._hot.close()
            self._control_path.unlink(missing_ok=True)

    async def _bind(self, patience: float) -> MediaSockets:
        """The media port. One that is in use is tried again for ``patience`` seconds: a process
        that was killed lets go of its sockets one after the other. Raises OSError."""
        until = time.monotonic() + patience
        own: dict[int, OwnSockets] = {TAP_SOCKET: self._taps, RELAY_SOCKET: self._relays}
        while True:
            try:
                return MediaSockets(self.core, self._hosts, self._port, self._wake, own=own)
            except OSError as error:
                if error.errno != errno.EADDRINUSE or time.monotonic() >= until:
                    raise
            await asyncio.sleep(0.005)

    def _wake(self, now: float) -> None:
        """Something arrived that wants a tick before one was due."""
        if self._ticker is not None and pressing(self.core):
            self._ticker.by(now + SOON)

    def _tick(self, now: float) -> float:
        assert self.sockets is not None
        self.sockets.collect()
        self.core.tick(now, time.time() - now)
        self.sockets.flush(now)
        self._send_events()
        if self._hot is not None and self._hot.ready and not self._switched:
            self._switched = True
            self.sockets.use(self._hot.turn(self.core))
            if self._selector is not None:
                self._selector.wait_by(self.sockets.wait)
            gc.freeze()  # numba's objects, as many as all others, live for ever, too
            log.info("media is forwarded by the compiled turn")
        if self._control is None and now - self._alone_since > self._orphan_timeout:
            log.warning("no control process for %.0f s; ending", self._orphan_timeout)
            self._stop.set()
        return next_tick(self.core, now)

    # --- control socket -----------------------------------------------------------------

    async def _serve_control(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        greeted = False
        try:
            while True:
                line = await reader.readline()
                if not line:
                    break
                try:
                    command = m.command_decoder.decode(line)
                except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
                    self._send(writer, m.Error(command="", detail=str(error)))
                    continue
                if isinstance(command, m.Hello):
                    if command.version != m.VERSION:
                        detail = f"This worker speaks version {m.VERSION}."
                        self._send(writer, m.Error(command="hello", detail=detail))
                        continue
                    holder = self._holder(writer)
                    if holder:
                        detail = f"Process {holder} is this worker's control process."
                        self._send(writer, m.Error(command="hello", detail=detail))
                        break
                    greeted = True
                    if self._control is not None and self._control is not writer:
                        self._control.close()  # of the same process: the newest counts
                    self._control = writer
                    self.core.events.clear()  # the inventory says all
                    addresses = self.sockets.addresses if self.sockets is not None else ()
                    self._send(writer, inventory(self.core, addresses, time.monotonic()))
                elif not greeted:
                    name = str(command.__struct_config__.tag)
                    self._send(writer, m.Error(command=name, detail="Say hello first."))
                else:
                    self._carry_out(command, writer)
        except (ValueError, ConnectionError):  # a line over the limit; a broken pipe
            pass
        except asyncio.CancelledError:  # the worker ends; 3.11 would log it as an error
            pass
        finally:
            if self._control is writer:
                self._control = None
                self._alone_since = time.monotonic()
            writer.close()

    def _holder(self, writer: asyncio.StreamWriter) -> int:
        """The process that this worker belongs to, where it is not ``writer``'s; 0: none.
        A process that connects again takes the place of its own older connection."""
        if self._control is None or self._control is writer:
            return 0
        holder = peer_pid(self._control)
        return holder if holder != peer_pid(writer) else 0

    def _carry_out(self, command: m.Command, writer: asyncio.StreamWriter) -> None:
        now = time.monotonic()
        if isinstance(command, m.GetStats):
            self._send(writer, self.stats(command.request))
        elif isinstance(command, m.Shutdown):
            self._stop.set()
        elif isinstance(command, m.OpenTap) and not self._taps.allows(command.path):
            detail = "The reader of a tap has its socket beside the control socket, as NAME.rtp."
            self._send(writer, m.Error(command="open_tap", detail=detail))
        else:
            refusal = self.core.command(command, now)
            if refusal:
                name = str(command.__struct_config__.tag)
                self._send(writer, m.Error(command=name, detail=refusal))
            assert self.sockets is not None
            if isinstance(command, m.OpenTap | m.OpenRelay | m.Close):
                self._follow(command, writer)
            self.sockets.flush(now)
            self._wake(now)
        self._send_events()

    def _follow(
        self, command: m.OpenTap | m.OpenRelay | m.Close, writer: asyncio.StreamWriter
    ) -> None:
        """Bring the sockets of taps and relays to what there is now."""
        assert self.sockets is not None
        report, transports = self.sockets.report, self.core.transports
        self._taps.follow(transports, functools.partial(report, TAP_SOCKET))
        try:
            there = self._relays.follow(transports, functools.partial(report, RELAY_SOCKET))
        except OSError as error:
            self.core.command(m.Close(transport=command.transport), time.monotonic())
            detail = f"The far end of the relay is out of reach: {error.strerror}."
            self._send(writer, m.Error(command="open_relay", detail=detail))
            return
        self.core.events.extend(there)

    def _send(self, writer: asyncio.StreamWriter, event: m.Event) -> None:
        if writer.transport.get_write_buffer_size() > WRITE_BUFFER:
            self.core.counters.drop(Drop.EVENT_QUEUE)
            return
        writer.write(m.encoder.encode(event) + b"\n")

    def _send_events(self) -> None:
        events = self.core.events
        if self._control is None:
            if len(events) > EVENTS_QUEUED:
                del events[:-EVENTS_QUEUED]
            return
        for event in events:
            self._send(self._control, event)
        events.clear()

    def stats(self, request: int) -> m.Stats:
        """All figures at this moment."""
        now = time.monotonic()
        assert self.sockets is not None
        self.sockets.collect()
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return m.Stats(
            request=request,
            uptime=round(now - self._started, 3),
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            rss_bytes=_rss_bytes(),
            loop_lag_ms=round(self._ticker.lag * 1000, 2) if self._ticker is not None else 0.0,
            gso=self.sockets.gso,
            compiled=self.sockets.compiled,
            counters=self.core.counters.snapshot(),
            delay_us=stats.delay_summary(self.sockets.delays),
            transports=stats.all_transports(self.core, now),
            delay_counts=tuple(self.sockets.delay_counts),
            delay_sum=round(self.sockets.delay_sum, 6),
        )


def _rss_bytes() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
