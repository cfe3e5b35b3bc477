"""What anybody may watch, for pages of others: a list, a calendar, and frames by oEmbed. Only of
conferences that are open to anybody: the others are not told of.
"""

from __future__ import annotations

import html
from typing import Literal
from urllib.parse import unquote, urlsplit

import msgspec
from aiohttp import web

from bridge.accounts.auth import Denied
from bridge.base.i18n import Sentence
from bridge.control import views
from bridge.reports import calendar
from bridge.server.api.routes import Call, Route

WIDTH, HEIGHT = 960, 540  # of a frame, pixels
LEAST = 160  # of a frame's width
AGE = 60  # seconds that others may keep the list


class OpenConference(msgspec.Struct, frozen=True, kw_only=True):
    """A conference that anybody may watch, now or when it begins; ``page`` is below this bridge's
    address, times are UTC seconds."""

    id: str
    title: Sentence
    phase: Literal["planned", "open", "live"]
    start: float | None
    end: float | None
    page: str


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What oEmbed (version 1.0, https://oembed.com) tells of a page that is a frame."""

    type: Literal["rich"] = "rich"
    version: Literal["1.0"] = "1.0"
    title: str
    provider_name: str
    html: str
    width: int
    height: int


def _open(call: Call) -> list[OpenConference]:
    services = call.services
    running = [s for s in services.conductor.running() if s.audience == "anybody"]
    found = [
        OpenConference(
            id=state.booking.id,
            title=views.as_sentence(state.booking.title),
            phase="live" if state.phase == "live" else "open",
            start=state.started_at or state.booking.start,
            end=state.end,
            page=f"/watch/{state.booking.id}",
        )
        for state in running
    ]
    now = services.conductor.now()
    templates = services.scheduler.templates()
    busy = {(state.booking.template, state.booking.start) for state in running}
    for coming in services.scheduler.upcoming:
        template = templates.get(coming.template)
        if template is None or template.rules.audience != "anybody" or coming.start < now:
            continue
        if (coming.template, coming.start) not in busy:
            found.append(
                OpenConference(
                    id=coming.template,
                    title=views.as_sentence(coming.title),
                    phase="planned",
                    start=coming.start,
                    end=coming.end,
                    page=f"/watch/{coming.template}",
                )
            )
    return found


async def list_open(call: Call) -> list[OpenConference]:
    """Those that run, then those that are planned, soonest first."""
    return _open(call)


async def open_calendar(call: Call) -> web.Response:
    """The same as a calendar (RFC 5545); it needs no key, and holds nothing else."""
    language = call.language()
    topology = call.services.control.topology.current
    found = call.services.scheduler.templates().values()
    body = calendar.feed(
        [template for template in found if template.rules.audience == "anybody"],
        topology.bridge.zone,
        topology.bridge.name.text(language),
        language,
        call.services.conductor.now(),
    )
    headers = {"Cache-Control": f"public, max-age={AGE}"}
    return web.Response(body=body, content_type="text/calendar", charset="utf-8", headers=headers)


async def oembed(call: Call) -> Frame:
    """A frame for the page of a conference that anybody may watch."""
    query = call.request.query
    if query.get("format", "json") != "json":
        raise Denied(501, "watch.only_json")
    asked = urlsplit(query.get("url", "")[:500])
    first, _, ident = asked.path.lstrip("/").partition("/")
    shown = [x for x in _open(call) if x.page == f"/watch/{unquote(ident)}"]
    state = call.services.audience.find(unquote(ident)) if first == "watch" else None
    if first != "watch" or asked.netloc != call.request.host:
        raise Denied(404, "watch.closed")
    title = shown[0].title if shown else None
    if title is None and state is not None and state.audience == "anybody":
        title = views.as_sentence(state.booking.title)
    if title is None:
        raise Denied(404, "watch.closed")
    width = max(LEAST, min(call.number("maxwidth", WIDTH), WIDTH))
    height = min(width * HEIGHT // WIDTH, call.number("maxheight", HEIGHT))
    page = f"{asked.scheme}://{call.request.host}/watch/{ident}"
    return Frame(
        title=title.vi,
        provider_name=call.services.control.topology.current.bridge.name.text("vi"),
        html=(
            f'<iframe src="{html.escape(page)}" width="{width}" height="{height}" '
            f'allow="autoplay; fullscreen" title="{html.escape(title.vi)}"></iframe>'
        ),
        width=width,
        height=height,
    )


ROUTES = [
    Route(
        "GET",
        "/api/v1/watch",
        list_open,
        "public",
        "Conferences that anybody may watch, running and planned",
        answer=list[OpenConference],
    ),
    Route(
        "GET",
        "/api/v1/watch.ics",
        open_calendar,
        "public",
        "The same as a calendar",
        media_type="text/calendar",
        query=("language",),
    ),
    Route(
        "GET",
        "/api/v1/oembed",
        oembed,
        "public",
        "A frame for the page of a conference (oEmbed)",
        answer=Frame,
        query=("url", "maxwidth", "maxheight", "format"),
    ),
]
