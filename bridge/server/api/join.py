"""Sessions of rooms, consoles and self-tests, and the SDP offer that opens their media."""

from __future__ import annotations

import logging
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from bridge.accounts import passwords
from bridge.accounts.auth import Denied, Identity
from bridge.control.sessions import Session
from bridge.server.api.routes import Call, Route, due_first, read_bounded, token_of
from bridge.server.problems import problem
from bridge.signalling.sdp import MAX_SDP, SdpError
from bridge.store.accounts import Device, StoredSession
from bridge.store.database import FAULTS

log = logging.getLogger("http")

Short = Annotated[str, msgspec.Meta(max_length=200)]


class SessionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who opens a session: a point with its device key; logged in, an officer at a desk without
    one; or a console or a self-test."""

    point: Short | None = None
    key: Short = ""
    kind: Literal["console", "echo"] = "console"


class SessionAnswer(msgspec.Struct, frozen=True):
    """The token of the session: for the WebSocket's hello, and as bearer of an offer."""

    session: str


async def create_session(call: Call) -> SessionAnswer:
    """Open a session; one of the same point and device is taken over."""
    body: SessionBody = call.body
    token = passwords.new_token()
    if body.point is not None and body.kind == "echo":
        session = await _test_session(call, body.point, body.key, token)
    elif body.point is not None and not body.key:
        session = await _officer_session(call, body.point, token)
    elif body.point is not None:
        session = await _point_session(call, body.point, body.key, token)
    else:
        session = await _user_session(call, body.kind, token)
    call.services.control.presence.add(session)
    try:
        await call.services.accounts.add_session(
            StoredSession(
                id=session.id,
                point=session.point,
                device=session.device,
                login=session.login,
                user=session.user,
                role=session.role,
                created=session.created,
            )
        )
    except FAULTS as error:  # it works, and will not outlive a restart
        log.error("a session could not be saved: %s", type(error).__name__)
    return SessionAnswer(token)


async def _point_session(call: Call, point: str, key: str, token: str) -> Session:
    device = await _device(call, point, key)
    if not call.services.control.presence.may_take_over(point, device.id):
        call.services.control.publisher.notice(
            "notice.second_device", point=point, device=device.name
        )
        await call.services.auth.note(
            f"point:{point}", call.address, "session", device.id, "point busy"
        )
        raise Denied(409, "http.point_busy", point=point)
    return _session(call, token, "point", point, device=device)


async def _officer_session(call: Call, point: str, token: str) -> Session:
    """An officer who has logged in sits at a desk of theirs: named accounts need no device key."""
    identity = await _identity(call)
    user = identity.user
    desk = call.services.control.topology.current.point(point)
    if desk is None or desk.desk != "officer" or not user.sits_at(point):
        await call.services.auth.note(
            f"user:{user.name}", call.address, "session", point[:64], "account.no_right"
        )
        raise Denied(403, "account.no_right")
    if not call.services.control.presence.may_take_over(point, None, user.name):
        raise Denied(409, "http.point_busy", point=point)
    return _session(call, token, "point", point, identity=identity)


async def _test_session(call: Call, point: str, key: str, token: str) -> Session:
    """A test call of a point's agent: it sees and hears itself, beside the point's page."""
    return _session(call, token, "echo", device=await _device(call, point, key))


async def _user_session(call: Call, kind: str, token: str) -> Session:
    identity = await _identity(call)
    if not identity.user.may("watch") and kind == "console":
        raise Denied(403, "account.no_right")
    return _session(call, token, kind, identity=identity)


async def _device(call: Call, point: str, key: str) -> Device:
    """The device of a point that is there. Raises `Denied`."""
    if point not in call.services.control.topology.points:
        raise Denied(401, "http.wrong_key")
    return await call.services.auth.device(point, key, call.address)


async def _identity(call: Call) -> Identity:
    """Who has logged in and may do something now. Raises `Denied`."""
    identity = await call.services.auth.identify(token_of(call.request)[0], call.address)
    if identity is None:
        raise Denied(401, "account.log_in")
    due = due_first(call.services, identity)
    if due is not None:
        raise Denied(403, due)
    return identity


def _session(
    call: Call,
    token: str,
    kind: str,
    point: str | None = None,
    *,
    device: Device | None = None,
    identity: Identity | None = None,
) -> Session:
    """A session of a device, or of somebody who has logged in. At a point both are the point."""
    return Session(
        token,
        passwords.digest(token),
        kind,
        point,
        identity.user.role if identity is not None and point is None else "point",
        call.services.conductor.now(),
        user=identity.user.name if identity is not None else None,
        device=device.id if device is not None else None,
        login=identity.login if identity is not None else None,
    )


async def offer(call: Call) -> web.Response:
    """Answer the SDP offer of a session: 201 with the SDP answer. With ``beside=1`` its media so
    far plays on, until its page has come over to the new transport."""
    token, by_cookie = token_of(call.request)
    session = None if by_cookie else call.services.control.sessions.get(token)
    if session is None:
        raise Denied(401, "http.no_session")
    if call.request.content_type != "application/sdp":
        raise Denied(415, "http.not_sdp")
    try:
        text = (await read_bounded(call.request, MAX_SDP + 1024)).decode("utf-8")
        beside = call.request.query.get("beside") == "1"
        answer = call.services.control.offers.answer(session, text, beside=beside)
    except UnicodeDecodeError:
        return problem(400, "http.bad_sdp", detail="The SDP is not UTF-8.")
    except SdpError as error:
        return problem(400, "http.bad_sdp", detail=str(error))
    except LookupError:
        raise Denied(503, "http.no_worker") from None
    return web.Response(status=201, content_type="application/sdp", text=answer)


ROUTES = [
    Route(
        "POST",
        "/api/v1/sessions",
        create_session,
        "public",
        "Open a session for signalling and media",
        SessionBody,
        SessionAnswer,
        201,
    ),
    Route(
        "POST",
        "/api/v1/offer",
        offer,
        "public",
        "Exchange an SDP offer for an answer; bearer: the session",
        status=201,
        media_type="application/sdp",
        headers=("Authorization",),
        query=("beside",),
    ),
]
