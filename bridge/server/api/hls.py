"""Watching by HLS (RFC 8216): a playlist and its segments, for who cannot be reached by UDP.

A POST makes a viewer, as in WHEP, whose address is its secret; below it lie the playlist and what
that names, so a player needs to know nothing but this one address. Every request is looked at anew:
who may not watch any more is given no further segment.
"""

from __future__ import annotations

import asyncio
import re

import msgspec
from aiohttp import web

from bridge.audience.admittance import Refused
from bridge.audience.viewers import Viewer
from bridge.programme.playlist import PLAYLIST
from bridge.server.api import byte_ranges, coming_in
from bridge.server.api.routes import Call, Route

ENDPOINT = "/api/v1/hls/{id}"
SESSION = ENDPOINT + "/{viewer}"
FIRST = 15.0  # seconds that whoever comes first waits for the first segment
LOOK = 0.1  # seconds between looks for it
FILE = re.compile(r"[is][0-9]{1,15}\.(mp4|m4s)")
PLAYLIST_TYPE = "application/vnd.apple.mpegurl"
TYPES = {"mp4": "video/mp4", "m4s": "video/iso.segment"}
KEPT = {"Cache-Control": "private, max-age=60"}  # a segment never changes; others may not keep it


class HlsViewing(msgspec.Struct, frozen=True, kw_only=True):
    """Where somebody watches by HLS: a playlist below this bridge's address."""

    playlist: str


async def _begin(call: Call, code: str = "") -> Viewer:
    """Raises `Refused`."""
    state, kind, login = await coming_in.let_in(call, code)
    return call.services.audience.begin_hls(state, kind, login, call.address)


def _address(call: Call, viewer: Viewer) -> str:
    return f"/api/v1/hls/{call.param('id')}/{viewer.name}"


async def begin(call: Call) -> web.Response:
    """Make a viewer: 201 with where its playlist is."""
    try:
        viewer = await _begin(call)
    except Refused as error:
        return coming_in.refused(call, error)
    address = _address(call, viewer)
    return web.Response(
        status=201,
        content_type="application/json",
        body=msgspec.json.encode(HlsViewing(playlist=f"{address}/{PLAYLIST}")),
        headers={**coming_in.ANSWERED, "Location": address},
    )


async def enter(call: Call) -> web.Response:
    """The same for players that are given an address and nothing else: a television, VLC. They are
    led to a playlist of their own."""
    try:
        viewer = await _begin(call, call.request.query.get("code", "")[:100])
    except Refused as error:
        return coming_in.refused(call, error)
    location = f"{_address(call, viewer)}/{PLAYLIST}"
    return web.Response(status=303, headers={**coming_in.ANSWERED, "Location": location})


def _viewer(call: Call) -> Viewer:
    return coming_in.viewer_of(call, call.services.audience.hls.get(call.param("viewer")))


async def serve(call: Call) -> web.StreamResponse:
    """The playlist, or a file that it names or has just named."""
    viewer, name = _viewer(call), call.param("file")
    folder = call.services.audience.hls.folder(viewer)
    if name == PLAYLIST:
        return await _playlist(call, viewer)
    if FILE.fullmatch(name) is None:
        raise coming_in.denied(call, "watch.bad_path")
    size = byte_ranges.size_of(folder / name)
    if size is None:
        raise coming_in.denied(call, "watch.no_segment")
    if byte_ranges.unusable(call.request, size):
        response = coming_in.refused(call, Refused("watch.bad_range"))
        response.headers.update(byte_ranges.whole(size))
        return response
    kind = TYPES[name.rpartition(".")[2]]
    headers = {**coming_in.ANSWERED, **KEPT, "Content-Type": kind}
    return web.FileResponse(folder / name, headers=headers)


async def _playlist(call: Call, viewer: Viewer) -> web.Response:
    audience = call.services.audience
    path = audience.hls.folder(viewer) / PLAYLIST
    deadline = audience.hls.now + FIRST
    while True:
        try:
            text = path.read_text("ascii")  # a kilobyte, in memory
        except OSError:
            text = ""
        if "#EXTINF" in text:
            headers = coming_in.ANSWERED
            return web.Response(text=text, content_type=PLAYLIST_TYPE, headers=headers)
        if audience.hls.now >= deadline:
            return coming_in.refused(call, Refused("watch.no_worker"))
        await asyncio.sleep(LOOK)
        if audience.hls.get(viewer.name) is not viewer:
            raise coming_in.denied(call, "watch.gone")


async def leave(call: Call) -> web.Response:
    """A viewer ends: it is given nothing more."""
    call.services.audience.hls.end(_viewer(call), "ended")
    return web.Response(headers=coming_in.ANSWERED)


async def follow(call: Call) -> web.StreamResponse:
    """What is new for a viewer, as it happens (server-sent events), as for one by WHEP."""
    return await coming_in.follow(call, _viewer(call))


ROUTES = [
    Route(
        "GET",
        ENDPOINT + "/index.m3u8",
        enter,
        "public",
        "Watch by HLS with a player that knows only an address: it is led to a playlist",
        status=303,
        media_type=PLAYLIST_TYPE,
        query=("code",),
        headers=("Authorization",),
    ),
    Route(
        "POST",
        ENDPOINT,
        begin,
        "public",
        "Watch by HLS: where the playlist is; bearer: a code",
        answer=HlsViewing,
        status=201,
        headers=("Authorization",),
    ),
    Route("DELETE", SESSION, leave, "public", "Stop watching by HLS", status=200),
    Route(
        "GET",
        SESSION + "/events",
        follow,
        "public",
        "What is new for a viewer by HLS, as server-sent events",
        media_type="text/event-stream",
    ),
    Route(
        "GET",
        SESSION + "/{file}",
        serve,
        "public",
        "A viewer's playlist, or a segment of it",
        media_type=PLAYLIST_TYPE,
        headers=("Range",),
    ),
]
