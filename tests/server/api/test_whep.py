"""WHEP and /watch over HTTP: who is let in, what comes back, and everything that is refused."""

from __future__ import annotations

import hmac
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.audience import admittance
from bridge.audience.viewers import Viewer
from bridge.conference import commands as c
from bridge.conference.model import Admits
from bridge.media import messages as m
from bridge.server.api import coming_in
from config.schema import Topology
from monitoring.exposition.label_sets import AUDIENCE, AUDIENCE_REFUSALS
from tests.audience.support import offer
from tests.control_support import TOPOLOGY, Bridge

TEMPLATE = TOPOLOGY.templates[0].id
SDP = {"Content-Type": "application/sdp"}


async def conference(bridge: Bridge, admits: Admits, *, start: bool = True) -> str:
    ident = await bridge.open(TEMPLATE, start=start)
    await bridge.do(ident, c.SetAudience(admits=admits))
    return ident


async def post(
    bridge: Bridge, name: str, sdp: str = "", code: str = "", **headers: str
) -> aiohttp.ClientResponse:
    sent = {**SDP, **headers}
    if code:
        sent["Authorization"] = f"Bearer {code}"
    path = f"/api/v1/whep/{name}"
    return await bridge.client.post(path, data=(sdp or offer()).encode(), headers=sent)


async def problem(response: aiohttp.ClientResponse, status: int, key: str) -> dict[str, Any]:
    assert (response.status, response.content_type) == (status, "application/problem+json")
    document: dict[str, Any] = await response.json()
    assert document["type"] == f"/problems/{key}"
    assert document["title"] != document["title_vi"]
    return document


def viewers(bridge: Bridge) -> list[Viewer]:
    return list(bridge.process.audience.viewers)


def come_up(bridge: Bridge) -> Viewer:
    """The viewer that came last has its media."""
    viewer = viewers(bridge)[-1]
    bridge.process._on_event(m.StateChanged(transport=viewer.id, state="connected"))
    return viewer


def why(viewer: Viewer) -> str:
    """Why somebody watches no longer, "" where they do."""
    return viewer.why


def code_of(bridge: Bridge, ident: str) -> str:
    return admittance.written(bridge.process.audience.code(bridge.state(ident)))


# --- an offer and its answer -------------------------------------------------------------------


async def test_an_offer_is_answered_with_where_the_viewer_is(bridge: Bridge) -> None:
    ident = await conference(bridge, "anybody")
    response = await post(bridge, ident)
    assert response.status == 201
    assert response.content_type == "application/sdp"
    assert "a=sendonly" in await response.text()
    assert response.headers["ETag"].startswith('"')
    assert response.headers["Location"] == f"/api/v1/whep/{ident}/{viewers(bridge)[0].name}"
    (opened,) = bridge.opened()
    assert opened.sources == ()
    assert [slot.name for slot in opened.slots] == [
        *("programme", "content", "audio:0", "audio:1", "audio:2")
    ]
    assert opened.patient
    assert ident in opened.label


async def test_the_address_of_a_template_leads_to_its_conference(bridge: Bridge) -> None:
    ident = await conference(bridge, "anybody")
    assert (await post(bridge, TEMPLATE)).status == 201
    assert viewers(bridge)[0].conference == ident


async def test_a_viewer_is_shown_what_consoles_are_and_is_no_point(bridge: Bridge) -> None:
    await bridge.join("hoi-truong")
    ident = await conference(bridge, "anybody")
    await bridge.settle()
    await post(bridge, ident)
    viewer = come_up(bridge)
    assert bridge.routes()[viewer.label, "programme"] == "hoi-truong"
    assert set(bridge.state(ident).seats) == set(bridge.control.topology.points)
    audio = [item for item in bridge.sent if isinstance(item, m.SetAudio) and item.group == ident]
    assert viewer.id in audio[-1].members


