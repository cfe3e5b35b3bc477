"""Minutes of conferences as files: drafted from the log whenever somebody asks."""

from __future__ import annotations

import asyncio
import re

from aiohttp import web

from bridge.accounts.auth import Denied
from bridge.conference import events as e
from bridge.conference.proceedings import proceedings
from bridge.reports.minutes.as_docx import as_docx
from bridge.reports.minutes.as_pdf import as_pdf
from bridge.reports.minutes.drafting import Setting, draft
from bridge.reports.minutes.sheet import Sheet
from bridge.server.api.proofs import proof_of
from bridge.server.api.routes import Call, Route, attachment
from config.minutes_schema import Minutes
from config.room_address import room_address

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_NUMBER = re.compile(r"[\w.-]{1,20}")


def _settings(call: Call, template: str) -> Minutes:
    """How minutes of conferences of a template are headed."""
    general = call.services.control.topology.current.bridge.minutes
    found = call.services.scheduler.templates().get(template)
    own = found.minutes if found is not None else None
    return own.under(general) if own is not None else general


async def _sheet(call: Call) -> Sheet:
    """The draft; Vietnamese unless ``?language=en``, with ``?number=`` as its number."""
    ident = call.param("id")
    number = call.request.query.get("number", "")
    if number and not _NUMBER.fullmatch(number):
        raise Denied(422, "minutes.bad_number")
    log = await call.services.events.read(ident)
    # Other streams are in the same log, and are no conference.
    if not log or not isinstance(log[0].event, e.Opened):
        raise Denied(404, "refusal.unknown_conference", id=ident)
    if log[0].event.booking.kind == "desk_call":
        raise Denied(409, "minutes.of_desk_call")
    language = call.language()
    topology = call.services.control.topology.current
    setting = Setting(
        minutes=_settings(call, log[0].event.booking.template),
        bridge=topology.bridge.name.text(language),
        names={p.id: p.name.text(language) for p in topology.points},
        language=language,
        zone=topology.bridge.zone,
        number=number,
        verify=f"{room_address(topology)}/verify",
    )
    told = await asyncio.to_thread(proceedings, log, call.services.conductor.now())
    named = call.services.persons.named(ident, told.report.persons)
    return draft(told, setting._replace(persons=named), proof_of(call, ident))


def _name(call: Call, ending: str) -> str:
    return f"{call.param('id')}-minutes.{ending}"


async def show_docx(call: Call) -> web.Response:
    body = await asyncio.to_thread(as_docx, await _sheet(call))
    return attachment(body, DOCX, _name(call, "docx"))


async def show_pdf(call: Call) -> web.Response:
    body = await asyncio.to_thread(as_pdf, await _sheet(call))
    return attachment(body, "application/pdf", _name(call, "pdf"))


ROUTES = [
    Route(
        "GET",
        "/api/v1/conferences/{id}/minutes.docx",
        show_docx,
        "reports",
        "The minutes of a conference, drafted from its log, to be edited",
        query=("language", "number"),
        media_type=DOCX,
    ),
    Route(
        "GET",
        "/api/v1/conferences/{id}/minutes.pdf",
        show_pdf,
        "reports",
        "The minutes of a conference, drafted from its log, to be signed",
        query=("language", "number"),
        media_type="application/pdf",
    ),
]
