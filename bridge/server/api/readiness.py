"""The readiness sweep: start one, look at the board, take it home as a file."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated, Any

import msgspec
from aiohttp import web

from bridge.accounts.auth import Denied
from bridge.control import views
from bridge.lines.board import Board
from bridge.reports.readiness_record import ReadinessDocument
from bridge.server.api.routes import Call, Route, attachment

log = logging.getLogger("readiness")

_running: set[asyncio.Task[Board]] = set()


class SweepBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a sweep tests: the points of ``template``, all where it is left out; calls and
    capacity too where ``full``. Lines are watched for ``window`` seconds."""

    template: Annotated[str, msgspec.Meta(max_length=64)] = ""
    full: bool = True
    window: Annotated[float, msgspec.Meta(ge=3, le=60)] = 15.0


async def show_board(call: Call) -> Board:
    return call.services.readiness.current


async def start_sweep(call: Call) -> Board:
    """Begin a sweep; ask for the board to follow it."""
    body: SweepBody = call.body
    services = call.services
    topology = services.control.topology.current
    points = list(services.control.topology.points)
    title = views.as_sentence(topology.conference.title)
    if body.template:
        template = services.scheduler.templates().get(body.template)
        if template is None:
            raise Denied(404, "api.unknown_template", id=body.template)
        points = list(template.points) or points
        title = views.as_sentence(template.title)
    if services.readiness.running:
        raise Denied(409, "api.sweep_runs")
    task = asyncio.create_task(
        services.readiness.sweep(
            points,
            title,
            call.user.name,
            full=body.full,
            template=body.template,
            window=body.window,
        )
    )
    _running.add(task)
    task.add_done_callback(_ended)
    await call.note("readiness sweep", body.template)
    await asyncio.sleep(0)  # it has begun
    return services.readiness.current


def _ended(task: asyncio.Task[Board]) -> None:
    _running.discard(task)
    if not task.cancelled() and task.exception() is not None:
        log.error("a readiness sweep failed", exc_info=task.exception())


async def show_still(call: Call) -> web.Response:
    """What the camera of a room saw in its last test call."""
    picture = call.services.readiness.calls.still(call.param("id"))
    if picture is None:
        raise Denied(404, "api.no_still")
    return web.Response(
        body=picture, content_type="image/jpeg", headers={"Cache-Control": "no-store"}
    )


async def document(call: Call) -> Any:
    """The board as a file, by ``?format=pdf|csv&language=vi|en``."""
    board = call.services.readiness.current
    if board.at == 0:
        raise Denied(404, "api.no_sweep")
    query = call.request.query
    kind, language = query.get("format", "pdf"), query.get("language", "vi")
    if kind not in ("pdf", "csv") or language not in ("vi", "en"):
        raise Denied(422, "api.bad_format")
    topology = call.services.control.topology.current
    made = ReadinessDocument(board, language, topology.bridge.zone)
    if kind == "pdf":
        body = await asyncio.to_thread(made.pdf, topology.bridge.name.text(language))
        media_type = "application/pdf"
    else:
        body, media_type = made.csv().encode(), "text/csv"
    return attachment(body, media_type, f"readiness.{kind}")


ROUTES = [
    Route("GET", "/api/v1/readiness", show_board, "watch", "The go / no-go board", answer=Board),
    Route(
        "POST",
        "/api/v1/readiness",
        start_sweep,
        "direct",
        "Begin a readiness sweep",
        SweepBody,
        Board,
        202,
    ),
    Route(
        "GET",
        "/api/v1/readiness/{id}/still",
        show_still,
        "watch",
        "What a room's camera saw in its last test call",
        media_type="image/jpeg",
    ),
    Route(
        "GET",
        "/api/v1/readiness/report",
        document,
        "watch",
        "The board as a file",
        media_type="application/pdf",
        query=("format", "language"),
    ),
]
