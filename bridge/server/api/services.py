"""The parts of the bridge that the handlers of the interface work with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.accounts.auth import Auth
from bridge.accounts.directory_accounts import DirectoryAccounts
from bridge.agents.registry import Agents
from bridge.agents.updates import Updates
from bridge.audience.watching import Audience
from bridge.base.i18n import Sentence
from bridge.conference.events import MaintenanceSet
from bridge.control.conductor import Conductor
from bridge.control.control import Control
from bridge.control.line_quality import LineQuality
from bridge.control.peers.peer_links import PeerLinks
from bridge.control.persons.register import Register
from bridge.control.scheduler import Scheduler
from bridge.lines.board import Board
from bridge.lines.history import Measured
from bridge.lines.incident import Incident
from bridge.lines.room_calls import RoomCalls
from bridge.papers.library import Library
from bridge.recordings.reconciling import Recordings
from bridge.recordings.viewings import Viewings
from bridge.reports.minutes.signed_minutes import SignedMinutes
from bridge.reports.monthly_lines import LinesReport
from bridge.server.bundle import Bundles
from bridge.server.camera_presets import Cameras
from bridge.server.guard.entry import DelegateEntry, Entry
from bridge.store.accounts import Accounts
from bridge.store.backups import Backups
from bridge.store.log import EventLog
from bridge.store.signed_heads import SignedHeads
from bridge.telemetry.host import Host
from config.schema import Bridge
from monitoring.quality.line_state import Row

DAY_FRESH = 60.0  # seconds that the last 24 hours of the overview are kept

PACKS = 2  # evidence packs made at once: each reads its recording twice
CHECKS = 2  # signed PDFs looked at at once, each in a process of its own
STRANGERS = 4  # that bring one at once: 32 MB each, in memory
DOWNLOADS = 4  # of the bundle at once: more would take from conferences


class IncidentLog(Protocol):
    """`bridge.lines.incident_log.Incidents`, as far as the interface needs it."""

    open: dict[tuple[str, str], Incident]
    maintenance: dict[str, MaintenanceSet]

    async def load(self, monotonic: float) -> None: ...

    def suppressed(self, point: str) -> bool: ...

    def of_point(self, point: str) -> list[Incident]: ...

    async def report_fault(self, point: str, kind: str, note: str, actor: str) -> Incident: ...

    async def clear_fault(self, incident: Incident, actor: str) -> None: ...

    async def set_maintenance(
        self, point: str, on: bool, until: float | None, note: str, actor: str
    ) -> None: ...


class LineHistory(Protocol):
    """`bridge.lines.watch.HealthWatch`, as far as the interface needs it."""

    quality: dict[str, LineQuality]

    async def history(
        self, point: str, start: int, end: int, *, span: int, kind: str
    ) -> list[Row]: ...

    async def measured(self, start: float, end: float) -> Measured: ...


class ReadinessBoard(Protocol):
    """`bridge.lines.sweep.Readiness`, as far as the interface needs it."""

    @property
    def running(self) -> bool: ...

    @property
    def calls(self) -> RoomCalls: ...

    @property
    def current(self) -> Board: ...

    async def sweep(
        self,
        points: list[str],
        title: Sentence | None,
        by: str,
        *,
        full: bool = True,
        template: str = "",
        start: float | None = None,
        window: float = 15.0,
    ) -> Board: ...


class Settings(Protocol):
    """`bridge.app.live_settings.LiveSettings`, as far as the interface needs it."""

    def problem(self, bridge: Bridge) -> str: ...

    async def apply(self, bridge: Bridge) -> list[str]: ...


@dataclass(slots=True)
class LineReports:
    """Makes sure that one report of lines is made at a time, as each reads many rows. ``day`` is
    the newest one of the overview."""

    one: asyncio.Lock = field(default_factory=asyncio.Lock)
    day: LinesReport | None = None

    async def last_day(self, now: float, read: Callable[[], Awaitable[LinesReport]]) -> LinesReport:
        """The last 24 hours, read once a minute however many look. ``now`` is UTC seconds."""
        async with self.one:
            if self.day is None or not 0 <= now - self.day.end < DAY_FRESH:
                self.day = await read()
            return self.day


class HandsOver(Protocol):
    """`bridge.app.handing_over.HostHandOver`."""

    async def begin(
        self, engine: AsyncEngine, accounts: Accounts, connections: int, now: float
    ) -> Sequence[str]: ...


@dataclass(slots=True)
class Services:
    """Passed to every handler. ``topology_file`` is where a reload reads from; None: there is no
    file."""

    control: Control
    conductor: Conductor
    events: EventLog
    heads: SignedHeads
    accounts: Accounts
    auth: Auth
    scheduler: Scheduler
    engine: AsyncEngine
    topology_file: Path | None
    certificate: Path | None
    reloaded: Callable[[], None]
    """Called after a restore: what is kept in memory is stale."""
    restored: Callable[[], None]
    """Called first after a restore: the database is another one."""
    settings: Settings
    agents: Agents
    cameras: Cameras
    incidents: IncidentLog
    health: LineHistory
    readiness: ReadinessBoard
    host: Callable[[], Host]
    """What was read from the disk last."""
    bundles: Bundles
    updates: Updates
    backups: Backups
    recordings: Recordings
    papers: Library
    persons: Register
    delegates: DelegateEntry
    minutes: SignedMinutes
    audience: Audience
    peers: PeerLinks
    entry: Entry
    directory: DirectoryAccounts
    sign: Callable[[bytes], bytes]
    """Signs with the server's certificate; b"" where there is none. Raises OSError, ValueError."""
    admin_port: Callable[[], int]
    """Where admins have a listener of their own; 0: they have none."""
    hand_over: HandsOver | None = None
    """Lets another host lead; None where there is one only."""
    viewings: Viewings = field(default_factory=Viewings)
    packs: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PACKS))
    checks: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CHECKS))
    strangers: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(STRANGERS))
    downloads: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(DOWNLOADS))
    reports: LineReports = field(default_factory=LineReports)
