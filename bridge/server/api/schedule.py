"""Templates of conferences, the schedule made of them, and its feed for calendar programs."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web
from pydantic import ValidationError

from bridge.accounts.auth import Denied
from bridge.base.i18n import Sentence
from bridge.control import views
from bridge.reports import calendar
from bridge.server.api.routes import Call, Route, check_match, etag
from bridge.signalling.protocol import Upcoming
from config.loader import check_template
from config.schema import Template
from config.sentences import sentence_of
from config.vietnamese import vietnamese
from config.yaml_tree import dotted


class TemplateInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A template of conferences; ``editable`` where the console may change it."""

    id: str
    editable: bool
    template: dict[str, Any]


async def list_templates(call: Call) -> list[TemplateInfo]:
    stored = call.services.scheduler.stored()
    return [
        TemplateInfo(id=ident, editable=ident in stored, template=_plain(template))
        for ident, template in call.services.scheduler.written().items()
    ]


def _plain(template: Template) -> dict[str, Any]:
    plain = template.model_dump(mode="json", exclude_none=True)
    if template.minutes is not None:  # what it leaves out has no default: it is as elsewhere
        plain["minutes"] = template.minutes.model_dump(mode="json", exclude_unset=True)
    return plain


def _etagged(template: Template) -> bytes:
    return msgspec.json.encode(_plain(template))


async def show_template(call: Call) -> web.Response:
    template = call.services.scheduler.written().get(call.param("id"))
    if template is None:
        raise Denied(404, "api.unknown_template", id=call.param("id"))
    body = _etagged(template)
    return web.Response(body=body, content_type="application/json", headers={"ETag": etag(body)})


def _bad(problems: list[str], where: str = "") -> Denied:
    """A template is refused with these sentences, in both languages."""
    detail = Sentence(vi=where + " ".join(map(vietnamese, problems)), en=where + " ".join(problems))
    return Denied(422, "api.bad_template", detail=detail)


async def put_template(call: Call) -> web.Response:
    ident = call.param("id")
    services = call.services
    before = services.scheduler.written().get(ident)
    if before is not None and ident not in services.scheduler.stored():
        raise Denied(409, "api.template_of_topology", id=ident)
    check_match(call, _etagged(before) if before is not None else None)
    try:
        template = Template.model_validate({**call.body, "id": ident})
    except ValidationError as error:
        first = error.errors()[0]
        where = dotted(tuple(first["loc"]))
        raise _bad([sentence_of(first)], f"{where}: ") from None
    problems = check_template(template, services.control.topology.current)
    if problems:
        raise _bad(problems)
    now = services.conductor.now()
    body = _etagged(template)
    await services.accounts.put_template(ident, body.decode(), now)
    await services.scheduler.load()
    await call.note("template", ident)
    return web.Response(
        status=200 if before is not None else 201,
        body=body,
        content_type="application/json",
        headers={"ETag": etag(body)},
    )


async def delete_template(call: Call) -> None:
    ident = call.param("id")
    before = call.services.scheduler.written().get(ident)
    if before is None:
        raise Denied(404, "api.unknown_template", id=ident)
    if ident not in call.services.scheduler.stored():
        raise Denied(409, "api.template_of_topology", id=ident)
    check_match(call, _etagged(before))
    await call.services.accounts.delete_template(ident)
    await call.services.scheduler.load()
    await call.services.persons.forget(ident, 0, call.actor.label)  # nobody would find its list
    await call.note("template", ident, "deleted")


async def show_schedule(call: Call) -> list[Upcoming]:
    return [views.upcoming_view(u) for u in call.services.scheduler.upcoming]


async def calendar_feed(call: Call) -> web.Response:
    """ICS (RFC 5545) for calendar programs, which cannot log in: the key is in the address."""
    user = await call.services.accounts.user_of_calendar(call.request.query.get("key", ""))
    if user is None or user.disabled or not (user.may("watch") or user.may("own_points")):
        raise Denied(401, "account.log_in")
    language = call.language()
    topology = call.services.control.topology.current
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
