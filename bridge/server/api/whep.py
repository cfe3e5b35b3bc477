"""Watching: what there is to see under a name, and media by WHEP (draft-ietf-wish-whep).

An endpoint is a conference's id, or its template's. A POST of an offer makes a viewer, whose
address is its secret; a DELETE there ends it. Candidates need not be told: the bridge is ICE-lite,
so PATCH is refused as the draft has it (405).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec
from aiohttp import web

from bridge.accounts.auth import Denied, Identity
from bridge.audience import admittance
from bridge.audience.admittance import Admission
from bridge.audience.shown import WatchView
from bridge.audience.viewers import Viewer
from bridge.audience.watching import Audience, Refused
from bridge.base import strict_json
from bridge.conference.model import Admits, State
from bridge.server.api.routes import COOKIE, Call, Route, etag, must_change, read_bounded
from bridge.server.guard.hosts import origin_of
from bridge.server.problems import problem
from bridge.signalling.sdp import MAX_SDP, SdpError

ENDPOINT = "/api/v1/whep/{id}"
SESSION = ENDPOINT + "/{viewer}"
LIFE = 10.0  # seconds between signs of life to a viewer's page
STATUS = {
    "closed": 404,
    "needs_accounts": 401,
    "needs_code": 401,
    "wrong_code": 401,
    "wait": 429,
    "not_begun": 409,
    "no_worker": 503,
    "full": 503,
    "address_full": 503,
    "link_full": 503,
    "bad_offer": 400,
    "not_sdp": 415,
    "too_large": 413,
}
AGAIN = {"not_begun": 5, "no_worker": 2, "full": 30, "address_full": 30, "link_full": 30}
"""Seconds after which it makes sense to ask again."""
ANSWERED = {
    "Access-Control-Expose-Headers": "Location, ETag, Retry-After",
    "Cache-Control": "no-store",
}


class AudienceInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Who may watch a conference, and who does, by how they were admitted. ``code`` admits now
    where a code is asked for; ``page`` is what viewers open, below this bridge's address."""

    admits: Admits
    code: str | None
    page: str
    viewers: dict[str, int]


class _Asker(msgspec.Struct, frozen=True):
    """Who asks: an account, or whoever gives (or does not give) a code."""

    identity: Identity | None
    given: str


async def _asker(call: Call) -> _Asker:
    """By bearer: the token of a login, or a code. By cookie only from pages of our own."""
    scheme, _, given = call.request.headers.get("Authorization", "").partition(" ")
    given = given.strip() if scheme.lower() == "bearer" else ""
    token = given
    if not given and _own_page(call.request):
        token = call.request.cookies.get(COOKIE, "")
    identity = await call.services.auth.identify(token, call.address)
    if identity is not None and identity.login and must_change(call.services, identity.user):
        identity = None
    return _Asker(identity, given)


def _own_page(request: web.Request) -> bool:
    """Whether a page of this bridge asks (RFC 6454; a program sends neither header)."""
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if origin is None:
        return site in ("same-origin", "none")
    return origin_of(origin) == origin_of(f"{request.scheme}://{request.host}")


async def _admitted(call: Call) -> tuple[State | None, Admission, _Asker]:
    """Who asks and how they are admitted. A wrong code is counted by address, whatever it was tried
    at; while an address has to wait nothing is tried. Raises `Refused`."""
    audience, entry = call.services.audience, call.services.entry
    wait = entry.wait(call.address)
    if wait:
        raise Refused("watch.wait", f"{wait:.0f} s")
    asker = await _asker(call)
    state = audience.find(call.param("id"))
    account = asker.identity is not None
    admitted = audience.admission(state, account=account, given=asker.given)
    if asker.given and not account and admitted.kind != "code":
        entry.failed(call.address)
        if admitted.refusal == "watch.needs_code":
            admitted = Admission("", "watch.wrong_code")
    return state, admitted, asker


def _refused(call: Call, error: Refused) -> web.Response:
    call.services.audience.refuse(error.key)
    word = error.key.rpartition(".")[2]
    response = problem(STATUS[word], error.key, detail=error.detail)
    if word in AGAIN:
        response.headers["Retry-After"] = str(AGAIN[word])
    if word == "wait":
        response.headers["Retry-After"] = error.detail.partition(" ")[0]
    if response.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    response.headers.update(ANSWERED)
    return response


