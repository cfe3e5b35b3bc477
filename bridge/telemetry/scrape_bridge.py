"""The metrics of the bridge as a whole: conferences, the media worker, this process."""

from __future__ import annotations

import contextlib
import platform
import resource
from collections import Counter

from bridge.base.version import VERSION
from bridge.media.counters import Drop
from bridge.telemetry.host import Host
from bridge.telemetry.sources import Sources
from monitoring.exposition import label_sets
from monitoring.exposition.snapshot import Snapshot, UnknownSeries

WORKER_TOTALS = (
    ("worker_packets_received_total", "packets_in"),
    ("worker_packets_forwarded_total", "packets_out"),
    ("worker_bytes_forwarded_total", "octets_out"),
    ("worker_cpu_seconds_total", "cpu_seconds"),
    ("worker_gso_batches_total", "gso_batches"),
    ("worker_gso_segments_total", "gso_segments"),
    ("worker_key_frame_requests_received_total", "key_frame_requests_received"),
    ("worker_key_frame_requests_sent_total", "key_frame_requests_sent"),
)


def conferences(found: Snapshot, sources: Sources) -> None:
    """Conferences that run, who has the floor and the picture, and how long things took."""
    control, meters = sources.control, sources.meters
    running = control.conductor.running()
    for state in running:
        phase = "live" if state.phase == "live" else "open"
        found.set("conferences", found.value("conferences", phase) + 1, phase)
        if state.floor is not None and state.floor.point in control.topology.points:
            found.set("floor_holder", 1, state.floor.point)
        if state.on_air in control.topology.points:
            found.set("on_air", 1, state.on_air)
    found.set("floor_requests_waiting", sum(len(s.queue) for s in running))
    starts = [coming.start for coming in sources.scheduler.upcoming if coming.start > sources.now()]
    found.set("conference_next_start_timestamp_seconds", min(starts, default=0.0))
    kinds = Counter(viewer.kind for viewer in sources.audience.viewers if viewer.up)
    for kind, count in (*kinds.items(), ("hls", len(sources.audience.hls))):
        found.set("audience_viewers", count, kind)
    for reason, refused in sources.audience.refused.items():
        found.set("audience_refused_total", refused, reason)
    found.histogram("conference_duration_seconds", meters.lengths)
    found.histogram("floor_wait_seconds", meters.waits)
    found.histogram("take_duration_seconds", meters.takes)
    found.histogram("command_duration_seconds", meters.commands)


def recordings(found: Snapshot, sources: Sources) -> None:
    """What is recorded, what should be, and the folder that holds it."""
    made, folder = sources.recordings, sources.recordings.upkeep.folder
    found.set("recordings_active", made.active)
    found.set("recordings_wanted", made.wanted)
    for problem, count in made.ended.items():
        found.set("recordings_ended_total", count, problem)
    found.set("recordings_bad_ranges_total", made.bad_ranges)
    found.set("recordings_bytes", folder.octets)
    found.set("recordings_writable", int(folder.writable))
    found.set("recordings_missing", folder.missing)
    found.set("recordings_damaged", len(made.catalogue.damaged))
    found.set("recordings_free_bytes", folder.free)
    found.set("recordings_least_free_bytes", made.least_free)


def hosts(found: Snapshot, sources: Sources) -> None:
    """How many hosts there are, and how many of them wait."""
    found.set("hosts", max(1, len(sources.control.topology.current.bridge.host_pages)))
    found.set("hosts_waiting", sources.meters.hosts_waiting)


def peers(found: Snapshot, sources: Sources) -> None:
    """Other bridges: whether each is there, and what was refused."""
    links = list(sources.peers.links.values())
    connected = sum(link.connected for link in links)
    found.set("peers", connected, "connected")
    found.set("peers", len(links) - connected, "away")
    found.set("peers_with_media", sum(bool(link.media.link) for link in links))
    for link in links:
        with contextlib.suppress(UnknownSeries):  # the topology is just being changed
            found.set("peer_away", link.called and not link.connected, link.peer.point)
    for reason in label_sets.PEER_REFUSALS:
        refused = sum(counts[reason] for counts in sources.peers.counts.values())
        found.set("peer_refused_total", refused, reason)


def workers(found: Snapshot, sources: Sources) -> None:
    """The media workers of points: their totals, which outlive them, and their state while they
    run."""
    meters, routes = sources.meters, sources.control.routes
    ready = sum(one.ready for one in routes.by_name.values())
    found.set("workers", ready, "ready")
    found.set("workers", len(routes.by_name) - ready, "away")
    spares = [link.spare for link in sources.workers.values()]
    found.set("worker_spare_ready", all(spare is not None and spare.ready for spare in spares))
    for name, one in routes.by_name.items():
        _worker(found, sources, name, ready=one.ready)
    for reason, counted in (
        ("ice", "ice_failed"),
        ("dtls", "dtls_failed"),
        ("consent", "consent_lost"),
    ):
        totals = meters.running.totals
        failed = sum(totals.get(("worker", name, counted), 0.0) for name in routes.by_name)
        found.set("transport_failures_total", failed, reason)


