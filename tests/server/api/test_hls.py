"""HLS over HTTP: who is let in, what is served to them, and everything that is refused. Segments
are put there by the test."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from yarl import URL

from bridge.audience.hls_viewers import ASKS, LINGER
from bridge.conference import commands as c
from bridge.conference.model import Admits
from bridge.media import messages as m
from bridge.programme.shelf import Shelf, folder_of
from bridge.server.api import hls
from tests.control_support import START, Bridge, with_hls
from tests.server.api.test_whep import TEMPLATE, code_of, conference, post, problem, told
from tests.telemetry.support import snapshot


@pytest.fixture
async def bridge(bridge: Bridge) -> Bridge:
    """Its topology allows pictures to be encoded anew."""
    bridge.control.topology.swap(with_hls(transcode=True))
    return bridge


def shelf_of(bridge: Bridge, ident: str) -> Shelf:
    """What a programme process has made: two segments."""
    shelf = Shelf(folder_of(bridge.process._state, ident), bridge.wall)
    shelf.put(b"first segment", b"initialisation", 2.0, bridge.wall, broken=True)
    shelf.put(b"second segment", b"", 2.0, bridge.wall + 2.0, broken=False)
    return shelf


async def begin(
    bridge: Bridge, name: str, code: str = "", **headers: str
) -> aiohttp.ClientResponse:
    sent = dict(headers)
    if code:
        sent["Authorization"] = f"Bearer {code}"
    return await bridge.client.post(f"/api/v1/hls/{name}", headers=sent)


async def watching(bridge: Bridge, name: str, code: str = "") -> str:
    """The address of somebody who watches."""
    response = await begin(bridge, name, code)
    assert response.status == 201
    return response.headers["Location"]


async def test_a_viewer_is_given_a_playlist_and_what_it_names(bridge: Bridge) -> None:
    ident = await conference(bridge, "anybody")
    shelf_of(bridge, ident)
    response = await begin(bridge, ident)
    where = response.headers["Location"]
    assert await response.json() == {"playlist": f"{where}/index.m3u8"}
    playlist = await bridge.client.get(f"{where}/index.m3u8")
    assert playlist.content_type == hls.PLAYLIST_TYPE
    assert playlist.headers["Cache-Control"] == "no-store"
    text = await playlist.text()
    named = [line for line in text.splitlines() if not line.startswith("#")]
    assert named == ["s0.m4s", "s1.m4s"]
    assert '#EXT-X-MAP:URI="i1.mp4"' in text
    first = await bridge.client.get(f"{where}/i1.mp4")
    assert (await first.read(), first.content_type) == (b"initialisation", "video/mp4")
    segment = await bridge.client.get(f"{where}/s1.m4s")
    assert await segment.read() == b"second segment"


async def test_a_player_that_knows_only_an_address_is_led_there(bridge: Bridge) -> None:
    """As VLC or a television asks: no header, no script."""
    ident = await conference(bridge, "code")
    shelf_of(bridge, ident)
    path = f"/api/v1/hls/{TEMPLATE}/index.m3u8"
    await problem(await bridge.client.get(path), 401, "watch.needs_code")
    code = code_of(bridge, ident)
    found = await bridge.client.get(path, params={"code": code})
    assert found.status == 200
    assert "s1.m4s" in await found.text()
    assert found.url.path.count("/") == path.count("/") + 1, "below an address of its own"


async def test_segments_are_made_while_somebody_asks(bridge: Bridge) -> None:
    ident = await conference(bridge, "anybody")
    segments = bridge.process.audience.hls
    assert not segments.wanted(ident)
    where = await watching(bridge, ident)
    assert segments.wanted(ident)
    for _ in range(5):
        bridge.pass_time(ASKS - 1)
        assert (await bridge.client.get(f"{where}/s9.m4s")).status == 404, "a sign of life"
        bridge.process.audience.settle()
    assert (segments.count(ident), segments.wanted(ident)) == (1, True)
    bridge.pass_time(ASKS + 1)
    bridge.process.audience.settle()
    assert (segments.count(ident), segments.wanted(ident)) == (0, True), "they may come back"
    bridge.pass_time(LINGER)
    bridge.process.audience.settle()
    assert not segments.wanted(ident)


async def test_who_comes_first_waits_for_the_first_segment(bridge: Bridge) -> None:
    ident = await conference(bridge, "anybody")
    where = await watching(bridge, ident)
    waiting = asyncio.create_task(bridge.client.get(f"{where}/index.m3u8"))
    await asyncio.sleep(0)
    Shelf(folder_of(bridge.process._state, ident), bridge.wall)  # begun, and nothing in it
    shelf_of(bridge, ident)
    assert "s0.m4s" in await (await waiting).text()


async def test_segments_that_do_not_come_are_said(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hls, "FIRST", 0.0)
    where = await watching(bridge, await conference(bridge, "anybody"))
    await problem(await bridge.client.get(f"{where}/index.m3u8"), 503, "watch.no_worker")


# --- who may -----------------------------------------------------------------------------------


async def test_the_same_people_as_by_whep(bridge: Bridge) -> None:
    ident = await conference(bridge, "nobody")
    for name in (ident, TEMPLATE, "no-such"):
        await problem(await begin(bridge, name, "ABCD-EFGH"), 404, "watch.closed")
    await bridge.do(ident, c.SetAudience(admits="accounts"))
    await problem(await begin(bridge, ident), 401, "watch.needs_accounts")
    token = await bridge.user("technician")
    assert (await begin(bridge, ident, token)).status == 201
    elsewhere = {"Cookie": f"session={token}", "Sec-Fetch-Site": "cross-site"}
    await problem(await begin(bridge, ident, **elsewhere), 401, "watch.needs_accounts")
    await bridge.call("POST", "/logout", {}, token=token)
    await bridge.process.audience._look_at_logins()
    assert bridge.process.audience.hls.count(ident) == 0


async def test_wrong_codes_make_an_address_wait(bridge: Bridge) -> None:
    """In a header and in a query alike."""
    ident = await conference(bridge, "code")
    for number in range(40):
        if number % 2:
            path = f"/api/v1/hls/{ident}/index.m3u8"
            refused = await bridge.client.get(path, params={"code": "WRONG-ONE"})
        else:
            refused = await begin(bridge, ident, "WRONG-ONE")
        if refused.status == 429:
            break
        await problem(refused, 401, "watch.wrong_code")
    assert refused.status == 429
    assert bridge.process.audience.hls.count(ident) == 0


@pytest.mark.parametrize("admits", ["nobody", "accounts", "code"])
async def test_who_may_no_longer_is_given_nothing_more_at_once(
    bridge: Bridge, admits: Admits
) -> None:
    ident = await conference(bridge, "anybody")
    shelf_of(bridge, ident)
    where = await watching(bridge, ident)
    async with bridge.client.get(f"{where}/events") as stream:
        assert (await told(stream))["hls"]
        await bridge.do(ident, c.SetAudience(admits=admits))
        bridge.process.audience.settle()
        assert (await told(stream))["why"] == "withdrawn"
    for name in ("index.m3u8", "s0.m4s", "i1.mp4"):
        await problem(await bridge.client.get(f"{where}/{name}"), 404, "watch.gone")
    assert bridge.process.audience.hls.wanted(ident) == (admits != "nobody")


async def test_a_new_code_puts_out(bridge: Bridge) -> None:
    ident = await conference(bridge, "code")
    shelf_of(bridge, ident)
    where = await watching(bridge, ident, code_of(bridge, ident))
    await bridge.do(ident, c.RenewCode())
    bridge.process.audience.settle()
    await problem(await bridge.client.get(f"{where}/s0.m4s"), 404, "watch.gone")


async def test_an_end_ends_it(bridge: Bridge) -> None:
    ident = await conference(bridge, "anybody")
    where = await watching(bridge, ident)
    assert (await bridge.client.delete(where)).status == 200
    await problem(await bridge.client.delete(where), 404, "watch.gone")
    where = await watching(bridge, ident)
    await bridge.do(ident, c.End())
    await bridge.settle()
    bridge.process.audience.settle()
    await problem(await bridge.client.get(f"{where}/index.m3u8"), 404, "watch.gone")
    assert not bridge.process.audience.hls.wanted(ident)


# --- bounds --------------------------------------------------------------------------------------


async def test_only_so_many(bridge: Bridge) -> None:
    ident = await conference(bridge, "anybody")
    bridge.control.topology.swap(with_hls(viewers=2, transcode=True))
    for _ in range(2):
        await watching(bridge, ident)
    refused = await begin(bridge, ident)
    await problem(refused, 503, "watch.full")
    assert refused.headers["Retry-After"]
    assert (await post(bridge, ident)).status == 201, "there is room by WebRTC"


@pytest.mark.parametrize("changes", [{"viewers": 0, "transcode": True}, {"transcode": False}])
async def test_where_it_is_not_allowed_it_is_not_offered(
    bridge: Bridge, changes: dict[str, Any]
) -> None:
    """Pictures of VP8 are encoded anew only where the topology says so."""
    ident = await conference(bridge, "anybody")
    assert (await (await bridge.client.get(f"/api/v1/watch/{ident}")).json())["hls"]
    where = await watching(bridge, ident)
    bridge.control.topology.swap(with_hls(**changes))
    await problem(await begin(bridge, ident), 404, "watch.no_hls")
    assert not (await (await bridge.client.get(f"/api/v1/watch/{ident}")).json())["hls"]
    bridge.process.audience.settle()
    await problem(await bridge.client.get(f"{where}/index.m3u8"), 404, "watch.gone")


async def test_links_carry_what_they_may(bridge: Bridge) -> None:
    """Who watches by HLS cannot be sent less, so others are."""
    ident = await conference(bridge, "anybody")
    topology = bridge.process.control.topology.current
    link = topology.links[0].model_copy(
        update={"networks": ["127.0.0.0/8"], "capacity": 40.0, "audience_share": 0.1}
    )
    bridge.control.topology.swap(topology.model_copy(update={"links": [link, *topology.links[1:]]}))
    fit, left = divmod(4_000, bridge.process.audience.hls.rate)
    for _ in range(fit):
        await watching(bridge, ident)
    await problem(await begin(bridge, ident), 503, "watch.link_full")
    assert (await post(bridge, ident)).status == 201
    bounds = [s for s in bridge.sent if isinstance(s, m.SetBounds) and s.bounds]
    assert list(bounds[-1].bounds.values())[-1] == 1000 * left


async def test_they_are_counted_as_a_kind_of_their_own(bridge: Bridge) -> None:
    ident = await conference(bridge, "code")
    for _ in range(2):
        await watching(bridge, ident, code_of(bridge, ident))
    bridge.process.audience.settle()
    await bridge.settle()
    assert bridge.state(ident).viewers == {"hls": 2}
    answer = await bridge.call("GET", f"/conferences/{ident}/audience", role="operator")
    assert (await answer.json())["viewers"] == {"hls": 2}
    figures = snapshot(bridge)
    assert figures.value("audience_viewers", "hls") == 2
    assert set(bridge.state(ident).seats) == set(bridge.control.topology.points), "no point"


# --- what is no request -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *("window.json", "s99.m4s", "s0.m4s.new", "S0.m4s", "i1.mp4%00", "s-1.m4s", "s0.mp4x"),
        *("..%2findex.m3u8", "..%2f..%2fworker.sock", "%2e%2e%2fsecret", "..%5c..%5csecret"),
        *("%2fetc%2fpasswd", "s" + "9" * 400 + ".m4s", "s%D9%A3.m4s", "index.m3u8%2f"),
    ],
)
async def test_paths_that_are_no_segment(bridge: Bridge, name: str) -> None:
    ident = await conference(bridge, "anybody")
    shelf_of(bridge, ident)
    (bridge.process._state / "secret").write_text("secret")
    where = await watching(bridge, ident)
    refused = await bridge.client.get(URL(f"{where}/{name}", encoded=True))
    assert b"secret" not in await refused.read()
    gone = name in ("s99.m4s",)
    key = "watch.no_segment" if gone else "watch.bad_path"
    await problem(refused, 404, key)
    assert bridge.process.audience.refused == {key.removeprefix("watch."): 1}


async def test_a_path_of_no_route_is_counted_too(bridge: Bridge) -> None:
    ident = await conference(bridge, "anybody")
    where = await watching(bridge, ident)
    refused = await bridge.client.get(f"{where}/x/../../y/z/s0.m4s")
    await problem(refused, 404, "http.not_found")
    assert bridge.process.audience.refused == {"bad_path": 1}


async def test_a_segment_that_is_gone(bridge: Bridge) -> None:
    ident = await conference(bridge, "anybody")
    shelf = shelf_of(bridge, ident)
    where = await watching(bridge, ident)
    for number in range(2, 30):
        shelf.put(b"x", b"", 2.0, bridge.wall + number, broken=False)
    await problem(await bridge.client.get(f"{where}/s0.m4s"), 404, "watch.no_segment")
    assert (await bridge.client.get(f"{where}/s29.m4s")).status == 200


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        ("bytes=0-4", 206, b"first"),
        ("bytes=-7", 206, b"segment"),
        ("bytes=6-", 206, b"segment"),
        ("bytes=999-", 416, None),
        ("bytes=5-2", 416, None),
        ("bytes=x-y", 416, None),
        ("bytes=--1", 416, None),
        ("bytes=" + "9" * 300 + "-", 416, None),
        ("lines=1-2", 416, None),
    ],
)
async def test_ranges_and_what_is_none(
    bridge: Bridge, asked: str, status: int, body: bytes | None
) -> None:
    ident = await conference(bridge, "anybody")
    shelf_of(bridge, ident)
    where = await watching(bridge, ident)
    response = await bridge.client.get(f"{where}/s0.m4s", headers={"Range": asked})
    assert response.status == status
    if body is not None:
        assert await response.read() == body
        assert not bridge.process.audience.refused
    else:
        await problem(response, 416, "watch.bad_range")
        assert response.headers["Content-Range"] == "bytes */13"
        assert bridge.process.audience.refused == {"bad_range": 1}


async def test_somebody_elses_name_and_whep_are_apart(bridge: Bridge) -> None:
    ident = await conference(bridge, "anybody")
    shelf_of(bridge, ident)
    where = (await post(bridge, ident)).headers["Location"].replace("/whep/", "/hls/")
    for name in (f"{where}/s0.m4s", f"/api/v1/hls/{ident}/{'0' * 24}/s0.m4s"):
        await problem(await bridge.client.get(name), 404, "watch.gone")
    assert bridge.process.audience.refused == {"gone": 2}
    assert snapshot(bridge).value("audience_refused_total", "gone") == 2
    assert bridge.wall == START
