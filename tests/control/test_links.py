"""Links that conferences share: admission, bounds, and what pages are asked to send."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bridge.conference import commands as c
from bridge.conference.model import Refusal
from bridge.control.admission.ladder import Step
from bridge.control.draft import Done
from bridge.media import messages as m
from config.schema import Link, Name, Template
from tests.control_support import LAN, TOPOLOGY, Bridge, until

THIN = 6.0  # Mbit/s of the line to Khoan Dụ, behind which Yên Bồng is, too; half of it for video


def template(ident: str, *points: str) -> Template:
    return Template(id=ident, title=Name(vi=ident), points=list(points), chair=points[0])


def links(**capacity: float) -> list[Link]:
    return [
        link.model_copy(update={"capacity": capacity.get(link.id.replace("-", "_"), link.capacity)})
        for link in TOPOLOGY.links
    ]


@pytest.fixture
async def thin(tmp_path: Path) -> AsyncIterator[Bridge]:
    topology = TOPOLOGY.model_copy(
        update={
            "links": links(khoan_du=THIN),
            "templates": [
                template("mot", "hoi-truong", "khoan-du"),
                template("hai", "phong-hop", "yen-bong"),
                template("ba", "chi-ne", "yen-bong"),
            ],
        }
    )
    bridge = Bridge(tmp_path, topology=topology)
    await bridge.start()
    async with TestClient(TestServer(bridge.http.app)) as bridge.client:
        yield bridge
    await bridge.stop()


def bounds(bridge: Bridge) -> dict[str, int]:
    """The last word about every transport, by label, bit/s."""
    labels = {o.transport: o.label for o in bridge.opened()}
    found: dict[str, int] = {}
    for item in bridge.sent:
        if isinstance(item, m.SetBounds):
            found |= {labels[transport]: bound for transport, bound in item.bounds.items()}
    return found


async def test_a_second_conference_gets_what_the_first_leaves(thin: Bridge) -> None:
    one = await thin.open("mot")
    promises = thin.control.promises
    assert promises.made[one].worst == Step.MEDIUM
    before = promises.made[one]
    two = await thin.open("hai")
    assert promises.made[one] == before
    assert promises.made[two].down["yen-bong"] == Step.NO_CONTENT
    await thin.do(one, c.End())
    await thin.settle()
    assert set(promises.made) == {two}


async def test_what_does_not_fit_is_refused_with_the_name_of_the_link(thin: Bridge) -> None:
    thin.control.topology.swap(
        thin.control.topology.current.model_copy(update={"links": links(khoan_du=0.4)})
    )
    await thin.open("mot")
    refused = await thin.process.scheduler.open(thin.process.scheduler.templates()["hai"], LAN)
    assert isinstance(refused, Refusal)
    assert refused.key == "refusal.link_full"
    assert refused.arguments == {
        "link": "Đường truyền Xã Khoan Dụ",
        "link_en": "Line to Khoan Dụ commune",
        "need": "120",
        "room": "80",
    }
    answer = await thin.call("POST", "/conferences", {"template": "hai"}, role="operator")
    document = await answer.json()
    assert answer.status == 409
    assert "Khoan Dụ" in document["title"]
    assert "kbit/s" in document["title_vi"]


async def test_a_point_that_comes_in_later_is_planned_before(thin: Bridge) -> None:
    one = await thin.open("mot")
    await thin.do(one, c.Drop(point="khoan-du"))
    thin.control.topology.swap(
        thin.control.topology.current.model_copy(update={"links": links(khoan_du=0.4)})
    )
    await thin.open("hai")
    result = await thin.conductor.submit(one, c.Recall(point="khoan-du"), LAN)
    assert isinstance(result, Refusal)
    assert result.arguments["link"] == "Đường truyền Xã Khoan Dụ"
    assert thin.state(one).seats["khoan-du"].dropped, "a refusal changes nothing"


async def test_a_plan_is_shown_before_anything_starts(thin: Bridge) -> None:
    plan = await (await thin.call("GET", "/templates/mot/plan", role="viewer")).json()
    rows = {row["link"]: row for row in plan["links"]}
    assert rows["khoan-du"]["budget"] == 3000
    assert rows["khoan-du"]["need_down"] == 3270
    assert rows["khoan-du"]["promised_down"] == 2170
    assert plan["points"]["khoan-du"]["down"] == "medium"
    assert plan["refused"] is None
    await thin.open("mot")
    plan = await (await thin.call("GET", "/templates/hai/plan", role="viewer")).json()
    rows = {row["link"]: row for row in plan["links"]}
    assert rows["khoan-du"]["taken_down"] == 2170
    assert plan["points"]["yen-bong"]["down"] == "no_content"
    thin.control.promises.measure("yen-bong", 100)
    plan = await (await thin.call("GET", "/templates/hai/plan", role="viewer")).json()
    assert "Yên Bồng" in plan["refused"]["vi"]
    assert any(row["measured"] and row["budget"] == 100 for row in plan["links"])
    assert (await thin.call("GET", "/templates/keine/plan", role="viewer")).status == 404


async def test_those_behind_one_link_share_it_and_no_bound_is_more_than_it_carries(
    thin: Bridge,
) -> None:
    one, two = await thin.open("mot"), await thin.open("hai")
    await thin.join("khoan-du", "yen-bong", "hoi-truong", "phong-hop")
    told = bounds(thin)
    assert told["khoan-du"] + told["yen-bong"] <= 3_000_000 + 2
    assert told["khoan-du"] >= 1000 * sum(
        load.down
        for link, load in thin.control.promises.made[one].loads.items()
        if link == "khoan-du"
    )
    assert told["hoi-truong"] > 100_000_000
    await thin.do(one, c.End())
    await thin.settle()
    assert bounds(thin)["yen-bong"] == 3_000_000, "what is free goes to who is left"
    assert thin.control.promises.made[two].down["yen-bong"] == Step.NO_CONTENT


def rate(transport: str, estimate: int, **more: Any) -> m.TransportRate:
    return m.TransportRate(
        transport=transport, estimate=estimate, bound=0, used=0, loss=0, slots=(), **more
    )


async def test_what_a_line_cannot_take_the_others_behind_the_link_get(thin: Bridge) -> None:
    await thin.open("mot")
    await thin.open("hai")
    await thin.join("khoan-du", "yen-bong")
    session = thin.control.sessions.of_point("khoan-du")
    assert session is not None
    before = bounds(thin)["yen-bong"]
    thin.pass_time(1.0)
    thin.control.reconciler.on_event(m.Bandwidth(transports=(rate(session.transport, 600_000),)))
    after = bounds(thin)
    assert after["khoan-du"] == 1_200_000, "twice the estimate: so much it may grow at once"
    assert after["yen-bong"] > before
    assert after["khoan-du"] + after["yen-bong"] <= 3_000_000 + 2


async def test_a_point_that_comes_again_begins_with_what_its_line_carried(thin: Bridge) -> None:
    """A page that was loaded anew, or all after the worker was lost; for a quarter of an hour."""

    def carried() -> list[int]:
        return [
            found
            for item in thin.sent
            if isinstance(item, m.SetBounds)
            for found in item.carried.values()
        ]

    await thin.open("mot")
    await thin.join("hoi-truong")
    assert carried() == []
    session = thin.control.sessions.of_point("hoi-truong")
    assert session is not None
    thin.pass_time(1.0)
    thin.control.reconciler.on_event(m.Bandwidth(transports=(rate(session.transport, 4_000_000),)))
    thin.pass_time(890)
    await thin.join("hoi-truong")
    assert carried() == [4_000_000]
    thin.pass_time(890)
    await thin.join("hoi-truong")
    assert carried() == [4_000_000], "that is long ago by now"


async def test_a_bound_ends_with_the_conference(thin: Bridge) -> None:
    one = await thin.open("mot")
    await thin.join("khoan-du")
    await thin.do(one, c.End())
    await thin.settle()
    assert bounds(thin)["khoan-du"] == 0


async def test_a_room_sends_the_layers_that_are_wanted_and_that_its_line_carries(
    thin: Bridge,
) -> None:
    await thin.open("mot")
    tokens = await thin.join("hoi-truong", "khoan-du")
    socket = await thin.connect(tokens["khoan-du"])
    await until(socket, "welcome")
    session = thin.control.sessions.of_point("khoan-du")
    assert session is not None
    wanted = m.LayersWanted(transport=session.transport, name="camera", layers=("q",))
    thin.control.reconciler.on_event(wanted)
    assert (await until(socket, "layers"))["rids"] == ["q"]
    for layers in (("q", "h", "f"), ("q", "h", "f")):  # said twice, told once
        wanted = m.LayersWanted(transport=session.transport, name="camera", layers=layers)
        thin.control.reconciler.on_event(wanted)
    assert (await until(socket, "layers"))["rids"] == ["q", "h", "f"]
    thin.control.promises.measure("khoan-du", 600)
    thin.control.presence.settle()
    assert (await until(socket, "layers"))["rids"] == ["q", "h"], "150 and 400 and the sound fit"
    thin.control.promises.measure("khoan-du", 500)
    thin.control.presence.settle()
    assert (await until(socket, "layers"))["rids"] == ["q"], "and here they are too much"
    thin.control.promises.measure("khoan-du", 100)
    thin.control.presence.settle()
    assert (await until(socket, "layers"))["rids"] == [], "sound only"
    again = await thin.connect(tokens["khoan-du"])
    assert (await until(again, "layers"))["rids"] == [], "a page that comes back is told, too"


def wants(bridge: Bridge, point: str, *layers: str) -> None:
    """Somebody is shown, or is about to be, these layers of a point's camera."""
    session = bridge.control.sessions.of_point(point)
    assert session is not None
    wanted = m.LayersWanted(transport=session.transport, name="camera", layers=layers)
    bridge.control.reconciler.on_event(wanted)


