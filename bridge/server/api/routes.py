"""The table of the interface, and what happens around every call.

A route names its right, the type of its body and of its answer; the document that describes the
interface (OpenAPI 3.1) is made from the same table, so the two cannot differ.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web

from bridge.accounts import policy
from bridge.accounts.auth import Denied, Identity
from bridge.base import strict_json
from bridge.base.roles import Right, User
from bridge.conference.model import Actor, Refusal
from bridge.server.api.services import Services
from bridge.server.guard.hosts import Fellows, local_address_and_port
from bridge.server.problems import problem
from bridge.store.database import FAULTS

log = logging.getLogger("api")

MAX_BODY = 1 << 20  # octets of a JSON body (a topology is the largest)
MAX_DEPTH = 32
MAX_BACKUP_BODY = 256 << 20
BODY_TIMEOUT = 20.0  # seconds for a body, and as long again as its greatest size takes at
BODY_RATE = 1 << 20  # octets a second
SAFE = ("GET", "HEAD")
ADMINISTRATION = ("admin", "inspect")  # rights that are asked for at the admins' own listener
COOKIE = "session"


def attachment(body: bytes, media_type: str, name: str) -> web.Response:
    """A response that a browser saves as a file of that name."""
    return web.Response(
        body=body,
        content_type=media_type,
        charset="utf-8" if media_type == "text/csv" else None,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@dataclass(slots=True)
class Call:
    """One request: who asks (None where the route is public), for what."""

    services: Services
    request: web.Request
    identity: Identity | None
    routes: Sequence[Route]
    """Every route of the interface, for its description."""
    body: Any = None

    @property
    def user(self) -> User:
        assert self.identity is not None
        return self.identity.user

    @property
    def actor(self) -> Actor:
        return Actor(kind="user", name=self.user.name, role=self.user.role)

    @property
    def address(self) -> str:
        return self.request.remote or ""

    @property
    def key(self) -> str:
        """The idempotency key of the request."""
        return self.request.headers.get("Idempotency-Key", "")[:100]

    def param(self, name: str) -> str:
        return self.request.match_info[name]

    def number(self, name: str, default: int) -> int:
        """A whole number from the query. Raises `Denied` (422) for anything else."""
        text = self.request.query.get(name)
        if text is None:
            return default
        if not text.isdecimal() or len(text) > 15:
            raise Denied(422, "api.bad_number", name=name)
        return int(text)

    def language(self) -> str:
        """The language that is asked for; Vietnamese where none is."""
        return "en" if self.request.query.get("language") == "en" else "vi"

    async def note(self, action: str, target: str = "", outcome: str = "done") -> None:
        actor = f"user:{self.identity.user.name}" if self.identity is not None else "nobody"
        await self.services.auth.note(actor, self.address, action, target, outcome)


Handler = Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Route:
    """One entry of the table: a method and path, who may call it, and the types of its body and
    answer. ``right`` None: any user that is logged in; "public": nobody need be."""

    method: str
    path: str
    handler: Handler
    right: Right | str | None
    summary: str
    body: Any = None
    answer: Any = None
    status: int = 200
    raw: bool = False  # the body is not JSON
    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    media_type: str = "application/json"
    fresh_password: bool = True  # refused until the first password is changed


@dataclass(slots=True)
class Table:
    """Puts the routes into the web server, each with what happens around its handler."""

    services: Services
    routes: Sequence[Route]

    def install(self, app: web.Application) -> None:
        for route in self.routes:
            app.router.add_route(route.method, route.path, self._wrap(route))

    def _wrap(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            call = Call(self.services, request, None, self.routes)
            try:
                await self._authorise(route, call)
                if route.body is not None:
                    call.body = await self._body(route, request)
                return respond(route, await route.handler(call))
            except Denied as error:
                if error.status in (401, 403) and route.right != "public":
                    await call.note(f"{route.method} {request.path}", outcome=error.key)
                return problem(error.status, error.key, **error.arguments)
            except strict_json.NotUsable as error:
                status = 413 if error.key == "protocol.too_large" else 422
                status = 400 if error.key == "protocol.not_json" else status
                arguments = {"detail": error.detail} if error.detail else {}
                return problem(status, error.key, **arguments)
            except FAULTS as error:
                log.error("the store fails: %s", type(error).__name__)
                return problem(507, "store.not_saved")

        return handle

    async def _authorise(self, route: Route, call: Call) -> None:
        if route.right == "public":
            return
        token, by_cookie = token_of(call.request)
        call.identity = await self.services.auth.identify(token, call.address)
        if call.identity is None and not by_cookie:
            call.identity = await self._of_console(call, token)
        if call.identity is None:
            raise Denied(401, "account.log_in")
        if by_cookie and call.request.method not in SAFE:
            # A form on a foreign page cannot name an origin of ours (RFC 6454); the guard in
            # front has checked it, here it must be there.
            site = call.request.headers.get("Sec-Fetch-Site", "")
            if "Origin" not in call.request.headers and site != "same-origin":
                raise Denied(403, "http.foreign_origin")
        user = call.identity.user
        due = due_first(call.services, call.identity) if route.fresh_password else None
        if due is not None:
            raise Denied(403, due)
        admin_port = self.services.admin_port()
        if route.right in ADMINISTRATION and admin_port and call.identity.login:
            name = local_address_and_port(call.request)
            if name[1] != admin_port:
                raise Denied(403, "http.admin_elsewhere")
        if route.right is not None and not user.may(route.right):  # type: ignore[arg-type]
            raise Denied(403, "account.no_right")

    async def _of_console(self, call: Call, token: str) -> Identity | None:
        """Whose console a session is, where its page came from another host of this bridge: the
        cookie of the login has stayed there. Raises `Denied`."""
        pages = self.services.control.topology.current.bridge.host_pages
        session = self.services.control.sessions.get(token)
        if session is None or session.login is None or not Fellows(pages).sent(call.request):
            return None
        return await self.services.auth.of_login(session.login, call.address)

    async def _body(self, route: Route, request: web.Request) -> Any:
        raw = await read_bounded(request, MAX_BACKUP_BODY if route.raw else MAX_BODY)
        if route.raw:
            return raw
        value = strict_json.loads(raw or b"{}", max_octets=MAX_BODY, max_depth=MAX_DEPTH)
        return strict_json.convert(value, route.body)


def must_change(services: Services, user: User) -> bool:
    """Whether a user must change the password before anything else."""
    expired = policy.expired(
        services.auth.security, user, user.password_at, services.conductor.now()
    )
    return user.must_change or expired


def due_first(services: Services, identity: Identity) -> str | None:
    """What somebody who has logged in must do before anything else, as the key of a refusal: change
    the password, or set the second factor up. None: nothing."""
    if not identity.login:
        return None
    if must_change(services, identity.user):
        return "account.change_first"
    missing = policy.factor_missing(services.auth.security, identity.user)
    return "account.factor_first" if missing else None


async def read_bounded(request: web.Request, limit: int) -> bytes:
    """The body. Raises `NotUsable` for one of more than ``limit`` octets, having read no more."""
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_TIMEOUT + limit / BODY_RATE):
            async for chunk in request.content.iter_chunked(1 << 16):
                size += len(chunk)
                if size > limit:
                    raise strict_json.NotUsable("protocol.too_large")
                chunks.append(chunk)
    except TimeoutError:
        raise Denied(408, "http.too_slow") from None
    return b"".join(chunks)


def token_of(request: web.Request) -> tuple[str, bool]:
    """The login token of a request, and whether it came by cookie."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip(), False
    return request.cookies.get(COOKIE, ""), True


def respond(route: Route, value: Any) -> web.StreamResponse:
    """An answer as JSON, with the ETag of its content; a response as it is."""
    if isinstance(value, web.StreamResponse):
        return value
    if isinstance(value, Refusal):
        return problem(409, value.key, **value.arguments)
    if value is None:
        return web.Response(status=204)
    body = msgspec.json.encode(value)
    return web.Response(
        status=route.status,
        body=body,
        content_type="application/json",
        headers={"ETag": etag(body)},
    )


def etag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def check_match(call: Call, current: bytes | None) -> None:
    """Refuse a change of anything but the version that the caller has seen, by If-Match or
    If-None-Match (RFC 9110 section 13). ``current`` is that version's body, None where there is
    nothing yet. Raises `Denied`."""
    match = call.request.headers.get("If-Match")
    none_match = call.request.headers.get("If-None-Match")
    if current is None:
        if match is not None:
            raise Denied(412, "api.changed_meanwhile")
        return
    if match is None and none_match is None:
        raise Denied(428, "api.if_match")
    if none_match is not None or (match != "*" and match != etag(current)):
        raise Denied(412, "api.changed_meanwhile")
