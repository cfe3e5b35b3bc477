"""One run of the demo: worker, control process and simulated points on loopback, until it is
stopped or its time is over."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from bridge.app.errors import StartError
from bridge.app.process import ControlProcess
from bridge.base import logs
from bridge.demo import recorded, slowness, summary
from bridge.demo.account import ADMIN, DEMO_ACTOR, demo_accounts, room_address
from bridge.demo.browser import open_page
from bridge.demo.findings import Findings, Forwarding
from bridge.demo.loopback import announce, first_points, loopback_bridge
from bridge.demo.point_processes import PointProcesses, description
from bridge.demo.prometheus import DASHBOARDS, NoPrometheus, prometheus
from bridge.demo.spectators import Spectators, sentences, with_audience
from bridge.demo.table import table
from bridge.demo.tour import tour
from config.schema import Topology

JOIN_TIMEOUT = 60.0  # seconds until the simulated points must be there
READY_TIMEOUT = 30.0  # seconds until the worker must be ready, on a busy machine too
POLL = 0.1  # seconds between looks at what points reported
STATS_EVERY = 1.0  # seconds between looks at the worker's counters
SHOW_EVERY = 0.5  # seconds between updates of the table
REPORT_SECONDS = 60.0  # of the tour, where a report is wanted and no length is given
PATIENCE = 90.0  # seconds more that a busy machine has until everything is verified


class Demo:
    """One run of the demo. `run` returns whether everything expected was verified."""

    def __init__(
        self,
        topology: Topology,
        *,
        points: int,
        seconds: float | None,
        report: Path | None,
        open_browser: bool,
        impaired: dict[str, str] | None = None,
        local: Path | None = None,
        monitoring: bool = False,
        rooms: Sequence[str] = (),
        record: bool = False,
        audience: int = 0,
    ) -> None:
        """``points`` is how many of the topology's take part. A run of ``seconds`` (None: until
        it is stopped), or one with a ``report`` to be written, starts the conference by itself.
        ``impaired`` is what is wrong with lines, by point, in the words of
        `endpoints.netem.impairment.parse`; ``local`` is the state folder in which the command line
        looks for a running bridge of this topology; ``monitoring`` starts Prometheus beside it.
        ``rooms`` are points that are left to real rooms: they are not simulated. With ``record``
        conferences are recorded, and the last one's recording is read back; ``audience`` is how
        many watch, some of them by HLS."""
        self._rooms = rooms
        self._record = record
        if record:
            topology = recorded.with_recording(topology)
        if audience:
            topology = with_audience(topology, audience)
        self.topology = first_points(topology, points, rooms)
        self.started = asyncio.Event()  # the points' processes run
        self._impaired = impaired or {}
        self._local = local
        self._monitoring = monitoring
        self._seconds = seconds
        self._report = report
        self._open_browser = open_browser
        self._console = Console()
        self._stop = asyncio.Event()
        self._points = PointProcesses()
        self._simulated = [p.id for p in self.topology.points if p.id not in rooms]
        self._findings = Findings(self._simulated)
        self._spectators = Spectators(audience, self._simulated) if audience else None
        self._forwarding = Forwarding()
        self._process: ControlProcess | None = None

    @property
    def process(self) -> ControlProcess:
        """The demo's control process, once it runs."""
        assert self._process is not None
        return self._process

    def stop(self) -> None:
        """End the run."""
        self._stop.set()

    async def fault(self, point: str, **fault: Any) -> None:
        """Put a fault into a simulated point, or (without arguments) make it well again; the
        words are those of `endpoints.simulation`."""
        await self._points.fault(point, fault)

    async def run(self) -> bool:
        """Run until stopped, by a signal too, or until the time is over. Raises `StartError`."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, self._stop.set)
        if logs.LEVEL not in os.environ:
            logging.getLogger().setLevel(logging.ERROR)
        state = Path(tempfile.mkdtemp(prefix="diem-cau-"))
        try:
            outcome = await self._run(state)
        finally:
            await self._points.end()
            if self._spectators is not None:
                await self._spectators.end()
            shutil.rmtree(state, ignore_errors=True)
        if self._report is not None:
            text = json.dumps(outcome, ensure_ascii=False, indent=2) + "\n"
            self._report.write_text(text, "utf-8")
        self._console.print(summary.sentence(outcome, measured=self._measured), soft_wrap=True)
        if "audience" in outcome:
            for said in sentences(outcome["audience"]):
                self._console.print(said, soft_wrap=True, markup=False)
        return bool(outcome["ok"]) or self._seconds is None

    async def _run(self, state: Path) -> dict[str, Any]:
        """Everything up, the run, and down again; return its `summary.document`."""
        async with contextlib.AsyncExitStack() as stack:
            process = await stack.enter_async_context(loopback_bridge(self.topology, state))
            self._process = process
            async with asyncio.timeout(READY_TIMEOUT):
                await process.worker.ready.wait()
            if self._monitoring:
                await self._start_monitoring(process, state, stack)
            self._forwarding.add(await process.worker.stats())
            address = await self._say_addresses(process)
            described = description(self.topology, process.keys, self._impaired)
            await self._points.start(
                process.url, [point for point in described if point["id"] in self._simulated]
            )
            announced = self._announce(process, state)
            self.started.set()
            slow = asyncio.create_task(self._say_slowness())
            if self._open_browser and (said := open_page(address)):
                self._console.print(said, soft_wrap=True)
            if self._measured:
                await self._until_joined(process)
            await self._until_over(process)
            slow.cancel()
            connected = sum(
                len(set(state.present) & set(self._simulated))
                for state in process.conductor.running()
            )
            for path in announced:
                path.unlink(missing_ok=True)
            watched = None
            if self._spectators is not None and self._measured:
                watched = await self._spectators.outcome(process)
            recording = await self._end(process)
        return summary.document(self._findings, self._forwarding, connected, recording, watched)

    async def _end(self, process: ControlProcess) -> dict[str, Any] | None:
        """End the points before the bridge, so that they can say goodbye; return what came of the
        recording, where there was to be one."""
        if not self._record:
            await self._points.end()
            return None
        self._console.print("The recording is finished and read back.", soft_wrap=True)
        facts, problem = await recorded.finished(process)
        await self._points.end()
        return await recorded.outcome(process, facts, problem, frozenset(self._simulated))

    @property
    def _measured(self) -> bool:
        """Whether the conference starts by itself, and everything is to be verified."""
        return self._seconds is not None or self._report is not None

    async def _say_addresses(self, process: ControlProcess) -> str:
        """Print where everything is; return the address of the console."""
        keys = await demo_accounts(process)
        address = f"{process.url}/console#demo={keys[DEMO_ACTOR.name]}"
        lines = [
            f"The console:  [bold]{address}[/]",
            f"As an admin:  {process.url}/admin#demo={keys[ADMIN]}",
        ]
        if self._spectators is not None:
            template = process.topology.templates[0].id
            lines.append(f"Theo dõi / to watch: {process.url}/watch/{template}")
        for point in self._rooms:
            lines.append(f"The room {point}, once: [bold]{await room_address(process, point)}[/]")
        for line in lines:
            self._console.print(line, soft_wrap=True)
        self._console.print(
            "The points wait; the key S in the console starts the briefing. Ctrl-C ends the demo.",
            soft_wrap=True,
        )
        return address

    async def _say_slowness(self) -> None:
        """Say so where this machine is too slow for so many points."""
        said = slowness.said(await slowness.watch(), len(self._simulated))
        if said:
            self._console.print(said, soft_wrap=True, markup=False)

    async def _until_joined(self, process: ControlProcess) -> None:
        """Until all simulated points are there; a slow machine's start takes no time from the
        run."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(JOIN_TIMEOUT):
                while not self._stop.is_set():
                    states = process.control.publisher.point_states()
                    if all(states[point] in ("ready", "in_session") for point in self._simulated):
                        return
                    await asyncio.sleep(POLL)

    def _is_over(self, elapsed: float) -> bool:
        """Whether a run of a given length has ended: on a busy machine, where not everything was
        verified yet, it takes longer."""
        if self._seconds is None or elapsed < self._seconds:
            return False
        complete = self._findings.complete() and (
            self._spectators is None or self._spectators.complete
        )
        return complete or elapsed >= self._seconds + PATIENCE

    async def _until_over(self, process: ControlProcess) -> None:
        """Gather what is found out and show it, until the run is stopped or its time is over."""
        started = time.monotonic()
        jobs = [asyncio.create_task(self._watch(process))]
        if self._measured:
            seconds = self._seconds or REPORT_SECONDS
            jobs.append(
                asyncio.create_task(
                    tour(process, self._findings, started, seconds, self._spectators)
                )
            )
        stopped = asyncio.create_task(self._stop.wait())
        with self._display() as live:
            while not stopped.done():
                if live is not None:
                    live.update(table(process, self._findings, self._forwarding))
                if self._is_over(time.monotonic() - started):
                    break
                await asyncio.wait([stopped], timeout=SHOW_EVERY)
        for task in (*jobs, stopped):
            task.cancel()
        await asyncio.gather(*jobs, stopped, return_exceptions=True)
        self._forwarding.add(await process.worker.stats())

    async def _watch(self, process: ControlProcess) -> None:
        next_stats = 0.0
        while True:
            for session in process.control.sessions.all():
                if session.point is not None:
                    stands = process.control.routes.stands(session.transport)
                    for report in session.reports.values():
                        self._findings.add(session.point, report, stands)
            if time.monotonic() >= next_stats:
                next_stats = time.monotonic() + STATS_EVERY
                self._forwarding.add(await process.worker.stats())
            await asyncio.sleep(POLL)

    async def _start_monitoring(
        self, process: ControlProcess, state: Path, stack: contextlib.AsyncExitStack
    ) -> None:
        """Start Prometheus beside the demo, and say how to add Grafana."""
        try:
            url = await stack.enter_async_context(
                prometheus(process.metrics.url, process.url, state / "prometheus")
            )
        except NoPrometheus as error:
            raise StartError(str(error)) from None
        for line in (
            f"Prometheus:   [bold]{url}[/]  (alerts: {url}/alerts)",
            f"The metrics:  {process.metrics.url}/metrics",
            f"Dashboards:   {DASHBOARDS}/vi and /en",
            f"Grafana:      add a Prometheus data source with the address {url}, then import the "
            "files of the dashboards (Dashboards, New, Import); docs/en/monitoring.md",
        ):
            self._console.print(line, soft_wrap=True)

    def _announce(self, process: ControlProcess, state: Path) -> list[Path]:
        """`announce` where the demo is to be found; return the files made."""
        if self._local is None:
            return []
        try:
            return announce(process.url, state, self._local)
        except OSError as error:
            self._console.print(f"The command line will not find the demo: {error.strerror}.")
            return []

    @contextlib.contextmanager
    def _display(self) -> Iterator[Live | None]:
        if not self._console.is_terminal:
            yield None
            return
        with Live(console=self._console, refresh_per_second=4) as live:
            yield live
