"""Incidents of points, folded from events of the log (its stream "network"). Pure."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from bridge.conference import events as e

STREAM = "network"
IncidentEvent = e.IncidentOpened | e.IncidentWorse | e.IncidentCleared


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """An incident as people see it. ``until`` is None while it lasts; ``kind`` "fault" was
    reported by a person."""

    number: int
    point: str
    kind: str
    level: str
    since: float
    until: float | None = None
    value: float = 0.0
    note: str = ""
    actor: str = ""


def after(before: Incident | None, item: e.Recorded) -> Incident | None:
    """What an incident is after an event of the log about it. None: nothing is known of it (its
    opening is not among the events that were read)."""
    match item.event:
        case e.IncidentOpened() as event:
            return Incident(
                number=event.number,
                point=event.point,
                kind=event.kind,
                level=event.level,
                since=item.at,
                value=event.value,
                note=event.note,
                actor=item.actor,
            )
        case e.IncidentWorse() if before is not None:
            return replace(before, level="bad")
        case e.IncidentCleared() if before is not None:
            return replace(before, until=item.at)
        case _:
            return before


def history(recorded: list[e.Recorded]) -> list[Incident]:
    """All incidents of which the events tell, oldest first."""
    found: dict[int, Incident] = {}
    for item in recorded:
        if isinstance(item.event, IncidentEvent):
            incident = after(found.get(item.event.number), item)
            if incident is not None:
                found[incident.number] = incident
    return list(found.values())
