"""The demo: worker, control process and simulated points on loopback, checked by decoding."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
import webbrowser
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.live import Live
from rich.table import Table

from bridge.accounts import passwords
from bridge.app.process import LOCAL_ADDRESS, LOCAL_TOKEN, ControlProcess, StartError
from bridge.base import logs
from bridge.base.roles import User
from bridge.conference.commands import Grant, Start
from bridge.conference.model import Actor, PointId
from bridge.conference.plan import AUDIO, PROGRAMME, THUMBNAIL
from bridge.control.conductor import Done
from bridge.demo.prometheus import DASHBOARDS, NoPrometheus, prometheus
from bridge.media import messages as m
from bridge.signalling.protocol import SlotReport
from config.schema import Topology
from monitoring.statistics import percentile

POINT_PROCESSES = 2  # simulated points share the cores with the bridge and a browser
READY_TIMEOUT = 10.0
TOUR_START = 0.5  # share of the time until which pictures may take before the takes begin
DWELL_MIN = 1.0  # seconds a point stays on air during the tour
DWELL_MAX = 2.5
POLL = 0.1
DEMO_ACTOR = Actor(kind="user", name="demo", role="operator")


@dataclass(slots=True)
class Findings:
    """What the points reported, gathered over the run."""

    pictures: set[tuple[str, str]] = field(default_factory=set)  # (receiver, source)
    sounds: set[tuple[str, str]] = field(default_factory=set)
    switched: dict[tuple[str, str], float] = field(default_factory=dict)  # → ms
    first_frame_ms: dict[tuple[str, str], float] = field(default_factory=dict)
    latency_ms: list[float] = field(default_factory=list)
    latency_seen: dict[tuple[str, str], float] = field(default_factory=dict)

    def add(
        self, receiver: str, report: SlotReport, taken: dict[str, float], others: set[str]
    ) -> None:
        """Take one slot's report in. ``taken`` is when each point was brought on air."""
        point = report.point
        if point not in others:
            return
        key = (receiver, point)
        if report.slot.startswith(AUDIO):
            if point in taken:  # before its take a microphone is closed (the chair's counts later)
                self.sounds.add(key)
            return
        if report.slot == THUMBNAIL + point:
            self.pictures.add(key)
            if report.first_frame_ms is not None:
                self.first_frame_ms.setdefault(key, report.first_frame_ms)
        if report.slot == PROGRAMME and report.since >= taken.get(point, float("inf")):
            self.switched.setdefault(key, (report.since - taken[point]) * 1000)
        where = (receiver, report.slot)
        if report.latency_ms is not None and self.latency_seen.get(where) != report.latency_ms:
            self.latency_seen[where] = report.latency_ms
            self.latency_ms.append(report.latency_ms)


