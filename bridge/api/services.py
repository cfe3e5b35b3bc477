"""What the handlers of the interface work with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.agents import Agents
from bridge.auth import Auth
from bridge.conductor import Conductor
from bridge.control import Control
from bridge.scheduler import Scheduler
from bridge.store.accounts import Accounts
from bridge.store.log import EventLog


@dataclass(slots=True)
class Services:
    """``topology_file`` is where a reload reads from; None: there is no file."""

    control: Control
    conductor: Conductor
    events: EventLog
    accounts: Accounts
    auth: Auth
    scheduler: Scheduler
    engine: AsyncEngine
    topology_file: Path | None
    certificate: Path | None
    reloaded: Callable[[], None]
    """Called after a restore: what is kept in memory is stale."""
    routes: Callable[[], Sequence[Any]]
    agents: Agents
    incidents: Any
    health: Any
    """`bridge.incidents.Incidents` and `bridge.health.HealthWatch`, by their interface only."""
