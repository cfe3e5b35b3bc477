"""Recordings: which there are, their files, and their end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
from aiohttp import web

from bridge.accounts.auth import Denied
from bridge.base.i18n import Sentence
from bridge.base.roles import User
from bridge.conference import events as e
from bridge.conference.model import MAX_KEEP_DAYS, SeenBy
from bridge.control import views
from bridge.recordings.kept_recordings import Kept
from bridge.server.api import byte_ranges
from bridge.server.api.routes import Call, Route
from bridge.server.problems import problem

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
    keep_days: int | None
    seen_by: SeenBy
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
        keep_days=facts.keep_days,
        seen_by=facts.seen_by,
        parts=facts.parts,
    )


class RecordingRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who sees a recording, and after how many days from its end it is deleted; null: it is kept
    until somebody deletes it."""

    seen_by: SeenBy
    keep_days: Annotated[int, msgspec.Meta(ge=1, le=MAX_KEEP_DAYS)] | None


def may_see(user: User, kept: Kept) -> bool:
    """Whether a recording is for somebody. Auditors read everything."""
    return user.may(kept.facts.seen_by) or user.may("inspect")


def found(call: Call) -> Kept:
    """The recording that is asked for. Raises `Denied`."""
    ident = call.param("id")
    kept = call.services.recordings.catalogue.kept.get(ident)
    if kept is None:
        raise Denied(404, "recordings.unknown", id=ident[:120])
    if not may_see(call.user, kept):
        raise Denied(403, "recordings.not_for_you")
    return kept


def file_of(call: Call, name: str) -> Path:
    path = call.services.recordings.catalogue.file(name)
    if not path.is_file():
        raise Denied(404, "recordings.file_gone", id=name)
    return path


async def list_recordings(call: Call) -> list[RecordingView]:
    """Finished recordings, newest first."""
    kept = call.services.recordings.catalogue.kept.values()
    seen = [_view(item) for item in kept if may_see(call.user, item)]
    return sorted(seen, key=lambda view: -view.at)


async def show_recording(call: Call) -> RecordingView:
    return _view(found(call))


async def show_file(call: Call) -> Any:
    """The file, or a range of it (RFC 9110 section 14); ``?download=1`` to save it. Whoever begins
    to read it is in the audit trail, at whatever octet; whoever goes on is not."""
    name = found(call).facts.recording
    path = file_of(call, name)
    size = byte_ranges.size_of(path)
    if size is not None and byte_ranges.unusable(call.request, size):
        call.services.recordings.refuse_range()
        response = problem(416, "recordings.bad_range", size=str(size))
        response.headers.update(byte_ranges.whole(size))
        return response
    saved = call.request.query.get("download") == "1"
    begins = call.request.headers.get("Range", "bytes=0-").strip().startswith("bytes=0-")
    if call.services.viewings.begins(call.user.name, name, call.services.conductor.now(), begins):
        await call.note("recording download" if saved else "recording view", name)
    headers = {"Content-Type": MEDIA_TYPE, "Cache-Control": "private, no-store"}
    if saved:
        headers["Content-Disposition"] = f'attachment; filename="{name}.mkv"'
    return web.FileResponse(path, headers=headers)


async def rule_recording(call: Call) -> RecordingView:
    """Decide who sees a recording and how long it is kept."""
    name = found(call).facts.recording
    rules: RecordingRules = call.body
    event = e.RecordingRuled(recording=name, seen_by=rules.seen_by, keep_days=rules.keep_days)
    await call.services.recordings.catalogue.add(event, call.actor.label)
    await call.note("recording rules", name)
    return _view(found(call))


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
        "PATCH",
        "/api/v1/recordings/{id}",
        rule_recording,
        "admin",
        "Decide who sees a recording and how long it is kept",
        RecordingRules,
        RecordingView,
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
