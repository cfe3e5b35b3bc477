"""Conferences: the list, opening and directing one, its log and its report."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from bridge.accounts.auth import Denied
from bridge.base.i18n import Sentence
from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.model import Point, Refusal, State
from bridge.conference.report import Report, report
from bridge.conference.typed import HELP, parse
from bridge.control import views
from bridge.control.draft import Done, Result
from bridge.control.templates import ad_hoc
from bridge.reports import conference as conference_report
from bridge.server.api.proofs import Proof, proof_of
from bridge.server.api.routes import Call, Route, attachment
from bridge.server.directing import direct
from bridge.signalling.protocol import ConferenceView
from config.schema import Template

EVENTS_PAGE = 1000
LIST_PAGE = 50
LONGEST_LIST = 500


class OpenBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Open a conference of a template, or an ad-hoc meeting of ``points``; exactly one of the two.
    ``start`` leaves out the trial session."""

    template: Annotated[str, msgspec.Meta(max_length=64)] = ""
    start: bool = False
    points: Annotated[tuple[Point, ...], msgspec.Meta(max_length=500)] = ()


class CommandBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command, or a typed line; exactly one of the two."""

    command: c.Asked | None = None
    text: Annotated[str, msgspec.Meta(max_length=500)] | None = None


class Accepted(msgspec.Struct, frozen=True):
    """A command was carried out; ``seq`` is the number of the conference's last event."""

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
    """A part of a conference's log, in its order."""

    events: list[e.Recorded]


class NamedReport(msgspec.Struct, frozen=True):
    """A report, and what its points are called."""

    report: Report
    names: dict[str, Sentence]
    zone: str
    proof: Proof | None = None
    """The signed head of the log; None: the conference has not ended, or it is not signed yet."""


class Usage(msgspec.Struct, frozen=True):
    """A typed command and how it is written."""

    word: str
    usage: str


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
        if "booking" in entry and entry["booking"].kind == "meeting"
    ]
    return sorted(entries, key=lambda item: (item.phase == "ended", -item.opened_at))


def _page(call: Call) -> int:
    return max(1, min(call.number("limit", LIST_PAGE), LONGEST_LIST))


def _running(call: Call) -> State:
    ident = call.param("id")
    state = call.services.conductor.states.get(ident)
    if state is None or state.booking.kind == "desk_call":
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
    template = _meant(call, body)
    result = await services.scheduler.open(template, call.actor, call.key)
    if not isinstance(result, Done):
        await call.note("open", template.id, result.key)
        return result
    await call.note("open", result.conference)
    if body.start:
        key = f"{call.key} start" if call.key else ""
        started = await _direct(call, result.conference, c.Start(), key)
        if isinstance(started, Done):
            result = started
    return Accepted(result.conference, result.seq)


def _meant(call: Call, body: OpenBody) -> Template:
    """The template that is to be opened, or one for these points. Raises `Denied`."""
    if bool(body.template) == bool(body.points):
        raise Denied(422, "api.template_or_points")
    services = call.services
    if body.template:
        found = services.scheduler.templates().get(body.template)
        if found is None:
            raise Denied(404, "api.unknown_template", id=body.template)
        return found
    try:
        return ad_hoc(services.control.topology.current, body.points)
    except ValueError as error:
        raise Denied(422, "api.bad_ad_hoc", reason=str(error)) from None


async def show_conference(call: Call) -> ConferenceView:
    arriving = call.services.control.publisher.all_arriving()
    return views.conference_view(_running(call), None, arriving)


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
        if isinstance(asked, Refusal):
            return asked
    result = await _direct(call, state.booking.id, asked, call.key)
    return Accepted(result.conference, result.seq) if isinstance(result, Done) else result


async def _direct(call: Call, conference: str, command: c.Asked, key: str) -> Result:
    conductor, auth = call.services.conductor, call.services.auth
    return await direct(
        conductor, auth, conference, command, call.actor, address=call.address, key=key
    )


async def list_commands(call: Call) -> list[Usage]:
    return [Usage(word, usage) for word, usage in HELP]


async def show_report(call: Call) -> Any:
    """JSON, or by ``?format=csv|pdf&language=vi|en`` a file."""
    made: Report = report(await _log(call), call.services.conductor.now())
    proof = proof_of(call, made.conference)
    kind = call.request.query.get("format", "json")
    language = call.language()
    topology = call.services.control.topology.current
    if kind == "json":
        sentences = {p.id: views.as_sentence(p.name) for p in topology.points}
        return NamedReport(made, sentences, topology.bridge.zone, proof)
    names = {p.id: p.name.text(language) for p in topology.points}
    document = conference_report.Document(made, names, language, topology.bridge.zone, proof)
    if kind == "csv":
        return attachment(document.csv().encode(), "text/csv", f"{made.conference}.csv")
    if kind == "pdf":
        title = topology.bridge.name.text(language)
        return attachment(document.pdf(title), "application/pdf", f"{made.conference}.pdf")
    raise Denied(422, "api.bad_format")


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
]
