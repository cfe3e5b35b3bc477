"""All figures of the bridge at one moment, for Prometheus. Reads what is in memory: no database,
no file and no worker is asked while a scrape waits. What takes I/O (disk, certificate) is looked
at now and then by `Bookkeeper.run`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import platform
import re
import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from bridge.agents.registry import Agent, Agents
from bridge.base.version import VERSION
from bridge.conference.model import State
from bridge.conference.plan import PROGRAMME
from bridge.control.control import Control
from bridge.control.line_quality import LineQuality
from bridge.control.scheduler import Scheduler
from bridge.lines.incident_log import Incidents
from bridge.lines.sweep import Readiness
from bridge.lines.watch import HealthWatch
from bridge.media import messages as m
from bridge.media.counters import Drop
from bridge.telemetry.counters import Meters
from config.schema import Point
from monitoring.exposition import label_sets
from monitoring.exposition.snapshot import Snapshot, UnknownSeries
from monitoring.probing.prober import CLASSES
from monitoring.probing.session import Probe

log = logging.getLogger("metrics")

LOOK = 0.1  # seconds between looks at how late the loop runs
TICK = 1.0
SLOW_TICK = 60.0
KBIT = 1000 / 8  # octets a second
DEVICES = {"camera": ("up", "video"), "microphone": ("up", "audio"), "speaker": ("down", "audio")}
VERSION_TEXT = re.compile(r"[0-9A-Za-z.+-]{1,32}")
SILENCE = -127.0  # dBov


@dataclass(slots=True)
class Slow:
    """What has to be read from the disk; 0 where there is nothing."""

    disk_free: float = 0.0
    disk_size: float = 0.0
    certificate: float = 0.0


def read_slow(state: Path, certificate: Path | None) -> Slow:
    """Look at the disk and the server's certificate."""
    found = Slow()
    with contextlib.suppress(OSError):
        disk = os.statvfs(state)
        found.disk_free = float(disk.f_bavail * disk.f_frsize)
        found.disk_size = float(disk.f_blocks * disk.f_frsize)
    if certificate is not None:
        with contextlib.suppress(OSError, ValueError):
            loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
            found.certificate = loaded.not_valid_after_utc.timestamp()
    return found


