"""The metrics of each point's line: probes, capacity, and the media that goes over it."""

from __future__ import annotations

import contextlib

from bridge.conference.plan import PROGRAMME
from bridge.control.control import Control
from bridge.media import messages as m
from bridge.telemetry.sources import Sources
from monitoring.exposition import label_sets
from monitoring.exposition.snapshot import Snapshot, UnknownSeries
from monitoring.probing.prober import CLASSES
from monitoring.probing.session import Probe

KBIT = 1000 / 8  # octets a second
SILENCE = -127.0  # dBov


def lines(found: Snapshot, sources: Sources) -> None:
    """Quality by probes, the distributions of delays, capacity, and the prober itself."""
    prober = sources.health.prober
    for point in sources.control.topology.points:
        quality = sources.health.quality.get(point)
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
    for view in sources.readiness.board.points:
        if view.capacity and view.point in sources.control.topology.points:
            for direction in label_sets.DIRECTIONS:
                best = max(
                    getattr(s, direction) * (1 - getattr(s, f"{direction}_loss"))
                    for s in view.capacity
                )
                found.set("line_capacity_bytes_per_second", best * KBIT, view.point, direction)
    for name in ("stranger", "unknown", "unusable", "not_sent", "skipped"):
        found.set("prober_packets_total", prober.counters[name], name)
    found.set("prober_lateness_seconds", prober.lateness()[1])


def count_probe(sources: Sources, point: str, dscp: str, probe: Probe) -> None:
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
            sources.meters.counts[key] += sources.meters.running.feed(key, ident, value)
    if probe.last_reply is not None:
        # A time, not a count; kept here so that it outlives the session.
        at = sources.now() - (sources.control.clock() - probe.last_reply)
        sources.meters.counts["probe_last_success_timestamp_seconds", point, dscp] = at


def media(found: Snapshot, sources: Sources) -> None:
    """What the worker and the rooms say of the media of each point."""
    meters, control = sources.meters, sources.control
    rids = [layer.rid for layer in control.topology.current.media.layers]
    transports = {
        transport.label: transport
        for name, worker in meters.workers.items()
        if control.routes.by_name[name].ready
        for transport in worker.stats.transports
        if transport.state == "connected"
    }
    tree = control.promises.plain
    for point in control.topology.points:
        level = -float(meters.loudness[point]) if point in meters.loudness else SILENCE
        found.set("media_audio_level_decibels", level, point, "up", "audio")
        transport = transports.get(point)
        if transport is not None:
            _transport(found, point, transport, rids)
        _links(found, control, point, min(tree.budgets[link] for link in tree.ways[point]))
        quality = sources.health.quality.get(point)
        playback = quality.playback if quality is not None else None
        if playback is not None:
            down = (point, "down", "video")
            found.set("media_frozen_ratio", playback.frozen, *down)
            found.set("media_frame_rate", playback.frame_rate, *down)
            found.set("media_frame_height_pixels", playback.frame_height, *down)
            found.set("media_concealed_ratio", playback.concealed, point, "down", "audio")


def _links(found: Snapshot, control: Control, point: str, planned: int) -> None:
    """What links give a point, what its line carries, and what is done with it; ``planned`` is
    kbit/s by the topology."""
    found.set("line_planned_bytes_per_second", planned * KBIT, point)
    carried = control.promises.measured.get(point, 0) * KBIT
    for direction, share in zip(("up", "down"), control.bounds.share_of(point), strict=True):
        found.set("media_share_bytes_per_second", share * KBIT, point, direction)
    session = control.sessions.of_point(point)
    rate = control.bounds.rate_of(session.transport) if session is not None else None
    if rate is not None:
        paused = [slot for slot in rate.slots if slot.paused]
        found.set("media_paused_slots", len(paused), point)
        found.set("media_starved", any(s.name == PROGRAMME for s in paused), point)
        found.set("media_used_bytes_per_second", rate.used / 8, point, "down")
        found.set("media_used_bytes_per_second", rate.received / 8, point, "up")
        found.set("media_redundancy_frames", rate.red, point, "down")
        found.set("media_redundancy_frames", rate.red_received, point, "up")
        if rate.estimate:
            found.set("media_bitrate_estimate_bytes_per_second", rate.estimate / 8, point)
        if rate.estimate and any(slot.paused == "line" for slot in paused):
            carried = min(carried or rate.estimate / 8, rate.estimate / 8)
    found.set("line_found_bytes_per_second", carried, point)


def _transport(found: Snapshot, point: str, transport: m.TransportStats, rids: list[str]) -> None:
    active = [s for s in transport.sources if s.name == "camera" and s.active]
    found.set("media_layer", len(active), point, "up")
    for slot in transport.slots:
        if slot.name == PROGRAMME and slot.shows:
            layer = rids.index(slot.layer) + 1 if slot.layer in rids else 1
            found.set("media_layer", layer, point, "down")
    found.set("media_bitrate_estimate_bytes_per_second", transport.remb / 8, point)
    found.set("media_rtt_seconds", transport.rtt_ms / 1000, point)
