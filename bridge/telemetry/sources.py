"""Where the metrics of the bridge are read from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bridge.agents.registry import Agents
from bridge.audience.watching import Audience
from bridge.control.control import Control
from bridge.control.peers.peer_links import PeerLinks
from bridge.control.scheduler import Scheduler
from bridge.control.worker_link import WorkerLink
from bridge.lines.incident_log import Incidents
from bridge.lines.sweep import Readiness
from bridge.lines.watch import HealthWatch
from bridge.recordings.reconciling import Recordings
from bridge.telemetry.meters import Meters


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The parts of the bridge that are asked at a scrape; all answer from memory. ``now`` is UTC
    seconds."""

    control: Control
    agents: Agents
    health: HealthWatch
    incidents: Incidents
    readiness: Readiness
    recordings: Recordings
    audience: Audience
    scheduler: Scheduler
    peers: PeerLinks
    meters: Meters
    workers: Mapping[str, WorkerLink]
    now: Callable[[], float]