def asked(bridge: Bridge, point: str) -> tuple[str, ...]:
    """The layers of its camera that a point was asked for last."""
    session = bridge.control.sessions.of_point(point)
    assert session is not None
    return session.layers["camera"].rids


async def test_on_the_way_up_a_second_conference_takes_nothing_that_the_first_was_promised(
    thin: Bridge,
) -> None:
    topology = thin.control.topology.current
    thin.control.topology.swap(topology.model_copy(update={"links": links(khoan_du=8.0)}))
    one, two = await thin.open("mot"), await thin.open("hai")
    made = thin.control.promises.made
    assert (made[one].up["khoan-du"], made[two].up["yen-bong"]) == (Step.FULL, Step.LOWEST)
    await thin.join("hoi-truong", "khoan-du", "phong-hop", "yen-bong")
    await thin.do(one, c.Take(point="khoan-du"))
    await thin.do(two, c.Take(point="yen-bong"))
    for point in ("khoan-du", "yen-bong"):
        wants(thin, point, "q", "h", "f")
    assert asked(thin, "khoan-du") == ("q", "h", "f"), "4,000 kbit/s: 2,090 of it were promised"
    assert asked(thin, "yen-bong") == ("q", "h"), "what is left, beside its sound"
    await thin.do(one, c.Take(point="hoi-truong"))
    assert thin.control.bounds.share_of("khoan-du")[0] < 2090, "only who is on air was promised it"