async def show(call: Call) -> WatchView | web.Response:
    """What there is to see under a name, for who asks."""
    try:
        state, admitted, asker = await _admitted(call)
        if admitted.refusal == "watch.wrong_code":
            raise Refused(admitted.refusal)
        account = asker.identity is not None
        return call.services.audience.look(call.param("id"), state, admitted, account=account)
    except Refused as error:
        return _refused(call, error)


async def begin(call: Call) -> web.Response:
    """Answer a viewer's offer: 201 with the answer, and the viewer's own address."""
    audience = call.services.audience
    try:
        if not call.services.entry.offers(call.address):
            raise Refused("watch.wait", "1 s")
        state, admitted, asker = await _admitted(call)
        if state is None or not admitted.kind:
            raise Refused(admitted.refusal)
        if call.request.content_type != "application/sdp":
            raise Refused("watch.not_sdp")
        text = (await read_bounded(call.request, MAX_SDP + 1024)).decode("utf-8")
        login = asker.identity.login if asker.identity is not None else ""
        viewer, answer = audience.begin(state, admitted.kind, login, call.address, text)
    except Refused as error:
        return _refused(call, error)
    except UnicodeDecodeError:
        return _refused(call, Refused("watch.bad_offer", "The SDP is not UTF-8."))
    except strict_json.NotUsable:
        return _refused(call, Refused("watch.too_large"))
    except SdpError as error:
        return _refused(call, Refused("watch.bad_offer", str(error)))
    headers = {
        **ANSWERED,
        "Location": f"/api/v1/whep/{call.param('id')}/{viewer.name}",
        "ETag": etag(answer.encode()),
    }
    return web.Response(status=201, content_type="application/sdp", text=answer, headers=headers)


def _viewer(call: Call) -> Viewer:
    viewer = call.services.audience.named(call.param("viewer"))
    if viewer is None:
        raise Denied(404, "watch.gone")
    return viewer


async def leave(call: Call) -> web.Response:
    """A viewer ends: its media stops at once."""
    call.services.audience.end(_viewer(call), "ended")
    return web.Response(headers=ANSWERED)


async def no_patch(call: Call) -> web.Response:
    """Neither trickled candidates nor an ICE restart: the bridge needs neither."""
    response = problem(405, "watch.no_patch")
    response.headers.update({**ANSWERED, "Allow": "DELETE, OPTIONS"})
    return response


async def options(call: Call) -> web.Response:
    """What an endpoint takes; also the preflight of a page elsewhere."""
    headers = {
        **ANSWERED,
        "Accept-Post": "application/sdp",
        "Access-Control-Allow-Methods": "POST, DELETE, PATCH, OPTIONS",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
        "Access-Control-Max-Age": "600",
    }
    return web.Response(status=204, headers=headers)


async def follow(call: Call) -> web.StreamResponse:
    """What is new for a viewer, as it happens (server-sent events): `WatchView` documents, the last
    one with ``why``."""
    audience, viewer = call.services.audience, _viewer(call)
    headers = {"Content-Type": "text/event-stream", **ANSWERED}
    response = web.StreamResponse(headers=headers)
    await response.prepare(call.request)
    news = asyncio.Event()
    viewer.follow(news.set)
    try:
        await _tell(audience, viewer, news, response)
    except ConnectionError:
        pass
    finally:
        viewer.leave_alone(news.set)
    return response


async def _tell(
    audience: Audience, viewer: Viewer, news: asyncio.Event, response: web.StreamResponse
) -> None:
    before = None
    while True:
        news.clear()
        now = audience.view(viewer)
        if now != before:
            before = now
            await response.write(b"data: " + msgspec.json.encode(now) + b"\n\n")
        if now.why:
            return
        try:
            async with asyncio.timeout(LIFE):
                await news.wait()
        except TimeoutError:
            await response.write(b":\n\n")


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
        viewers=call.services.audience.viewers.watching(state.booking.id),
    )


def cross_origin(request: web.Request, pages: list[str]) -> Mapping[str, str] | None:
    """Headers for a page elsewhere that may play by WHEP and read what is open; None where the
    page is none of these."""
    origin = request.headers.get("Origin", "")
    mine = ("/api/v1/whep/", "/api/v1/watch", "/api/v1/oembed")
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
