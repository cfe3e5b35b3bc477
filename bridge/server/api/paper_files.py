"""Papers: which there are, their files and pages, who sees them, and their end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from aiohttp import web

from bridge.accounts.auth import Denied
from bridge.conference import events as e
from bridge.conference.model import MAX_PAPERS, Paper, Point, SeenBy
from bridge.control.sessions import Session
from bridge.papers.kept_papers import KeptPaper
from bridge.papers.page_pictures import NotDrawnError
from bridge.papers.taking_in import LARGEST, RefusedPaperError
from bridge.papers.visibility import Rules
from bridge.server.api.routes import BODY_RATE, BODY_TIMEOUT, Call, Route, token_of

PIECE = 1 << 16  # octets
PICTURE = "image/webp"
WIDEST = 10_000  # pixels that may be asked for; it is drawn in one of `page_pictures.WIDTHS`
STATUS = {
    "papers.too_large": 413,
    "papers.busy": 503,
    "papers.no_space": 507,
    "papers.unknown": 404,
    "papers.file_gone": 404,
}


class PaperView(msgspec.Struct, frozen=True, kw_only=True):
    """A paper in its newest version, which came at ``at`` (UTC seconds). ``of`` is its conference,
    or the template of which every conference has it. Who sees it is as in `PaperRules`."""

    id: str
    version: int
    of: str
    title: str
    kind: str
    pages: int
    octets: int
    sha256: str
    at: float
    actor: str
    scripts: bool
    scanned: bool
    points: tuple[str, ...]
    seen_by: SeenBy
    until: float | None
    collect: bool


class PaperList(msgspec.Struct, frozen=True, kw_only=True):
    """Papers, newest first; whether a scanner for viruses looks at new ones, and whether office
    documents are taken."""

    papers: list[PaperView]
    scanner: bool
    office: bool


class RoomPapers(msgspec.Struct, frozen=True, kw_only=True):
    """The papers that a room may see, newest first."""

    papers: tuple[Paper, ...]


class PaperRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who sees a paper: rooms of ``points`` (none: all of its conference) and people with the right
    ``seen_by``, until ``until`` (UTC seconds; null: for good). With ``collect`` rooms see it no
    longer than the conference lasts."""

    points: Annotated[tuple[Point, ...], msgspec.Meta(max_length=500)] = ()
    seen_by: SeenBy = "watch"
    until: float | None = None
    collect: bool = True


def view(kept: KeptPaper) -> PaperView:
    facts = kept.facts
    return PaperView(
        id=facts.paper,
        version=facts.version,
        of=facts.of,
        title=facts.title,
        kind=facts.kind,
        pages=facts.pages,
        octets=facts.octets,
        sha256=facts.sha256,
        at=kept.at,
        actor=kept.actor,
        scripts=facts.scripts,
        scanned=facts.scanned,
        points=facts.points,
        seen_by=facts.seen_by,
        until=facts.until,
        collect=facts.collect,
    )


def _found(call: Call) -> KeptPaper:
    """The paper that a person asks for. Raises `Denied`."""
    ident = call.param("id")
    kept = call.services.papers.catalogue.kept.get(ident)
    if kept is None:
        raise Denied(404, "papers.unknown", id=ident[:120])
    if not kept.rules.for_user(call.user, call.services.conductor.now()):
        raise Denied(403, "papers.not_for_you")
    return kept


async def list_papers(call: Call) -> PaperList:
    """Papers of a conference or template (``of``), or all; those that the asker may see."""
    of = call.request.query.get("of")
    now = call.services.conductor.now()
    papers = call.services.papers
    found = [
        view(kept)
        for kept in papers.catalogue.kept.values()
        if (of is None or kept.facts.of == of) and kept.rules.for_user(call.user, now)
    ]
    return PaperList(
        papers=sorted(found, key=lambda view: -view.at),
        scanner=papers.intake.scanner() is not None,
        office=papers.intake.office() is not None,
    )


async def show_paper(call: Call) -> PaperView:
    return view(_found(call))