async def test_a_camera_leaves_room_for_the_screen_that_its_point_shares(thin: Bridge) -> None:
    topology = thin.control.topology.current
    thin.control.topology.swap(topology.model_copy(update={"links": links(khoan_du=5.0)}))
    one = await thin.open("mot")
    await thin.join("hoi-truong", "khoan-du")
    await thin.do(one, c.Take(point="khoan-du"))
    wants(thin, "khoan-du", "q", "h", "f")
    assert asked(thin, "khoan-du") == ("q", "h", "f")
    await thin.do(one, c.Share(point="khoan-du"))
    assert asked(thin, "khoan-du") == ("q", "h"), "2,500 kbit/s with 1,500 of the screen"
    thin.control.promises.measure("khoan-du", 300)
    thin.control.presence.settle()
    assert asked(thin, "khoan-du") == ("q",), "the smallest picture comes before the screen"


async def test_small_pictures_are_as_important_as_their_places_in_the_order_of_the_panes(
    bridge: Bridge,
) -> None:
    conference = await bridge.open()
    await bridge.join("hoi-truong", "khoan-du", "chi-ne", "an-binh")

    def order() -> list[str]:
        """Who stands in the small pictures of Khoan Dụ, the most important first."""
        session = bridge.control.sessions.of_point("khoan-du")
        assert session is not None
        stands = bridge.control.routes.stands(session.transport)
        sent = [r for s in bridge.sent if isinstance(s, m.SetRoutes) for r in s.routes]
        newest = {r.slot: r for r in sent if r.transport == session.transport}
        slots = sorted(stands, key=lambda slot: newest[slot].importance)
        assert newest[slots[0]].importance > newest["programme"].importance
        return [stands[slot] for slot in slots]

    last = order()[-1]
    await bridge.do(conference, c.Pin(point=last, pane=1))
    assert order()[0] == last