async def test_who_takes_one_picture_is_shown_the_shared_screen(bridge: Bridge) -> None:
    await bridge.join("hoi-truong")
    ident = await conference(bridge, "anybody")
    await post(bridge, ident, offer("va"))
    come_up(bridge)
    await bridge.do(ident, c.Share(point="hoi-truong"))
    await bridge.settle()
    routes = [r for s in bridge.sent if isinstance(s, m.SetRoutes) for r in s.routes]
    last = [r for r in routes if r.transport == viewers(bridge)[0].id][-1]
    assert last.source is not None
    assert (last.slot, last.source.name) == ("programme", "content")


async def test_a_viewer_leaves_by_its_own_address(bridge: Bridge) -> None:
    ident = await conference(bridge, "anybody")
    location = (await post(bridge, ident)).headers["Location"]
    viewer = viewers(bridge)[0]
    assert (await bridge.client.delete(location)).status == 200
    assert m.Close(transport=viewer.id) in bridge.sent
    await problem(await bridge.client.delete(location), 404, "watch.gone")
    assert bridge.process.audience.refused == {"gone": 1}


async def test_what_the_draft_wants_of_options_and_patch(bridge: Bridge) -> None:
    ident = await conference(bridge, "anybody")
    found = await bridge.client.options(f"/api/v1/whep/{ident}")
    assert (found.status, found.headers["Accept-Post"]) == (204, "application/sdp")
    location = (await post(bridge, ident)).headers["Location"]
    refused = await bridge.client.patch(location, data=b"a=ice-ufrag:x")
    await problem(refused, 405, "watch.no_patch")
    assert "DELETE" in refused.headers["Allow"]
    assert bridge.process.audience.refused == {"no_patch": 1}


async def test_an_offer_that_repeats_takes_no_second_place(bridge: Bridge) -> None:
    ident = await conference(bridge, "anybody")
    await post(bridge, ident)
    first = viewers(bridge)[0]
    await post(bridge, ident)
    assert len(viewers(bridge)) == 1
    assert m.Close(transport=first.id) in bridge.sent


# --- who may -----------------------------------------------------------------------------------


async def test_what_is_closed_is_not_there(bridge: Bridge) -> None:
    ident = await conference(bridge, "nobody")
    for name in (ident, TEMPLATE, "no-such"):
        await problem(await post(bridge, name, code="ABCD-EFGH"), 404, "watch.closed")
        await problem(await bridge.client.get(f"/api/v1/watch/{name}"), 404, "watch.closed")
    assert bridge.process.audience.refused["closed"] == 6
    assert viewers(bridge) == []


async def test_a_code_lets_in_and_a_new_one_puts_out(bridge: Bridge) -> None:
    ident = await conference(bridge, "code")
    await problem(await post(bridge, ident), 401, "watch.needs_code")
    wrong = await post(bridge, ident, code="AAAA-AAAA")
    await problem(wrong, 401, "watch.wrong_code")
    assert wrong.headers["WWW-Authenticate"] == "Bearer"
    old = code_of(bridge, ident)
    assert (await post(bridge, ident, code=old.lower())).status == 201
    viewer = come_up(bridge)
    await bridge.do(ident, c.RenewCode())
    bridge.process.audience.settle()
    assert why(viewer) == "code"
    assert m.Close(transport=viewer.id) in bridge.sent
    await problem(await post(bridge, ident, code=old), 401, "watch.wrong_code")
    assert (await post(bridge, ident, code=code_of(bridge, ident))).status == 201


async def test_an_account_is_let_in_until_its_login_ends(bridge: Bridge) -> None:
    ident = await conference(bridge, "accounts")
    await problem(await post(bridge, ident), 401, "watch.needs_accounts")
    token = await bridge.user("technician")
    assert (await post(bridge, ident, code=token)).status == 201
    viewer = come_up(bridge)
    await bridge.process.audience._look_at_logins()
    assert why(viewer) == ""
    await bridge.call("POST", "/logout", {}, token=token)
    await bridge.process.audience._look_at_logins()
    assert why(viewer) == "logged_out"


async def test_a_cookie_counts_on_pages_of_the_bridge_only(bridge: Bridge) -> None:
    ident = await conference(bridge, "accounts")
    cookie = {"Cookie": f"session={await bridge.user('viewer')}"}
    assert (await post(bridge, ident, **cookie)).status == 201
    elsewhere = {**cookie, "Sec-Fetch-Site": "cross-site"}
    await problem(await post(bridge, ident, **elsewhere), 401, "watch.needs_accounts")


