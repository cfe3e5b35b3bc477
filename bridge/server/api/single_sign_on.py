"""Logging in by a directory: there and back in the browser (OpenID Connect)."""

from __future__ import annotations

import re
from urllib.parse import quote

import msgspec
from aiohttp import web

from bridge.accounts.auth import Denied
from bridge.accounts.directory_accounts import WAIT
from bridge.server.api.people import log_in
from bridge.server.api.routes import Call, Route

BACK = "/api/v1/directory/return"
UNDER_WAY = "directory"  # cookie of a login that is under way
PAGE = re.compile(r"/[a-z]{1,20}")
ANSWER = ("state", "code", "error", "iss")
MAX_ANSWER = 4096  # characters of each


class DirectoryTitle(msgspec.Struct, frozen=True, kw_only=True):
    """What the directory is called; "" where there is none."""

    title: str


async def directory(call: Call) -> DirectoryTitle:
    found = call.services.directory.directory
    return DirectoryTitle(title=found.title if found is not None else "")


def _leave(page: str, refused: str = "") -> web.Response:
    """Back to a page of ours, with the key of a sentence where the login was refused."""
    where = f"{page}#directory={quote(refused)}" if refused else page
    return web.Response(status=303, headers={"Location": where, "Cache-Control": "no-store"})


async def begin(call: Call) -> web.Response:
    """To the directory; the name that we were reached by is one of ours (`Hosts`)."""
    page = call.request.query.get("page", "")
    page = page if PAGE.fullmatch(page) else "/console"
    back = f"{call.request.scheme}://{call.request.host}{BACK}"
    try:
        address, cookie = await call.services.directory.begin(back, page)
    except Denied as denied:
        return _leave(page, denied.key)
    response = web.Response(status=303, headers={"Location": address, "Cache-Control": "no-store"})
    # Lax: the way back begins at the directory, and a strict one would stay away.
    response.set_cookie(
        UNDER_WAY,
        cookie,
        httponly=True,
        samesite="Lax",
        max_age=WAIT,
        secure=call.request.secure,
        path=BACK,
    )
    return response


async def finish(call: Call) -> web.Response:
    """Back from the directory. Whatever went wrong is said on the page that it began on."""
    directory = call.services.directory
    begun = directory.begun(call.request.cookies.get(UNDER_WAY, ""))
    query = call.request.query
    answer = {
        name: query[name]
        for name in ANSWER
        if len(query.get(name, "")) <= MAX_ANSWER and name in query
    }
    if begun is None:
        response = _leave("/console", "account.directory_stale")
    else:
        agent = call.request.headers.get("User-Agent", "")
        try:
            token, _ = await directory.finish(begun, answer, call.address, agent)
        except Denied as denied:
            response = _leave(begun.page, denied.key)
        else:
            response = _leave(begun.page)
            log_in(call, response, token)
    response.del_cookie(UNDER_WAY, path=BACK)
    return response


ROUTES = [
    Route(
        "GET",
        "/api/v1/directory",
        directory,
        "public",
        "The directory that accounts come from",
        answer=DirectoryTitle,
    ),
    Route(
        "GET",
        "/api/v1/directory/login",
        begin,
        "public",
        "Log in by the directory",
        status=303,
        query=("page",),
    ),
    Route(
        "GET",
        BACK,
        finish,
        "public",
        "Back from the directory",
        status=303,
        query=ANSWER,
    ),
]
