"""Conferences, templates, schedule, reports."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from aiohttp import web
from pydantic import ValidationError

from bridge.accounts.auth import Denied
from bridge.base.i18n import Sentence
from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.model import State
from bridge.conference.report import Report, report
from bridge.conference.typed import HELP, parse
from bridge.control import views
from bridge.control.conductor import Done
from bridge.reports import calendar
from bridge.reports import conference as conference_report
from bridge.server.api.routes import Call, Route, attachment, check_match, etag
from bridge.signalling.protocol import ConferenceView, Upcoming
from config.loader import check_template
from config.schema import Template

EVENTS_PAGE = 1000
LIST_PAGE = 50
LONGEST_LIST = 500


class OpenBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Open a conference of a template; ``start`` leaves out the trial session."""

    template: Annotated[str, msgspec.Meta(max_length=64)]
    start: bool = False


class CommandBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command, or a typed line; exactly one of the two."""

    command: c.Asked | None = None
    text: Annotated[str, msgspec.Meta(max_length=500)] | None = None


class Accepted(msgspec.Struct, frozen=True):
    """What was done, by the number of the conference's last event."""

    conference: str
    seq: int


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the list of conferences."""

    id: str
    title: Sentence
    phase: str
    opened_at: float
    started_at: float | None = None
    ended_at: float | None = None
    present: int = 0
    points: int = 0


class EventPage(msgspec.Struct, frozen=True):
    events: list[e.Recorded]


class NamedReport(msgspec.Struct, frozen=True):
    """A report, and what its points are called."""

    report: Report
    names: dict[str, Sentence]
    zone: str


class Usage(msgspec.Struct, frozen=True):
    """A typed command and how it is written."""

    word: str
    usage: str


class TemplateInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A template; ``editable`` where the console may change it."""

    id: str
    editable: bool
    template: dict[str, Any]


async def list_conferences(call: Call) -> list[Entry]:
    """Conferences that run, then ended ones, newest first."""
    services = call.services
    running = {state.booking.id: state for state in services.conductor.running()}
    found: dict[str, dict[str, Any]] = {}
    for item in await services.events.milestones(_page(call)):
        entry = found.setdefault(item.recorded.conference, {})
        match item.recorded.event:
            case e.Opened() as opened:
                entry.update(opened_at=item.recorded.at, booking=opened.booking)
            case e.Started():
                entry["started_at"] = item.recorded.at
            case _:
                entry["ended_at"] = item.recorded.at
    entries = [
        Entry(
            id=ident,
            title=views.as_sentence(entry["booking"].title),
            phase=running[ident].phase if ident in running else "ended",
            opened_at=entry["opened_at"],
            started_at=entry.get("started_at"),
            ended_at=entry.get("ended_at"),
            present=len(running[ident].present) if ident in running else 0,
            points=len(entry["booking"].points),
        )
        for ident, entry in found.items()
        if "booking" in entry
    ]
    return sorted(entries, key=lambda item: (item.phase == "ended", -item.opened_at))


def _page(call: Call) -> int:
    return max(1, min(call.number("limit", LIST_PAGE), LONGEST_LIST))


def _running(call: Call) -> State:
    ident = call.param("id")
    state = call.services.conductor.states.get(ident)
    if state is None:
        raise Denied(404, "refusal.unknown_conference", id=ident)
    return state


async def _log(call: Call) -> list[e.Recorded]:
    log = await call.services.events.read(call.param("id"))
    # The stream of the points' incidents is in the same log, and is no conference.
    if not log or not isinstance(log[0].event, e.Opened):
        raise Denied(404, "refusal.unknown_conference", id=call.param("id"))
    return log


async def open_conference(call: Call) -> Any:
    body: OpenBody = call.body
    services = call.services
    template = services.scheduler.templates().get(body.template)
    if template is None:
        raise Denied(404, "api.unknown_template", id=body.template)
    result = await services.scheduler.open(template, call.actor, call.key)
    if not isinstance(result, Done):
        await call.note("open", body.template, result.key)
        return result
    await call.note("open", result.conference)
    if body.start:
        key = f"{call.key} start" if call.key else ""
        started = await services.conductor.submit(result.conference, c.Start(), call.actor, key)
        if isinstance(started, Done):
            result = started
    return Accepted(result.conference, result.seq)


