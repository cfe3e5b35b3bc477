"""Who comes to watch, in whatever way: how they are admitted, what they are refused, and how they
are told what is new."""

from __future__ import annotations

import asyncio

import msgspec
from aiohttp import web

from bridge.accounts.auth import Denied, Identity
from bridge.audience.admittance import Admission, Kind, Refused
from bridge.audience.viewers import Viewer
from bridge.audience.watching import Audience
from bridge.conference.model import State
from bridge.server.api.routes import COOKIE, Call, due_first
from bridge.server.guard.hosts import origin_of
from bridge.server.problems import problem

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
    "no_hls": 404,
    "not_sdp": 415,
    "too_large": 413,
    "gone": 404,
    "no_patch": 405,
    "no_segment": 404,
    "bad_path": 404,
    "bad_range": 416,
}
AGAIN = {"not_begun": 5, "no_worker": 2, "full": 30, "address_full": 30, "link_full": 30}
"""Seconds after which it makes sense to ask again."""
ANSWERED = {
    "Access-Control-Expose-Headers": "Location, ETag, Retry-After",
    "Cache-Control": "no-store",
}


class Asker(msgspec.Struct, frozen=True):
    """Who asks: an account, or whoever gives (or does not give) a code."""

    identity: Identity | None
    given: str


async def _asker(call: Call, code: str) -> Asker:
    """By bearer: the token of a login, or a code. By cookie only from pages of our own. ``code`` is
    one that was given elsewhere."""
    scheme, _, given = call.request.headers.get("Authorization", "").partition(" ")
    given = given.strip() if scheme.lower() == "bearer" else code
    token = given
    if not given and _own_page(call.request):
        token = call.request.cookies.get(COOKIE, "")
    identity = await call.services.auth.identify(token, call.address)
    if identity is not None and due_first(call.services, identity) is not None:
        identity = None
    return Asker(identity, given)


def _own_page(request: web.Request) -> bool:
    """Whether a page of this bridge asks (RFC 6454; a program sends neither header)."""
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if origin is None:
        return site in ("same-origin", "none")
    return origin_of(origin) == origin_of(f"{request.scheme}://{request.host}")


async def admitted_of(call: Call, code: str = "") -> tuple[State | None, Admission, Asker]:
    """Who asks and how they are admitted. A wrong code is counted by address, whatever it was tried
    at; while an address has to wait nothing is tried. Raises `Refused`."""
    audience, entry = call.services.audience, call.services.entry
    wait = entry.wait(call.address)
    if wait:
        raise Refused("watch.wait", f"{wait:.0f} s")
    asker = await _asker(call, code)
    state = audience.find(call.param("id"))
    account = asker.identity is not None
    admitted = audience.admission(state, account=account, given=asker.given)
    if asker.given and not account and admitted.kind != "code":
        entry.failed(call.address)
        if admitted.refusal == "watch.needs_code":
            admitted = Admission("", "watch.wrong_code")
    return state, admitted, asker


async def let_in(call: Call, code: str = "") -> tuple[State, Kind, str]:
    """The conference that somebody comes to, how they are admitted, and with which login ("":
    none). Raises `Refused`."""
    if not call.services.entry.offers(call.address):
        raise Refused("watch.wait", "1 s")
    state, admitted, asker = await admitted_of(call, code)
    if state is None or not admitted.kind:
        raise Refused(admitted.refusal)
    return state, admitted.kind, asker.identity.login if asker.identity is not None else ""


def refused(call: Call, error: Refused) -> web.Response:
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


def viewer_of(call: Call, viewer: Viewer | None) -> Viewer:
    """The viewer whose address a request names. Raises `Denied`, and counts it, where there is
    none: names are drawn from 96 bits, so guessing is not slowed down but seen."""
    if viewer is None:
        raise denied(call, "watch.gone")
    return viewer


def denied(call: Call, key: str) -> Denied:
    """What to raise at somebody who watches already; it is counted."""
    call.services.audience.refuse(key)
    return Denied(STATUS[key.rpartition(".")[2]], key)


async def follow(call: Call, viewer: Viewer) -> web.StreamResponse:
    """What is new for a viewer, as it happens (server-sent events): `WatchView` documents, the last
    one with ``why``."""
    audience = call.services.audience
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
