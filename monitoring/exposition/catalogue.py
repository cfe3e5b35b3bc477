"""Every metric of the bridge, as one table: name, type, unit, help, labels, buckets. Pure.

Names follow Prometheus: base units (seconds, bytes, ratio), ``_total`` on counters only. Labels
are closed sets: `POINT` and `WORKER` come from the topology, all others are listed here, so that
nothing that happens can make a series that was not foreseen. A conference, a user or an address
is never a label. ``direction`` is seen from the point: *up* is point → bridge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PREFIX = "diemcau_"

Type = Literal["counter", "gauge", "histogram", "info"]

POINT, WORKER, DIRECTION, DSCP, KIND = "point", "worker", "direction", "dscp", "kind"
STATE, RESULT, REASON, LEVEL = "state", "result", "reason", "level"
LABELS = (POINT, WORKER, DIRECTION, DSCP, KIND, STATE, RESULT, REASON, LEVEL)
"""All labels there are, except those of the info metrics."""
INFO_LABELS = {"name", "tier", "link", "version", "python"}

DIRECTIONS = ("up", "down")
KINDS = ("audio", "video", "content")
POINT_STATES = ("offline", "ready", "connecting", "in_session", "lost")
LEVELS = ("good", "fair", "poor", "bad", "unknown")
LEVEL_CODES = {"good": 4, "fair": 3, "poor": 2, "bad": 1, "unknown": 0}
DISCONNECTS = ("vanished", "failed", "closed", "left", "worker_restarted")
DENIALS = ("password", "device_key", "enrolment_code", "throttled", "metrics_token")
CLIENT_DROPS = ("too_slow", "bad_messages", "no_hello")
ONLY_DOWN, ONLY_VIDEO = ("down",), ("video",)

# Seconds. The limits of the alerts (30, 100 and 300 ms) are edges.
DELAYS = (0.001, 0.003, 0.01, 0.03, 0.05, 0.1, 0.15, 0.3, 1.0)
FORWARDING = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
COMMANDS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
TAKES = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
JOINS = (0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
WAITS = (10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
LENGTHS = (900.0, 1800.0, 3600.0, 5400.0, 7200.0, 10800.0, 14400.0)
LAGS = (0.001, 0.005, 0.01, 0.03, 0.1, 0.3, 1.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One family. ``sets`` gives the values of a label where they are not the usual ones; a
    metric of type *info* is a gauge that is always 1 and may have labels of its own."""

    name: str
    type: Type
    unit: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def _m(
    name: str,
    kind: Type,
    unit: str,
    text: str,
    /,
    *labels: str,
    buckets: tuple[float, ...] = (),
    **sets: tuple[str, ...],
) -> Metric:
    return Metric(PREFIX + name, kind, unit, text, labels, buckets, sets)