class Demo:
    """One run. `run` returns whether everything expected was verified."""

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
    ) -> None:
        """``monitoring`` starts Prometheus beside it; ``local`` is the state folder in which the
        command line looks for a running bridge of
        this topology; ``impaired`` is what is wrong with lines, by point, in the words of
        `endpoints.netem.model.parse`."""
        self._impaired = impaired or {}
        self._local = local
        self._monitoring = monitoring
        self.topology = _shortened(topology, points)
        self._seconds = seconds
        self._report = report
        self._open_browser = open_browser
        self._console = Console()
        self._stop = asyncio.Event()
        self._children: list[asyncio.subprocess.Process] = []
        self._findings = Findings()
        self._taken: dict[str, float] = {}
        self._stats: m.Stats | None = None
        self._first_stats: m.Stats | None = None
        self._rate = 0.0
        self._process: ControlProcess | None = None
        self.started = asyncio.Event()  # the points' processes run

    async def run(self) -> bool:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, self._stop.set)
        if logs.LEVEL not in os.environ:
            logging.getLogger().setLevel(logging.ERROR)
        state = Path(tempfile.mkdtemp(prefix="diem-cau-"))
        try:
            return await self._run(state)
        finally:
            await self._end_points()
            shutil.rmtree(state, ignore_errors=True)

    async def _run(self, state: Path) -> bool:
        started = time.monotonic()
        async with contextlib.AsyncExitStack() as stack:
            process = await stack.enter_async_context(_start(self.topology, state))
            self._process = process
            async with asyncio.timeout(READY_TIMEOUT):
                await process.worker.ready.wait()
            if self._monitoring:
                await self._start_monitoring(process, state, stack)
            self._first_stats = await process.worker.stats()
            address = f"{process.url}/console#demo={await demo_operator(process)}"
            self._console.print(f"The console:  [bold]{address}[/]", soft_wrap=True)
            self._console.print(
                "The points wait; the key S in the console starts the briefing. "
                "Ctrl-C ends the demo."
            )
            await self._start_points(process)
            announced = self._announce(state)
            self.started.set()
            if self._open_browser:
                webbrowser.open(address)
            tour = asyncio.create_task(self._tour(process, started))
            watch = asyncio.create_task(self._watch(process))
            stopped = asyncio.create_task(self._stop.wait())
            with self._display() as live:
                while not stopped.done():
                    if live is not None:
                        live.update(self._table(process))
                    if self._seconds is not None and (time.monotonic() - started >= self._seconds):
                        break
                    await asyncio.wait([stopped], timeout=0.5)
            for task in (tour, stopped):
                task.cancel()
            self._stats = await process.worker.stats() or self._stats
            watch.cancel()
            await asyncio.gather(tour, watch, stopped, return_exceptions=True)
            document = self._document(process)
            for path in announced:
                path.unlink(missing_ok=True)
            await self._end_points()  # before the bridge, so that they can say goodbye
        if self._report is not None:
            text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
            self._report.write_text(text, "utf-8")
        self._print_summary(document)
        return bool(document["ok"]) or self._seconds is None

    async def _start_monitoring(
        self, process: ControlProcess, state: Path, stack: contextlib.AsyncExitStack
    ) -> None:
        """Prometheus beside the demo, and how to add Grafana."""
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

    def _announce(self, state: Path) -> list[Path]:
        """Let the command line (ready, conference, point) find the demo where it would look for
        the served bridge, unless that one runs; return the files made."""
        if self._local is None or _answers(self._local / LOCAL_ADDRESS, self.process.url):
            return []
        made: list[Path] = []
        try:
            self._local.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name in (LOCAL_TOKEN, LOCAL_ADDRESS):
                path = self._local / name
                path.unlink(missing_ok=True)
                shutil.copy(state / name, path)
                path.chmod(0o600)
                made.append(path)
        except OSError as error:
            self._console.print(f"The command line will not find the demo: {error.strerror}.")
        return made

    def stop(self) -> None:
        """End the run."""
        self._stop.set()

    @property
    def process(self) -> ControlProcess:
        assert self._process is not None
        return self._process

    # --- simulated points ---------------------------------------------------------------

    async def _start_points(self, process: ControlProcess) -> None:
        described = [
            {
                "id": point.id,
                "key": process.keys[PointId(point.id)],
                "number": number,
                "address": point.probe if _is_loopback(point.probe) else "127.0.0.1",
                "fault": {"impair": self._impaired.get(point.id, "")},
            }
            for number, point in enumerate(self.topology.points, 1)
        ]
        names = {str(p["number"]): p["id"] for p in described}
        for index in range(POINT_PROCESSES):
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "endpoints.simulation",
                stdin=asyncio.subprocess.PIPE,
                cwd=Path(__file__).parent.parent.parent,
                start_new_session=True,
            )
            self._children.append(child)
            share = described[index::POINT_PROCESSES]
            config = {"url": process.url, "names": names, "points": share}
            assert child.stdin is not None
            child.stdin.write(json.dumps(config).encode() + b"\n")
            await child.stdin.drain()

    async def fault(self, point: str, **fault: Any) -> None:
        """Put a fault into a simulated point, or (without arguments) make it well again; the
        words are those of `endpoints.simulation`."""
        index = [p.id for p in self.topology.points].index(point) % POINT_PROCESSES
        pipe = self._children[index].stdin
        assert pipe is not None
        pipe.write(json.dumps({"point": point, **fault}).encode() + b"\n")
        await pipe.drain()

    async def _end_points(self) -> None:
        for child in self._children:
            if child.stdin is not None:
                child.stdin.close()
        for child in self._children:
            try:
                await asyncio.wait_for(child.wait(), 4)
            except TimeoutError:
                child.kill()
                await child.wait()
        self._children.clear()

    # --- what happens -------------------------------------------------------------------

    async def _tour(self, process: ControlProcess, started: float) -> None:
        """Bring every point on air once, the chair last; only in a run that is measured."""
        if self._seconds is None and self._report is None:
            return
        seconds = self._seconds or 60.0
        conference = await start_conference(process)
        while not self._complete_pictures():
            if time.monotonic() - started > seconds * TOUR_START:
                break
            await asyncio.sleep(POLL)
        chair = PointId(self.topology.conference.chair)
        order = [PointId(p) for p in process.control.points if p != chair] + [chair]
        left = seconds - (time.monotonic() - started) - 1.0
        dwell = max(DWELL_MIN, min(DWELL_MAX, left / len(order)))
        for point in order:
            self._taken[point] = time.monotonic()
            await process.conductor.submit(conference, Grant(point=point), DEMO_ACTOR)
            await asyncio.sleep(dwell)

    async def _watch(self, process: ControlProcess) -> None:
        """Gather reports; look at the worker's figures once a second."""
        others = {point.id for point in self.topology.points}
        next_stats = 0.0
        while True:
            for session in process.control.sessions.all():
                if session.point is None:
                    continue
                for report in session.reports.values():
                    if report.point != session.point:
                        self._findings.add(session.point, report, self._taken, others)
            if time.monotonic() >= next_stats:
                next_stats = time.monotonic() + 1
                stats = await process.worker.stats()
                if stats is not None:
                    if self._stats is not None and stats.uptime > self._stats.uptime:
                        sent = stats.counters["packets_out"] - self._stats.counters["packets_out"]
                        self._rate = sent / (stats.uptime - self._stats.uptime)
                    self._stats = stats
            await asyncio.sleep(POLL)

    def _complete_pictures(self) -> bool:
        count = len(self.topology.points)
        return len(self._findings.pictures) == count * (count - 1)

    # --- output -------------------------------------------------------------------------

    @contextlib.contextmanager
    def _display(self) -> Any:
        if not self._console.is_terminal:
            yield None
            return
        with Live(console=self._console, refresh_per_second=4) as live:
            yield live

    def _table(self, process: ControlProcess) -> Table:
        control = process.control
        states = control.point_states()
        words = {
            "in_session": "[green]● trong phiên[/]",
            "ready": "[cyan]◌ sẵn sàng[/]",
            "connecting": "[yellow]◔ đang kết nối[/]",
            "lost": "[red]▲ mất kết nối[/]",
            "offline": "[dim]○ ngoại tuyến[/]",
        }
        others = len(self.topology.points) - 1
        on_air_points = {state.on_air for state in process.conductor.running()}
        table = Table(title=self.topology.bridge.name.vi, caption=self._caption())
        for heading in (
            "Điểm cầu",
            "Trạng thái",
            "Hình",
            "Đang xem",
            "Trễ hình",
            "Lên",
            "Xuống",
            "Khứ hồi",
        ):
            table.add_column(heading)
        for point in self.topology.points:
            session = control.sessions.of_point(PointId(point.id))
            reports = session.reports if session is not None else {}
            seen = sum(1 for receiver, _ in self._findings.pictures if receiver == point.id)
            programme = reports.get(PROGRAMME)
            delays = sorted(r.latency_ms for r in reports.values() if r.latency_ms is not None)
            line = control.quality.get(point.id)
            on_air = " [bold white on red] ĐANG PHÁT [/]" if point.id in on_air_points else ""
            table.add_row(
                point.name.vi + on_air,
                words[states[point.id]],
                f"{seen}/{others}",
                programme.point if programme is not None else "",
                f"{percentile(delays, 0.5):.0f} ms" if delays else "",
                _level(line.up, line.up_loss) if line is not None else "",
                _level(line.down, line.down_loss) if line is not None else "",
                f"{line.rtt_ms:.1f} ms" if line is not None and line.reach == "yes" else "",
            )
        return table

    def _caption(self) -> str:
        if self._stats is None:
            return ""
        p50, p99, _ = self._stats.delay_us
        return (
            f"{self._rate:,.0f} packets/s forwarded, {self._cpu_per_packet():.1f} µs CPU each, "
            f"delay p50 {p50 / 1000:.2f} ms, p99 {p99 / 1000:.2f} ms"
        )

    def _cpu_per_packet(self) -> float:
        if self._stats is None or self._first_stats is None:
            return 0.0
        packets = self._stats.counters["packets_out"] - self._first_stats.counters["packets_out"]
        cpu = self._stats.cpu_seconds - self._first_stats.cpu_seconds
        return cpu / packets * 1e6 if packets else 0.0

    def _document(self, process: ControlProcess) -> dict[str, Any]:
        """The report, as docs/performance.md explains it."""
        count = len(self.topology.points)
        expected = count * (count - 1)
        found = self._findings
        connected = sum(len(state.present) for state in process.conductor.running())
        stats, first = self._stats, self._first_stats
        packets = rate = 0.0
        delay = (0.0, 0.0, 0.0)
        if stats is not None and first is not None:
            packets = stats.counters["packets_out"] - first.counters["packets_out"]
            rate = packets / max(stats.uptime - first.uptime, 1e-9)
            delay = stats.delay_us
        ok = (
            connected == count and len(found.pictures) == expected and len(found.sounds) == expected
        )
        return {
            "points": count,
            "connected": connected,
            "pictures": {"expected": expected, "verified": len(found.pictures)},
            "sounds": {"expected": expected, "verified": len(found.sounds)},
            "first_frame_ms": _spread(list(found.first_frame_ms.values())),
            "latency_ms": _spread(found.latency_ms),
            "switch_ms": _spread(list(found.switched.values())),
            "forwarding": {
                "packets": int(packets),
                "packets_per_second": round(rate, 1),
                "cpu_us_per_packet": round(self._cpu_per_packet(), 2),
                "delay_us": {"p50": delay[0], "p99": delay[1]},
                "rss_bytes": stats.rss_bytes if stats is not None else 0,
            },
            "ok": ok,
        }

    def _print_summary(self, document: dict[str, Any]) -> None:
        pictures, sounds = document["pictures"], document["sounds"]
        self._console.print(
            f"{document['connected']} of {document['points']} points connected, "
            f"{pictures['verified']} of {pictures['expected']} pictures and "
            f"{sounds['verified']} of {sounds['expected']} sounds verified by decoding; "
            f"first frame p95 {_ms(document['first_frame_ms']['p95'])}, "
            f"take to picture p95 {_ms(document['switch_ms']['p95'])}, "
            f"picture delay p50 {_ms(document['latency_ms']['p50'])}, "
            f"{document['forwarding']['cpu_us_per_packet']:.1f} µs CPU a packet."
        )