async def add_paper(call: Call) -> PaperView:
    """Take a file in, whose octets are the body; as a new version of the paper that it
    ``replaces``, or as a paper of the conference or template ``of``. ``name`` is what the file is
    called; ``points`` (with commas between), ``seen_by``, ``until`` and ``keep`` (1: rooms see it
    after the conference, too) are its rules."""
    query = call.request.query
    of, replaces = query.get("of", ""), query.get("replaces", "")
    if not replaces:
        await _belongs_somewhere(call, of)
    try:
        rules = msgspec.convert(
            {
                "points": [point for point in query.get("points", "").split(",") if point],
                "seen_by": query.get("seen_by", "watch"),
                "until": float(query["until"]) if "until" in query else None,
                "collect": query.get("keep", "") != "1",
            },
            type=PaperRules,
        )
    except (ValueError, msgspec.ValidationError) as error:
        raise Denied(422, "papers.bad_rules", reason=str(error)[:200]) from None
    try:
        async with asyncio.timeout(BODY_TIMEOUT + LARGEST / BODY_RATE):
            kept = await call.services.papers.take(
                pieces(call.request),
                call.request.content_length,
                of=of,
                name=query.get("name", ""),
                rules=_rules(rules),
                actor=call.actor.label,
                replaces=replaces,
            )
    except TimeoutError:
        raise Denied(408, "http.too_slow") from None
    except RefusedPaperError as error:
        await call.note("paper add", of or replaces, error.key)
        raise Denied(STATUS.get(error.key, 422), error.key, **error.arguments) from None
    except OSError as error:
        raise Denied(507, "papers.not_kept", reason=error.strerror or "") from None
    await call.note("paper add", kept.facts.paper)
    return view(kept)


async def _belongs_somewhere(call: Call, of: str) -> None:
    """Raises `Denied` where ``of`` is no conference and no template."""
    services = call.services
    if of in services.conductor.states or of in services.scheduler.templates():
        return
    if not of or not await services.events.exists(of):
        raise Denied(422, "papers.of_nothing", id=of[:120])


async def pieces(request: web.Request) -> AsyncIterator[bytes]:
    async for piece in request.content.iter_chunked(PIECE):
        yield piece


def _rules(rules: PaperRules) -> Rules:
    return Rules(
        points=rules.points, seen_by=rules.seen_by, until=rules.until, collect=rules.collect
    )


async def show_file(call: Call) -> Any:
    """The file as it was brought, to be saved; ``version`` is another one than the newest."""
    kept = _found(call)
    facts = _version(call, kept)
    path = await call.services.papers.copies.file(facts.sha256)
    if not path.is_file():
        raise Denied(404, "papers.file_gone")
    await call.note("paper download", facts.paper)
    # Its own type would let a browser open it here, with what is in it.
    headers = {
        "Content-Type": "application/octet-stream",
        "Cache-Control": "private, no-store",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(facts.title, safe='')}",
    }
    return web.FileResponse(path, headers=headers)


def _version(call: Call, kept: KeptPaper) -> e.PaperKept:
    facts = kept.version(call.number("version", kept.facts.version))
    if facts is None:
        raise Denied(404, "papers.unknown_version", id=kept.facts.paper)
    return facts


async def show_page(call: Call) -> Any:
    """A page as a picture, at least ``width`` pixels across where it is drawn so wide."""
    return await _page(call, _version(call, _found(call)))


async def list_room_papers(call: Call) -> RoomPapers:
    """The papers that a room may see now; bearer: its session."""
    point = room_session(call).point
    kept = call.services.papers.catalogue.kept.values()
    found = [paper for paper in kept if point is not None and await _for_room(call, point, paper)]
    newest = sorted(found, key=lambda paper: -paper.at)[:MAX_PAPERS]
    return RoomPapers(papers=tuple(paper.attached for paper in newest))


