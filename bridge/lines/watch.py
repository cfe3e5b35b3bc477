"""Watches the line of every point: sends probes, takes figures in, and keeps quality, incidents
and history up to date. A shell around `monitoring`."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
from collections.abc import Callable, Mapping

from bridge.agents.registry import Agents
from bridge.conference import commands as c
from bridge.control.active_topology import ActiveTopology
from bridge.control.conductor import Conductor
from bridge.control.line_quality import LineQuality
from bridge.control.publisher import Publisher
from bridge.control.sessions import Sessions
from bridge.lines.history import Counted, Measured, Outage, Watched, with_routers
from bridge.lines.incident_log import Incidents
from bridge.lines.merge import Around, believed, merge, speaker
from bridge.signalling.protocol import Playback
from bridge.store.database import FAULTS
from bridge.store.quality import QualityStore
from config.schema import Point, Router
from monitoring.probing import icmp, stamp
from monitoring.probing.prober import CLASSES, Prober, Target
from monitoring.quality.incident_rules import signals
from monitoring.quality.line_state import Figures, Health, Row

log = logging.getLogger("health")

STEP = 1.0  # seconds between looks
THIN_OUT_EVERY = 6 * 3600.0
ROUTER = "@router"  # suffix of a router's name among what is probed
WAITING_ROWS = 50_000  # rows kept in memory while the store cannot be written
MEDIA_FRESH = 4.0  # seconds; the worker's figures come every two


class HealthWatch:
    """Runs the probes and takes their figures in once a second. ``now`` is UTC seconds, ``clock``
    is monotonic."""

    def __init__(
        self,
        *,
        topology: ActiveTopology,
        sessions: Sessions,
        conductor: Conductor,
        publisher: Publisher,
        agents: Agents,
        incidents: Incidents,
        store: QualityStore,
        now: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        self._topology = topology
        self._sessions = sessions
        self._conductor = conductor
        self._publisher = publisher
        self._clock = clock
        self._agents = agents
        self._incidents = incidents
        self._store = store
        self._now = now
        self._health: dict[str, Health] = {}
        self._waiting: list[Row] = []
        self._thinned = 0.0
        self._icmp = icmp.Echoes()
        self.figures: dict[str, Figures] = {}
        self.quality: dict[str, LineQuality] = {}
        """What is known of the lines now, by point."""
        self._media: Mapping[str, LineQuality] = {}
        self._heard: Mapping[str, float] = {}
        self.prober: Prober

    def start(self) -> None:
        """Make the prober; needs the running loop."""
        self.prober = Prober(list(self._topology.current.bridge.media.listen))
        self.prober.set_targets(self._targets())

    def senders(self, reached_at: str) -> tuple[str, ...]:
        """Addresses that probes come from. Where media listens on all of them, it is the public
        ones and the one at which an agent reached us."""
        media = self._topology.current.bridge.media
        named = [host for host in media.listen if not ipaddress.ip_address(host).is_unspecified]
        if len(named) == len(media.listen):
            return tuple(named)
        return tuple(dict.fromkeys([*named, *media.public, *([reached_at] if reached_at else [])]))

    def take_media(self, quality: Mapping[str, LineQuality], heard: Mapping[str, float]) -> None:
        """The worker's figures: quality of the points that have media, and when media last came
        from each point (monotonic seconds)."""
        self._media, self._heard = quality, heard

    # --- what is probed -----------------------------------------------------------------

    def target(self, point: Point) -> Target | None:
        """Where a point's agent is probed; None while none was ever connected."""
        host = self._agents.address(point.id)
        if host is None:
            return None
        probes = self._topology.current.probes
        classes = tuple(CLASSES[name] for name in probes.classes)
        style = stamp.Style(key=self._agents.key(point.id))
        return Target(point.probe or host, probes.port, style, True, classes, probes.rate)

    def _targets(self) -> dict[str, Target]:
        found: dict[str, Target] = {}
        for point in self._topology.current.points:
            target = self.target(point)
            if target is not None:
                found[point.id] = target
            if point.router is not None and point.router.kind != "icmp":
                found[point.id + ROUTER] = self._router(point.router)
        return found

    def _router(self, router: Router) -> Target:
        probes = self._topology.current.probes
        style = stamp.Style(
            size=router.size, ptp=router.timestamps == "ptp", twamp=router.kind == "twamp"
        )
        classes = tuple(CLASSES[name] for name in probes.classes)
        return Target(router.address, router.port, style, router.stateful, classes, probes.rate)

    async def history(self, point: str, start: int, end: int, *, span: int, kind: str) -> list[Row]:
        """Rows of a point, and of its router under names of their own (``router:`` and the
        class)."""
        rows = await self._store.read(point, start, end, span=span, kind=kind)
        router = await self._store.read(point + ROUTER, start, end, span=span, kind=kind)
        found = [Row(**row) for row in rows]
        return found + [Row(**row | {"kind": f"router:{row['kind']}"}) for row in router]

    async def measured(self, start: float, end: float) -> Measured:
        """What the store has of all lines in a time, the points' routers taken in."""
        counted, watched, outages = await self._store.by_hours(int(start), int(end))
        found = Measured(
            [Counted(*row) for row in counted],
            [Watched(*row) for row in watched],
            [Outage(*row) for row in outages],
        )
        return await asyncio.to_thread(with_routers, found, ROUTER)

    # --- work ---------------------------------------------------------------------------

    async def run(self) -> None:
        sending = asyncio.create_task(self.prober.run())
        try:
            while True:
                await asyncio.sleep(STEP)
                if sending.done():
                    sending.result()
                try:
                    await self.step()
                except Exception:  # a fault in what watches must not end what directs
                    log.exception("a look at the lines failed")
        finally:
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sending
            self._icmp.close()

    async def step(self) -> None:
        """One look at everything."""
        self.prober.set_targets(self._targets())
        self._icmp.set_hosts(
            {
                p.id + ROUTER: p.router.address
                for p in self._topology.current.points
                if p.router is not None and p.router.kind == "icmp"
            }
        )
        now, at = self._clock(), self._now()
        quality: dict[str, LineQuality] = {}
        for point in self._topology.points:
            agent = self._look(point, now, at)
            router = self._look(point + ROUTER, now, at)
            connected = self._agents.of_point(point) is not None
            media = self._media.get(point)
            best = believed(
                speaker(agent, router, connected=connected),
                has_media=media is not None,
                heard=now - self._heard.get(point, float("-inf")) < MEDIA_FRESH,
            )
            quality[point] = merge(best, media, self._around(point, router, at))
            await self._watch(point, best)
        points = set(self._topology.points)
        for name in set(self.figures) - points - {point + ROUTER for point in points}:
            del self.figures[name]
            self._health.pop(name, None)
        self.publish(quality)
        await self._save(now)

    def publish(self, quality: dict[str, LineQuality]) -> None:
        """New figures of the lines: clients see them, and changes of level are facts of the
        conference."""
        for point, line in quality.items():
            before = self.quality.get(point)
            state = self._conductor.conference_of(point)
            known = (before.up, before.down) if before is not None else ("unknown", "unknown")
            changed = known != (line.up, line.down)
            if changed and state is not None and state.seats[point].present:
                note = c.NoteQuality(point=point, up=line.up, down=line.down)
                self._conductor.fact(state.booking.id, note)
        self.quality = quality
        self._publisher.lines(quality)

    def _look(self, name: str, now: float, at: float) -> Figures | None:
        """Figures of what is probed under a name; None where nothing is."""
        probes = self.prober.sessions(name) or self._icmp.sessions(name)
        if not probes:
            self.figures.pop(name, None)
            return None
        health = self._health.setdefault(name, Health(name))
        figures, rows = health.feed(probes, now, at)
        self.figures[name] = figures
        self._waiting += rows
        return figures

    def _around(self, point: str, router: Figures | None, at: float) -> Around:
        return Around(
            at=at,
            agent=self._agents.of_point(point) is not None,
            router=router,
            maintenance=self._incidents.suppressed(point),
            incidents=len(self._incidents.of_point(point)),
            watching=tuple(self._incidents.watching(point)),
            playback=self._playback(point),
        )

    def _playback(self, point: str) -> Playback | None:
        """What the point's page sees and hears, while it is in a conference."""
        session = self._sessions.of_point(point)
        if session is None or session.client is None or not session.transport_up:
            return None
        return session.playback

    async def _watch(self, point: str, figures: Figures | None) -> None:
        agent = self._agents.of_point(point)
        here = None if point not in self._agents.ever else agent is not None
        failed = (
            agent is not None
            and agent.report is not None
            and (agent.report.kiosk.state == "failed")
        )
        measured = signals(figures, here, failed)
        await self._incidents.look(point, measured, self._clock())

    async def _save(self, now: float) -> None:
        if self._waiting:
            try:
                await self._store.add([row._asdict() for row in self._waiting])
                self._waiting = []
            except FAULTS as error:
                log.error("figures of lines wait for the store: %s", type(error).__name__)
                del self._waiting[:-WAITING_ROWS]
        if now - self._thinned >= THIN_OUT_EVERY or not self._thinned:
            self._thinned = now
            probes = self._topology.current.probes
            try:
                await self._store.thin_out(self._now(), probes.minutes_days, probes.keep_days)
            except FAULTS as error:
                log.error("old figures could not be thinned out: %s", type(error).__name__)