def _spread(values: list[float]) -> dict[str, float | None]:
    """p50 and p95; null where nothing was measured (two points have nothing to switch)."""
    if not values:
        return {"p50": None, "p95": None}
    ordered = sorted(values)
    return {
        "p50": round(percentile(ordered, 0.5), 1),
        "p95": round(percentile(ordered, 0.95), 1),
    }


LEVELS = {
    "good": "[green]tốt",
    "fair": "[yellow]khá",
    "poor": "[red]kém",
    "bad": "[bold red]rất kém",
    "unknown": "[dim]chưa rõ",
}


def _level(level: str, loss: float) -> str:
    return f"{LEVELS[level]}[/] {100 * loss:.1f} %"


def _ms(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.0f} ms"


def _is_loopback(address: str | None) -> bool:
    return address is not None and ipaddress.ip_address(address).is_loopback


def _shortened(topology: Topology, count: int) -> Topology:
    """The first ``count`` points, the chair among them."""
    chair = topology.conference.chair
    others = [p for p in topology.points if p.id != chair][: count - 1]
    kept = {chair, *(point.id for point in others)}
    points = [point for point in topology.points if point.id in kept]
    templates = [t.model_copy(update={"points": [], "expected": []}) for t in topology.templates]
    return topology.model_copy(update={"points": points, "templates": templates})


