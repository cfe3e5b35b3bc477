"""Points: what a technician sees of one, its line's history, faults, maintenance, its agent."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from bridge.accounts.auth import Denied
from bridge.agents.protocol import CallOutcome, CommandName, Report
from bridge.agents.registry import AgentAway
from bridge.base.i18n import Sentence
from bridge.conference import events as e
from bridge.control import views
from bridge.lines.incident import STREAM, Incident, history
from bridge.lines.lamps import Lamp, lamps
from bridge.reports.csv_table import as_csv
from bridge.server.api.routes import Call, Route, attachment
from bridge.signalling.protocol import Quality, RoomStatus, SeatView, Upcoming

LAST_CONFERENCES = 5
DAY = 86_400
MOST_ROWS = 20_000  # of one answer
LONGEST = 400 * DAY  # seconds of history in one question
MAINTENANCE_MOST = 14 * 24 * 60  # minutes
INCIDENTS_LOOKED = 20_000  # events


class AgentView(msgspec.Struct, frozen=True, kw_only=True):
    """The point's agent; ``age`` is seconds since its last report."""

    version: str
    report: Report | None
    age: float | None


class Maintenance(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts are silent, until ``until`` (UTC seconds) where one is given."""

    until: float | None
    note: str


class MaintenanceBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    on: bool
    minutes: Annotated[int, msgspec.Meta(ge=1, le=MAINTENANCE_MOST)] | None = 240
    note: Annotated[str, msgspec.Meta(max_length=200)] = ""


class FaultBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of the three faults of the written procedure."""

    fault: Literal["picture", "sound", "lost"]
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""


class AgentCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    command: CommandName


class AgentAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a command to an agent."""

    ok: bool
    detail: str
    call: CallOutcome | None
    log: str


class QualityRow(msgspec.Struct, frozen=True, kw_only=True):
    """A span of seconds of one class (``kind``) in one direction; ms, counts, 0–63."""

    at: int
    span: int
    kind: str
    direction: str
    packets: int
    lost: int
    bursts: int
    reordered: int
    duplicated: int
    variation_p50: float | None
    variation_p95: float | None
    variation_p99: float | None
    round_trip_p50: float | None
    round_trip_p95: float | None
    delay: float | None
    dscp: int | None
    outage: float
    mos: float | None


class LastConference(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    title: Sentence
    opened_at: float
    joined: bool
    drops: int


class PointStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The technician's view of a point."""

    id: str
    name: Sentence
    state: str
    seat: SeatView | None
    room: RoomStatus | None
    quality: Quality | None
    lamps: tuple[Lamp, ...]
    next: Upcoming | None
    contact: str
    now: float
    agent: AgentView | None = None
    incidents: tuple[Incident, ...] = ()
    maintenance: Maintenance | None = None
    last: tuple[LastConference, ...] = ()


async def _point_status(call: Call, ident: str, *, history: bool) -> PointStatus:
    control = call.services.control
    point = control.topology.point(ident)
    assert point is not None
    session = control.sessions.of_point(ident)
    conference = call.services.conductor.conference_of(ident)
    state = control.point_states()[ident]
    room = session.status if session is not None and session.client is not None else None
    quality = control.quality.get(ident)
    agent = call.services.agents.of_point(ident)
    report = agent.report if agent is not None else None
    silenced = call.services.incidents.maintenance.get(ident)
    templates = call.services.scheduler.templates()
    coming = next(
        (
            u
            for u in control.upcoming
            if not templates[u.template].points or ident in templates[u.template].points
        ),
        None,
    )
    seat = conference.seats[ident] if conference is not None else None
    return PointStatus(
        id=ident,
        name=views.as_sentence(point.name),
        state=state,
        seat=views.seat_view(seat) if seat is not None else None,
        room=room,
        quality=quality,
        lamps=lamps(state, room, quality, report),
        next=coming,
        contact=control.topology.bridge.contact or "",
        now=call.services.conductor.now(),
        agent=(
            AgentView(
                version=agent.version,
                report=report,
                age=round(control.clock() - agent.reported, 1) if report is not None else None,
            )
            if agent is not None
            else None
        ),
        incidents=tuple(
            sorted(call.services.incidents.of_point(ident), key=lambda item: item.number)
        ),
        maintenance=(
            Maintenance(until=silenced.until, note=silenced.note)
            if silenced is not None and call.services.incidents.suppressed(ident)
            else None
        ),
        last=await _last_conferences(call, ident) if history else (),
    )


async def _last_conferences(call: Call, ident: str) -> tuple[LastConference, ...]:
    found: list[LastConference] = []
    for item in await call.services.events.milestones(50):
        opened = item.recorded.event
        if not isinstance(opened, e.Opened) or ident not in opened.booking.points:
            continue
        log = await call.services.events.read(item.recorded.conference)
        joins = [r for r in log if isinstance(r.event, e.PointJoined) and r.event.point == ident]
        drops = [r for r in log if isinstance(r.event, e.PointLeft) and r.event.point == ident]
        found.append(
            LastConference(
                id=item.recorded.conference,
                title=views.as_sentence(opened.booking.title),
                opened_at=item.recorded.at,
                joined=bool(joins),
                drops=len(drops),
            )
        )
        if len(found) == LAST_CONFERENCES:
            break
    return tuple(found)


async def list_points(call: Call) -> list[PointStatus]:
    """The points the user looks after; all for others."""
    return [
        await _point_status(call, ident, history=False)
        for ident in call.services.control.points
        if call.user.looks_after(ident)
    ]


async def show_point(call: Call) -> PointStatus:
    return await _point_status(call, _own(call), history=True)


def _own(call: Call) -> str:
    """The point of the path. Raises `Denied` for one that is not, or not the user's."""
    ident = call.param("id")
    if ident not in call.services.control.points:
        raise Denied(404, "refusal.unknown_point", point=ident[:64])
    if not call.user.looks_after(ident):
        raise Denied(403, "account.no_right")
    return ident


async def show_quality(call: Call) -> list[QualityRow]:
    """The history of a line: ``from`` and ``to`` in UTC seconds (the last hour where left out),
    ``span`` in seconds to thin it out, ``kind`` for one class."""
    ident = _own(call)
    end = call.number("to", int(call.services.conductor.now()) + 60)
    start = call.number("from", end - 3660)
    if start > end or end - start > LONGEST:
        raise Denied(422, "api.bad_number", name="from")
    span = call.number("span", 0)
    # Long stretches come thinned out: nobody can look at half a million minutes.
    needed = (end - start) / MOST_ROWS * 6
    span = max(span, 60 if needed <= 60 else 600 if needed <= 600 else 3600)
    kind = call.request.query.get("kind", "")
    rows = await call.services.health.history(ident, start, end, span=span, kind=kind[:16])
    return [
        QualityRow(**{name: row[name] for name in QualityRow.__struct_fields__}) for row in rows
    ]


async def set_maintenance(call: Call) -> Maintenance | None:
    ident = _own(call)
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
    ident = _own(call)
    body: FaultBody = call.body
    incident = await call.services.incidents.report_fault(
        ident, body.fault, body.note, call.actor.label
    )
    await call.note("fault report", ident, body.fault)
    name = views.as_sentence(
        next(p.name for p in call.services.control.topology.points if p.id == ident)
    )
    call.services.control.notice(
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


async def command_agent(call: Call) -> AgentAnswer:
    """Have the point's agent do something; waits for the outcome."""
    ident = _own(call)
    body: AgentCommand = call.body
    await call.note(f"agent {body.command}", ident)
    try:
        outcome = await call.services.agents.command(ident, body.command)
    except AgentAway:
        raise Denied(409, "api.agent_away", point=ident) from None
    return AgentAnswer(ok=outcome.ok, detail=outcome.detail, call=outcome.call, log=outcome.log)


ROUTES = [
    Route(
        "GET",
        "/api/v1/points",
        list_points,
        "own_points",
        "Points one looks after",
        answer=list[PointStatus],
    ),
    Route(
        "GET",
        "/api/v1/points/{id}",
        show_point,
        "own_points",
        "A point's lamps and history",
        answer=PointStatus,
    ),
    Route(
        "GET",
        "/api/v1/points/{id}/quality",
        show_quality,
        "own_points",
        "The history of a point's line",
        answer=list[QualityRow],
        query=("from", "to", "span", "kind"),
    ),
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
        "POST",
        "/api/v1/points/{id}/agent",
        command_agent,
        "own_points",
        "Have a point's agent do something",
        AgentCommand,
        AgentAnswer,
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
