"""Metrics of points: their presence, devices, room PC and joins. Pure."""

from __future__ import annotations

from monitoring.exposition.buckets import JOINS
from monitoring.exposition.label_sets import (
    DIRECTION,
    DISCONNECTS,
    KIND,
    LEVEL,
    POINT,
    POINT_STATES,
    REASON,
    RESULT,
    STATE,
)
from monitoring.exposition.metric import Metric, counter, gauge, histogram, info

STREAMS = (POINT, DIRECTION, KIND)

POINTS: tuple[Metric, ...] = (
    info("point_info", POINT, "name", "tier", "link").help("Name, tier and link of a point."),
    gauge("point_up", POINT).help(
        "1 while a page, media, an agent or a probe of the point is there."
    ),
    gauge("point_state", POINT, STATE, state=POINT_STATES).help("1 for the state a point is in."),
    gauge("point_ready", POINT).help(
        "1 while the point could take part: page connected, camera and microphone present."
    ),
    gauge("point_expected", POINT).help("1 while a running conference expects the point."),
    gauge("point_connected", POINT).help("1 while the point's media reaches the bridge."),
    gauge("point_maintenance", POINT).help("1 while the point is in maintenance."),
    gauge("point_last_seen_timestamp_seconds", POINT).help(
        "When the point was last there; 0: not since the bridge started."
    ),
    gauge("point_next_start_timestamp_seconds", POINT).help(
        "When the next conference that expects the point starts; 0: none is planned."
    ),
    gauge("point_device_present", *STREAMS, kind=("audio", "video")).help(
        "1 where the agent sees a camera (up, video), microphone (up, audio), speaker (down, "
        "audio)."
    ),
    gauge("point_agent_connected", POINT).help("1 while the point's agent is connected."),
    gauge("point_clock_offset_seconds", POINT).help(
        "How far the room PC's clock is ahead of the bridge's; 0 where not known."
    ),
    gauge("point_clock_synchronised", POINT).help(
        "1 where the room PC says that its clock is synchronised."
    ),
    gauge("point_host_cpu_ratio", POINT).help("CPU in use on the room PC, 0-1."),
    gauge("point_host_memory_ratio", POINT).help("Memory in use on the room PC, 0-1."),
    gauge("point_host_disk_ratio", POINT).help("Disk in use on the room PC, 0-1."),
    gauge("point_host_temperature_celsius", POINT).help(
        "Temperature of the room PC; 0 where not known."
    ),
    counter("point_kiosk_restarts_total", POINT).help(
        "How often the room's browser was started again since the agent's start."
    ),
    info("agent_info", POINT, "version").help("Version of the point's agent."),
    gauge("point_incidents", POINT, LEVEL, level=("warn", "bad")).help(
        "Open incidents of the point."
    ),
    counter("point_joins_total", POINT, RESULT, result=("joined", "failed")).help(
        "Attempts to join with media, by result."
    ),
    counter("point_disconnects_total", POINT, REASON, reason=DISCONNECTS).help(
        "Ends of a point's media, by reason."
    ),
    histogram("point_join_duration_seconds", JOINS).help(
        "From a point's offer until its media is connected."
    ),
)
