"""Incidents of points: the list, faults that technicians report, and maintenance."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from bridge.accounts.auth import Denied
from bridge.control import views
from bridge.lines.incident import STREAM, Incident, history
from bridge.reports.csv_table import as_csv
from bridge.server.api.points import Maintenance, own_point
from bridge.server.api.routes import Call, Route, attachment

MAINTENANCE_MOST = 14 * 24 * 60  # minutes
INCIDENTS_LOOKED = 20_000  # events


class MaintenanceBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Silence a point's alerts for ``minutes``, or until further notice where they are null."""

    on: bool
    minutes: Annotated[int, msgspec.Meta(ge=1, le=MAINTENANCE_MOST)] | None = 240
    note: Annotated[str, msgspec.Meta(max_length=200)] = ""


class FaultBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fault that a technician reports: no picture, no sound, or the connection lost."""

    fault: Literal["picture", "sound", "lost"]
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""


async def set_maintenance(call: Call) -> Maintenance | None:
    ident = own_point(call)
    body: MaintenanceBody = call.body
    until = None
    if body.minutes is not None:
        until = round(call.services.conductor.now() + body.minutes * 60, 3)
    await call.services.incidents.set_maintenance(
        ident, body.on, until if body.on else None, body.note, call.actor.label
    )
    await call.note("maintenance on" if body.on else "maintenance off", ident)
    return Maintenance(until=until, note=body.note) if body.on else None


async def report_fault(call: Call) -> Incident:
    """Report a fault; the answer has the incident's number."""
    ident = own_point(call)
    body: FaultBody = call.body
    incident = await call.services.incidents.report_fault(
        ident, body.fault, body.note, call.actor.label
    )
    await call.note("fault report", ident, body.fault)
    name = views.as_sentence(
        next(p.name for p in call.services.control.topology.current.points if p.id == ident)
    )
    call.services.control.publisher.notice(
        "notice.fault", number=str(incident.number), point=name.vi, fault=f"{body.fault}"
    )
    return incident


def _number(call: Call) -> int:
    text = call.param("number")
    if not text.isdecimal() or len(text) > 12:
        raise Denied(404, "api.unknown_incident", number=text[:12])
    return int(text)


async def clear_incident(call: Call) -> None:
    """A reported fault is over. What probes opened, probes clear."""
    number = _number(call)
    incidents = call.services.incidents
    found = next((i for i in incidents.open.values() if i.number == number), None)
    if found is None or found.kind != "fault":
        raise Denied(404, "api.unknown_incident", number=str(number))
    if not call.user.looks_after(found.point):
        raise Denied(403, "account.no_right")
    await incidents.clear_fault(found, call.actor.label)
    await call.note("fault cleared", found.point, str(number))


async def list_incidents(call: Call) -> Any:
    """Newest first; ``?point=``, ``?open=1``, ``?from=`` and ``?to=`` (UTC seconds) filter,
    ``?format=csv`` or ``json`` makes a file."""
    query = call.request.query
    kind = query.get("format", "")
    if kind not in ("", "csv", "json"):
        raise Denied(422, "api.bad_format")
    start, end = call.number("from", 0), call.number("to", 2**40)
    recorded = await call.services.events.tail(STREAM, INCIDENTS_LOOKED)
    found = [
        item
        for item in reversed(history(recorded))
        if call.user.looks_after(item.point)
        and query.get("point", item.point) == item.point
        and (not query.get("open") or item.until is None)
        and item.since < end
        and (item.until is None or item.until >= start)
    ]
    if not kind:
        return found[:1000]
    await call.note("incidents export", kind)
    if kind == "json":
        body, media_type = msgspec.json.encode(found), "application/json"
    else:
        header = list(Incident.__struct_fields__)
        rows = [
            [str(getattr(item, name) if getattr(item, name) is not None else "") for name in header]
            for item in found
        ]
        body, media_type = as_csv(header, rows).encode(), "text/csv"
    return attachment(body, media_type, f"incidents.{kind}")


ROUTES = [
    Route(
        "POST",
        "/api/v1/points/{id}/maintenance",
        set_maintenance,
        "own_points",
        "Silence a point's alerts, or no longer",
        MaintenanceBody,
        Maintenance | None,
    ),
    Route(
        "POST",
        "/api/v1/points/{id}/faults",
        report_fault,
        "own_points",
        "Report a fault",
        FaultBody,
        Incident,
        201,
    ),
    Route(
        "GET",
        "/api/v1/incidents",
        list_incidents,
        "own_points",
        "Incidents of points; also csv and json",
        answer=list[Incident],
        query=("point", "open", "from", "to", "format"),
    ),
    Route(
        "DELETE",
        "/api/v1/incidents/{number}",
        clear_incident,
        "own_points",
        "A reported fault is over",
        status=204,
    ),
]