POINTS = (
    _m("point_info", "info", "", "Name, tier and link of a point.", POINT, "name", "tier", "link"),
    _m(
        "point_up",
        "gauge",
        "",
        "1 while a page, media, an agent or a probe of the point is there.",
        POINT,
    ),
    _m(
        "point_state",
        "gauge",
        "",
        "1 for the state a point is in.",
        POINT,
        STATE,
        state=POINT_STATES,
    ),
    _m(
        "point_ready",
        "gauge",
        "",
        "1 while the point could take part: page connected, camera and microphone present.",
        POINT,
    ),
    _m("point_expected", "gauge", "", "1 while a running conference expects the point.", POINT),
    _m("point_connected", "gauge", "", "1 while the point's media reaches the bridge.", POINT),
    _m("point_maintenance", "gauge", "", "1 while the point is in maintenance.", POINT),
    _m(
        "point_last_seen_timestamp_seconds",
        "gauge",
        "seconds",
        "When the point was last there; 0: not since the bridge started.",
        POINT,
    ),
    _m(
        "point_next_start_timestamp_seconds",
        "gauge",
        "seconds",
        "When the next conference that expects the point starts; 0: none is planned.",
        POINT,
    ),
    _m(
        "point_device_present",
        "gauge",
        "",
        "1 where the agent sees a camera (up, video), microphone (up, audio), speaker (down, "
        "audio).",
        POINT,
        DIRECTION,
        KIND,
        kind=("audio", "video"),
    ),
    _m("point_agent_connected", "gauge", "", "1 while the point's agent is connected.", POINT),
    _m(
        "point_clock_offset_seconds",
        "gauge",
        "seconds",
        "How far the room PC's clock is ahead of the bridge's; 0 where not known.",
        POINT,
    ),
    _m(
        "point_clock_synchronised",
        "gauge",
        "",
        "1 where the room PC says that its clock is synchronised.",
        POINT,
    ),
    _m("point_host_cpu_ratio", "gauge", "ratio", "CPU in use on the room PC, 0-1.", POINT),
    _m("point_host_memory_ratio", "gauge", "ratio", "Memory in use on the room PC, 0-1.", POINT),
    _m("point_host_disk_ratio", "gauge", "ratio", "Disk in use on the room PC, 0-1.", POINT),
    _m(
        "point_host_temperature_celsius",
        "gauge",
        "celsius",
        "Temperature of the room PC; 0 where not known.",
        POINT,
    ),
    _m(
        "point_kiosk_restarts_total",
        "counter",
        "",
        "How often the room's browser was started again since the agent's start.",
        POINT,
    ),
    _m("agent_info", "info", "", "Version of the point's agent.", POINT, "version"),
    _m(
        "point_incidents",
        "gauge",
        "",
        "Open incidents of the point.",
        POINT,
        LEVEL,
        level=("warn", "bad"),
    ),
    _m(
        "point_joins_total",
        "counter",
        "",
        "Attempts to join with media, by result.",
        POINT,
        RESULT,
        result=("joined", "failed"),
    ),
    _m(
        "point_disconnects_total",
        "counter",
        "",
        "Ends of a point's media, by reason.",
        POINT,
        REASON,
        reason=DISCONNECTS,
    ),
    _m(
        "point_join_duration_seconds",
        "histogram",
        "seconds",
        "From a point's offer until its media is connected.",
        buckets=JOINS,
    ),
)

LINES = (
    _m(
        "probe_packets_total",
        "counter",
        "",
        "Probe packets that should have crossed the line in this direction.",
        POINT,
        DIRECTION,
        DSCP,
    ),
    _m(
        "probe_packets_lost_total",
        "counter",
        "",
        "Probe packets lost in this direction.",
        POINT,
        DIRECTION,
        DSCP,
    ),
    _m(
        "probe_packets_reordered_total",
        "counter",
        "",
        "Probe packets that overtook another.",
        POINT,
        DIRECTION,
        DSCP,
    ),
    _m(
        "probe_packets_duplicated_total",
        "counter",
        "",
        "Probe packets that came twice.",
        POINT,
        DIRECTION,
        DSCP,
    ),
    _m(
        "probe_packets_remarked_total",
        "counter",
        "",
        "Probe packets that arrived with another DSCP than they were sent with.",
        POINT,
        DIRECTION,
        DSCP,
    ),
    _m(
        "probe_bursts_total",
        "counter",
        "",
        "Losses of two or more probe packets in a row.",
        POINT,
        DIRECTION,
        DSCP,
    ),
    _m(
        "probe_rtt_seconds",
        "histogram",
        "seconds",
        "Round trip of probe packets.",
        POINT,
        DSCP,
        buckets=DELAYS,
    ),
    _m(
        "probe_delay_variation_seconds",
        "histogram",
        "seconds",
        "Delay of probe packets over the smallest of the last minute (RFC 5481, PDV).",
        POINT,
        DIRECTION,
        DSCP,
        buckets=DELAYS,
    ),
    _m(
        "probe_one_way_delay_seconds",
        "histogram",
        "seconds",
        "One-way delay of probe packets; counted only while both clocks are synchronised.",
        POINT,
        DIRECTION,
        DSCP,
        buckets=DELAYS,
    ),
    _m(
        "probe_last_success_timestamp_seconds",
        "gauge",
        "seconds",
        "When a probe packet last came back; 0: never.",
        POINT,
        DSCP,
    ),
    _m(
        "line_quality",
        "gauge",
        "",
        "Level shown to people: 4 good, 3 fair, 2 poor, 1 bad, 0 unknown.",
        POINT,
        DIRECTION,
    ),
    _m(
        "line_mos",
        "gauge",
        "",
        "Estimated mean opinion score, 1-5, a trend; 0 where not known.",
        POINT,
        DIRECTION,
    ),
    _m(
        "line_loss_ratio",
        "gauge",
        "ratio",
        "Loss of the last 20 seconds, 0-1, the worse of probes and media.",
        POINT,
        DIRECTION,
    ),
    _m(
        "line_capacity_bytes_per_second",
        "gauge",
        "",
        "What the last readiness sweep measured of the line; 0: not measured.",
        POINT,
        DIRECTION,
    ),
    _m(
        "line_seconds_total",
        "counter",
        "seconds",
        "Time that the line was up, down, in maintenance, or not known.",
        POINT,
        STATE,
        state=("up", "down", "maintenance", "unknown"),
    ),
    _m(
        "line_conference_seconds_total",
        "counter",
        "seconds",
        "Time in running conferences by the level of the line.",
        POINT,
        DIRECTION,
        LEVEL,
        level=LEVELS,
    ),
    _m(
        "prober_packets_total",
        "counter",
        "",
        "What the prober did with packets of its own.",
        RESULT,
        result=("stranger", "unknown", "unusable", "not_sent", "skipped"),
    ),
    _m(
        "prober_lateness_seconds",
        "gauge",
        "seconds",
        "How late probe packets leave, 99th percentile of the last ones.",
    ),
)

