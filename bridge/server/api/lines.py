"""The lines of all points together: a live overview, and the report of a month."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from bridge.accounts.auth import Denied
from bridge.base.i18n import Sentence
from bridge.conference.report import report
from bridge.control import views
from bridge.lines.incident import STREAM
from bridge.reports.monthly_lines import (
    LinesDocument,
    LinesReport,
    lines_report,
    maintenance_of,
    month_bounds,
    month_of,
)
from bridge.server.api.routes import Call, Route, attachment

DAY = 86_400.0


class PointLine(msgspec.Struct, frozen=True, kw_only=True):
    """A point now, and how its line was in the last 24 hours. Shares 0–1; None: not known."""

    id: str
    name: Sentence
    state: str
    up: str
    down: str
    loss_up: float | None
    loss_down: float | None
    maintenance: bool
    incidents: int
    availability: float | None
    day_loss_up: float | None
    day_loss_down: float | None


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """The bridge now. Times are UTC seconds, sizes octets; 0 and None: not known."""

    now: float
    online: int
    in_session: int
    missing: tuple[str, ...]
    conferences: int
    next_start: float | None
    worker: bool
    unsaved: int
    incidents: int
    disk_free: float
    disk_size: float
    certificate: float
    points: tuple[PointLine, ...]


async def _report(call: Call, month: str, start: float, end: float) -> LinesReport:
    services = call.services
    topology = services.control.topology.current
    now = services.conductor.now()
    measured = await services.health.measured(start, min(end, now))
    log = await services.events.of_kind(STREAM, "maintenance")
    conferences = []
    for ident in await services.events.opened_between(start, min(end, now)):
        held = report(await services.events.read(ident), now)
        if held.started_at is not None:  # a trial session alone is no conference
            conferences.append(held.points)
    return await asyncio.to_thread(
        lines_report,
        month=month,
        start=start,
        end=min(end, now),
        zone=topology.bridge.zone,
        names={p.id: views.as_sentence(p.name) for p in topology.points},
        measured=measured,
        maintenance=maintenance_of(log, start, min(end, now)),
        conferences=conferences,
    )


async def show_lines(call: Call) -> Any:
    """The report of ``?month=YYYY-MM`` (this one where left out), ``?format=json|csv|pdf``."""
    topology = call.services.control.topology.current
    zone = topology.bridge.zone
    month = call.request.query.get("month", "") or month_of(call.services.conductor.now(), zone)
    try:
        start, end = month_bounds(month, zone)
    except (ValueError, OverflowError):
        raise Denied(422, "api.bad_month") from None
    kind = call.request.query.get("format", "json")
    if kind not in ("json", "csv", "pdf"):
        raise Denied(422, "api.bad_format")
    async with call.services.reports.one:
        made = await _report(call, month, start, end)
    if kind == "json":
        return made
    language = call.language()
    document = LinesDocument(made, language)
    if kind == "csv":
        body, media_type = document.csv().encode(), "text/csv"
    else:
        body = await asyncio.to_thread(document.pdf, topology.bridge.name.text(language))
        media_type = "application/pdf"
    return attachment(body, media_type, f"lines-{month}.{kind}")


async def show_overview(call: Call) -> Overview:
    """Everything of now, and of the last 24 hours from the store."""
    services, control = call.services, call.services.control
    now = services.conductor.now()
    day = await services.reports.last_day(now, lambda: _report(call, "", now - DAY, now))
    by_point = {row.point: row for row in day.rows}
    states = control.publisher.point_states()
    running = services.conductor.running()
    points = []
    for point in control.topology.current.points:
        quality, row = services.health.quality.get(point.id), by_point.get(point.id)
        points.append(
            PointLine(
                id=point.id,
                name=views.as_sentence(point.name),
                state=states[point.id],
                up=quality.up if quality is not None else "unknown",
                down=quality.down if quality is not None else "unknown",
                loss_up=quality.up_loss if quality is not None else None,
                loss_down=quality.down_loss if quality is not None else None,
                maintenance=services.incidents.suppressed(point.id),
                incidents=len(services.incidents.of_point(point.id)),
                availability=row.availability if row is not None else None,
                day_loss_up=row.loss_up if row is not None else None,
                day_loss_down=row.loss_down if row is not None else None,
            )
        )
    host = services.host()
    starts = [coming.start for coming in services.scheduler.upcoming if coming.start > now]
    return Overview(
        now=now,
        online=sum(state not in ("offline", "lost") for state in states.values()),
        in_session=sum(state == "in_session" for state in states.values()),
        missing=tuple(p for state in running for p in state.awaited if p not in state.present),
        conferences=sum(state.phase == "live" for state in running),
        next_start=min(starts, default=None),
        worker=control.routes.ready,
        unsaved=services.conductor.unsaved,
        incidents=len(services.incidents.open),
        disk_free=host.disk_free,
        disk_size=host.disk_size,
        certificate=host.certificate,
        points=tuple(points),
    )


ROUTES = [
    Route(
        "GET",
        "/api/v1/overview",
        show_overview,
        "reports",
        "The bridge now, and its lines in the last 24 hours",
        answer=Overview,
    ),
    Route(
        "GET",
        "/api/v1/reports/lines",
        show_lines,
        "reports",
        "The report of lines of a month; also as csv and pdf",
        answer=LinesReport,
        query=("month", "format", "language"),
    ),
]
