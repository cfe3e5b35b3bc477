"""All metrics of the bridge at one moment, for Prometheus. Reads what is in memory: no database,
no file and no worker is asked while a scrape waits. What takes I/O (disk, certificate) is looked
at now and then by `Collector.run`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

from bridge.conference.model import State
from bridge.media.counters import Drop
from bridge.telemetry import scrape_bridge, scrape_lines, scrape_points
from bridge.telemetry.host import Host, read_host
from bridge.telemetry.scrape_lines import count_probe
from bridge.telemetry.scrape_points import is_up, line_state
from bridge.telemetry.sources import Sources
from monitoring.exposition import label_sets
from monitoring.exposition.snapshot import Snapshot, UnknownSeries
from monitoring.probing.prober import CLASSES

log = logging.getLogger("metrics")

LOOK = 0.1  # seconds between looks at how late the loop runs
TICK = 1.0
SLOW_TICK = 60.0  # seconds between looks at the disk


class Collector:
    """Adds up what lasts, once a second, and takes snapshots of everything.

    ``state`` is the folder whose disk is looked at, ``certificate`` the server's."""

    def __init__(
        self, sources: Sources, state: Path, certificate: Callable[[], Path | None]
    ) -> None:
        self._sources = sources
        self._state = state
        self._certificate = certificate
        self.host = Host()
        self._began = sources.now()
        self._last_seen: dict[str, float] = {}
        self._topology = sources.control.topology.current
        self._reloaded_at = self._began

    # --- over time ----------------------------------------------------------------------

    async def run(self) -> None:
        """Look until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        next_tick, next_slow = due + TICK, due
        while True:
            due += LOOK
            await asyncio.sleep(max(0.0, due - loop.time()))
            now = loop.time()
            self._sources.meters.lags.observe(max(0.0, now - due))
            due = max(due, now - LOOK)
            try:
                if now >= next_tick:
                    self.tick(now - next_tick + TICK)
                    next_tick = now + TICK
                if now >= next_slow:
                    next_slow = now + SLOW_TICK
                    self.host = await asyncio.to_thread(read_host, self._state, self._certificate())
            except Exception:  # a fault in what counts must not end what directs
                log.exception("figures could not be added up")

    def tick(self, seconds: float) -> None:
        """Add ``seconds`` to what is counted in time."""
        sources, control = self._sources, self._sources.control
        counts = sources.meters.counts
        if control.topology.current is not self._topology:
            self._topology, self._reloaded_at = control.topology.current, sources.now()
        for point in control.topology.points:
            quality = sources.health.quality.get(point)
            if is_up(sources, point, quality):
                self._last_seen[point] = sources.now()
            for kind, probe in sources.health.prober.sessions(point).items():
                count_probe(sources, point, str(CLASSES[kind].dscp), probe)
            counts["line_seconds_total", point, line_state(sources, point, quality)] += seconds
            if quality is not None and quality.playback is not None:
                share = quality.playback.frozen
                counts["media_frozen_seconds_total", point, "down", "video"] += share * seconds
        for state in control.conductor.running():
            if state.phase == "live":
                self._conference_time(state, seconds)

    def _conference_time(self, state: State, seconds: float) -> None:
        for point, seat in state.seats.items():
            quality = self._sources.health.quality.get(point)
            gone = quality is not None and quality.reach == "no"
            # A room that was not there says nothing of its line, one that was cut off does.
            if not seat.called or (not seat.present and not gone):
                continue
            for direction in label_sets.DIRECTIONS:
                level = getattr(quality, direction) if quality is not None else "unknown"
                key = ("line_conference_seconds_total", point, direction, level)
                self._sources.meters.counts[key] += seconds

    # --- at a moment --------------------------------------------------------------------

    def domains(self) -> dict[str, tuple[str, ...]]:
        """Values of the labels that the table leaves open."""
        classes = self._sources.control.topology.current.probes.classes
        return {
            label_sets.POINT: self._sources.control.topology.points,
            label_sets.WORKER: (
                *self._sources.control.routes.by_name,
                *(member.name for member in self._sources.audience.fleet.members),
            ),
            label_sets.DIRECTION: label_sets.DIRECTIONS,
            label_sets.DSCP: tuple(str(CLASSES[name].dscp) for name in classes),
            label_sets.KIND: label_sets.KINDS,
            label_sets.REASON: tuple(reason.value for reason in Drop),
        }

    def snapshot(self) -> Snapshot:
        """Every figure now."""
        found = Snapshot(self.domains())
        for (name, *labels), total in list(self._sources.meters.counts.items()):
            # A point that the topology has no more; a key frame asked of a microphone.
            with contextlib.suppress(UnknownSeries):
                found.set(name, total, *labels)
        for part in self._parts(found):
            try:
                part()
            except Exception:  # figures with a gap are worth more than none
                log.exception("a part of the figures is missing")
        return found

    def _parts(self, found: Snapshot) -> tuple[Callable[[], None], ...]:
        sources = self._sources
        return (
            lambda: scrape_points.points(found, sources, self._last_seen),
            lambda: scrape_lines.lines(found, sources),
            lambda: scrape_lines.media(found, sources),
            lambda: scrape_bridge.conferences(found, sources),
            lambda: scrape_bridge.hosts(found, sources),
            lambda: scrape_bridge.peers(found, sources),
            lambda: scrape_bridge.recordings(found, sources),
            lambda: scrape_bridge.workers(found, sources),
            lambda: scrape_bridge.audience(found, sources),
            lambda: scrape_bridge.codecs(found, sources),
            lambda: scrape_bridge.process(
                found, sources, self.host, began=self._began, reloaded=self._reloaded_at
            ),
        )
