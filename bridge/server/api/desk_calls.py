"""Desk calls: a desk calls an officer, brings papers of the case; and the record of calls."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec

from bridge.accounts.auth import Denied
from bridge.base.i18n import Sentence, text
from bridge.conference.desk_call_record import CallRecord, record
from bridge.conference.model import Paper
from bridge.control import views
from bridge.control.draft import Done
from bridge.control.sessions import Session
from bridge.papers.taking_in import LARGEST, RefusedPaperError
from bridge.papers.visibility import Rules
from bridge.reports.csv_table import as_csv
from bridge.server.api.conferences import Accepted
from bridge.server.api.paper_files import STATUS, pieces, room_session
from bridge.server.api.routes import BODY_RATE, BODY_TIMEOUT, Call, Route, attachment
from bridge.server.directing import audited
from config.schema import Point

LIST_PAGE = 100
LONGEST_LIST = 1000
SCAN = "Giấy tờ"  # what papers of a case are called: a file's own name may say too much


class CallBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which officer a desk calls; "": whoever is free first."""

    officer: Annotated[str, msgspec.Meta(max_length=64)] = ""


class CallRecords(msgspec.Struct, frozen=True, kw_only=True):
    """Desk calls, newest first, and what their desks are called."""

    calls: list[CallRecord]
    names: dict[str, Sentence]


def _desk(call: Call) -> tuple[Session, Point]:
    """The session of a desk, and the desk. Raises `Denied`."""
    session = room_session(call)
    desk = call.services.control.desk_calls.desk_of(session)
    if desk is None or session.kind != "point":
        raise Denied(403, "desk.no_desk")
    return session, desk


async def call_officer(call: Call) -> Any:
    """Call an officer; bearer: the session of a citizen's desk."""
    session, desk = _desk(call)
    if desk.desk != "citizen":
        raise Denied(403, "desk.only_citizens")
    services, body = call.services, call.body
    result = await services.control.desk_calls.open(
        desk, body.officer, session.actor, call.key, services.events
    )
    if isinstance(result, Done):
        return Accepted(result.conference, result.seq)
    if audited(result):
        await services.auth.note(session.actor.label, call.address, "call", desk.id, result.key)
    return result


async def add_case_paper(call: Call) -> Paper:
    """Take a paper of the case in, for the two who talk; it is gone when they have hung up."""
    session, desk = _desk(call)
    state = call.services.conductor.conference_of(desk.id)
    if state is None or state.call is None or state.phase != "live":
        raise Denied(409, "desk.no_talk")
    if not state.seats[desk.id].called:
        raise Denied(409, "desk.no_talk")
    try:
        async with asyncio.timeout(BODY_TIMEOUT + LARGEST / BODY_RATE):
            kept = await call.services.papers.take(
                pieces(call.request),
                call.request.content_length,
                of=state.booking.id,
                name=f"{SCAN} {len(state.papers) + 1}",
                rules=Rules(points=(), seen_by="admin", until=None, collect=True),
                actor=session.actor.label,
            )
    except TimeoutError:
        raise Denied(408, "http.too_slow") from None
    except RefusedPaperError as error:
        raise Denied(STATUS.get(error.key, 422), error.key, **error.arguments) from None
    except OSError as error:
        raise Denied(507, "papers.not_kept", reason=error.strerror or "") from None
    return kept.attached


async def list_calls(call: Call) -> Any:
    """JSON, or by ``?format=csv&language=vi|en`` a table."""
    services = call.services
    limit = max(1, min(call.number("limit", LIST_PAGE), LONGEST_LIST))
    now = services.conductor.now()
    found = []
    for ident in await services.events.desk_calls(limit):
        made = record(await services.events.read(ident), now)
        if made is not None:
            found.append(made)
    topology = services.control.topology.current
    kind = call.request.query.get("format", "json")
    if kind == "json":
        names = {p.id: views.as_sentence(p.name) for p in topology.points if p.desk is not None}
        return CallRecords(calls=found, names=names)
    if kind != "csv":
        raise Denied(422, "api.bad_format")
    language = call.language()
    spoken = {p.id: p.name.text(language) for p in topology.points}
    table = _table(found, spoken, language, ZoneInfo(topology.bridge.zone))
    return attachment(table.encode(), "text/csv", "desk-calls.csv")


def _table(found: list[CallRecord], names: dict[str, str], language: str, zone: ZoneInfo) -> str:
    columns = ("called", "desk", "officer", "ring", "talk", "handed_over", "outcome")
    return as_csv(
        [text(language, f"desk.column_{column}") for column in columns],
        (
            [
                f"{datetime.fromtimestamp(row.called_at, zone):%Y-%m-%d %H:%M:%S}",
                names.get(row.desk, row.desk),
                names.get(row.officer, row.officer) if row.officer is not None else "",
                f"{row.ring_seconds:.0f}",
                f"{row.talk_seconds:.0f}",
                str(row.handed_over),
                text(language, f"desk.outcome_{row.outcome or 'running'}"),
            ]
            for row in found
        ),
    )


ROUTES = [
    Route(
        "POST",
        "/api/v1/desk-calls",
        call_officer,
        "public",
        "Call an officer; bearer: the session of a citizen's desk",
        CallBody,
        Accepted,
        201,
        headers=("Authorization", "Idempotency-Key"),
    ),
    Route(
        "GET",
        "/api/v1/desk-calls",
        list_calls,
        "reports",
        "The record of desk calls, newest first; also as csv",
        answer=CallRecords,
        query=("limit", "format", "language"),
    ),
    Route(
        "POST",
        "/api/v1/room/papers",
        add_case_paper,
        "public",
        "Bring a paper of the case into a desk call; bearer: the session of one of the two",
        answer=Paper,
        status=201,
        raw=True,
        headers=("Authorization",),
    ),
]
