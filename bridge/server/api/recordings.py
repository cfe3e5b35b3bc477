"""Recordings: which there are, their files, and their end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from bridge.accounts.auth import Denied
from bridge.base.i18n import Sentence
from bridge.conference import events as e
from bridge.control import views
from bridge.recordings.kept_recordings import Kept
from bridge.server.api.routes import Call, Route

MEDIA_TYPE = "video/x-matroska"


class RecordingView(msgspec.Struct, frozen=True, kw_only=True):
    """A recording. It began at ``at`` (UTC seconds); ``lost`` seconds of it are missing, and it is
    deleted at ``deleted_at`` (null: never). ``parts`` tell where an instant is in the file."""

    id: str
    conference: str
    title: Sentence
    at: float
    seconds: float
    octets: int
    sha256: str
    lost: float
    deleted_at: float | None
    parts: tuple[e.RecordingPart, ...]


def _view(kept: Kept) -> RecordingView:
    facts = kept.facts
    return RecordingView(
        id=facts.recording,
        conference=facts.conference,
        title=views.as_sentence(facts.title),
        at=facts.parts[0].at if facts.parts else kept.at,
        seconds=facts.seconds,
        octets=facts.octets,
        sha256=facts.sha256,
        lost=facts.lost,
        deleted_at=kept.deleted_at,
        parts=facts.parts,
    )


def found(call: Call) -> Kept:
    ident = call.param("id")
    kept = call.services.recordings.catalogue.kept.get(ident)
    if kept is None:
        raise Denied(404, "recordings.unknown", id=ident[:120])
    return kept


def file_of(call: Call, name: str) -> Path:
    path = call.services.recordings.catalogue.file(name)
    if not path.is_file():
        raise Denied(404, "recordings.file_gone", id=name)
    return path


async def list_recordings(call: Call) -> list[RecordingView]:
    """Finished recordings, newest first."""
    kept = call.services.recordings.catalogue.kept.values()
    return sorted(map(_view, kept), key=lambda view: -view.at)


async def show_recording(call: Call) -> RecordingView:
    return _view(found(call))


async def show_file(call: Call) -> Any:
    """The file, or a range of it (RFC 9110 section 14); ``?download=1`` to save it. Whoever begins
    to read it is in the audit trail, whoever goes on is not."""
    name = found(call).facts.recording
    path = file_of(call, name)
    saved = call.request.query.get("download") == "1"
    begins = call.request.headers.get("Range", "bytes=0-").strip().startswith("bytes=0-")
    if call.request.method == "GET" and begins:
        await call.note("recording download" if saved else "recording view", name)
    headers = {"Content-Type": MEDIA_TYPE, "Cache-Control": "private, no-store"}
    if saved:
        headers["Content-Disposition"] = f'attachment; filename="{name}.mkv"'
    return web.FileResponse(path, headers=headers)


async def delete_recording(call: Call) -> None:
    """Delete a recording before its time."""
    name = found(call).facts.recording
    try:
        await call.services.recordings.upkeep.delete(name, call.actor.label)
    except OSError as error:
        reason = error.strerror or ""
        raise Denied(409, "recordings.not_deleted", id=name, reason=reason) from None
    await call.note("recording delete", name)


ROUTES = [
    Route(
        "GET",
        "/api/v1/recordings",
        list_recordings,
        "watch",
        "Finished recordings, newest first",
        answer=list[RecordingView],
    ),
    Route(
        "GET",
        "/api/v1/recordings/{id}",
        show_recording,
        "watch",
        "A recording",
        answer=RecordingView,
    ),
    Route(
        "GET",
        "/api/v1/recordings/{id}/file",
        show_file,
        "watch",
        "A recording's file, or a range of it",
        media_type=MEDIA_TYPE,
        query=("download",),
        headers=("Range",),
    ),
    Route(
        "DELETE",
        "/api/v1/recordings/{id}",
        delete_recording,
        "admin",
        "Delete a recording",
        status=204,
    ),
]