MEDIA = (
    _m(
        "media_packets_total",
        "counter",
        "",
        "RTP packets from a point (up) and to it (down).",
        POINT,
        DIRECTION,
        KIND,
    ),
    _m(
        "media_bytes_total",
        "counter",
        "bytes",
        "RTP payload from a point and to it.",
        POINT,
        DIRECTION,
        KIND,
    ),
    _m(
        "media_packets_lost_total",
        "counter",
        "",
        "RTP packets lost: gaps not filled (up), as receivers report (down).",
        POINT,
        DIRECTION,
        KIND,
    ),
    _m(
        "media_nacks_total",
        "counter",
        "",
        "Packets asked for again: of the point (up), by the point (down).",
        POINT,
        DIRECTION,
        KIND,
    ),
    _m(
        "media_rtx_packets_total",
        "counter",
        "",
        "Packets recovered by retransmission (up), retransmitted (down).",
        POINT,
        DIRECTION,
        KIND,
    ),
    _m(
        "media_key_frame_requests_total",
        "counter",
        "",
        "Key frames asked of the point (up), asked for by the point (down).",
        POINT,
        DIRECTION,
        KIND,
        kind=("video", "content"),
    ),
    _m(
        "media_layer",
        "gauge",
        "",
        "Simulcast layers that arrive (up); the layer in the programme slot, 1 the lowest "
        "(down); 0: none.",
        POINT,
        DIRECTION,
    ),
    _m(
        "media_bitrate_estimate_bytes_per_second",
        "gauge",
        "",
        "What the point says it can receive (REMB); 0 where not known.",
        POINT,
    ),
    _m("media_rtt_seconds", "gauge", "seconds", "Round trip by RTCP; 0 where not known.", POINT),
    _m(
        "media_frozen_ratio",
        "gauge",
        "ratio",
        "Share of the last 10 seconds that the programme stood still at the point.",
        POINT,
        DIRECTION,
        KIND,
        direction=ONLY_DOWN,
        kind=ONLY_VIDEO,
    ),
    _m(
        "media_frozen_seconds_total",
        "counter",
        "seconds",
        "Time that the programme stood still at the point.",
        POINT,
        DIRECTION,
        KIND,
        direction=ONLY_DOWN,
        kind=ONLY_VIDEO,
    ),
    _m(
        "media_frame_rate",
        "gauge",
        "",
        "Frames a second of the programme shown at the point.",
        POINT,
        DIRECTION,
        KIND,
        direction=ONLY_DOWN,
        kind=ONLY_VIDEO,
    ),
    _m(
        "media_frame_height_pixels",
        "gauge",
        "",
        "Lines of the programme shown at the point.",
        POINT,
        DIRECTION,
        KIND,
        direction=ONLY_DOWN,
        kind=ONLY_VIDEO,
    ),
    _m(
        "media_concealed_ratio",
        "gauge",
        "ratio",
        "Share of the sound of the last 10 seconds that the point's browser made up.",
        POINT,
        DIRECTION,
        KIND,
        direction=("down",),
        kind=("audio",),
    ),
    _m(
        "media_audio_level_decibels",
        "gauge",
        "",
        "Level of the point's microphone, dBov: 0 loud, -127 silent.",
        POINT,
        DIRECTION,
        KIND,
        direction=("up",),
        kind=("audio",),
    ),
)

