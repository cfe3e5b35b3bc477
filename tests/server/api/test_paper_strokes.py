"""The pointer and strokes on papers over the WebSocket: whoever presents draws, the others of the
conference see it, who comes late too; kept, they are a paper."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pypdfium2 as pdfium
import pytest

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.model import Actor
from bridge.papers import stroke_board
from tests.control_support import Bridge, until
from tests.papers.support import near, pdf
from tests.waiting import HANG, eventually

pytestmark = pytest.mark.usefixtures("worked_here")
DIRECTOR = Actor(kind="user", name="operator", role="operator")
RED = (214, 30, 30)
LINE = {"tool": "pen", "places": [0, 5000, 10_000, 5000]}


@pytest.fixture(autouse=True)
async def ends(bridge: Bridge) -> Any:
    yield
    await bridge.process.papers.pictures.close()


async def shown(bridge: Bridge, points: str = "") -> tuple[str, dict[str, Any]]:
    """A conference that is shown page 2 of a paper: its id, and what messages say of the page."""
    conference = await bridge.open()
    query = f"of={conference}&name=Plan.pdf&points={points}"
    response = await bridge.call("POST", f"/papers?{query}", role="operator", data=pdf(3))
    paper = (await response.json())["id"]
    await bridge.settle()
    await bridge.do(conference, c.Direct(take_over=True), DIRECTOR)
    await bridge.do(conference, c.ShowPage(paper=paper, page=2), DIRECTOR)
    bridge.process.papers.settle()
    return conference, {"paper": paper, "version": 1, "page": 2}


async def room(bridge: Bridge, point: str | None) -> aiohttp.ClientWebSocketResponse:
    """The page of a room, or a console, that has just come."""
    token = (await bridge.join(point))[point] if point is not None else await bridge.login(None)
    socket = await bridge.connect(token)
    await until(socket, "welcome")
    return socket


async def ask(socket: aiohttp.ClientWebSocketResponse, kind: str, **fields: object) -> None:
    await socket.send_json({"type": kind, **fields})


async def strokes(socket: aiohttp.ClientWebSocketResponse) -> tuple[int, list[Any]]:
    found = await until(socket, "strokes")
    return found["start"], found["strokes"]


async def test_what_is_drawn_is_seen_by_all_and_by_who_comes_late(bridge: Bridge) -> None:
    _, page = await shown(bridge)
    console, first = await room(bridge, None), await room(bridge, "khoan-du")
    assert await strokes(first) == (0, [])
    assert await strokes(console) == (0, [])
    await ask(console, "draw", **page, stroke=LINE)
    assert await strokes(first) == (0, [LINE])
    assert await strokes(console) == (0, [LINE]), "also to whoever drew it"
    await ask(console, "draw", **page, stroke={"tool": "marker", "places": [1, 2]})
    assert await strokes(first) == (1, [{"tool": "marker", "places": [1, 2]}])
    late = await room(bridge, "chi-ne")
    assert len((await strokes(late))[1]) == 2
    await ask(console, "erase", **page)
    assert await strokes(late) == (1, [])
    await ask(console, "erase", **page, whole=True)
    assert await strokes(late) == (0, [])


async def test_who_does_not_present_draws_nothing(bridge: Bridge) -> None:
    conference, page = await shown(bridge)
    console, first = await room(bridge, None), await room(bridge, "khoan-du")
    await strokes(first)
    assert bridge.state(conference).chair != "khoan-du"
    await ask(first, "draw", **page, stroke=LINE)
    assert await strokes(first) == (0, []), "its page may have drawn it already"
    assert "Ask for the floor" in (await until(first, "error"))["sentence"]["en"]
    await bridge.do(conference, c.Grant(point="khoan-du"), DIRECTOR)
    await ask(first, "draw", **{**page, "page": 3}, stroke=LINE)
    assert "was turned" in (await until(first, "error"))["sentence"]["en"]
    await ask(first, "draw", **page, stroke=LINE)
    assert await strokes(first) == (0, [LINE])
    await strokes(console)
    assert await strokes(console) == (0, [LINE])


@pytest.mark.parametrize(
    "stroke",
    [
        {"tool": "pen", "places": [0, 10_001]},
        {"tool": "pen", "places": [0, -1]},
        {"tool": "pen", "places": [0.5, 1]},
        {"tool": "pen", "places": []},
        {"tool": "pen", "places": [1, 2, 3]},
        {"tool": "pen", "places": [0] * 242},
        {"tool": "<script>", "places": [1, 2]},
        {"tool": "pen", "places": [1, 2], "colour": "url(x)"},
    ],
)
async def test_what_is_no_stroke_is_refused_with_a_sentence(bridge: Bridge, stroke: Any) -> None:
    conference, page = await shown(bridge)
    console = await room(bridge, None)
    await ask(console, "draw", **page, stroke=stroke)
    assert (await until(console, "error"))["sentence"]["vi"]
    assert bridge.process.papers.strokes.of(conference) == {}


async def test_the_others_get_the_newest_place_of_a_pointer(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stroke_board, "EVERY", 0.3)
    conference, page = await shown(bridge)
    before = bridge.state(conference).seq
    console, first = await room(bridge, None), await room(bridge, "khoan-du")
    for place in range(50):
        await ask(console, "point_at", **page, at=[place, 7])
    seen: list[int] = []
    while 49 not in seen:
        seen.append((await until(first, "pointer"))["at"][0])
    assert seen == sorted(set(seen))
    assert len(seen) < 50, "many at once are few"
    late = await room(bridge, "chi-ne")
    assert (await until(late, "pointer"))["at"] == [49, 7]
    assert bridge.state(conference).seq == before + 2, "two rooms came; a pointer is no event"
    await ask(first, "point_at", **page, at=[1, 1])  # it does not present: nothing comes of it
    await console.close()
    (gone,) = bridge.control.sessions.of_user("operator")
    await eventually(lambda: gone.client is None)
    bridge.process.papers.settle()
    assert (await until(first, "pointer"))["at"] is None


async def test_a_room_sees_nothing_of_a_paper_that_is_not_for_it(bridge: Bridge) -> None:
    conference, page = await shown(bridge, points="khoan-du")
    console, mine = await room(bridge, None), await room(bridge, "khoan-du")
    other = await room(bridge, "chi-ne")
    await ask(console, "draw", **page, stroke=LINE)
    await ask(console, "point_at", **page, at=[1, 2])
    assert (await until(mine, "pointer"))["at"] == [1, 2]
    await bridge.do(conference, c.Banner(text="x"), DIRECTOR)
    async with asyncio.timeout(HANG):
        kinds = set[str]()
        while True:
            document = json.loads((await other.receive()).data)
            kinds.add(document["type"])
            conference_view = document.get("conference") or {}
            if conference_view.get("banner") == "x":
                break
    assert not kinds & {"strokes", "pointer"}


async def test_strokes_that_are_kept_are_a_paper_with_a_checksum(bridge: Bridge) -> None:
    conference, page = await shown(bridge)
    path = f"/conferences/{conference}/strokes"
    assert (await bridge.call("POST", path, role="operator")).status == 422, "there are none"
    assert (await bridge.call("POST", path, role="viewer")).status == 403
    console = await room(bridge, None)
    await strokes(console)
    await ask(console, "draw", **page, stroke=LINE)
    await strokes(console)
    response = await bridge.call("POST", path, role="operator")
    assert response.status == 200, await response.text()
    (paper,) = (await response.json())["papers"]
    assert (paper["pages"], paper["title"]) == (1, "Plan.pdf (có nét vẽ)")
    await bridge.settle()
    state = bridge.state(conference)
    assert state.papers[paper["id"]].sha256 == paper["sha256"]
    log = await bridge.process.events.read(conference)
    (kept,) = [item for item in log if isinstance(item.event, e.StrokesKept)]
    assert kept.event == e.StrokesKept(
        paper=page["paper"], version=1, pages=(2,), kept=paper["id"], sha256=paper["sha256"]
    )
    assert kept.actor.startswith("user:")
    file = await bridge.call("GET", f"/papers/{paper['id']}/file", role="operator")
    drawn = pdfium.PdfDocument(await file.read())[0].render(scale=6).to_pil().convert("RGB")
    middle = drawn.getpixel((drawn.width // 2, drawn.height // 2))
    assert isinstance(middle, tuple)
    assert near((int(middle[0]), int(middle[1]), int(middle[2])), RED)
    again = await (await bridge.call("POST", path, role="operator")).json()
    assert [(p["id"], p["version"]) for p in again["papers"]] == [(paper["id"], 2)]
    await bridge.do(conference, c.End(), DIRECTOR)
    bridge.process.papers.settle()
    assert (await bridge.call("POST", path, role="operator")).status == 404
