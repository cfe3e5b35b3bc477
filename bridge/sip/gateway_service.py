"""The gateway's process: event loop, signals, and the socket of the control process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from pathlib import Path

import msgspec

from bridge.sip import gateway_orders as o
from bridge.sip.gateway import Gateway
from bridge.sip.refusals import Figures

log = logging.getLogger("sip")

NEWS_EVERY = 2.0  # seconds
AGAIN = 2.0  # seconds until a port that is taken is tried again


class Service:
    """Serves one control process at a time, the newest; ends when it has been alone for a while.
    Calls go on meanwhile, and while the control process is restarted."""

    def __init__(self, control: Path, orphan_timeout: float) -> None:
        self._path = control
        self._orphan_timeout = orphan_timeout
        self._stop = asyncio.Event()
        self._control: asyncio.StreamWriter | None = None
        self._alone_since = time.monotonic()
        self._owned = asyncio.Event()
        self._figures = Figures()
        self._gateway: Gateway | None = None
        self._wanted: o.Setup | None = None
        self._changed = asyncio.Event()
        self._problem = ""

    async def run(self) -> None:
        """Serve until told to stop."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stop.set)
        self._path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._serve, path=self._path, limit=o.MAX_LINE)
        self._path.chmod(0o600)
        jobs = [asyncio.create_task(self._keep()), asyncio.create_task(self._tell())]
        try:
            await self._stop.wait()
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)
            if self._gateway is not None:
                await self._gateway.close()
            server.close()
            if self._control is not None:
                self._control.close()
            self._path.unlink(missing_ok=True)

    async def _keep(self) -> None:
        """Have a gateway as it is wanted."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            wanted = self._wanted
            if wanted is None:
                continue
            if self._gateway is not None and o.same_place(self._gateway.setup, wanted):
                await self._gateway.change(wanted)
                continue
            if self._gateway is not None:
                await self._gateway.close()
                self._gateway = None
            gateway = Gateway(wanted, self._figures, self._owned)
            try:
                await gateway.start()
            except OSError as error:
                self._problem = str(error)
                log.error("SIP cannot be listened for: %s", error)
                await gateway.close()
                await asyncio.sleep(AGAIN)
                self._changed.set()
                continue
            self._problem = ""
            self._gateway = gateway

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(NEWS_EVERY)
            if self._control is not None:
                self._control.write(o.encoder.encode(self._news()) + b"\n")
            elif time.monotonic() - self._alone_since > self._orphan_timeout:
                log.warning("no control process for %.0f s; ending", self._orphan_timeout)
                self._stop.set()

    def _news(self) -> o.News:
        gateway, figures = self._gateway, self._figures
        return o.News(
            listening=gateway is not None,
            problem=self._problem,
            registered=gateway.registered if gateway is not None else None,
            calls=gateway.calls() if gateway is not None else (),
            dialled=figures.dialled,
            answered=figures.answered,
            failed=figures.failed,
            refused=dict(figures.refused),
        )

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._control is not None:
            self._control.close()  # the newest counts
        self._control = writer
        self._owned.set()
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
                self._owned.clear()
                self._alone_since = time.monotonic()
            with contextlib.suppress(RuntimeError):
                writer.close()

    def _carry_out(self, order: o.Order) -> None:
        if isinstance(order, o.Shutdown):
            self._stop.set()
        elif order.version != o.VERSION:
            log.error("the control process speaks version %d", order.version)
            self._stop.set()
        elif order != self._wanted:
            self._wanted = order
            self._changed.set()