async def _for_room(call: Call, point: str, kept: KeptPaper) -> bool:
    """Whether a room may see a paper: of the conference that it is in, or of another one of its own
    after which papers are not collected."""
    services, of = call.services, kept.facts.of
    if not kept.rules.for_room(point, services.conductor.now()):
        return False
    state = services.conductor.conference_of(point)
    if state is not None and kept.facts.paper in state.papers:
        return True
    if kept.rules.collect:
        return False
    if of in services.conductor.states:
        return point in services.conductor.states[of].points
    template = services.scheduler.templates().get(of)
    if template is not None:
        return point in (template.points or services.control.topology.points)
    opened = await services.events.of_kind(of, "opened")
    return any(isinstance(o.event, e.Opened) and point in o.event.booking.points for o in opened)


async def show_room_page(call: Call) -> Any:
    """A page for a room, of a paper that it may see now; bearer: its session."""
    session = room_session(call)
    point, ident = session.point, call.param("id")
    kept = call.services.papers.catalogue.kept.get(ident)
    if kept is None or point is None or not await _for_room(call, point, kept):
        raise Denied(404, "papers.unknown", id=ident[:120])
    return await _page(call, _version(call, kept))


def room_session(call: Call) -> Session:
    token, by_cookie = token_of(call.request)
    session = None if by_cookie else call.services.control.sessions.get(token)
    if session is None:
        raise Denied(401, "http.no_session")
    return session


async def _page(call: Call, facts: e.PaperKept) -> web.Response:
    text = call.param("page")
    page = int(text) if text.isdecimal() and len(text) < 7 else 0
    if not 1 <= page <= facts.pages:
        raise Denied(404, "refusal.unknown_page", page=text[:20], pages=str(facts.pages))
    width = min(call.number("width", 0), WIDEST)
    try:
        picture = await call.services.papers.page(facts, page, width)
    except NotDrawnError as error:
        raise Denied(STATUS.get(error.key, 422), error.key, **error.arguments) from None
    headers = {"Cache-Control": "private, no-store"}  # it may be taken away again
    return web.Response(body=picture, content_type=PICTURE, headers=headers)


async def rule_paper(call: Call) -> PaperView:
    """Decide who sees a paper."""
    name = _found(call).facts.paper
    await call.services.papers.rule(name, _rules(call.body), call.actor.label)
    await call.note("paper rules", name)
    return view(_found(call))


async def remove_paper(call: Call) -> None:
    """Delete a paper in all its versions."""
    name = _found(call).facts.paper
    await call.services.papers.remove(name, call.actor.label)
    await call.note("paper delete", name)


ROUTES = [
    Route(
        "GET",
        "/api/v1/papers",
        list_papers,
        "watch",
        "Papers, newest first",
        answer=PaperList,
        query=("of",),
    ),
    Route(
        "POST",
        "/api/v1/papers",
        add_paper,
        "direct",
        "Take in a paper, or another version of one",
        answer=PaperView,
        status=201,
        raw=True,
        query=("of", "name", "replaces", "points", "seen_by", "until", "keep"),
    ),
    Route("GET", "/api/v1/papers/{id}", show_paper, "watch", "A paper", answer=PaperView),
    Route(
        "GET",
        "/api/v1/papers/{id}/file",
        show_file,
        "watch",
        "A paper's file as it was brought",
        media_type="application/octet-stream",
        query=("version",),
    ),
    Route(
        "GET",
        "/api/v1/papers/{id}/pages/{page}",
        show_page,
        "watch",
        "A page as a picture",
        media_type=PICTURE,
        query=("version", "width"),
    ),
    Route(
        "GET",
        "/api/v1/room/papers",
        list_room_papers,
        "public",
        "The papers that a room may see; bearer: its session",
        answer=RoomPapers,
        headers=("Authorization",),
    ),
    Route(
        "GET",
        "/api/v1/room/papers/{id}/pages/{page}",
        show_room_page,
        "public",
        "A page for a room; bearer: its session",
        media_type=PICTURE,
        query=("version", "width"),
        headers=("Authorization",),
    ),
    Route(
        "PATCH",
        "/api/v1/papers/{id}",
        rule_paper,
        "direct",
        "Decide who sees a paper",
        PaperRules,
        PaperView,
    ),
    Route(
        "DELETE",
        "/api/v1/papers/{id}",
        remove_paper,
        "direct",
        "Delete a paper",
        status=204,
    ),
]
