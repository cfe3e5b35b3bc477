"""The readiness sweep: checks all points of a conference in parallel, on demand and by itself
before a scheduled start. A shell around `monitoring.quality.readiness_rules`."""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from cryptography import x509

from bridge.agents.registry import AgentAway, Agents
from bridge.base.i18n import Sentence, sentence
from bridge.control.active_topology import ActiveTopology
from bridge.control.conductor import Conductor
from bridge.control.scheduler import Scheduler
from bridge.control.sessions import Sessions
from bridge.control.templates import rooms
from bridge.control.views import as_sentence
from bridge.lines.board import Board, CheckView, PointView, StepView
from bridge.lines.capacity import CapacityTest, carried
from bridge.lines.room_calls import RoomCalls
from bridge.lines.watch import HealthWatch
from config.needs import Need, point_need
from config.schema import Point
from monitoring.quality import readiness_rules as r

log = logging.getLogger("readiness")

WINDOW = 15.0  # seconds that the line is watched for
CALLS = 3  # test calls at once: each encodes and decodes
CALL_TIMEOUT = 20.0
RAMPS = 4  # capacity tests at once
FULL_FOR = 2 * 3600.0  # seconds that a call and a capacity test are carried over
BEFORE = 65 * 60.0  # seconds before a start: the first sweep, before the trial session opens
EVERY_FULL = 15 * 60.0
EVERY_LIGHT = 20.0  # seconds between light sweeps before a start
LOOK_EVERY = 5.0
LIGHT_WINDOW = 10.0


@dataclass(slots=True)
class _Kept:
    """Results of a full sweep that light ones carry over."""

    at: float
    facts: r.Facts