class Bookkeeper:
    """Adds up what lasts, once a second, and takes snapshots. ``now`` is UTC seconds."""

    def __init__(
        self,
        *,
        control: Control,
        agents: Agents,
        health: HealthWatch,
        incidents: Incidents,
        readiness: Readiness,
        scheduler: Scheduler,
        meters: Meters,
        now: Callable[[], float],
        state: Path,
        certificate: Callable[[], Path | None],
    ) -> None:
        self.meters = meters
        self.slow = Slow()
        self._control = control
        self._agents = agents
        self._health = health
        self._incidents = incidents
        self._readiness = readiness
        self._scheduler = scheduler
        self._now = now
        self._state = state
        self._certificate = certificate
        self._began = now()
        self._last_seen: dict[str, float] = {}
        self._topology = control.topology.current
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
            self.meters.lags.observe(max(0.0, now - due))
            due = max(due, now - LOOK)
            try:
                if now >= next_tick:
                    self.tick(now - next_tick + TICK)
                    next_tick = now + TICK
                if now >= next_slow:
                    next_slow = now + SLOW_TICK
                    self.slow = await asyncio.to_thread(read_slow, self._state, self._certificate())
            except Exception:  # a fault in what counts must not end what directs
                log.exception("figures could not be added up")

    def tick(self, seconds: float) -> None:
        """Add ``seconds`` to what is counted in time."""
        control, counts = self._control, self.meters.counts
        if control.topology.current is not self._topology:
            self._topology, self._reloaded_at = control.topology.current, self._now()
        for point in control.topology.points:
            quality = self._health.quality.get(point)
            if self._is_up(point, quality):
                self._last_seen[point] = self._now()
            for kind, probe in self._health.prober.sessions(point).items():
                self._probe(point, str(CLASSES[kind].dscp), probe)
            counts["line_seconds_total", point, self._line_state(point, quality)] += seconds
            if quality is not None and quality.playback is not None:
                share = quality.playback.frozen
                counts["media_frozen_seconds_total", point, "down", "video"] += share * seconds
        for state in control.conductor.running():
            if state.phase == "live":
                self._conference_time(state, seconds)

    def _conference_time(self, state: State, seconds: float) -> None:
        for point, seat in state.seats.items():
            quality = self._health.quality.get(point)
            gone = quality is not None and quality.reach == "no"
            # A room that was not there says nothing of its line, one that was cut off does.
            if not seat.called or (not seat.present and not gone):
                continue
            for direction in label_sets.DIRECTIONS:
                level = getattr(quality, direction) if quality is not None else "unknown"
                key = ("line_conference_seconds_total", point, direction, level)
                self.meters.counts[key] += seconds

    def _is_up(self, point: str, quality: LineQuality | None) -> bool:
        session = self._control.sessions.of_point(point)
        return (
            (session is not None and session.alive)
            or self._agents.of_point(point) is not None
            or (quality is not None and quality.reach == "yes")
        )

    def _line_state(self, point: str, quality: LineQuality | None) -> str:
        if self._incidents.suppressed(point):
            return "maintenance"
        session = self._control.sessions.of_point(point)
        media = session is not None and session.transport_up
        reach = quality.reach if quality is not None else "unknown"
        if reach == "yes" or (reach == "unknown" and media):
            return "up"
        return "down" if reach == "no" else "unknown"

    # --- at a moment --------------------------------------------------------------------

    def domains(self) -> dict[str, tuple[str, ...]]:
        """Values of the labels that the table leaves open."""
        classes = self._control.topology.current.probes.classes
        return {
            label_sets.POINT: self._control.topology.points,
            label_sets.WORKER: ("0",),
            label_sets.DIRECTION: label_sets.DIRECTIONS,
            label_sets.DSCP: tuple(str(CLASSES[name].dscp) for name in classes),
            label_sets.KIND: label_sets.KINDS,
            label_sets.REASON: tuple(reason.value for reason in Drop),
        }

    def snapshot(self) -> Snapshot:
        """Every figure now."""
        found = Snapshot(self.domains())
        for (name, *labels), total in list(self.meters.counts.items()):
            # A point that the topology has no more; a key frame asked of a microphone.
            with contextlib.suppress(UnknownSeries):
                found.set(name, total, *labels)
        for part in (
            self._points,
            self._lines,
            self._media,
            self._conferences,
            self._worker,
            self._bridge,
        ):
            try:
                part(found)
            except Exception:  # figures with a gap are worth more than none
                log.exception("a part of the figures is missing")
        return found

    def _points(self, found: Snapshot) -> None:
        control = self._control
        states = control.publisher.point_states()
        next_starts = self._next_starts()
        expected = {point for s in control.conductor.running() for point in s.awaited}
        for point in control.topology.current.points:
            ident = point.id
            quality = self._health.quality.get(ident)
            session = control.sessions.of_point(ident)
            found.info("point_info", ident, point.name.vi, point.tier, point.link)
            found.set("point_up", self._is_up(ident, quality), ident)
            found.set("point_state", 1, ident, states[ident])
            found.set("point_ready", self._is_ready(point), ident)
            found.set("point_expected", ident in expected, ident)
            connected = session is not None and session.transport_up
            found.set("point_connected", connected, ident)
            found.set("point_maintenance", self._incidents.suppressed(ident), ident)
            found.set("point_last_seen_timestamp_seconds", self._last_seen.get(ident, 0), ident)
            found.set("point_next_start_timestamp_seconds", next_starts.get(ident, 0), ident)
            if quality is not None and quality.offset_ms is not None:
                found.set("point_clock_offset_seconds", quality.offset_ms / 1000, ident)
            agent = self._agents.of_point(ident)
            if agent is not None:
                self._agent(found, ident, agent)
            for level in ("warn", "bad"):
                here = [i for i in self._incidents.of_point(ident) if i.level == level]
                found.set("point_incidents", len(here), ident, level)
        found.histogram("point_join_duration_seconds", self.meters.joins)

    def _is_ready(self, point: Point) -> bool:
        session = self._control.sessions.of_point(point.id)
        if session is None or session.client is None:
            return False
        status = session.status
        return point.role == "observer" or (status.camera and status.microphone)

    def _next_starts(self) -> dict[str, float]:
        templates = self._scheduler.templates()
        found: dict[str, float] = {}
        for coming in self._scheduler.upcoming:
            template = templates.get(coming.template)
            if template is None:
                continue
            expected = template.expected or template.points or self._control.topology.points
            for point in expected:
                found[point] = min(found.get(point, coming.start), coming.start)
        return found

    def _agent(self, found: Snapshot, point: str, agent: Agent) -> None:
        found.set("point_agent_connected", 1, point)
        # What an agent says is not ours; a label is only what looks like a version.
        found.info(
            "agent_info", point, agent.version if VERSION_TEXT.fullmatch(agent.version) else "?"
        )
        report = agent.report
        if report is None:
            return
        for device in report.devices:
            found.set("point_device_present", 1, point, *DEVICES[device.kind])
        machine = report.machine
        for name, value in (
            ("point_host_cpu_ratio", machine.cpu),
            ("point_host_memory_ratio", machine.memory),
            ("point_host_disk_ratio", machine.disk),
            ("point_host_temperature_celsius", machine.temperature),
            ("point_clock_synchronised", machine.synchronised),
            ("point_kiosk_restarts_total", report.kiosk.restarts),
        ):
            if value is not None:
                found.set(name, value, point)

    def _lines(self, found: Snapshot) -> None:
        prober = self._health.prober
        for point in self._control.topology.points:
            quality = self._health.quality.get(point)
            if quality is None:
                continue
            for direction, level, mos, loss in (
                ("up", quality.up, quality.up_mos, quality.up_loss),
                ("down", quality.down, quality.down_mos, quality.down_loss),
            ):
                found.set("line_quality", label_sets.LEVEL_CODES.get(level, 0), point, direction)
                found.set("line_mos", mos or 0, point, direction)
                found.set("line_loss_ratio", loss, point, direction)
        for (point, kind), delays in prober.distributions.items():
            dscp = str(CLASSES[kind].dscp)
            with contextlib.suppress(UnknownSeries):  # a router, or a class no more probed
                found.histogram("probe_rtt_seconds", delays.round_trip, point, dscp)
                for direction in label_sets.DIRECTIONS:
                    found.histogram(
                        "probe_delay_variation_seconds",
                        delays.variation[direction],
                        point,
                        direction,
                        dscp,
                    )
                    found.histogram(
                        "probe_one_way_delay_seconds",
                        delays.one_way[direction],
                        point,
                        direction,
                        dscp,
                    )
        for view in self._readiness.board.points:
            if view.capacity and view.point in self._control.topology.points:
                for direction in label_sets.DIRECTIONS:
                    best = max(
                        getattr(s, direction) * (1 - getattr(s, f"{direction}_loss"))
                        for s in view.capacity
                    )
                    found.set("line_capacity_bytes_per_second", best * KBIT, view.point, direction)
        for name in ("stranger", "unknown", "unusable", "not_sent", "skipped"):
            found.set("prober_packets_total", prober.counters[name], name)
        found.set("prober_lateness_seconds", prober.lateness()[1])

    def _probe(self, point: str, dscp: str, probe: Probe) -> None:
        """Counters of a session as totals that outlive it."""
        ident = f"{probe.ssid} {probe.started}"
        for direction, totals in (("up", probe.up), ("down", probe.down)):
            for name, value in (
                ("probe_packets_total", totals.expected),
                ("probe_packets_lost_total", totals.lost),
                ("probe_packets_reordered_total", totals.reordered),
                ("probe_packets_duplicated_total", totals.duplicated),
                ("probe_packets_remarked_total", totals.remarked),
                ("probe_bursts_total", totals.bursts),
            ):
                key = (name, point, direction, dscp)
                self.meters.counts[key] += self.meters.running.feed(key, ident, value)
        if probe.last_reply is not None:
            # A time, not a count; kept here so that it outlives the session.
            at = self._now() - (self._control.clock() - probe.last_reply)
            self.meters.counts["probe_last_success_timestamp_seconds", point, dscp] = at

    def _media(self, found: Snapshot) -> None:
        meters, control = self.meters, self._control
        rids = [layer.rid for layer in control.topology.current.media.layers]
        transports = (
            {}
            if meters.worker is None or not control.routes.ready
            else {t.label: t for t in meters.worker.transports if t.state == "connected"}
        )
        for point in control.topology.points:
            level = -float(meters.loudness[point]) if point in meters.loudness else SILENCE
            found.set("media_audio_level_decibels", level, point, "up", "audio")
            transport = transports.get(point)
            if transport is not None:
                self._transport(found, point, transport, rids)
            quality = self._health.quality.get(point)
            playback = quality.playback if quality is not None else None
            if playback is not None:
                down = (point, "down", "video")
                found.set("media_frozen_ratio", playback.frozen, *down)
                found.set("media_frame_rate", playback.frame_rate, *down)
                found.set("media_frame_height_pixels", playback.frame_height, *down)
                found.set("media_concealed_ratio", playback.concealed, point, "down", "audio")

    def _transport(
        self, found: Snapshot, point: str, transport: m.TransportStats, rids: list[str]
    ) -> None:
        active = [s for s in transport.sources if s.name == "camera" and s.active]
        found.set("media_layer", len(active), point, "up")
        for slot in transport.slots:
            if slot.name == PROGRAMME and slot.shows:
                layer = rids.index(slot.layer) + 1 if slot.layer in rids else 1
                found.set("media_layer", layer, point, "down")
        found.set("media_bitrate_estimate_bytes_per_second", transport.remb / 8, point)
        found.set("media_rtt_seconds", transport.rtt_ms / 1000, point)

    def _conferences(self, found: Snapshot) -> None:
        control, meters = self._control, self.meters
        running = control.conductor.running()
        for state in running:
            phase = "live" if state.phase == "live" else "open"
            found.set("conferences", found.value("conferences", phase) + 1, phase)
            if state.floor is not None and state.floor.point in control.topology.points:
                found.set("floor_holder", 1, state.floor.point)
            if state.on_air in control.topology.points:
                found.set("on_air", 1, state.on_air)
        found.set("floor_requests_waiting", sum(len(s.queue) for s in running))
        starts = [coming.start for coming in self._scheduler.upcoming if coming.start > self._now()]
        found.set("conference_next_start_timestamp_seconds", min(starts, default=0.0))
        found.histogram("conference_duration_seconds", meters.lengths)
        found.histogram("floor_wait_seconds", meters.waits)
        found.histogram("take_duration_seconds", meters.takes)
        found.histogram("command_duration_seconds", meters.commands)

    def _worker(self, found: Snapshot) -> None:
        meters, ready = self.meters, self._control.routes.ready
        found.set("workers", 1, "ready" if ready else "away")
        totals = meters.running.totals

        def total(name: str) -> float:
            return totals.get(("worker", name), 0.0)

        for metric, name in (
            ("worker_packets_received_total", "packets_in"),
            ("worker_packets_forwarded_total", "packets_out"),
            ("worker_bytes_forwarded_total", "octets_out"),
            ("worker_cpu_seconds_total", "cpu_seconds"),
            ("worker_gso_batches_total", "gso_batches"),
            ("worker_gso_segments_total", "gso_segments"),
        ):
            found.set(metric, total(name), "0")
        for reason in Drop:
            found.set("worker_packets_dropped_total", total(f"dropped.{reason}"), "0", reason.value)
        for reason_, name in (
            ("ice", "ice_failed"),
            ("dtls", "dtls_failed"),
            ("consent", "consent_lost"),
        ):
            found.set("transport_failures_total", total(name), reason_)
        found.histogram("worker_forwarding_delay_seconds", meters.forwarding, "0")
        if meters.worker is None or not ready:
            return
        found.set("worker_uptime_seconds", meters.worker.uptime, "0")
        found.set("worker_resident_memory_bytes", meters.worker.rss_bytes, "0")
        found.set("worker_event_loop_lag_seconds", meters.worker.loop_lag_ms / 1000, "0")
        for transport in meters.worker.transports:
            with contextlib.suppress(UnknownSeries):  # one that is being closed
                before = found.value("transports", transport.state)
                found.set("transports", before + 1, transport.state)

    def _bridge(self, found: Snapshot) -> None:
        control, meters, slow = self._control, self.meters, self.slow
        found.info("build_info", VERSION, platform.python_version())
        usage = resource.getrusage(resource.RUSAGE_SELF)
        found.set("process_start_time_seconds", self._began)
        found.set("process_cpu_seconds_total", usage.ru_utime + usage.ru_stime)
        found.histogram("event_loop_lag_seconds", meters.lags)
        clients = sum(session.client is not None for session in control.sessions.all())
        found.set("websocket_clients", clients)
        found.histogram("database_commit_duration_seconds", meters.commits)
        found.set("database_unsaved_events", control.conductor.unsaved)
        found.set("disk_free_bytes", slow.disk_free)
        found.set("disk_size_bytes", slow.disk_size)
        found.set("certificate_expiry_timestamp_seconds", slow.certificate)
        found.set("config_last_reload_successful", meters.reload_ok)
        found.set("config_last_reload_success_timestamp_seconds", self._reloaded_at)
