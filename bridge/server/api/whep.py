"""Watching: what there is to see under a name, and media by WHEP (draft-ietf-wish-whep).

An endpoint is a conference's id, or its template's. A POST of an offer makes a viewer, whose
address is its secret; a DELETE there ends it. Candidates need not be told: the bridge is ICE-lite,
so PATCH is refused as the draft has it (405).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from aiohttp import web

from bridge.accounts.auth import Denied
from bridge.audience import admittance
from bridge.audience.admittance import Refused
from bridge.audience.shown import WatchView
from bridge.audience.viewers import Viewer
from bridge.base import strict_json
from bridge.conference.model import Admits
from bridge.server.api import coming_in
from bridge.server.api.routes import Call, Route, etag, read_bounded
from bridge.server.guard.hosts import origin_of
from bridge.signalling.sdp import MAX_SDP, SdpError

ENDPOINT = "/api/v1/whep/{id}"
SESSION = ENDPOINT + "/{viewer}"


class AudienceInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Who may watch a conference, and who does, by how they were admitted. ``code`` admits now
    where a code is asked for; ``page`` is what viewers open, below this bridge's address."""

    admits: Admits
    code: str | None
    page: str
    viewers: dict[str, int]


async def show(call: Call) -> WatchView | web.Response:
    """What there is to see under a name, for who asks."""
    try:
        state, admitted, asker = await coming_in.admitted_of(call)
        if admitted.refusal == "watch.wrong_code":
            raise Refused(admitted.refusal)
        account = asker.identity is not None
        return call.services.audience.look(call.param("id"), state, admitted, account=account)
    except Refused as error:
        return coming_in.refused(call, error)


async def begin(call: Call) -> web.Response:
    """Answer a viewer's offer: 201 with the answer, and the viewer's own address."""
    audience = call.services.audience
    try:
        state, kind, login = await coming_in.let_in(call)
        if call.request.content_type != "application/sdp":
            raise Refused("watch.not_sdp")
        text = (await read_bounded(call.request, MAX_SDP + 1024)).decode("utf-8")
        viewer, answer = audience.begin(state, kind, login, call.address, text)
    except Refused as error:
        return coming_in.refused(call, error)
    except UnicodeDecodeError:
        return coming_in.refused(call, Refused("watch.bad_offer", "The SDP is not UTF-8."))
    except strict_json.NotUsable:
        return coming_in.refused(call, Refused("watch.too_large"))
    except SdpError as error:
        return coming_in.refused(call, Refused("watch.bad_offer", str(error)))
    headers = {
        **coming_in.ANSWERED,
        "Location": f"/api/v1/whep/{call.param('id')}/{viewer.name}",
        "ETag": etag(answer.encode()),
    }
    return web.Response(status=201, content_type="application/sdp", text=answer, headers=headers)


def _viewer(call: Call) -> Viewer:
    return coming_in.viewer_of(call, call.services.audience.named(call.param("viewer")))


async def leave(call: Call) -> web.Response:
    """A viewer ends: its media stops at once."""
    call.services.audience.end(_viewer(call), "ended")
    return web.Response(headers=coming_in.ANSWERED)


async def no_patch(call: Call) -> web.Response:
    """Neither trickled candidates nor an ICE restart: the bridge needs neither."""
    response = coming_in.refused(call, Refused("watch.no_patch"))
    response.headers["Allow"] = "DELETE, OPTIONS"
    return response


async def options(call: Call) -> web.Response:
    """What an endpoint takes; also the preflight of a page elsewhere."""
    headers = {
        **coming_in.ANSWERED,
        "Accept-Post": "application/sdp",
        "Access-Control-Allow-Methods": "POST, DELETE, PATCH, OPTIONS",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
        "Access-Control-Max-Age": "600",
    }
    return web.Response(status=204, headers=headers)


async def follow(call: Call) -> web.StreamResponse:
    """What is new for a viewer, as it happens (server-sent events): `WatchView` documents, the last
    one with ``why``."""
    return await coming_in.follow(call, _viewer(call))


async def info(call: Call) -> AudienceInfo:
    """Who may watch, the code, and how many do: for who directs."""
    state = call.services.conductor.states.get(call.param("id"))
    if state is None:
        raise Denied(404, "refusal.unknown_conference", id=call.param("id")[:100])
    code = None
    if state.audience == "code":
        code = admittance.written(call.services.audience.code(state))
    return AudienceInfo(
        admits=state.audience,
        code=code,
        page=f"/watch/{state.booking.id}",
        viewers=call.services.audience.watching(state.booking.id),
    )


def cross_origin(request: web.Request, pages: list[str]) -> Mapping[str, str] | None:
    """Headers for a page elsewhere that may play by WHEP and read what is open; None where the
    page is none of these."""
    origin = request.headers.get("Origin", "")
    mine = ("/api/v1/whep/", "/api/v1/hls/", "/api/v1/watch", "/api/v1/oembed")
    if not request.path.startswith(mine) or origin_of(origin) is None:
        return None
    if origin_of(origin) not in [origin_of(page) for page in pages]:
        return None
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}


ROUTES = [
    Route(
        "GET",
        "/api/v1/watch/{id}",
        show,
        "public",
        "What there is to see under a name; bearer: a code",
        answer=WatchView,
        headers=("Authorization",),
    ),
    Route(
        "POST",
        ENDPOINT,
        begin,
        "public",
        "Watch by WHEP: exchange an offer for an answer; bearer: a code",
        status=201,
        media_type="application/sdp",
        headers=("Authorization",),
    ),
    Route("OPTIONS", ENDPOINT, options, "public", "What a WHEP endpoint takes", status=204),
    Route("DELETE", SESSION, leave, "public", "Stop watching", status=200),
    Route("PATCH", SESSION, no_patch, "public", "Refused: nothing is to be trickled", status=204),
    Route("OPTIONS", SESSION, options, "public", "What a WHEP session takes", status=204),
    Route(
        "GET",
        SESSION + "/events",
        follow,
        "public",
        "What is new for a viewer, as server-sent events",
        media_type="text/event-stream",
    ),
    Route(
        "GET",
        "/api/v1/conferences/{id}/audience",
        info,
        "direct",
        "Who may watch a conference, the code, and how many do",
        answer=AudienceInfo,
    ),
]
