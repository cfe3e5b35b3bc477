"""Incidents of points, as the log tells them (events of the stream "network"). Pure."""

from __future__ import annotations

import msgspec

from bridge.conference import events as e

STREAM = "network"


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


def history(recorded: list[e.Recorded]) -> list[Incident]:
    """Incidents out of the log's events, oldest first. Pure."""
    found: dict[int, Incident] = {}
    for item in recorded:
        match item.event:
            case e.IncidentOpened() as event:
                found[event.number] = Incident(
                    number=event.number,
                    point=event.point,
                    kind=event.kind,
                    level=event.level,
                    since=item.at,
                    value=event.value,
                    note=event.note,
                    actor=item.actor,
                )
            case e.IncidentWorse() as event if event.number in found:
                found[event.number] = msgspec.structs.replace(found[event.number], level="bad")
            case e.IncidentCleared() as event if event.number in found:
                found[event.number] = msgspec.structs.replace(found[event.number], until=item.at)
            case _:
                pass
    return list(found.values())