class Readiness:
    """Makes sweeps, one at a time, and keeps the board of the last one.
    ``now`` is UTC seconds, ``clock`` is monotonic, ``certificate`` the server's (PEM file);
    ``measured`` is told what lines carry, kbit/s, None for all that was asked of them."""

    def __init__(
        self,
        *,
        topology: ActiveTopology,
        sessions: Sessions,
        conductor: Conductor,
        scheduler: Scheduler,
        agents: Agents,
        health: HealthWatch,
        now: Callable[[], float],
        clock: Callable[[], float],
        certificate: Callable[[], Path | None],
        measured: Callable[[str, int | None], None] = lambda point, kbit: None,
    ) -> None:
        self._topology = topology
        self._sessions = sessions
        self._conductor = conductor
        self._scheduler = scheduler
        self._clock = clock
        self._agents = agents
        self._health = health
        self._now = now
        self._certificate = certificate
        self._measured = measured
        self._lock = asyncio.Lock()
        self._kept: dict[str, _Kept] = {}
        self._done = self._all = 0
        self._capacity_test = CapacityTest(topology, conductor, health)
        self._automatic = 0.0  # when the last full sweep began by itself
        self._calls = RoomCalls()
        self.board = Board()

    @property
    def running(self) -> bool:
        return self._lock.locked()

    @property
    def calls(self) -> RoomCalls:
        """Test calls of the rooms' pages."""
        return self._calls

    @property
    def current(self) -> Board:
        """The board as it is now, with the progress of a sweep that runs."""
        if not self.running:
            return self.board
        progress = self._done / max(self._all, 1)
        return msgspec.structs.replace(self.board, running=True, progress=round(progress, 3))

    # --- sweeps -------------------------------------------------------------------------

    async def sweep(
        self,
        points: list[str],
        title: Sentence | None,
        by: str,
        *,
        full: bool = True,
        template: str = "",
        start: float | None = None,
        window: float = WINDOW,
    ) -> Board:
        """Look at points; return the board. One after the other where several are asked for."""
        async with self._lock:
            began = self._clock()
            current = self._topology.current
            # Another bridge has no room PC to be looked at; it tells by itself how it stands.
            known = [p for p in current.points if p.id in points and not current.peer_of(p.id)]
            self._done, self._all = 0, len(known) * (3 if full else 1)
            facts = {point.id: r.Facts() for point in known}
            jobs = [self._watch_line(point, facts[point.id], window) for point in known]
            if full:
                self._calls.forget(point.id for point in known)
                calls = asyncio.Semaphore(CALLS)
                jobs += [self._call(point.id, facts[point.id], calls) for point in known]
            await asyncio.gather(*jobs)
            if full:
                # Afterwards: a line under load says nothing about how it is at rest.
                ramps = asyncio.Semaphore(RAMPS)
                need = point_need(self._topology.current.media, max(len(known), 2))
                await asyncio.gather(
                    *(self._capacity(point, facts[point.id], need, ramps) for point in known)
                )
            for point in known:
                self._state(point, facts[point.id])
                self._carry_over(point.id, facts[point.id], full)
            views = tuple(self._view(point, facts[point.id]) for point in known)
            level = max((v.level for v in views), key=_severity, default="unknown")
            self.board = Board(
                at=round(self._now(), 3),
                seconds=round(self._clock() - began, 1),
                full=full,
                title=title,
                template=template,
                start=start,
                level=level,
                points=views,
                by=by,
            )
            return self.board

    async def run(self) -> None:
        """Keep the board current before a scheduled start, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                await self._look_ahead()
            except Exception:  # a fault here must not end what directs
                log.exception("the board could not be brought up to date")

    async def _look_ahead(self) -> None:
        coming = next(
            (u for u in self._scheduler.upcoming if 0 <= u.start - self._now() <= BEFORE), None
        )
        if coming is None or self.running:
            return
        clock = self._clock()
        full = self.board.start != coming.start or clock - self._automatic >= EVERY_FULL
        if not full and self._now() - self.board.at < EVERY_LIGHT:
            return
        if full:
            self._automatic = clock
        chosen = self._scheduler.template_points().get(coming.template) or rooms(
            self._topology.current.points
        )
        await self.sweep(
            list(chosen),
            as_sentence(coming.title),
            "scheduler",
            full=full,
            template=coming.template,
            start=coming.start,
            window=WINDOW if full else LIGHT_WINDOW,
        )

    def _carry_over(self, point: str, facts: r.Facts, full: bool) -> None:
        """A light sweep, and one during a conference, keep what an earlier one tested."""
        now = self._clock()
        kept = self._kept.get(point)
        if kept is not None and now - kept.at <= FULL_FOR:
            if facts.call is None:
                facts.call = kept.facts.call
            if facts.capacity is None:
                facts.capacity = kept.facts.capacity
        if full and (facts.call is not None or facts.capacity is not None):
            self._kept[point] = _Kept(now, facts)

    # --- one point ----------------------------------------------------------------------

    async def _watch_line(self, point: Point, facts: r.Facts, window: float) -> None:
        before = {
            name: (p.down.expected, p.down.lost, p.up.expected, p.up.lost, p)
            for name, p in self._health.prober.sessions(point.id).items()
        }
        await asyncio.sleep(window)
        probes = self._health.prober.sessions(point.id)
        facts.probed = bool(probes)
        figures = self._health.figures.get(point.id)
        facts.reachable = figures.reachable if figures is not None else None
        # Counted once its packets' time is up, a second later than the window.
        same = [(probes[name], was) for name, was in before.items() if probes.get(name) is was[4]]
        facts.down = (
            sum(p.down.expected - w[0] for p, w in same),
            sum(p.down.lost - w[1] for p, w in same),
        )
        facts.up = (
            sum(p.up.expected - w[2] for p, w in same),
            sum(p.up.lost - w[3] for p, w in same),
        )
        facts.marks = dict(figures.marks) if figures is not None else {}
        for probe in probes.values():
            facts.delays = probe.delays(self._clock(), window)
            if facts.delays is not None:
                break
        self._done += 1

    async def _call(self, point: str, facts: r.Facts, calls: asyncio.Semaphore) -> None:
        async with calls:
            facts.call = await self._call_of_page(point)
            try:
                if facts.call is not None:
                    return
                outcome = await self._agents.command(point, "test_call", CALL_TIMEOUT)
                if outcome.call is not None:
                    call = outcome.call
                    facts.call = r.Call(call.connected, call.picture, call.sound, call.detail)
            except AgentAway:
                pass
            finally:
                self._done += 1

    async def _call_of_page(self, point: str) -> r.Call | None:
        """A call with the room's own devices, where its page is here. None where it is not, and
        inside a conference, of which no pictures are taken."""
        session = self._sessions.of_point(point)
        if session is None or session.client is None or self._conductor.conference_of(point):
            return None
        found = await self._calls.call(session, CALL_TIMEOUT)
        if found is None:
            return None
        return r.Call(found.connected, found.picture, found.sound, own=True)

    async def _capacity(
        self, point: Point, facts: r.Facts, need: Need, ramps: asyncio.Semaphore
    ) -> None:
        target = self._health.target(point)
        if self._conductor.conference_of(point.id) is not None:
            facts.capacity_skipped = "capacity_in_conference"
        elif target is not None and facts.reachable:
            async with ramps:
                facts.capacity = await self._capacity_test.run(point, target, need)
                if facts.capacity:
                    self._measured(point.id, carried(facts.capacity))
            if facts.capacity is None:
                facts.capacity_skipped = "capacity_in_conference"
        self._done += 1

    def _state(self, point: Point, facts: r.Facts) -> None:
        """What agent and page say now."""
        session = self._sessions.of_point(point.id)
        facts.connected = session is not None and session.client is not None
        conference = self._conductor.conference_of(point.id)
        facts.in_conference = conference is not None and conference.seats[point.id].present
        facts.observer = point.role == "observer"
        if facts.connected and session is not None and session.transport_up:
            facts.room_camera = session.status.camera
            facts.room_microphone = session.status.microphone
        agent = self._agents.of_point(point.id)
        facts.agent = agent is not None
        facts.had_agent = point.id in self._agents.ever
        report = agent.report if agent is not None else None
        if report is not None:
            facts.kiosk, facts.kiosk_reason = report.kiosk.state, report.kiosk.reason
            facts.devices = frozenset(device.kind for device in report.devices)
            facts.synchronised = report.machine.synchronised
            facts.disk, facts.disk_free = report.machine.disk, report.machine.disk_free
        if facts.delays is not None:
            facts.offset = facts.delays.offset / 1000
            facts.uncertainty = facts.delays.uncertainty / 1000
        facts.certificate_days = self._certificate_days()

    def _certificate_days(self) -> float | None:
        path = self._certificate()
        if path is None:
            return None
        try:
            certificate = x509.load_pem_x509_certificate(path.read_bytes())
        except (OSError, ValueError):
            return 0.0
        now = datetime.datetime.fromtimestamp(self._now(), datetime.UTC)
        return (certificate.not_valid_after_utc - now).total_seconds() / 86400

    def _view(self, point: Point, facts: r.Facts) -> PointView:
        checks = r.evaluate(facts)
        return PointView(
            point=point.id,
            name=as_sentence(point.name),
            level=r.overall(checks),
            still=self._calls.still(point.id) is not None,
            checks=tuple(
                CheckView(
                    name=check.name,
                    level=check.level,
                    title=sentence(f"ready.check.{check.name}"),
                    reason=sentence(f"ready.reason.{check.reason}", **check.values),
                    step=sentence(f"ready.step.{check.step}") if check.step else None,
                )
                for check in checks
            ),
            capacity=tuple(
                StepView(
                    down=s.down,
                    up=s.up,
                    down_loss=s.down_loss,
                    up_loss=s.up_loss,
                    down_delay=s.down_delay,
                    up_delay=s.up_delay,
                )
                for s in facts.capacity or ()
            ),
        )


def _severity(level: str) -> int:
    return [*r.ORDER].index(level)  # type: ignore[arg-type]
