"""Numbers and saves incidents and maintenance of points, as events of the log (its stream
"network"). When one opens and clears is decided in `monitoring.quality.incident_rules`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from bridge.conference import events as e
from bridge.lines.incident import STREAM, Incident, after
from bridge.store.database import FAULTS, Conflict
from bridge.store.log import EventLog
from monitoring.quality.incident_rules import Change, PointIncidents

log = logging.getLogger("incidents")

TAIL = 20_000  # events looked through at the start for what is still open


@dataclass(slots=True)
class Incidents:
    """The incidents that are open, and the points in maintenance. ``now`` is UTC seconds. `load`
    before anything else."""

    events: EventLog
    now: Callable[[], float]
    open: dict[tuple[str, str], Incident] = field(default_factory=dict)
    maintenance: dict[str, e.MaintenanceSet] = field(default_factory=dict)
    _points: dict[str, PointIncidents] = field(default_factory=dict)
    _seq: int = 0
    _number: int = 0
    _waiting: list[e.Recorded] = field(default_factory=list)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def load(self, monotonic: float) -> None:
        """Bring back what is open; also after a backup was restored."""
        self.open.clear()
        self.maintenance.clear()
        self._points.clear()
        self._waiting.clear()
        self._number = 0
        self._seq = await self.events.last_seq(STREAM)
        recorded = await self.events.tail(STREAM, TAIL)
        for item in recorded:
            self._apply(item)
        for (point, kind), incident in self.open.items():
            if incident.kind != "fault":
                self._of(point).restore(kind, incident.level, monotonic)

    def _of(self, point: str) -> PointIncidents:
        return self._points.setdefault(point, PointIncidents())

    def _apply(self, item: e.Recorded) -> None:
        match item.event:
            case e.IncidentOpened() | e.IncidentWorse() | e.IncidentCleared() as event:
                # Of what is measured one is open at a time, of what people report any number.
                kind = event.kind if event.kind != "fault" else f"fault{event.number}"
                incident = after(self.open.get((event.point, kind)), item)
                if incident is None or incident.until is not None:
                    self.open.pop((event.point, kind), None)
                else:
                    self._number = max(self._number, incident.number)
                    self.open[event.point, kind] = incident
            case e.MaintenanceSet() as event:
                if event.on:
                    self.maintenance[event.point] = event
                else:
                    self.maintenance.pop(event.point, None)
            case _:
                pass

    def suppressed(self, point: str) -> bool:
        """Whether the point is in maintenance: nothing new is opened."""
        found = self.maintenance.get(point)
        return found is not None and (found.until is None or self.now() < found.until)

    def watching(self, point: str) -> list[str]:
        return self._of(point).watching

    def of_point(self, point: str) -> list[Incident]:
        return [incident for (name, _), incident in self.open.items() if name == point]

    async def look(self, point: str, measured: dict[str, float], monotonic: float) -> None:
        """Take in what is measured of a point, once a second."""
        found = self.maintenance.get(point)
        if found is not None and found.until is not None and self.now() >= found.until:
            ended = e.MaintenanceSet(point=point, on=False, until=None, note="")
            await self._add("system", "maintenance_over", ended)
        if self.suppressed(point):
            # Signals begin anew afterwards; what is open stays open until it is seen gone.
            kinds = {kind for name, kind in self.open if name == point}
            measured = {k: v for k, v in measured.items() if k in kinds}
        for change in self._of(point).step(measured, monotonic):
            await self._change(point, change)
        if self._waiting:
            await self._save()

    async def _change(self, point: str, change: Change) -> None:
        event: e.Event
        if change.what == "open":
            self._number += 1
            event = e.IncidentOpened(
                number=self._number,
                point=point,
                kind=change.kind,
                level=change.level,
                value=round(change.value, 4),
            )
        else:
            incident = self.open.get((point, change.kind))
            if incident is None:
                return
            if change.what == "worse":
                event = e.IncidentWorse(number=incident.number, point=point, kind=change.kind)
            else:
                seconds = round(max(self.now() - incident.since, 0.0), 1)
                event = e.IncidentCleared(
                    number=incident.number, point=point, kind=change.kind, seconds=seconds
                )
        await self._add("system", "probe", event)

    async def report_fault(self, point: str, kind: str, note: str, actor: str) -> Incident:
        """A person reports a fault; it is saved before it has a number. Raises `NotSaved`."""
        async with self._lock:
            number = self._number + 1
            event = e.IncidentOpened(
                number=number,
                point=point,
                kind="fault",
                level="bad",
                value=0.0,
                note=f"{kind}: {note}" if note else kind,
            )
            await self._commit(actor, "fault_report", event)
        return self.open[point, f"fault{number}"]

    async def clear_fault(self, incident: Incident, actor: str) -> None:
        """A person says that a reported fault is over. Raises `NotSaved`."""
        async with self._lock:
            seconds = round(max(self.now() - incident.since, 0.0), 1)
            await self._commit(
                actor,
                "fault_cleared",
                e.IncidentCleared(
                    number=incident.number,
                    point=incident.point,
                    kind=incident.kind,
                    seconds=seconds,
                ),
            )

    async def set_maintenance(
        self, point: str, on: bool, until: float | None, note: str, actor: str
    ) -> None:
        """Raises `NotSaved`."""
        async with self._lock:
            event = e.MaintenanceSet(point=point, on=on, until=until, note=note)
            await self._commit(actor, "maintenance", event)

    async def _commit(self, actor: str, reason: str, event: e.Event) -> None:
        if self._waiting:
            await self._flush()
        item = self._recorded(actor, reason, event)
        await self.events.append([item])
        self._seq = item.seq
        self._apply(item)

    def _recorded(self, actor: str, reason: str, event: e.Event) -> e.Recorded:
        return e.Recorded(
            conference=STREAM,
            seq=self._seq + 1,
            at=round(self.now(), 3),
            actor=actor,
            reason=reason,
            event=event,
        )

    async def _add(self, actor: str, reason: str, event: e.Event) -> None:
        """Something that was measured: it is true whether or not it can be saved now."""
        async with self._lock:
            item = self._recorded(actor, reason, event)
            self._seq = item.seq
            self._waiting.append(item)
            self._apply(item)
        await self._save()

    async def _save(self) -> None:
        async with self._lock:
            try:
                await self._flush()
            except FAULTS as error:
                log.error("incidents wait for the store: %s", type(error).__name__)

    async def _flush(self) -> None:
        if not self._waiting:
            return
        try:
            await self.events.append(self._waiting)
        except Conflict:
            # Somebody restored a backup: number anew after what is there.
            start = await self.events.last_seq(STREAM)
            self._waiting = [
                msgspec.structs.replace(item, seq=start + index)
                for index, item in enumerate(self._waiting, 1)
            ]
            self._seq = start + len(self._waiting)
            await self.events.append(self._waiting)
        self._waiting = []
