"""Points: what a technician sees of each, and commands to its agent."""

from __future__ import annotations

import msgspec

from bridge.accounts.auth import Denied
from bridge.agents.protocol import CallOutcome, CommandName, Report
from bridge.agents.registry import AgentAway
from bridge.base.i18n import Sentence
from bridge.conference import events as e
from bridge.control import views
from bridge.lines.incident import Incident
from bridge.lines.lamps import Lamp, lamps
from bridge.server.api.routes import Call, Route
from bridge.signalling.protocol import Quality, RoomStatus, SeatView, Upcoming

LAST_CONFERENCES = 5


class AgentView(msgspec.Struct, frozen=True, kw_only=True):
    """The point's agent; ``age`` is seconds since its last report."""

    version: str
    report: Report | None
    age: float | None


class Maintenance(msgspec.Struct, frozen=True, kw_only=True):
    """A point whose alerts are silent, until ``until`` (UTC seconds) where one is given."""

    until: float | None
    note: str


class AgentCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an agent is asked to do."""

    command: CommandName


class AgentAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a command to an agent."""

    ok: bool
    detail: str
    call: CallOutcome | None
    log: str


class LastConference(msgspec.Struct, frozen=True, kw_only=True):
    """A conference that a point was part of: whether it came, and how often it dropped out."""

    id: str
    title: Sentence
    opened_at: float
    joined: bool
    drops: int


class PointStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a technician sees of a point."""

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
    point = control.topology.current.point(ident)
    assert point is not None
    session = control.sessions.of_point(ident)
    conference = call.services.conductor.conference_of(ident)
    state = control.publisher.point_states()[ident]
    room = session.status if session is not None and session.client is not None else None
    line = call.services.health.quality.get(ident)
    agent = call.services.agents.of_point(ident)
    report = agent.report if agent is not None else None
    silenced = call.services.incidents.maintenance.get(ident)
    templates = call.services.scheduler.templates()
    coming = next(
        (
            u
            for u in call.services.scheduler.upcoming
            if not templates[u.template].points or ident in templates[u.template].points
        ),
        None,
    )
    seat = None
    if conference is not None:
        seat = views.seat_view(conference.seats[ident], control.publisher.arriving(ident))
    return PointStatus(
        id=ident,
        name=views.as_sentence(point.name),
        state=state,
        seat=seat,
        room=room,
        quality=views.quality_view(line) if line is not None else None,
        lamps=lamps(state, room, line, report, seat if point.role == "member" else None),
        next=views.upcoming_view(coming) if coming is not None else None,
        contact=control.topology.current.bridge.contact or "",
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
        for ident in call.services.control.topology.points
        if call.user.looks_after(ident)
    ]


async def show_point(call: Call) -> PointStatus:
    return await _point_status(call, own_point(call), history=True)


def own_point(call: Call) -> str:
    """The point of the path. Raises `Denied` for one that is not, or not the user's."""
    ident = call.param("id")
    if ident not in call.services.control.topology.points:
        raise Denied(404, "refusal.unknown_point", point=ident[:64])
    if not call.user.looks_after(ident):
        raise Denied(403, "account.no_right")
    return ident


async def command_agent(call: Call) -> AgentAnswer:
    """Have the point's agent do something; waits for the outcome."""
    ident = own_point(call)
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
        "POST",
        "/api/v1/points/{id}/agent",
        command_agent,
        "own_points",
        "Have a point's agent do something",
        AgentCommand,
        AgentAnswer,
    ),
]
