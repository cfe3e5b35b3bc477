"""What the worker is told to show and to mix, as conferences change."""

from __future__ import annotations

from pathlib import Path

from aiohttp.test_utils import TestClient, TestServer

from bridge.conference import commands as c
from bridge.conference.model import Actor, Refusal
from bridge.media import messages as m
from bridge.signalling.protocol import RoomStatus, SeatView
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


async def test_a_camera_with_a_fault_leaves_every_slot_at_once(bridge: Bridge) -> None:
    """Told by its page, before the last packet is old; and it is back as fast."""
    conference = await bridge.open()
    tokens = await bridge.join("hoi-truong", "khoan-du", "chi-ne")
    await bridge.do(conference, c.Take(point="khoan-du"))
    await bridge.settle()
    assert bridge.routes()["chi-ne", "programme"] == "khoan-du"
    session = bridge.control.sessions.get(tokens["khoan-du"])
    assert session is not None
    fault = RoomStatus(microphone=True, camera_fault="missing", sending=True)
    bridge.control.presence.status(session, fault)
    routes = bridge.routes()
    assert routes["chi-ne", "programme"] is None
    assert "khoan-du" not in {source for (_, slot), source in routes.items() if "audio" not in slot}
    watcher = bridge.control.sessions.get(tokens["chi-ne"])
    assert watcher is not None
    assert bridge.control.publisher.view(watcher).programme == "khoan-du", "who it would be"
    bridge.control.presence.status(session, RoomStatus(camera=True, microphone=True, sending=True))
    assert bridge.routes()["chi-ne", "programme"] == "khoan-du"


async def test_what_arrives_is_told_beside_what_is_wanted(bridge: Bridge) -> None:
    """A seat's microphone may be open and nothing come of it, or silence alone."""
    conference = await bridge.open()
    tokens = await bridge.join("hoi-truong", "khoan-du")
    await bridge.do(conference, c.Grant(point="khoan-du"))
    session = bridge.control.sessions.get(tokens["khoan-du"])
    assert session is not None

    def seat() -> SeatView:
        view = bridge.control.publisher.view(session).conference
        assert view is not None
        return view.seats["khoan-du"]

    def sends(name: str, *layers: str) -> None:
        event = m.SourceChanged(transport=session.transport, name=name, layers=layers)
        bridge.control.reconciler.on_event(event)

    assert (seat().microphone, seat().voice, seat().picture) == (True, "none", False)
    sends("microphone", "")
    sends("camera", "q", "h")
    assert (seat().voice, seat().picture) == ("live", True)
    for _ in range(5):
        bridge.control.reconciler.on_event(m.Levels(levels={session.transport: 127}))
        bridge.pass_time(1)
    assert seat().voice == "silent"
    bridge.control.reconciler.on_event(m.Levels(levels={session.transport: 30}))
    assert seat().voice == "live"
    sends("microphone")
    assert (seat().voice, seat().picture) == ("none", True)
    bridge.control.reconciler.on_worker_down()
    assert (seat().voice, seat().picture) == ("none", False)


def prepared(bridge: Bridge) -> m.Prepare:
    """What the worker was told last to have ready."""
    return [message for message in bridge.sent if isinstance(message, m.Prepare)][-1]


async def test_the_best_picture_of_a_preview_is_there_before_it_goes_on_air(bridge: Bridge) -> None:
    """With or without a console that shows it; as good as the largest programme needs it."""
    conference = await bridge.open()
    await bridge.join("hoi-truong", "phong-hop", "chi-ne")
    await bridge.do(conference, c.Preview(point="chi-ne"))
    await bridge.settle()
    (source,) = prepared(bridge).sources
    previewed = bridge.control.sessions.of_point("chi-ne")
    assert previewed is not None
    assert source == m.SourceRef(transport=previewed.transport, name="camera")
    assert prepared(bridge).max_height == 0, "nobody has said how large its programme is"
    for session in bridge.control.sessions.all():
        session.shows({"programme": 400})
    bridge.control.presence.settle()
    assert prepared(bridge).max_height == 360
    await bridge.do(conference, c.Preview(point=None))
    await bridge.settle()
    assert prepared(bridge).sources == ()
