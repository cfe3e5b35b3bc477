"""Opens conferences when their trial session is due, and starts those that start by the clock."""

from __future__ import annotations

import asyncio
import logging

import msgspec

from bridge.conference import commands as c
from bridge.conference.model import SCHEDULER, Actor, Refusal
from bridge.conference.schedule import Occurrence
from bridge.control import templates
from bridge.control.active_topology import ActiveTopology
from bridge.control.calendar_changes import Action, Changed, Changes, changed_by, with_changes
from bridge.control.conductor import Conductor
from bridge.control.draft import Done, Result
from bridge.control.publisher import Publisher
from bridge.store.accounts import Accounts
from bridge.store.database import FAULTS
from bridge.store.log import EventLog
from config.schema import Template, Topology

log = logging.getLogger("scheduler")

SETTING = "calendar"  # the key under which changes of single bookings are kept
INTERVAL = 1.0  # seconds between looks at the schedule
AHEAD = 30.0  # seconds between two workings-out of what is due
NEVER_STARTED = 30 * 60.0  # seconds after the planned end until a trial session is ended
NEVER_ENDED = 4 * 3600.0  # seconds after the planned end until a meeting is ended


class Scheduler:
    """Opens what is planned by the templates, and tells operators what could not be opened."""

    def __init__(
        self,
        topology: ActiveTopology,
        conductor: Conductor,
        events: EventLog,
        accounts: Accounts,
        publisher: Publisher,
    ) -> None:
        self._topology = topology
        self._conductor = conductor
        self._events = events
        self._accounts = accounts
        self._publisher = publisher
        self._stored: dict[str, Template] = {}
        self._changes: Changes = {}
        self._opened: set[str] = set()
        self._told: set[str] = set()
        self._planned: list[tuple[Template, Occurrence]] = []
        self._planned_for: Topology | None = None
        self._planned_at = 0.0
        self._upcoming: tuple[templates.Upcoming, ...] = ()

    @property
    def upcoming(self) -> tuple[templates.Upcoming, ...]:
        """What is planned for the next days, soonest first."""
        return self._upcoming

    async def load(self) -> None:
        """Read the stored templates; one that no longer fits is left out."""
        self._stored = {}
        self._planned_for = None
        kept = await self._accounts.setting(SETTING)
        self._changes = {} if kept is None else msgspec.json.decode(kept, type=Changes)
        for ident, body in (await self._accounts.templates()).items():
            try:
                self._stored[ident] = Template.model_validate_json(body)
            except ValueError as error:
                log.error("template %s is left out: %s", ident, error)

    def written(self) -> dict[str, Template]:
        """Templates as they were written, without changes of single bookings."""
        return templates.all_templates(self._topology.current, self._stored)

    def templates(self) -> dict[str, Template]:
        """Templates with the bookings that they have now."""
        changes = self._changes
        return {name: with_changes(t, changes.get(name)) for name, t in self.written().items()}

    async def change(
        self, template: str, action: Action, day: str, start: str = "", minutes: int = 0
    ) -> None:
        """Cancel, move, restore or repeat one booking of a template. Raises `NotSaved`."""
        before = self._changes.get(template, Changed())
        changes = {**self._changes, template: changed_by(before, action, day, start, minutes)}
        await self._accounts.put_setting(SETTING, msgspec.json.encode(changes).decode())
        self._changes = changes
        self._planned_for = None

    def template_points(self) -> dict[str, tuple[str, ...]]:
        """The points of every template; none means all."""
        return {name: tuple(found.points) for name, found in self.templates().items()}

    def stored(self) -> set[str]:
        """Ids of templates that the console may change."""
        return set(self._stored)

    async def open(self, template: Template, actor: Actor, key: str = "") -> Result:
        """Open a conference of a template by hand: the planned one where one is near."""
        topology = self._topology.current
        zone = topology.bridge.zone
        now = self._conductor.now()
        occurrence = templates.occurrence_by_hand(template, zone, now)
        ident = templates.occurrence_id(template, occurrence) if occurrence is not None else ""
        if not ident or await self._events.exists(ident):
            occurrence = None
            ident = await self._events.free_id(templates.ad_hoc_id(template, now, zone))
        booking = templates.booking_of(template, topology, ident, occurrence)
        return await self._conductor.open(booking, actor, key)

    async def run(self) -> None:
        """Look at the schedule until cancelled."""
        while True:
            try:
                await self.look()
            except FAULTS as error:
                log.error("the schedule waits for the store: %s", type(error).__name__)
            await asyncio.sleep(INTERVAL)

    def _plan_ahead(self, topology: Topology, found: dict[str, Template], now: float) -> None:
        """Work recurrence rules out now and then only: a daily rule of ten years is long."""
        if self._planned_for is topology and 0 <= now - self._planned_at < AHEAD:
            return
        self._planned_for, self._planned_at = topology, now
        zone = topology.bridge.zone
        self._planned = [
            (template, occurrence)
            for template in found.values()
            for occurrence in templates.due_occurrences(template, zone, now, AHEAD)
        ]
        ahead = templates.upcoming(found, zone, now)
        if ahead != self._upcoming:
            self._upcoming = ahead
            self._publisher.upcoming(ahead)

    async def _end_forgotten(self, now: float) -> None:
        """End planned conferences that nobody ended, so that they do not stand in the way of
        the next one: trials that never started soon, meetings after hours."""
        for state in self._conductor.running():
            patience = NEVER_STARTED if state.phase == "open" else NEVER_ENDED
            if state.end is not None and now > state.end + patience:
                await self._conductor.submit(state.booking.id, c.End(), SCHEDULER)
                self._publisher.notice("notice.ended_by_schedule", title=state.booking.title.vi)

    async def look(self) -> None:
        """Open and start what is due now."""
        topology = self._topology.current
        now = self._conductor.now()
        found = self.templates()
        self._plan_ahead(topology, found, now)
        for template, occurrence in self._planned:
            if not occurrence.start - template.opening_minutes * 60 <= now < occurrence.end:
                continue
            ident = templates.occurrence_id(template, occurrence)
            if ident in self._opened or await self._events.exists(ident):
                self._opened.add(ident)
                continue
            booking = templates.booking_of(template, topology, ident, occurrence)
            result = await self._conductor.open(booking, SCHEDULER)
            if isinstance(result, Done):
                self._opened.add(ident)
            elif isinstance(result, Refusal) and ident not in self._told:
                self._told.add(ident)
                self._publisher.notice("notice.not_opened", title=template.title.vi)
        await self._end_forgotten(now)
        for state in self._conductor.running():
            start = state.booking.start
            by_clock = found.get(state.booking.template)
            if (
                state.phase == "open"
                and start is not None
                and start <= now
                and by_clock is not None
                and by_clock.start == "on_time"
            ):
                await self._conductor.submit(state.booking.id, c.Start(), SCHEDULER)
