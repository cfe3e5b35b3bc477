"""Logging in and out, accounts, and the device keys of rooms."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from bridge.accounts import device_cookie, passwords, policy
from bridge.accounts.auth import Denied
from bridge.base.roles import RIGHTS, Role, User, name_problem, password_problem
from bridge.server.api.installation import installation_line
from bridge.server.api.routes import COOKIE, Call, Route, must_change
from bridge.store.accounts import LOGIN_LIFE, Device, Login

Short = Annotated[str, msgspec.Meta(max_length=200)]


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of request bodies: an unknown field is an error."""


class LoginBody(Body, frozen=True, kw_only=True):
    """Name and password, or the demo's key. ``token`` asks for a bearer token in place of the
    cookie (programs)."""

    name: Short = ""
    password: Short = ""
    demo: Short = ""
    code: Short = ""
    token: bool = False


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Who is logged in and what the account may do."""

    user: str
    role: str
    rights: list[str]
    must_change: bool
    factor: Literal["off", "on", "needed"] = "off"
    """The second factor; "needed": it must be set up before anything else."""
    points: tuple[str, ...]
    zone: str
    """Of the bridge: pages show times on its wall clock."""
    calendar: str = ""
    token: str = ""


class PasswordBody(Body, frozen=True, kw_only=True):
    """A change of one's own password."""

    old: Short
    new: Short


class UserBody(Body, frozen=True, kw_only=True):
    """A new account. Without ``password`` one is generated and shown once."""

    name: Short
    role: Role
    password: Short | None = None
    points: tuple[Short, ...] = ()


class UserChange(Body, frozen=True, kw_only=True):
    """Changes to an account; only what is given changes. ``reset`` generates a new first
    password."""

    role: Role | None = None
    disabled: bool | None = None
    points: tuple[Short, ...] | None = None
    reset: bool = False
    factor: bool | None = None


class UserAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An account as it is now; ``password`` only where one was generated."""

    user: User
    password: str = ""


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """A one-time code to type into the room's page."""

    point: str
    code: str
    expires: float
    line: str = ""
    """What is typed on the room PC instead, as root: it installs the agent, too. "" where the
    address was not given or this bridge has no bundle."""


class EnrolBody(Body, frozen=True, kw_only=True):
    """A one-time code, and what the device that uses it is called."""

    code: Short
    name: Short = "room"