def _worker(found: Snapshot, sources: Sources, name: str, *, ready: bool) -> None:
    totals = sources.meters.running.totals
    for metric, counted in WORKER_TOTALS:
        found.set(metric, totals.get(("worker", name, counted), 0.0), name)
    for reason in Drop:
        dropped = totals.get(("worker", name, f"dropped.{reason}"), 0.0)
        found.set("worker_packets_dropped_total", dropped, name, reason.value)
    found.set("worker_conferences", sources.control.routes.held(name), name)
    known = sources.meters.workers.get(name)
    if known is None:
        return
    found.histogram("worker_forwarding_delay_seconds", known.forwarding, name)
    if not ready:
        return
    stats = known.stats
    found.set("worker_uptime_seconds", stats.uptime, name)
    found.set("worker_resident_memory_bytes", stats.rss_bytes, name)
    found.set("worker_compiled", int(stats.compiled), name)
    found.set("worker_event_loop_lag_seconds", stats.loop_lag_ms / 1000, name)
    for transport in stats.transports:
        with contextlib.suppress(UnknownSeries):  # one that is being closed
            before = found.value("transports", transport.state)
            found.set("transports", before + 1, transport.state)


def audience(found: Snapshot, sources: Sources) -> None:
    """Workers for viewers alone: relays to them, and their own figures."""
    fleet, running = sources.audience.fleet, sources.meters.running
    ready = sum(member.place.inventory is not None for member in fleet.members)
    found.set("audience_workers", ready, "ready")
    found.set("audience_workers", len(fleet.members) - ready, "away")
    served = Counter(viewer.place or "0" for viewer in sources.audience.viewers if viewer.up)
    for name, count in served.items():
        found.set("audience_worker_viewers", count, name)
    for member in fleet.members:
        name, stats, inventory = member.name, member.stats, member.place.inventory
        found.set("audience_relays", fleet.relays.up(name), name)
        found.set("audience_relays_opened_total", fleet.relays.opened[name], name)
        found.set("audience_relays_failed_total", fleet.relays.failed[name], name)
        if stats is not None and inventory is not None:
            for counted, total in stats.counters.items():
                running.feed(("audience", name, counted), inventory.worker, total)
            used = ("audience", name, "cpu_seconds")
            running.feed(used, inventory.worker, stats.cpu_seconds)
            found.set("worker_uptime_seconds", stats.uptime, name)
            found.set("worker_resident_memory_bytes", stats.rss_bytes, name)
            found.set("worker_compiled", int(stats.compiled), name)
            found.set("worker_event_loop_lag_seconds", stats.loop_lag_ms / 1000, name)
        for metric, counted in WORKER_TOTALS:
            found.set(metric, running.totals.get(("audience", name, counted), 0.0), name)
        for reason in Drop:
            dropped = running.totals.get(("audience", name, f"dropped.{reason}"), 0.0)
            found.set("worker_packets_dropped_total", dropped, name, reason.value)


def codecs(found: Snapshot, sources: Sources) -> None:
    """The SIP gateway and its calls with codecs."""
    gateway = sources.meters.gateway
    found.set("sip_gateway_up", int(gateway.listening))
    found.set("sip_registered", int(gateway.registered))
    found.set("sip_calls_up", gateway.calls)
    found.set("sip_transcoded_pictures", gateway.transcoded)
    for result in label_sets.SIP_CALLS:
        found.set("sip_calls_total", gateway.made[result], result)
    for reason in label_sets.SIP_REFUSALS:
        found.set("sip_refused_total", gateway.refused[reason], reason)


def process(
    found: Snapshot, sources: Sources, host: Host, *, began: float, reloaded: float
) -> None:
    """This process and its machine. It ``began`` then, and took its topology in when it was
    ``reloaded`` (UTC seconds)."""
    control, meters = sources.control, sources.meters
    found.info("build_info", VERSION, platform.python_version())
    usage = resource.getrusage(resource.RUSAGE_SELF)
    found.set("process_start_time_seconds", began)
    found.set("process_cpu_seconds_total", usage.ru_utime + usage.ru_stime)
    found.histogram("event_loop_lag_seconds", meters.lags)
    clients = sum(session.client is not None for session in control.sessions.all())
    found.set("websocket_clients", clients)
    found.histogram("database_commit_duration_seconds", meters.commits)
    found.set("database_unsaved_events", control.conductor.unsaved)
    found.set("disk_free_bytes", host.disk_free)
    found.set("disk_size_bytes", host.disk_size)
    found.set("certificate_expiry_timestamp_seconds", host.certificate)
    found.set("config_last_reload_successful", meters.reload_ok)
    found.set("config_last_reload_success_timestamp_seconds", reloaded)
