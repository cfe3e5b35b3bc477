"""The metrics of each point: whether it is there and ready, its incidents, its machine."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bridge.agents.registry import Agent
from bridge.control.line_quality import LineQuality
from bridge.control.templates import rooms
from bridge.telemetry.sources import Sources
from config.schema import Point
from monitoring.exposition.snapshot import Snapshot

DEVICES = {"camera": ("up", "video"), "microphone": ("up", "audio"), "speaker": ("down", "audio")}
VERSION_TEXT = re.compile(r"[0-9A-Za-z.+-]{1,32}")


def points(found: Snapshot, sources: Sources, last_seen: Mapping[str, float]) -> None:
    """Every point's presence. ``last_seen`` is UTC seconds by point."""
    control = sources.control
    states = control.publisher.point_states()
    next_starts = _next_starts(sources)
    expected = {point for s in control.conductor.running() for point in s.awaited}
    for point in control.topology.current.points:
        ident = point.id
        quality = sources.health.quality.get(ident)
        session = control.sessions.of_point(ident)
        found.info("point_info", ident, point.name.vi, point.tier, point.link)
        found.set("point_up", is_up(sources, ident, quality), ident)
        found.set("point_state", 1, ident, states[ident])
        found.set("point_ready", _is_ready(sources, point), ident)
        found.set("point_expected", ident in expected, ident)
        connected = session is not None and session.transport_up
        found.set("point_connected", connected, ident)
        found.set("point_maintenance", sources.incidents.suppressed(ident), ident)
        found.set("point_last_seen_timestamp_seconds", last_seen.get(ident, 0), ident)
        found.set("point_next_start_timestamp_seconds", next_starts.get(ident, 0), ident)
        if quality is not None and quality.offset_ms is not None:
            found.set("point_clock_offset_seconds", quality.offset_ms / 1000, ident)
        agent = sources.agents.of_point(ident)
        if agent is not None:
            _agent(found, ident, agent)
        for level in ("warn", "bad"):
            here = [i for i in sources.incidents.of_point(ident) if i.level == level]
            found.set("point_incidents", len(here), ident, level)
    found.histogram("point_join_duration_seconds", sources.meters.joins)


def is_up(sources: Sources, point: str, quality: LineQuality | None) -> bool:
    """Whether anything of a point answers: its page, its agent, or a probe."""
    session = sources.control.sessions.of_point(point)
    return (
        (session is not None and session.alive)
        or sources.agents.of_point(point) is not None
        or (quality is not None and quality.reach == "yes")
    )


def line_state(sources: Sources, point: str, quality: LineQuality | None) -> str:
    """How a second of a line is counted: maintenance, up, down or unknown."""
    if sources.incidents.suppressed(point):
        return "maintenance"
    session = sources.control.sessions.of_point(point)
    media = session is not None and session.transport_up
    reach = quality.reach if quality is not None else "unknown"
    if reach == "yes" or (reach == "unknown" and media):
        return "up"
    return "down" if reach == "no" else "unknown"


def _is_ready(sources: Sources, point: Point) -> bool:
    session = sources.control.sessions.of_point(point.id)
    if session is None or session.client is None:
        return False
    status = session.status
    return point.role == "observer" or (status.camera and status.microphone)


def _next_starts(sources: Sources) -> dict[str, float]:
    templates = sources.scheduler.templates()
    found: dict[str, float] = {}
    for coming in sources.scheduler.upcoming:
        template = templates.get(coming.template)
        if template is None:
            continue
        points = template.points or rooms(sources.control.topology.current.points)
        expected = template.expected or points
        for point in expected:
            found[point] = min(found.get(point, coming.start), coming.start)
    return found


def _agent(found: Snapshot, point: str, agent: Agent) -> None:
    found.set("point_agent_connected", 1, point)
    # What an agent says is not ours; a label is only what looks like a version.
    found.info("agent_info", point, agent.version if VERSION_TEXT.fullmatch(agent.version) else "?")
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