class Enrolled(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The device key that a one-time code was exchanged for. ``hosts``: where the pages of every
    host of the bridge are; left out where it has one host only."""

    point: str
    key: str
    hosts: tuple[str, ...] = ()


def factor_of(call: Call, user: User) -> Literal["off", "on", "needed"]:
    """Whether a user has a second factor, or needs one."""
    if user.factor:
        return "on"
    needed = policy.factor_missing(call.services.auth.security, user)
    return "needed" if needed else "off"


async def _me(call: Call, user: User, token: str = "") -> Me:
    return Me(
        user=user.name,
        role=user.role,
        rights=sorted(RIGHTS[user.role]),
        must_change=must_change(call.services, user),
        factor=factor_of(call, user),
        points=user.points,
        zone=call.services.control.topology.current.bridge.zone,
        calendar=await call.services.accounts.calendar_key(user.name),
        token=token,
    )


async def login(call: Call) -> web.Response:
    body: LoginBody = call.body
    auth = call.services.auth
    agent = call.request.headers.get("User-Agent", "")
    device = call.request.cookies.get(device_cookie.NAME, "")
    if body.demo:
        token, user = await auth.login_demo(body.demo, call.address, agent)
    else:
        token, user = await auth.login(
            body.name.strip(),
            body.password,
            call.address,
            agent,
            device=device,
            code=body.code,
        )
    answer = await _me(call, user, token if body.token else "")
    response = web.Response(body=msgspec.json.encode(answer), content_type="application/json")
    if not body.token:
        log_in(call, response, token)
        response.set_cookie(
            device_cookie.NAME,
            auth.device_cookie(user.name, device),
            httponly=True,
            samesite="Strict",
            max_age=device_cookie.LIFE,
            secure=call.request.secure,
            path="/api/v1/login",
        )
    return response


def log_in(call: Call, response: web.StreamResponse, token: str) -> None:
    """Let a browser keep the token of its login."""
    response.set_cookie(
        COOKIE,
        token,
        httponly=True,
        samesite="Strict",
        max_age=int(LOGIN_LIFE),
        secure=call.request.secure,
        path="/",
    )


async def logout(call: Call) -> web.Response:
    assert call.identity is not None
    await call.services.accounts.end_login(call.identity.login)
    end_sessions_of_login(call, call.identity.login)
    await call.note("logout")
    response = web.Response(status=204)
    response.del_cookie(COOKIE, path="/")
    return response


def end_sessions_of_login(call: Call, login_id: str) -> None:
    """End the sessions of a login that ended: their media and WebSockets stop at once."""
    call.services.control.presence.end_login(login_id)


async def me(call: Call) -> Me:
    return await _me(call, call.user)


async def password(call: Call) -> None:
    body: PasswordBody = call.body
    assert call.identity is not None
    await call.services.auth.change_password(call.user, body.old, body.new, call.address)
    for other in await call.services.accounts.logins(call.user.name):
        if other.id != call.identity.login:
            await call.services.accounts.end_login(other.id)
            end_sessions_of_login(call, other.id)


async def users(call: Call) -> list[User]:
    return await call.services.accounts.users()


async def add_user(call: Call) -> UserAnswer:
    body: UserBody = call.body
    made_up = body.password is None
    secret = body.password or passwords.new_password()
    problem = name_problem(body.name) or password_problem(body.name, secret)
    if problem:
        raise Denied(422, problem)
    _check_points(call, body.points)
    rules = call.services.auth.security
    if policy.too_short(rules, secret):
        raise Denied(422, "account.too_short", length=str(rules.password_length))
    user = User(
        name=body.name,
        role=body.role,
        must_change=True,
        points=body.points,
        created=call.services.conductor.now(),
    )
    hashed = await asyncio.to_thread(passwords.hash_password, secret)
    if not await call.services.accounts.add_user(user, hashed, passwords.new_token()):
        raise Denied(409, "account.name_taken", name=body.name)
    await call.note("user add", body.name, body.role)
    return UserAnswer(user=user, password=secret if made_up else "")


def _check_points(call: Call, points: tuple[str, ...]) -> None:
    known = set(call.services.control.topology.points)
    for point in points:
        if point not in known:
            raise Denied(422, "refusal.unknown_point", point=point[:64])


async def change_user(call: Call) -> UserAnswer:
    body: UserChange = call.body
    name = call.param("name")
    accounts = call.services.accounts
    before = await accounts.user(name)
    if before is None:
        raise Denied(404, "account.unknown", name=name[:40])
    loses = body.disabled or (body.role not in (None, "admin"))
    if before.directory and (body.reset or body.role is not None):
        raise Denied(409, "account.of_directory")
    if before.role == "admin" and loses and not await _another_admin(call, name):
        raise Denied(409, "account.last_admin")
    changes: dict[str, object] = {}
    secret = ""
    if body.role is not None:
        changes["role"] = body.role
    if body.disabled is not None:
        changes["disabled"] = body.disabled
    if body.points is not None:
        _check_points(call, body.points)
        changes["points"] = body.points
    if body.reset:
        secret = passwords.new_password()
        await call.services.auth.set_password(name, secret, must_change=True)
    if body.factor is False:  # the telephone is lost, and the recovery codes, too
        changes["factor"], changes["recovery"] = "", "[]"
    if changes:
        await accounts.change_user(name, **changes)
    if loses or body.reset or body.role is not None or body.factor is False:
        for item in await accounts.logins(name):
            await accounts.end_login(item.id)
            end_sessions_of_login(call, item.id)
    await call.note("user change", name, ", ".join(k for k in changes if k != "password"))
    after = await accounts.user(name)
    assert after is not None
    return UserAnswer(user=after, password=secret)


async def _another_admin(call: Call, name: str) -> bool:
    found = await call.services.accounts.users()
    return any(u.role == "admin" and not u.disabled and u.name != name for u in found)


async def logins(call: Call) -> list[Login]:
    return await call.services.accounts.logins()


async def end_login(call: Call) -> None:
    ident = call.param("id")
    if not await call.services.accounts.end_login(ident):
        raise Denied(404, "api.unknown_login")
    end_sessions_of_login(call, ident)
    await call.note("login end", ident[:12])


async def devices(call: Call) -> list[Device]:
    return await call.services.accounts.devices()


async def revoke_device(call: Call) -> None:
    ident = call.param("id")
    services = call.services
    if not await services.accounts.revoke_device(ident, services.conductor.now()):
        raise Denied(404, "api.unknown_device")
    for session in services.control.sessions.all():
        if session.device == ident:
            services.control.presence.end(session, "revoked")
            await services.accounts.end_session(session.id)
    services.agents.revoke(ident)
    await call.note("device revoke", ident)


async def make_code(call: Call) -> Code:
    point = call.param("id")
    if point not in call.services.control.topology.points:
        raise Denied(404, "refusal.unknown_point", point=point[:64])
    code = passwords.new_code()
    expires = await call.services.accounts.add_enrolment(
        passwords.digest(code), point, call.user.name, call.services.conductor.now()
    )
    await call.note("enrolment code", point)
    line = await installation_line(call, call.request.query.get("address", ""), code)
    return Code(point=point, code=code, expires=expires, line=line)


async def enrol(call: Call) -> Enrolled:
    body: EnrolBody = call.body
    point, key = await call.services.auth.enrol(body.code, body.name, call.address)
    hosts = call.services.control.topology.current.bridge.host_pages
    return Enrolled(point=point, key=key, hosts=hosts)


ROUTES = [
    Route("POST", "/api/v1/login", login, "public", "Log in", LoginBody, Me),
    Route("POST", "/api/v1/logout", logout, None, "Log out", status=204, fresh_password=False),
    Route("GET", "/api/v1/me", me, None, "Who is logged in", answer=Me, fresh_password=False),
    Route(
        "POST",
        "/api/v1/password",
        password,
        None,
        "Change one's password",
        PasswordBody,
        status=204,
        fresh_password=False,
    ),
    Route("GET", "/api/v1/users", users, "inspect", "Accounts", answer=list[User]),
    Route("POST", "/api/v1/users", add_user, "admin", "Add an account", UserBody, UserAnswer, 201),
    Route(
        "PATCH",
        "/api/v1/users/{name}",
        change_user,
        "admin",
        "Change an account",
        UserChange,
        UserAnswer,
    ),
    Route("GET", "/api/v1/logins", logins, "inspect", "Logins", answer=list[Login]),
    Route("DELETE", "/api/v1/logins/{id}", end_login, "admin", "End a login", status=204),
    Route("GET", "/api/v1/devices", devices, "inspect", "Device keys", answer=list[Device]),
    Route(
        "DELETE", "/api/v1/devices/{id}", revoke_device, "admin", "Revoke a device key", status=204
    ),
    Route(
        "POST",
        "/api/v1/points/{id}/enrolments",
        make_code,
        "admin",
        "Make a one-time code for a room",
        answer=Code,
        status=201,
        query=("address",),
    ),
    Route(
        "POST", "/api/v1/enrol", enrol, "public", "Use a one-time code", EnrolBody, Enrolled, 201
    ),
]
