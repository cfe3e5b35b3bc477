"""What the worker is told to show and to mix, as conferences change."""

from __future__ import annotations

from pathlib import Path

from aiohttp.test_utils import TestClient, TestServer

from bridge.conference import commands as c
from bridge.conference.model import Actor, Refusal
from config.schema import Name, Template
from tests.control_support import TOPOLOGY, Bridge


async def test_a_dropped_point_is_cut_at_the_worker(bridge: Bridge) -> None:
    conference = await bridge.open()
    await bridge.join("hoi-truong", "phong-hop", "chi-ne")
    await bridge.do(conference, c.Grant(point="phong-hop"))
    await bridge.settle()
    assert bridge.heard(conference) == {"hoi-truong", "phong-hop"}
    slot = bridge.slot_of("chi-ne", "phong-hop")
    assert bridge.routes()["chi-ne", slot] == "phong-hop"
    await bridge.do(conference, c.Drop(point="phong-hop"))
    await bridge.settle()
    assert bridge.heard(conference) == {"hoi-truong"}
    routes = bridge.routes()
    assert routes["chi-ne", slot] is None
    assert "phong-hop" not in routes.values()
    assert {source for (label, _), source in routes.items() if label == "phong-hop"} == {None}


async def test_a_locked_mute_is_enforced_by_the_worker(bridge: Bridge) -> None:
    conference = await bridge.open("khan")
    await bridge.join("hoi-truong", "khoan-du")
    assert bridge.heard(conference) == {"hoi-truong", "khoan-du"}
    await bridge.do(conference, c.Mute(point="khoan-du", lock=True))
    await bridge.settle()
    assert bridge.heard(conference) == {"hoi-truong"}


async def test_conferences_with_disjoint_points_run_side_by_side(tmp_path: Path) -> None:
    def template(ident: str, *points: str) -> Template:
        return Template(id=ident, title=Name(vi=ident), points=list(points), chair=points[0])

    topology = TOPOLOGY.model_copy(
        update={
            "templates": [
                template("mot", "phong-hop", "chi-ne"),
                template("hai", "khoan-du", "yen-bong"),
                template("ba", "yen-bong", "dong-tam"),
            ]
        }
    )
    bridge = Bridge(tmp_path, topology=topology)
    await bridge.start()
    async with TestClient(TestServer(bridge.http.app)) as bridge.client:
        one, two = await bridge.open("mot"), await bridge.open("hai")
        refused = await bridge.process.scheduler.open(
            bridge.process.scheduler.templates()["ba"],
            Actor(kind="user", name="lan", role="operator"),
        )
        assert isinstance(refused, Refusal)
        assert (refused.key, refused.arguments["point"]) == ("refusal.point_busy", "yen-bong")
        await bridge.join("phong-hop", "chi-ne", "khoan-du", "yen-bong")
        routes = bridge.routes()
        assert routes["chi-ne", "programme"] == "phong-hop"
        assert routes["yen-bong", "programme"] == "khoan-du"
        seen = {source for (label, _), source in routes.items() if label == "yen-bong"}
        assert seen == {"khoan-du", None}, "conferences stay apart"
        assert bridge.heard(one) == {"phong-hop"}
        assert bridge.heard(two) == {"khoan-du"}
        await bridge.do(one, c.End())
        await bridge.settle()
        assert bridge.routes()["chi-ne", "programme"] is None
        assert bridge.routes()["yen-bong", "programme"] == "khoan-du"
    await bridge.stop()