async def show_conference(call: Call) -> ConferenceView:
    return views.conference_view(_running(call), None)


async def list_events(call: Call) -> EventPage:
    after = call.number("after", 0)
    limit = min(call.number("limit", EVENTS_PAGE), EVENTS_PAGE)
    found = await call.services.events.read(call.param("id"), after, limit)
    if not found and not await call.services.events.exists(call.param("id")):
        raise Denied(404, "refusal.unknown_conference", id=call.param("id"))
    return EventPage(found)


async def command(call: Call) -> Any:
    body: CommandBody = call.body
    if (body.command is None) == (body.text is None):
        raise Denied(422, "api.command_or_text")
    state = _running(call)
    asked: Any = body.command
    if body.text is not None:
        asked = parse(body.text, state.points)
    if isinstance(asked, c.Asked):
        result = await call.services.conductor.submit(state.booking.id, asked, call.actor, call.key)
        if isinstance(result, Done):
            return Accepted(result.conference, result.seq)
        asked = result
    await call.note("command", state.booking.id, asked.key)
    return asked


async def list_commands(call: Call) -> list[Usage]:
    return [Usage(word, usage) for word, usage in HELP]


async def show_report(call: Call) -> Any:
    """JSON, or by ``?format=csv|pdf&language=vi|en`` a file."""
    made: Report = report(await _log(call), call.services.conductor.now())
    kind = call.request.query.get("format", "json")
    language = "en" if call.request.query.get("language") == "en" else "vi"
    topology = call.services.control.topology
    if kind == "json":
        sentences = {p.id: views.as_sentence(p.name) for p in topology.points}
        return NamedReport(made, sentences, topology.bridge.zone)
    names = {p.id: p.name.text(language) for p in topology.points}
    document = conference_report.Document(made, names, language, topology.bridge.zone)
    if kind == "csv":
        return attachment(document.csv().encode(), "text/csv", f"{made.conference}.csv")
    if kind == "pdf":
        title = topology.bridge.name.text(language)
        return attachment(document.pdf(title), "application/pdf", f"{made.conference}.pdf")
    raise Denied(422, "api.bad_format")


# --- templates and schedule ----------------------------------------------------------------


async def list_templates(call: Call) -> list[TemplateInfo]:
    stored = call.services.scheduler.stored()
    return [
        TemplateInfo(id=ident, editable=ident in stored, template=_plain(template))
        for ident, template in call.services.scheduler.templates().items()
    ]


def _plain(template: Template) -> dict[str, Any]:
    return template.model_dump(mode="json", exclude_none=True)


def _etagged(template: Template) -> bytes:
    return msgspec.json.encode(_plain(template))


async def show_template(call: Call) -> web.Response:
    template = call.services.scheduler.templates().get(call.param("id"))
    if template is None:
        raise Denied(404, "api.unknown_template", id=call.param("id"))
    body = _etagged(template)
    return web.Response(body=body, content_type="application/json", headers={"ETag": etag(body)})


async def put_template(call: Call) -> web.Response:
    ident = call.param("id")
    services = call.services
    before = services.scheduler.templates().get(ident)
    if before is not None and ident not in services.scheduler.stored():
        raise Denied(409, "api.template_of_topology", id=ident)
    check_match(call, _etagged(before) if before is not None else None)
    try:
        template = Template.model_validate({**call.body, "id": ident})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Denied(422, "api.bad_template", detail=f"{where}: {first['msg']}") from None
    problems = check_template(template, services.control.topology)
    if problems:
        raise Denied(422, "api.bad_template", detail=" ".join(problems))
    now = services.conductor.now()
    await services.accounts.put_template(ident, template.model_dump_json(), now)
    await services.scheduler.load()
    await call.note("template", ident)
    body = _etagged(template)
    return web.Response(
        status=200 if before is not None else 201,
        body=body,
        content_type="application/json",
        headers={"ETag": etag(body)},
    )