CONFERENCES = (
    _m(
        "conferences",
        "gauge",
        "",
        "Conferences that run: trial sessions (open) and live ones.",
        STATE,
        state=("open", "live"),
    ),
    _m(
        "conference_starts_total",
        "counter",
        "",
        "Starts of conferences, by result.",
        RESULT,
        result=("started", "refused", "not_saved"),
    ),
    _m(
        "conference_duration_seconds",
        "histogram",
        "seconds",
        "From start to end of a conference.",
        buckets=LENGTHS,
    ),
    _m(
        "conference_next_start_timestamp_seconds",
        "gauge",
        "seconds",
        "When the next planned conference starts; 0: none.",
    ),
    _m(
        "floor_requests_total",
        "counter",
        "",
        "Requests for the floor, by outcome.",
        RESULT,
        result=("granted", "withdrawn", "unanswered"),
    ),
    _m("floor_requests_waiting", "gauge", "", "Requests for the floor that wait."),
    _m(
        "floor_wait_seconds",
        "histogram",
        "seconds",
        "From a request for the floor until it was granted.",
        buckets=WAITS,
    ),
    _m("floor_holder", "gauge", "", "1 for the point that has the floor.", POINT),
    _m("on_air", "gauge", "", "1 for the point that is on air.", POINT),
    _m("takes_total", "counter", "", "Changes of who is on air."),
    _m(
        "take_duration_seconds",
        "histogram",
        "seconds",
        "From the order to show another picture until a receiver's programme slot switched.",
        buckets=TAKES,
    ),
    _m(
        "commands_total",
        "counter",
        "",
        "Commands to conferences, by result.",
        RESULT,
        result=("done", "refused", "not_saved", "failed"),
    ),
    _m(
        "command_duration_seconds",
        "histogram",
        "seconds",
        "From a command until it was saved and answered.",
        buckets=COMMANDS,
    ),
)

