"""The health of every point, kept up to date: probes out, figures in, incidents and history.
A shell of the composition root around `monitoring`."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from bridge.agents.registry import Agents
from bridge.control.control import Control
from bridge.lines.history import Counted, Measured, Outage, Watched, with_routers
from bridge.lines.incident_log import Incidents
from bridge.signalling.protocol import MarkView, Playback, Quality
from bridge.store.database import FAULTS
from bridge.store.quality import QualityStore
from config.schema import Point, Router
from monitoring.probing import icmp, stamp
from monitoring.probing.prober import CLASSES, Prober, Target
from monitoring.quality.incident_rules import signals
from monitoring.quality.levels import worse
from monitoring.quality.line_state import Figures, Health, Mark, Row

log = logging.getLogger("health")

STEP = 1.0  # seconds between looks
THIN_OUT_EVERY = 6 * 3600.0
ROUTER = "@router"  # suffix of a router's name among what is probed
WAITING_ROWS = 50_000  # rows kept in memory while the store cannot be written
MEDIA_FRESH = 4.0  # seconds; the worker's figures come every two


class HealthWatch:
    """Runs the probes. ``now`` is UTC seconds."""

    def __init__(
        self,
        control: Control,
        agents: Agents,
        incidents: Incidents,
        store: QualityStore,
        now: Callable[[], float],
    ) -> None:
        self._control = control
        self._agents = agents
        self._incidents = incidents
        self._store = store
        self._now = now
        self._health: dict[str, Health] = {}
        self._waiting: list[Row] = []
        self._thinned = 0.0
        self._icmp = icmp.Echoes()
        self.figures: dict[str, Figures] = {}
        self.media: dict[str, Quality] = {}
        """Quality by the worker's figures, while a point has media."""
        self.heard: dict[str, float] = {}
        """When media last came from a point."""
        self.prober: Prober

    def start(self) -> None:
        """Make the prober; needs the running loop."""
        self.prober = Prober(list(self._control.topology.bridge.media.listen))
        self.prober.set_targets(self._targets())

    def senders(self, reached_at: str) -> tuple[str, ...]:
        """Addresses that probes come from. Where media listens on all of them, it is the public
        ones and the one at which an agent reached us."""
        media = self._control.topology.bridge.media
        named = [host for host in media.listen if not ipaddress.ip_address(host).is_unspecified]
        if len(named) == len(media.listen):
            return tuple(named)
        return tuple(dict.fromkeys([*named, *media.public, *([reached_at] if reached_at else [])]))

    # --- what is probed -----------------------------------------------------------------

    def target(self, point: Point) -> Target | None:
        """Where a point's agent is probed; None while none was ever connected."""
        host = self._agents.address(point.id)
        if host is None:
            return None
        probes = self._control.topology.probes
        classes = tuple(CLASSES[name] for name in probes.classes)
        style = stamp.Style(key=self._agents.key(point.id))
        return Target(point.probe or host, probes.port, style, True, classes, probes.rate)

    def _targets(self) -> dict[str, Target]:
        found: dict[str, Target] = {}
        for point in self._control.topology.points:
            target = self.target(point)
            if target is not None:
                found[point.id] = target
            if point.router is not None and point.router.kind != "icmp":
                found[point.id + ROUTER] = self._router(point.router)
        return found

    def _router(self, router: Router) -> Target:
        probes = self._control.topology.probes
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
                for p in self._control.topology.points
                if p.router is not None and p.router.kind == "icmp"
            }
        )
        now, at = self._control.clock(), self._now()
        quality: dict[str, Quality] = {}
        for point in self._control.points:
            agent = self._look(point, now, at)
            router = self._look(point + ROUTER, now, at)
            best = self._believed(point, self._of_point(point, agent, router), now)
            merged = self._merge(point, best, router, at)
            if merged is not None:
                quality[point] = merged
            await self._watch(point, best)
        for name in (
            set(self.figures) - {*self._control.points} - {p + ROUTER for p in self._control.points}
        ):
            del self.figures[name]
            self._health.pop(name, None)
        self._control.publish_lines(quality)
        await self._save(now)

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

    def _of_point(
        self, point: str, agent: Figures | None, router: Figures | None
    ) -> Figures | None:
        """The agent's figures; the router's where the room PC is off."""
        if agent is None or (agent.reachable is False and self._agents.of_point(point) is None):
            return router if router is not None and router.reachable is not None else agent
        return agent

    def _believed(self, point: str, probed: Figures | None, now: float) -> Figures | None:
        """Probes that do not come back while media does (a firewall, say) mean that nothing is
        known from them, and not that the point is lost."""
        if probed is None or probed.reachable is not False or point not in self.media:
            return probed
        if now - self.heard.get(point, float("-inf")) < MEDIA_FRESH or not probed.answered:
            return None
        return probed

    def _merge(
        self, point: str, probed: Figures | None, router: Figures | None, at: float
    ) -> Quality | None:
        """Probes and media together: of each direction the worse."""
        media = self.media.get(point)
        common: dict[str, Any] = {
            "at": round(at, 3),
            "agent": self._agents.of_point(point) is not None,
            "router": "" if router is None else _reach(router.reachable),
            "maintenance": self._incidents.suppressed(point),
            "incidents": len(self._incidents.of_point(point)),
            "watching": tuple(self._incidents.watching(point)),
            "playback": self._playback(point),
        }
        if probed is None or probed.reachable is None:
            if media is not None:
                return replace(media, source="media", **common)
            return Quality(
                up="unknown", down="unknown", up_loss=0.0, down_loss=0.0, rtt_ms=0.0, **common
            )
        levels = (probed.up, probed.down)
        losses = (probed.up_loss, probed.down_loss)
        if media is not None and probed.reachable:
            levels = (worse(probed.up, media.up), worse(probed.down, media.down))
            losses = (max(losses[0], media.up_loss), max(losses[1], media.down_loss))
        return Quality(
            up=levels[0],
            down=levels[1],
            up_loss=round(losses[0], 4),
            down_loss=round(losses[1], 4),
            rtt_ms=_ms(probed.round_trip) or 0.0,
            reach=_reach(probed.reachable),
            up_variation=_ms(probed.up_variation),
            down_variation=_ms(probed.down_variation),
            up_mos=_ms(probed.up_mos),
            down_mos=_ms(probed.down_mos),
            offset_ms=_ms(probed.offset),
            uncertainty_ms=_ms(probed.uncertainty),
            marks={kind: _mark(mark) for kind, mark in probed.marks.items()},
            source="both" if media is not None else "probe",
            silent=round(probed.silent, 1),
            **common,
        )

    def _playback(self, point: str) -> Playback | None:
        """What the point's page sees and hears, while it is in a conference."""
        session = self._control.sessions.of_point(point)
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
        await self._incidents.look(point, measured, self._control.clock())

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
            probes = self._control.topology.probes
            try:
                await self._store.thin_out(self._now(), probes.minutes_days, probes.keep_days)
            except FAULTS as error:
                log.error("old figures could not be thinned out: %s", type(error).__name__)


def _reach(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"


def _ms(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _mark(mark: Mark) -> MarkView:
    return MarkView(sent=mark.sent, down=mark.down, up=mark.up)