async def demo_operator(process: ControlProcess) -> str:
    """Make the demo's account, an operator; return the key that logs it in."""
    user = User(name=DEMO_ACTOR.name, role="operator", created=process.conductor.now())
    hashed = await asyncio.to_thread(passwords.hash_password, passwords.new_password())
    await process.accounts.add_user(user, hashed, passwords.new_token())
    process.auth.demo_key = passwords.new_token()
    return process.auth.demo_key


async def start_conference(process: ControlProcess) -> str:
    """Start the first template's conference, as the key in the console does."""
    template = next(iter(process.scheduler.templates().values()))
    opened = await process.scheduler.open(template, DEMO_ACTOR)
    if not isinstance(opened, Done):
        raise StartError(f"The demo's conference could not be opened: {opened.key}.")
    await process.conductor.submit(opened.conference, Start(), DEMO_ACTOR)
    return opened.conference


@contextlib.asynccontextmanager
async def _start(topology: Topology, state: Path) -> Any:
    """A control process for the demo: on loopback only, on other ports where the usual ones
    are taken (by another demo, say)."""
    bridge = topology.bridge
    if not all(_is_loopback(host) for host in [bridge.web.listen, *bridge.media.listen]):
        raise StartError("The demo listens on loopback addresses only; this topology does not.")
    media = bridge.media
    if _taken(media.listen[0], media.port, socket.SOCK_DGRAM):
        media = media.model_copy(update={"port": 0})
    web = bridge.web
    if _taken(web.listen, web.port, socket.SOCK_STREAM):
        web = web.model_copy(update={"port": 0})
    metrics = bridge.metrics
    if _taken(metrics.listen, metrics.port, socket.SOCK_STREAM):
        metrics = metrics.model_copy(update={"port": 0})
    bridge = bridge.model_copy(update={"media": media, "web": web, "metrics": metrics})
    probes = topology.probes
    hosts = [p.probe for p in topology.points if _is_loopback(p.probe)]
    if hosts and _taken(str(hosts[0]), probes.port, socket.SOCK_DGRAM):
        probes = probes.model_copy(update={"port": _free(str(hosts[0]))})
    process = ControlProcess(
        topology.model_copy(update={"bridge": bridge, "probes": probes}),
        state=state,
        folder=state,
        with_parent=True,
        keep_worker=False,
    )
    async with process:
        yield process


def _answers(path: Path, own: str) -> bool:
    """Whether another bridge listens at the address in a file. Our own address there was left
    by one that was killed."""
    try:
        text = path.read_text("utf-8").strip()
        if text == own:
            return False
        url = urlsplit(text)
        with socket.create_connection((url.hostname or "", url.port or 0), timeout=1):
            return True
    except (OSError, ValueError):
        return False


def _free(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((host, 0))
        return int(s.getsockname()[1])


def _taken(host: str, port: int, kind: socket.SocketKind) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False