@pytest.mark.parametrize("admits", ["nobody", "accounts", "code"])
async def test_who_may_no_longer_is_shown_nothing_at_once(bridge: Bridge, admits: Admits) -> None:
    ident = await conference(bridge, "anybody")
    await post(bridge, ident)
    viewer = come_up(bridge)
    bridge.process.audience.settle()
    assert why(viewer) == ""
    await bridge.do(ident, c.SetAudience(admits=admits))
    bridge.process.audience.settle()
    assert why(viewer) == "withdrawn"
    assert m.Close(transport=viewer.id) in bridge.sent


async def test_wrong_codes_make_an_address_wait_whatever_they_were_tried_at(
    bridge: Bridge,
) -> None:
    ident = await conference(bridge, "code")
    for name in (ident, "no-such", TEMPLATE, ident, "other"):
        assert (await post(bridge, name, code="AAAA-AAAA")).status in (401, 404)
    refused = await post(bridge, ident, code=code_of(bridge, ident))
    await problem(refused, 429, "watch.wait")
    assert int(refused.headers["Retry-After"]) > 0
    bridge.pass_time(60.0)
    assert (await post(bridge, ident, code=code_of(bridge, ident))).status == 201


async def test_expired_and_forged_codes_are_tries_like_any_other(bridge: Bridge) -> None:
    """A code that was replaced says nothing that a guessed one does not."""
    ident = await conference(bridge, "code")
    old = code_of(bridge, ident)
    await bridge.do(ident, c.RenewCode())
    answers = []
    for code in (old, "AAAA-AAAA", "x" * 5000, "Mã", old):
        refused = await post(bridge, ident, code=code)
        answers.append(await problem(refused, 401, "watch.wrong_code"))
    assert all(answer == answers[0] for answer in answers)
    await problem(await post(bridge, ident, code=code_of(bridge, ident)), 429, "watch.wait")
    assert bridge.process.audience.refused == {"wrong_code": 5, "wait": 1}