async def delete_template(call: Call) -> None:
    ident = call.param("id")
    before = call.services.scheduler.templates().get(ident)
    if before is None:
        raise Denied(404, "api.unknown_template", id=ident)
    if ident not in call.services.scheduler.stored():
        raise Denied(409, "api.template_of_topology", id=ident)
    check_match(call, _etagged(before))
    await call.services.accounts.delete_template(ident)
    await call.services.scheduler.load()
    await call.note("template", ident, "deleted")


async def show_schedule(call: Call) -> list[Upcoming]:
    return list(call.services.control.upcoming)


async def calendar_feed(call: Call) -> web.Response:
    """ICS (RFC 5545) for calendar programs, which cannot log in: the key is in the address."""
    user = await call.services.accounts.user_of_calendar(call.request.query.get("key", ""))
    if user is None or user.disabled or not (user.may("watch") or user.may("own_points")):
        raise Denied(401, "account.log_in")
    language = "en" if call.request.query.get("language") == "en" else "vi"
    topology = call.services.control.topology
    body = calendar.feed(
        list(call.services.scheduler.templates().values()),
        topology.bridge.zone,
        topology.bridge.name.text(language),
        language,
        call.services.conductor.now(),
    )
    return web.Response(body=body, content_type="text/calendar", charset="utf-8")


ROUTES = [
    Route(
        "GET",
        "/api/v1/conferences",
        list_conferences,
        "watch",
        "Conferences, running ones first",
        answer=list[Entry],
        query=("limit",),
    ),
    Route(
        "POST",
        "/api/v1/conferences",
        open_conference,
        "direct",
        "Open a conference of a template",
        OpenBody,
        Accepted,
        201,
        headers=("Idempotency-Key",),
    ),
    Route(
        "GET",
        "/api/v1/conferences/{id}",
        show_conference,
        "watch",
        "A conference that runs",
        answer=ConferenceView,
    ),
    Route(
        "GET",
        "/api/v1/conferences/{id}/events",
        list_events,
        "watch",
        "The log of a conference",
        answer=EventPage,
        query=("after", "limit"),
    ),
    Route(
        "POST",
        "/api/v1/conferences/{id}/commands",
        command,
        "direct",
        "Direct a conference",
        CommandBody,
        Accepted,
        headers=("Idempotency-Key",),
    ),
    Route(
        "GET",
        "/api/v1/conferences/{id}/report",
        show_report,
        "reports",
        "What a conference was; also as csv and pdf",
        answer=NamedReport,
        query=("format", "language"),
    ),
    Route(
        "GET",
        "/api/v1/commands",
        list_commands,
        "direct",
        "Words of the command box",
        answer=list[Usage],
    ),
    Route(
        "GET",
        "/api/v1/templates",
        list_templates,
        "watch",
        "Kinds of conferences",
        answer=list[TemplateInfo],
    ),
    Route(
        "GET",
        "/api/v1/templates/{id}",
        show_template,
        "watch",
        "One template, with its ETag",
        answer=dict[str, Any],
    ),
    Route(
        "PUT",
        "/api/v1/templates/{id}",
        put_template,
        "templates",
        "Make or change a template",
        dict[str, Any],
        dict[str, Any],
        headers=("If-Match",),
    ),
    Route(
        "DELETE",
        "/api/v1/templates/{id}",
        delete_template,
        "templates",
        "Remove a template",
        status=204,
        headers=("If-Match",),
    ),
    Route(
        "GET", "/api/v1/schedule", show_schedule, None, "Conferences to come", answer=list[Upcoming]
    ),
    Route(
        "GET",
        "/api/v1/calendar.ics",
        calendar_feed,
        "public",
        "The schedule for calendar programs",
        query=("key", "language"),
        media_type="text/calendar",
    ),
]