async def test_a_page_says_in_which_size_it_shows_a_slot(bridge: Bridge) -> None:
    await bridge.open()
    tokens = await bridge.join("hoi-truong", "khoan-du", "chi-ne")
    socket = await bridge.connect(tokens["khoan-du"])
    await until(socket, "state")

    def routes() -> dict[str, m.Route]:
        label = {o.transport: o.label for o in bridge.opened()}
        sent = [r for s in bridge.sent if isinstance(s, m.SetRoutes) for r in s.routes]
        return {r.slot: r for r in sent if label[r.transport] == "khoan-du"}

    thumb = bridge.slot_of("khoan-du", "chi-ne")
    assert routes()["programme"].max_height == 0
    assert routes()["programme"].importance < routes()[thumb].importance
    await socket.send_json({"type": "sizes", "slots": {"programme": 400, thumb: 0}})
    await socket.send_json({"type": "sizes", "slots": {"programme": -1}})
    await until(socket, "error")
    assert routes()["programme"].max_height == 360
    assert routes()[thumb].source is None, "hidden: nothing is sent"
    too_many = {f"thumb:{n}": 100 for n in range(65)}
    await socket.send_json({"type": "sizes", "slots": too_many})
    await until(socket, "error")
    assert routes()["programme"].max_height == 360


async def test_a_paused_slot_is_told_at_once_with_whose_last_picture_stands_there(
    bridge: Bridge,
) -> None:
    await bridge.open()
    tokens = await bridge.join("hoi-truong", "khoan-du")
    socket = await bridge.connect(tokens["khoan-du"])
    await until(socket, "state")
    own, chair = (bridge.control.sessions.of_point(p) for p in ("khoan-du", "hoi-truong"))
    assert own is not None
    assert chair is not None
    ref = m.SourceRef(transport=chair.transport, name="camera")

    def says(**more: Any) -> None:
        event = m.SlotShowing(transport=own.transport, slot="programme", source=ref, **more)
        bridge.control.reconciler.on_event(event)

    says(paused="line")
    slot = (await until(socket, "state"))["slots"]["programme"]
    assert (slot["shown"], slot["paused"]) == (None, "line"), "nothing of it was seen yet"
    says(layer="q")
    assert (await until(socket, "state"))["slots"]["programme"]["paused"] == ""
    says(paused="link")
    slot = (await until(socket, "state"))["slots"]["programme"]
    assert (slot["shown"], slot["paused"]) == ("hoi-truong", "link")
    console = await bridge.connect(await bridge.login(None))
    assert (await until(console, "state"))["paused"] == {"khoan-du": ["programme"]}


async def test_a_points_traffic_can_be_asked_for(bridge: Bridge) -> None:
    await bridge.open()
    await bridge.join("hoi-truong", "khoan-du")
    own, chair = (bridge.control.sessions.of_point(p) for p in ("khoan-du", "hoi-truong"))
    assert own is not None
    assert chair is not None
    path = "/points/khoan-du/traffic"
    assert (await (await bridge.call("GET", path, role="operator")).json())["estimate"] == 0
    programme = m.SlotRate(
        name="programme",
        kind="video",
        source=m.SourceRef(transport=chair.transport, name="camera"),
        layer="h",
        height=360,
        frame_rate=15.0,
        bitrate=480_000,
    )
    figures = m.TransportRate(
        transport=own.transport,
        estimate=800_000,
        bound=0,
        used=560_000,
        loss=0.02,
        slots=(programme,),
        red=1,
        received=200_000,
        layers=(m.LayerRate(name="camera", rid="q", bitrate=140_000, height=180),),
    )
    bridge.control.reconciler.on_event(m.Bandwidth(transports=(figures,)))
    found = await (await bridge.call("GET", path, role="operator")).json()
    assert (found["estimate"], found["used"], found["red"]) == (800_000, 560_000, 1)
    assert found["slots"][0] == {
        "slot": "programme",
        "point": "hoi-truong",
        "name": {"vi": "Hội trường UBND huyện", "en": "District hall"},
        "layer": "h",
        "height": 360,
        "frame_rate": 15.0,
        "bitrate": 480_000,
        "paused": "",
    }
    assert found["layers"][0]["rid"] == "q"
    assert found["promised"] == {"up": "full", "down": "full"}
    assert (await bridge.call("GET", "/points/keiner/traffic", role="operator")).status in (
        403,
        404,
    )


async def test_a_conference_that_is_opened_and_started_is_done(thin: Bridge) -> None:
    opened = await thin.process.scheduler.open(thin.process.scheduler.templates()["ba"], LAN)
    assert isinstance(opened, Done)
    await thin.do(opened.conference, c.Start())