async def test_a_code_costs_the_same_work_whatever_it_is_and_whatever_it_opens(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the time of an answer tells nothing: one digest and one comparison of equal length, for a
    conference that there is not, one that is closed, an old code and the right one."""
    ident = await conference(bridge, "code")
    old = code_of(bridge, ident)
    await bridge.do(ident, c.RenewCode())
    work: list[str] = []
    digest, compare = hmac.digest, hmac.compare_digest

    def digested(key: bytes, text: bytes, kind: str) -> bytes:
        work.append(f"digest of {len(key)}")
        return digest(key, text, kind)

    def compared(given: bytes, code: bytes) -> bool:
        work.append(f"compare with {len(code)}")
        return compare(given, code)

    right = code_of(bridge, ident)
    monkeypatch.setattr("hmac.digest", digested)
    monkeypatch.setattr("hmac.compare_digest", compared)
    for name, code in ((ident, old), (ident, right), (ident, "A"), ("no-such", right)):
        work.clear()
        await post(bridge, name, code=code)
        found = [item for item in work if item != "compare with 32"]  # logins are looked at, too
        assert found == ["digest of 32", f"compare with {admittance.LENGTH}"], (name, code)


async def test_offers_of_one_address_have_a_budget(bridge: Bridge) -> None:
    statuses = [(await post(bridge, "no-such")).status for _ in range(70)]
    assert statuses[0] == 404
    assert statuses[-1] == 429


# --- when there is nothing to see, or no room ---------------------------------------------------


async def test_before_it_starts_one_comes_too_early(bridge: Bridge) -> None:
    ident = await conference(bridge, "anybody", start=False)
    refused = await post(bridge, ident)
    await problem(refused, 409, "watch.not_begun")
    assert refused.headers["Retry-After"] == "5"
    told = await (await bridge.client.get(f"/api/v1/watch/{ident}")).json()
    assert (told["phase"], told["admitted"]) == ("open", True)
    assert told["title"] is not None


async def test_who_is_not_admitted_is_told_no_title(bridge: Bridge) -> None:
    ident = await conference(bridge, "code")
    told = await (await bridge.client.get(f"/api/v1/watch/{ident}")).json()
    assert (told["admits"], told["admitted"], told["title"]) == ("code", False, None)
    headers = {"Authorization": f"Bearer {code_of(bridge, ident)}"}
    told = await (await bridge.client.get(f"/api/v1/watch/{ident}", headers=headers)).json()
    assert (told["admitted"], told["title"]["en"]) == (True, "Weekly briefing")
    assert "khoan" not in json.dumps(told)


async def test_an_ended_conference_says_so_and_its_viewers_go(bridge: Bridge) -> None:
    ident = await conference(bridge, "anybody")
    await post(bridge, ident)
    viewer = come_up(bridge)
    bridge.process.audience.settle()
    await bridge.do(ident, c.End())
    bridge.process.audience.settle()
    assert why(viewer) == "ended"
    told = await (await bridge.client.get(f"/api/v1/watch/{ident}")).json()
    assert told["phase"] == "ended"


def small(**audience: Any) -> Topology:
    allowed = TOPOLOGY.bridge.audience.model_copy(update=audience)
    changed = TOPOLOGY.bridge.model_copy(update={"audience": allowed})
    return TOPOLOGY.model_copy(update={"bridge": changed})


async def test_one_too_many_is_told_politely(bridge: Bridge) -> None:
    ident = await conference(bridge, "anybody")
    bridge.control.swap_topology(small(viewers=2))
    for number in range(2):
        assert (await post(bridge, ident, offer(ufrag=f"abc{number}"))).status == 201
    refused = await post(bridge, ident, offer(ufrag="abc9"))
    document = await problem(refused, 503, "watch.full")
    assert "thông cảm" in document["title_vi"]
    assert refused.headers["Retry-After"] == "30"
    bridge.process.audience.end(viewers(bridge)[0], "ended")
    assert (await post(bridge, ident, offer(ufrag="abc9"))).status == 201


async def test_an_address_and_a_link_have_room_for_so_many(bridge: Bridge) -> None:
    ident = await conference(bridge, "anybody")
    bridge.control.swap_topology(small(per_address=1))
    assert (await post(bridge, ident)).status == 201
    await problem(await post(bridge, ident, offer(ufrag="xyzt")), 503, "watch.address_full")
    thin = [x.model_copy(update={"audience_share": 0.0}) for x in TOPOLOGY.links]
    bridge.control.swap_topology(small().model_copy(update={"links": thin}))
    await problem(await post(bridge, ident, offer(ufrag="xyzt")), 503, "watch.link_full")


async def test_viewers_share_what_a_link_gives_them(bridge: Bridge) -> None:
    ident = await conference(bridge, "anybody")
    for number in range(3):
        await post(bridge, ident, offer(ufrag=f"abc{number}"))
    bounds: dict[str, int] = {}
    for item in bridge.sent:
        if isinstance(item, m.SetBounds):
            bounds.update(item.bounds)
    root = next(x for x in TOPOLOGY.links if x.parent is None)
    mine = [bounds[viewer.id] for viewer in viewers(bridge)]
    assert sum(mine) <= root.capacity * root.for_audience * 1e6
    assert len(set(mine)) == 1


# --- offers that are none ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sdp", "detail"),
    [
        (offer(direction="sendonly"), "must be recvonly"),
        (offer("v" * 60), "more than"),
        ("nonsense", "v=0"),
        (offer("vv").replace("VP8", "AV1"), "codec"),
        (offer(direction="inactive").replace("m=video 9", "m=video 0"), ""),
        (offer().replace("a=rtcp-mux\r\n", ""), "multiplexed"),
    ],
)
async def test_an_offer_that_cannot_be_used_is_refused_with_the_reason(
    bridge: Bridge, sdp: str, detail: str
) -> None:
    ident = await conference(bridge, "anybody")
    document = await problem(await post(bridge, ident, sdp), 400, "watch.bad_offer")
    assert detail in document["detail"]
    assert bridge.process.audience.refused["bad_offer"] == 1
    assert viewers(bridge) == []


async def test_a_body_that_is_no_offer(bridge: Bridge) -> None:
    ident = await conference(bridge, "anybody")
    wrong = {"Content-Type": "application/json"}
    await problem(await post(bridge, ident, "{}", **wrong), 415, "watch.not_sdp")
    await problem(await post(bridge, ident, "x" * 600_000), 413, "watch.too_large")
    path = f"/api/v1/whep/{ident}"
    bad = await bridge.client.post(path, data=b"\xff\xfe", headers=SDP)
    await problem(bad, 400, "watch.bad_offer")


def test_every_refusal_can_be_counted() -> None:
    assert set(AUDIENCE_REFUSALS) == set(coming_in.STATUS)
    assert set(AUDIENCE) == {*admittance.KINDS, "hls"}


async def test_without_a_worker_one_is_told_to_come_again(bridge: Bridge) -> None:
    ident = await conference(bridge, "anybody")
    bridge.process._on_worker_down()
    refused = await post(bridge, ident)
    await problem(refused, 503, "watch.no_worker")


# --- while somebody watches ----------------------------------------------------------------------


async def told(response: aiohttp.ClientResponse) -> dict[str, Any]:
    """The next document of a stream of events."""
    while True:
        line = (await response.content.readline()).decode()
        if line.startswith("data: "):
            document: dict[str, Any] = json.loads(line[6:])
            return document


async def test_a_viewer_is_told_what_is_new_and_why_it_is_over(bridge: Bridge) -> None:
    await bridge.join("hoi-truong", "khoan-du")
    ident = await conference(bridge, "anybody")
    await bridge.settle()
    location = (await post(bridge, ident)).headers["Location"]
    viewer = come_up(bridge)
    async with bridge.client.get(f"{location}/events") as stream:
        assert stream.content_type == "text/event-stream"
        first = await told(stream)
        assert first["phase"] == "live"
        assert not first["recorded"]
        await bridge.do(ident, c.Grant(point="khoan-du"))
        bridge.process.audience.settle()
        news = await told(stream)
        assert (news["speaker"]["vi"], news["floor"]) == ("Xã Khoan Dụ", True)
        assert news["item"] == ""
        await bridge.do(ident, c.NextItem())
        bridge.process.audience.settle()
        assert (await told(stream))["item"] == "Khai mạc và việc của tuần trước"
        bridge.conductor.fact(ident, c.NoteRecording(writing=True))
        await bridge.settle()
        bridge.process.audience.settle()
        assert (await told(stream))["recorded"]
        bridge.process._on_event(
            m.SlotShowing(
                transport=viewer.id, slot="programme", source=None, layer="", paused="line"
            )
        )
        assert (await told(stream))["sound_only"]
        await bridge.do(ident, c.SetAudience(admits="nobody"))
        bridge.process.audience.settle()
        assert (await told(stream))["why"] == "withdrawn"
        assert (await stream.content.read()).strip() == b"", "and nothing after it"


async def test_how_many_watch_is_noted_and_shown_to_who_directs(bridge: Bridge) -> None:
    ident = await conference(bridge, "code")
    code = code_of(bridge, ident)
    for number in range(2):
        await post(bridge, ident, offer(ufrag=f"abc{number}"), code=code)
        come_up(bridge)
    bridge.process.audience.settle()
    await bridge.settle()
    assert bridge.state(ident).viewers == {"code": 2}
    path = f"/conferences/{ident}/audience"
    found = await (await bridge.call("GET", path, role="operator")).json()
    assert found == {
        "admits": "code",
        "code": code,
        "page": f"/watch/{ident}",
        "viewers": {"code": 2},
    }
    assert (await bridge.call("GET", path, role="viewer")).status == 403
    for viewer in viewers(bridge):
        bridge.process.audience.end(viewer, "ended")
    bridge.pass_time(6.0)
    bridge.process.audience.settle()
    await bridge.settle()
    assert bridge.state(ident).viewers == {}


async def test_who_vanished_keeps_the_place_for_a_while(bridge: Bridge) -> None:
    ident = await conference(bridge, "anybody")
    await post(bridge, ident)
    viewer = come_up(bridge)
    bridge.process._on_event(m.StateChanged(transport=viewer.id, state="vanished"))
    bridge.pass_time(20.0)
    bridge.process.audience.settle()
    assert why(viewer) == ""
    bridge.pass_time(20.0)
    bridge.process.audience.settle()
    assert why(viewer) == "lost"


async def test_who_never_comes_keeps_no_place(bridge: Bridge) -> None:
    """Also where the worker says nothing of it, because it has refused it."""
    ident = await conference(bridge, "anybody")
    await post(bridge, ident)
    (viewer,) = viewers(bridge)
    bridge.pass_time(40.0)
    bridge.process.audience.settle()
    assert (why(viewer), viewers(bridge)) == ("lost", [])


async def test_viewers_stand_on_the_links_of_a_topology_that_is_loaded_anew(
    bridge: Bridge,
) -> None:
    ident = await conference(bridge, "anybody")
    await post(bridge, ident)
    others = [x.model_copy(update={"id": f"{x.id}-2", "parent": None}) for x in TOPOLOGY.links]
    points = [p.model_copy(update={"link": f"{p.link}-2"}) for p in TOPOLOGY.points]
    changed = {"links": others, "points": points}
    bridge.control.swap_topology(small().model_copy(update=changed))
    bridge.process.audience.settle()
    (viewer,) = viewers(bridge)
    assert viewer.way == tuple(x.id for x in others)


async def test_viewers_outlive_a_restart_of_the_control_process(
    bridge: Bridge, tmp_path: Path
) -> None:
    ident = await conference(bridge, "code")
    code = code_of(bridge, ident)
    await post(bridge, ident, code=code)
    viewer = come_up(bridge)
    (opened,) = bridge.opened()
    slots = tuple(
        m.SlotState(name=s.name, kind=s.kind, wanted=None, shown=None) for s in opened.slots
    )
    held = m.TransportState(
        transport=opened.transport,
        label=opened.label,
        state="connected",
        profile="",
        sources=(),
        slots=slots,
    )
    inventory = m.Inventory(
        version=1,
        worker="w",
        fingerprint=opened.fingerprint,
        addresses=(m.MediaAddress(host="127.0.0.1", port=5004),),
        transports=(held,),
        audio=(),
    )
    await bridge.stop()
    again = Bridge(tmp_path)
    await again.start(inventory=None)
    again.process._on_event(inventory)
    (found,) = viewers(again)
    assert (found.id, found.kind, found.mark, found.up) == (viewer.id, "code", "1", True)
    assert code_of(again, ident) == code
    again.process.audience.settle()
    assert why(found) == ""
    await again.stop()


async def test_a_worker_that_is_gone_ends_all(bridge: Bridge) -> None:
    ident = await conference(bridge, "anybody")
    await post(bridge, ident)
    viewer = come_up(bridge)
    bridge.process._on_worker_down()
    assert (why(viewer), viewers(bridge)) == ("worker", [])


# --- pages elsewhere -----------------------------------------------------------------------------

PAGE = "https://www.huyen.example"


async def test_a_page_that_is_named_may_frame_and_play(bridge: Bridge) -> None:
    ident = await conference(bridge, "anybody")
    await problem(await post(bridge, ident, Origin=PAGE), 403, "http.foreign_origin")
    shown = await bridge.client.get(f"/watch/{ident}")
    assert "frame-ancestors 'none'" in shown.headers["Content-Security-Policy"]
    bridge.control.swap_topology(small(pages=[PAGE]))
    played = await post(bridge, ident, Origin=PAGE)
    assert played.status == 201
    assert played.headers["Access-Control-Allow-Origin"] == PAGE
    assert "Location" in played.headers["Access-Control-Expose-Headers"]
    shown = await bridge.client.get(f"/watch/{ident}")
    assert f"frame-ancestors 'self' {PAGE}" in shown.headers["Content-Security-Policy"]
    other = await bridge.client.get("/console")
    assert "frame-ancestors 'none'" in other.headers["Content-Security-Policy"]
    refused = await bridge.client.get("/api/v1/conferences", headers={"Origin": PAGE})
    assert refused.status == 403
