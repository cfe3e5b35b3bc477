"""Sessions and offers, with a worker that only records what it is told."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bridge.conference.model import PointId
from bridge.media import messages as m
from tests.control_support import CHROMIUM, TOPOLOGY, Bridge, until
from tests.waiting import HANG


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 401),
        (b"nonsense", 400),
        (b"[]", 422),
        (b"[" * 50_000, 422),
        (b'{"point": "khoan-du"}', 401),
        (b'{"point": 5, "key": "x"}', 422),
        (b'{"point": "khoan-du", "key": 5}', 422),
        (b'{"point": "khoan-du", "point": "chi-ne", "key": "x"}', 422),
        (b'{"point": "khoan-du", "__proto__": {}}', 422),
        (b'{"point": NaN}', 400),
        (b'{"point": "khoan-du", "key": "wrong"}', 401),
        (b'{"point": "khoan-du", "key": ""}', 401),
        (b'{"point": "khoan-du", "key": "\\ud800"}', 400),
        (b'{"point": "nobody", "key": ""}', 401),
        (b'{"key": "wrong"}', 401),
        (b"x" * 2_000_000, 413),
    ],
)
async def test_keys(bridge: Bridge, body: bytes, status: int) -> None:
    response = await bridge.client.post("/api/v1/sessions", data=io.BytesIO(body))
    assert response.status == status
    document = await response.json()
    assert document["status"] == status
    assert document["title"].endswith(".")
    assert document["title_vi"]


async def test_the_key_of_another_point_opens_nothing(bridge: Bridge) -> None:
    body = {"point": "khoan-du", "key": bridge.keys[PointId("chi-ne")]}
    assert (await bridge.call("POST", "/sessions", body)).status == 401
    token = await bridge.login("chi-ne")
    assert (await bridge.call("GET", "/conferences", token=token)).status == 401
    audit = await bridge.process.accounts.audit()
    assert [(a.actor, a.outcome) for a in audit if a.action == "session"] == [
        ("point:khoan-du", "wrong key")
    ]


async def test_an_offer_opens_a_transport_with_the_right_slots(bridge: Bridge) -> None:
    token = await bridge.login("khoan-du")
    response = await bridge.offer(token)
    assert response.status == 201
    assert response.content_type == "application/sdp"
    assert (await response.text()).startswith("v=0\r\n")
    spec = bridge.opened()[0]
    assert [s.name for s in spec.sources] == ["microphone", "camera", "content"]
    assert [s.name for s in spec.slots][:3] == ["programme", "thumb:1", "thumb:2"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x" * (1 << 20),
        b"\xff\xfe",
        b"v=0\r\n" + b"m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n" * 200,
        CHROMIUM.replace("a=fingerprint", "a=x").encode(),
        CHROMIUM.replace("a=fingerprint:sha-256 ", "a=fingerprint:sha-256 ZZ").encode(),
    ],
)
async def test_broken_offers_get_a_clear_4xx(bridge: Bridge, body: bytes) -> None:
    token = await bridge.login("khoan-du")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
    response = await bridge.client.post("/api/v1/offer", data=body, headers=headers)
    assert 400 <= response.status < 500
    document = await response.json()
    assert document["title"].endswith(".")
    assert bridge.opened() == []


async def test_offers_need_a_session_a_type_and_a_worker(bridge: Bridge) -> None:
    post = bridge.client.post
    assert (await post("/api/v1/offer", data=b"v=0")).status == 401
    token = await bridge.login("khoan-du")
    headers = {"Authorization": f"Bearer {token}"}
    assert (await post("/api/v1/offer", data=b"v=0", headers=headers)).status == 415
    bridge.control.reconciler.on_worker_down()
    assert (await bridge.offer(token)).status == 503


async def test_observers_send_nothing(tmp_path: Path) -> None:
    points = [
        point.model_copy(update={"role": "observer"}) if point.id == "yen-bong" else point
        for point in TOPOLOGY.points
    ]
    bridge = Bridge(tmp_path, topology=TOPOLOGY.model_copy(update={"points": points}))
    await bridge.start()
    async with TestClient(TestServer(bridge.http.app)) as bridge.client:
        assert (await bridge.offer(await bridge.login("yen-bong"))).status == 201
        assert bridge.opened()[0].sources == ()
        assert bridge.opened()[0].slots
    await bridge.stop()


async def test_a_console_sends_talkback_and_a_screen_and_a_viewer_nothing(bridge: Bridge) -> None:
    await bridge.offer(await bridge.login(None))
    assert [s.name for s in bridge.opened()[0].sources] == ["microphone", "content"]
    response = await bridge.call("POST", "/sessions", {}, role="viewer")
    await bridge.offer((await response.json())["session"])
    assert bridge.opened()[1].sources == ()


async def test_another_device_cannot_take_a_live_point(bridge: Bridge) -> None:
    console = await bridge.connect(await bridge.login(None))
    await until(console, "welcome")
    first = await bridge.connect(await bridge.login("khoan-du"))
    await until(first, "welcome")
    code = await (await bridge.call("POST", "/points/khoan-du/enrolments", role="admin")).json()
    answer = await bridge.call("POST", "/enrol", {"code": code["code"].lower(), "name": "PC 2"})
    other = await answer.json()
    assert (answer.status, other["point"]) == (201, "khoan-du")
    known = {"point": other["point"], "key": other["key"]}
    refused = await bridge.call("POST", "/sessions", known)
    assert refused.status == 409
    assert "khoan-du" in (await until(console, "notice"))["sentence"]["vi"]
    await first.close()
    async with asyncio.timeout(HANG):
        while (response := await bridge.call("POST", "/sessions", known)).status != 201:
            print(response.status, await response.text())
    again = await bridge.call("POST", "/enrol", {"code": code["code"]})
    assert again.status == 401, "a code is good once"


async def test_a_self_test_is_an_echo(bridge: Bridge) -> None:
    response = await bridge.call("POST", "/sessions", {"kind": "echo"}, role="technician")
    token = (await response.json())["session"]
    await bridge.offer(token)
    bridge.up()
    spec = bridge.opened()[0]
    assert [s.name for s in spec.slots if s.kind == "video"] == ["programme"]
    routes = [r for i in bridge.sent if isinstance(i, m.SetRoutes) for r in i.routes]
    assert routes[-1].source == m.SourceRef(transport=spec.transport, name="camera")
    mix = [i for i in bridge.sent if isinstance(i, m.SetAudio)][-1]
    assert (mix.echo, mix.members) == (True, (spec.transport,))
