"""The programme process: event loop, the tap, and the socket of the control process."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from bridge.media import rtcp
from bridge.programme import orders as o
from bridge.programme.packager import Packager
from bridge.programme.recorder import Recorder
from bridge.programme.shelf import Shelf
from bridge.programme.tap_reader import TapReader

TICK = 0.1  # seconds
TO_DISK = 1.0  # seconds between writes of what the system holds to the disk
LOOK_AT_SPACE = 1.0  # seconds

log = logging.getLogger("programme")


FULL = {errno.ENOSPC, errno.EDQUOT}
AWAY = {
    *(errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.EACCES, errno.EPERM, errno.EROFS),
    *(errno.ESTALE, errno.ENOTCONN, errno.ENODEV, errno.ENXIO, errno.EHOSTDOWN),
}


def problem_of(error: OSError) -> o.Problem:
    """What people are told of an error of the disk."""
    return "space" if error.errno in FULL else "folder" if error.errno in AWAY else "failed"


class Service:
    """Serves one control process at a time; ends when it has been alone for a while."""

    def __init__(self, control: Path, tap: Path, orphan_timeout: float) -> None:
        self._control_path = control
        self._tap_path = tap
        self._orphan_timeout = orphan_timeout
        self._offset = time.time() - time.monotonic()  # once: instants of a file never step
        self._control: asyncio.StreamWriter | None = None
        self._alone_since = time.monotonic()
        self._stop = asyncio.Event()
        self._recording = ""
        self._free = 0
        self._folder = Path()
        self._told = False
        self._tap: TapReader | None = None
        self._shelf: Shelf | None = None
        self._packager: Packager | None = None
        self.recorder = Recorder(self._ask)

    async def run(self) -> None:
        """Serve until told to stop."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stop.set)
        self._tap = TapReader(self._tap_path, self._packet, self._report)
        self._control_path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(
            self._serve, path=self._control_path, limit=o.MAX_LINE
        )
        self._control_path.chmod(0o600)
        jobs = [asyncio.create_task(self._ticks()), asyncio.create_task(self._to_disk())]
        try:
            await self._stop.wait()
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)
            self._end("")
            self._unpack()
            self._tap.close()
            server.close()
            if self._control is not None:
                self._control.close()
            self._control_path.unlink(missing_ok=True)

    @property
    def _now(self) -> float:
        return time.monotonic() + self._offset

    def _ask(self, ssrc: int) -> None:
        if self._tap is not None:
            self._tap.ask_for_key_frame(ssrc)

    def _packet(self, payload_type: int, packet: bytes) -> None:
        self._guarded(lambda: self.recorder.packet(payload_type, packet, self._now))
        if self._packager is not None:
            self._packager.packet(payload_type, packet, self._now)

    def _report(self, report: rtcp.SenderReport) -> None:
        self.recorder.report(report, self._now)
        if self._packager is not None:
            self._packager.report(report, self._now)

    async def _ticks(self) -> None:
        looked = 0.0
        while True:
            await asyncio.sleep(TICK)
            self._guarded(lambda: self.recorder.tick(self._now))
            self._make_segments()
            now = time.monotonic()
            if self._recording and now - looked > LOOK_AT_SPACE:
                looked = now
                self._guarded(self._look_at_space)
            if self._control is None and now - self._alone_since > self._orphan_timeout:
                log.warning("no control process for %.0f s; ending", self._orphan_timeout)
                self._stop.set()

    async def _to_disk(self) -> None:
        """Bring what was written to the disk: a power cut costs no more than two seconds."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(TO_DISK)
            part = self.recorder.part
            if part is None:
                continue
            with contextlib.suppress(OSError):  # a part that was closed meanwhile is on the disk
                descriptor = os.dup(part.descriptor)
                try:
                    await loop.run_in_executor(None, os.fdatasync, descriptor)
                finally:
                    os.close(descriptor)

    def _look_at_space(self) -> None:
        if self._told:
            self._send(o.Writing(recording=self._recording, writing=True))  # a sign of life
        if shutil.disk_usage(self._folder).free < self._free:
            log.error("less than %d MB are free: recording ends", self._free >> 20)
            self._end("space")

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do what may fail because of the disk; then recording ends, and its file is what there
        is."""
        try:
            work()
        except OSError as error:
            log.error("the recording cannot be written: %s", error.strerror)
            self._end(problem_of(error))
        self._tell()

    def _end(self, problem: o.Problem) -> None:
        recording, self._recording = self._recording, ""
        try:
            self.recorder.rest()
        except OSError as error:
            log.error("the end of a recording could not be written: %s", error.strerror)
            problem = problem or problem_of(error)
        self._told = False
        if recording:
            self._send(o.Writing(recording=recording, writing=False, problem=problem))

    def _tell(self) -> None:
        if self.recorder.writing and not self._told:
            self._told = True
            self._send(o.Writing(recording=self._recording, writing=True))

    # --- segments ----------------------------------------------------------------------------

    def _package(self, order: o.Package) -> None:
        self._unpack()
        try:
            self._shelf = Shelf(Path(order.folder), self._now)
        except OSError as error:
            log.error("no segments can be made: %s", error.strerror)
            return
        self._packager = Packager(self._ask, self._shelf, self._now, transcode=order.codec == "vp8")

    def _make_segments(self) -> None:
        if self._packager is None:
            return
        try:
            self._packager.tick(self._now)
        except OSError as error:  # who watches is told by what does not come; recording goes on
            log.error("a segment cannot be written: %s", error.strerror)

    def _unpack(self) -> None:
        shelf, self._shelf, self._packager = self._shelf, None, None
        if shelf is not None:
            with contextlib.suppress(OSError):
                shelf.clear()

    # --- control process ---------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._control is not None:
            self._control.close()  # the newest counts
        self._control = writer
        try:
            while line := await reader.readline():
                try:
                    order = o.order_decoder.decode(line)
                except msgspec.MsgspecError as error:
                    log.error("an order was not understood: %s", error)
                    continue
                self._carry_out(order)
        except (ValueError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            if self._control is writer:
                self._control = None
                self._alone_since = time.monotonic()
            writer.close()

    def _carry_out(self, order: o.Order) -> None:
        match order:
            case o.Hello():
                self._send(
                    o.Holding(
                        version=o.VERSION,
                        recording=self._recording,
                        writing=self.recorder.writing,
                        packaging=self._packager is not None,
                    )
                )
            case o.Write():
                self._write(order)
            case o.Rest():
                self._end("")
            case o.Package():
                self._package(order)
            case o.Unpack():
                self._unpack()
            case o.Shutdown():
                self._stop.set()

    def _write(self, order: o.Write) -> None:
        if self._recording == order.recording:
            return
        self._end("")
        self._recording, self._free, self._folder = order.recording, order.free, Path(order.folder)

        def begin() -> None:
            # Not its parents: what is to be on another disk must not land on this one.
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._look_at_space()
            if self._recording:
                self.recorder.write(self._folder, order.codec, self._now, voices=order.voices)

        self._guarded(begin)

    def _send(self, news: o.News) -> None:
        if self._control is not None:
            self._control.write(o.encoder.encode(news) + b"\n")