BRIDGE = (
    _m("build_info", "info", "", "Version of the bridge.", "version", "python"),
    _m("process_start_time_seconds", "gauge", "seconds", "When the control process started."),
    _m("process_cpu_seconds_total", "counter", "seconds", "CPU time of the control process."),
    _m("workers", "gauge", "", "Media workers by state.", STATE, state=("ready", "away")),
    _m(
        "worker_starts_total",
        "counter",
        "",
        "Starts of the worker seen by this control process.",
        WORKER,
    ),
    _m("worker_uptime_seconds", "gauge", "seconds", "Since the worker's start.", WORKER),
    _m(
        "worker_forwarding_delay_seconds",
        "histogram",
        "seconds",
        "From a packet's arrival in the kernel until its copies were handed back, sampled.",
        WORKER,
        buckets=FORWARDING,
    ),
    _m("worker_packets_received_total", "counter", "", "Media packets received.", WORKER),
    _m("worker_packets_forwarded_total", "counter", "", "Media packets sent to receivers.", WORKER),
    _m("worker_bytes_forwarded_total", "counter", "bytes", "Octets sent to receivers.", WORKER),
    _m(
        "worker_packets_dropped_total",
        "counter",
        "",
        "Datagrams and packets that were not used, by reason.",
        WORKER,
        REASON,
    ),
    _m("worker_cpu_seconds_total", "counter", "seconds", "CPU time of the worker.", WORKER),
    _m("worker_resident_memory_bytes", "gauge", "bytes", "Memory of the worker.", WORKER),
    _m(
        "worker_gso_batches_total",
        "counter",
        "",
        "Calls that sent several packets at once.",
        WORKER,
    ),
    _m("worker_gso_segments_total", "counter", "", "Packets sent by those calls.", WORKER),
    _m(
        "worker_event_loop_lag_seconds",
        "gauge",
        "seconds",
        "How late the worker's loop runs, a fading maximum.",
        WORKER,
    ),
    _m(
        "event_loop_lag_seconds",
        "histogram",
        "seconds",
        "How late the control process's loop runs, ten looks a second.",
        buckets=LAGS,
    ),
    _m(
        "transports",
        "gauge",
        "",
        "Transports of the worker by state.",
        STATE,
        state=("checking", "connecting", "connected", "vanished", "failed"),
    ),
    _m(
        "transport_failures_total",
        "counter",
        "",
        "Transports that failed: no ICE check came, DTLS did not end, or silence.",
        REASON,
        reason=("ice", "dtls", "consent"),
    ),
    _m("websocket_clients", "gauge", "", "Pages that are connected."),
    _m(
        "websocket_drops_total",
        "counter",
        "",
        "WebSockets that the bridge closed, by reason.",
        REASON,
        reason=CLIENT_DROPS,
    ),
    _m(
        "database_commit_duration_seconds",
        "histogram",
        "seconds",
        "Time of a transaction that saves events.",
        buckets=COMMANDS,
    ),
    _m("database_commit_failures_total", "counter", "", "Transactions that failed."),
    _m("database_unsaved_events", "gauge", "", "Events that wait for the database."),
    _m("recordings_active", "gauge", "", "Recordings that run."),
    _m("disk_free_bytes", "gauge", "bytes", "Free space where the bridge keeps its state."),
    _m("disk_size_bytes", "gauge", "bytes", "Size of that file system."),
    _m(
        "certificate_expiry_timestamp_seconds",
        "gauge",
        "seconds",
        "When the server's certificate expires; 0: there is none.",
    ),
    _m(
        "config_last_reload_successful",
        "gauge",
        "",
        "1 where the topology was taken in the last time somebody asked for it.",
    ),
    _m(
        "config_last_reload_success_timestamp_seconds",
        "gauge",
        "seconds",
        "When the topology was last taken in.",
    ),
    _m(
        "authentication_failures_total",
        "counter",
        "",
        "Refused keys, passwords and codes.",
        REASON,
        reason=DENIALS,
    ),
)

METRICS: tuple[Metric, ...] = POINTS + LINES + MEDIA + CONFERENCES + BRIDGE
BY_NAME = {metric.name: metric for metric in METRICS}


def series_names(metric: Metric) -> tuple[str, ...]:
    """The names under which a metric's samples stand in a scrape."""
    if metric.type == "histogram":
        return tuple(metric.name + suffix for suffix in ("_bucket", "_sum", "_count"))
    return (metric.name,)


def markdown() -> str:
    """The table as docs/metrics.md has it."""
    lines = [
        "# Metrics",
        "",
        "What `/metrics` says, made by `python -m monitoring.exposition.catalogue`. Every series",
        "exists from the start at 0. Labels are closed sets; `point` and `worker` come from the",
        "topology. *up* is point → bridge.",
    ]
    for title, metrics in (
        ("Points", POINTS),
        ("Lines", LINES),
        ("Media", MEDIA),
        ("Conferences", CONFERENCES),
        ("Bridge", BRIDGE),
    ):
        lines += ["", f"## {title}", "", "| name | type | labels | |", "|---|---|---|---|"]
        for metric in metrics:
            labels = ", ".join(
                f"{label} ({', '.join(metric.sets[label])})" if label in metric.sets else label
                for label in metric.labels
            )
            text = metric.help.replace("|", "\\|")
            if metric.buckets:
                text += f" Buckets: {', '.join(f'{b:g}' for b in metric.buckets)}."
            lines.append(f"| `{metric.name}` | {metric.type} | {labels} | {text} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
