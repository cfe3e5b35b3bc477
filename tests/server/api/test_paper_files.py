"""Papers over the interface: taken in, listed, drawn for people and rooms, ruled, removed; who may,
and who is audited."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from bridge.conference import commands as c
from bridge.control import views
from tests.control_support import Bridge
from tests.papers.support import COLOURS, colour, near, pdf


@pytest.fixture(autouse=True)
async def ends(bridge: Bridge) -> Any:
    yield
    await bridge.process.papers.pictures.close()


async def add(bridge: Bridge, data: bytes, query: str, role: Any = "operator") -> Any:
    return await bridge.call("POST", f"/papers?{query}", role=role, data=data)


async def added(bridge: Bridge, of: str, data: bytes = b"", **query: str) -> dict[str, Any]:
    words = "&".join(f"{key}={value}" for key, value in query.items())
    response = await add(bridge, data or pdf(), f"of={of}&name=Plan.pdf&{words}")
    assert response.status == 201, await response.text()
    found: dict[str, Any] = await response.json()
    await bridge.settle()
    return found


async def test_a_paper_is_drawn_for_its_room(bridge: Bridge) -> None:
    conference = await bridge.open()
    tokens = await bridge.join("khoan-du")
    data = pdf(3)
    paper = await added(bridge, conference, data)
    assert (paper["pages"], paper["version"], paper["title"]) == (3, 1, "Plan.pdf")
    assert paper["sha256"] == hashlib.sha256(data).hexdigest()
    await bridge.do(conference, c.ShowPage(paper=paper["id"], page=2))
    showing = bridge.state(conference).showing
    assert showing is not None
    assert (showing.paper, showing.page) == (paper["id"], 2)
    path = f"/room/papers/{paper['id']}/pages/2?width=600"
    response = await bridge.call("GET", path, token=tokens["khoan-du"])
    assert response.status == 200, await response.text()
    assert response.headers["Cache-Control"] == "private, no-store"
    assert near(colour(await response.read()), COLOURS[1])


@pytest.mark.usefixtures("worked_here")
async def test_only_rooms_of_the_conference_get_pages_and_only_what_is_for_them(
    bridge: Bridge,
) -> None:
    conference = await bridge.open()
    tokens = await bridge.join("khoan-du", "chi-ne")
    paper = await added(bridge, conference, points="khoan-du")
    path = f"/room/papers/{paper['id']}/pages/1"
    assert (await bridge.call("GET", path, token=tokens["khoan-du"])).status == 200
    assert (await bridge.call("GET", path, token=tokens["chi-ne"])).status == 404
    assert (await bridge.call("GET", path)).status == 401
    assert (await bridge.call("GET", path, token="nonsense")).status == 401
    assert (
        await bridge.call("GET", path.replace("/pages/1", "/pages/4"), token=tokens["khoan-du"])
    ).status == 404
    state = bridge.state(conference)
    assert views.conference_view(state, "chi-ne", {}).papers == ()
    assert len(views.conference_view(state, "khoan-du", {}).papers) == 1
    await bridge.do(conference, c.End())
    assert (await bridge.call("GET", path, token=tokens["khoan-du"])).status == 404, "collected"


@pytest.mark.usefixtures("worked_here")
async def test_rules_and_time_take_a_paper_away(bridge: Bridge) -> None:
    conference = await bridge.open()
    tokens = await bridge.join("khoan-du")
    paper = await added(bridge, conference)
    path = f"/room/papers/{paper['id']}/pages/1"
    rules = {"points": [], "seen_by": "direct", "until": bridge.wall + 60, "collect": True}
    ruled = await bridge.call("PATCH", f"/papers/{paper['id']}", rules, role="operator")
    assert (await ruled.json())["seen_by"] == "direct"
    assert (await bridge.call("GET", f"/papers/{paper['id']}", role="viewer")).status == 403
    listed = await (await bridge.call("GET", "/papers", role="viewer")).json()
    assert listed["papers"] == []
    assert (await bridge.call("GET", path, token=tokens["khoan-du"])).status == 200
    bridge.pass_time(61)
    assert (await bridge.call("GET", path, token=tokens["khoan-du"])).status == 404
    bridge.process.papers.settle()
    await bridge.settle()
    assert bridge.state(conference).papers == {}


@pytest.mark.usefixtures("worked_here")
async def test_versions_take_each_others_place_and_a_removed_paper_leaves_no_file(
    bridge: Bridge,
) -> None:
    conference = await bridge.open()
    paper = await added(bridge, conference, pdf(3))
    other = await added(bridge, conference, pdf(3))
    assert paper["sha256"] == other["sha256"]
    response = await add(bridge, pdf(2), f"replaces={paper['id']}&name=B.pdf")
    newer = await response.json()
    assert (newer["id"], newer["version"], newer["pages"]) == (paper["id"], 2, 2)
    await bridge.settle()
    assert bridge.state(conference).papers[paper["id"]].version == 2
    old = await bridge.call("GET", f"/papers/{paper['id']}/file?version=1", role="viewer")
    assert hashlib.sha256(await old.read()).hexdigest() == paper["sha256"]
    assert old.headers["Content-Type"] == "application/octet-stream"
    file = bridge.process.papers.catalogue.file
    for ident, left in ((paper["id"], True), (other["id"], False)):
        removed = await bridge.call("DELETE", f"/papers/{ident}", role="operator")
        assert removed.status == 204
        assert file(paper["sha256"]).exists() is left
    await bridge.settle()
    assert bridge.state(conference).papers == {}
    third = await added(bridge, conference)
    assert third["id"] == f"{conference}-p3", "no name is given twice"


@pytest.mark.usefixtures("worked_here")
async def test_a_template_s_paper_is_in_every_conference_of_it(bridge: Bridge) -> None:
    paper = await added(bridge, "giao-ban")
    conference = await bridge.open()
    bridge.process.papers.settle()
    await bridge.settle()
    assert set(bridge.state(conference).papers) == {paper["id"]}


@pytest.mark.usefixtures("worked_here")
async def test_papers_outlive_a_restart(bridge: Bridge) -> None:
    conference = await bridge.open()
    paper = await added(bridge, conference)
    await bridge.do(conference, c.ShowPage(paper=paper["id"], page=2))
    catalogue = bridge.process.papers.catalogue
    before = dict(catalogue.kept)
    await catalogue.load()
    assert catalogue.kept == before
    bridge.conductor.states.clear()
    await bridge.conductor.load()
    showing = bridge.state(conference).showing
    assert showing is not None
    assert (showing.paper, showing.page) == (paper["id"], 2)


@pytest.mark.parametrize(
    ("query", "data", "status", "key"),
    [
        ("of=nothing&name=x", pdf(1), 422, "papers.of_nothing"),
        ("of=&name=x", pdf(1), 422, "papers.of_nothing"),
        ("replaces=nothing&name=x", pdf(1), 404, "papers.unknown"),
        ("of=giao-ban&name=x&seen_by=all", pdf(1), 422, "papers.bad_rules"),
        ("of=giao-ban&name=x&until=soon", pdf(1), 422, "papers.bad_rules"),
        ("of=giao-ban&name=x&points=A%20B", pdf(1), 422, "papers.bad_rules"),
        ("of=giao-ban&name=x", b"neither", 422, "papers.damaged"),
        ("of=giao-ban&name=x", b"", 422, "papers.empty"),
    ],
)
@pytest.mark.usefixtures("worked_here")
async def test_what_is_wrong_is_said(
    bridge: Bridge, query: str, data: bytes, status: int, key: str
) -> None:
    response = await add(bridge, data, query)
    assert response.status == status, await response.text()
    assert (await response.json())["type"] == f"/problems/{key}"
    assert bridge.process.papers.catalogue.kept == {}


@pytest.mark.usefixtures("worked_here")
async def test_names_are_titles_and_nothing_else(bridge: Bridge) -> None:
    name = "..%2F%3Cimg%20src%3Dx%3E%E2%80%AEfdp.%0A.pdf"
    response = await add(bridge, pdf(1), f"of=giao-ban&name={name}")
    paper = await response.json()
    assert paper["title"] == "<img src=x>fdp..pdf"
    saved = await bridge.call("GET", f"/papers/{paper['id']}/file", role="operator")
    header = saved.headers["Content-Disposition"]
    assert header.startswith("attachment; filename*=UTF-8''%3Cimg")
    assert "\n" not in header


@pytest.mark.usefixtures("worked_here")
async def test_changes_are_audited_and_need_the_right(bridge: Bridge) -> None:
    for role in ("viewer", "technician", "auditor"):
        assert (await add(bridge, pdf(1), "of=giao-ban&name=x", role)).status == 403
    paper = await added(bridge, "giao-ban")
    path = f"/papers/{paper['id']}"
    assert (await bridge.call("DELETE", path, role="viewer")).status == 403
    await bridge.call("GET", f"{path}/file", role="viewer")
    await bridge.call("PATCH", path, {"seen_by": "admin"}, role="operator")
    assert (await bridge.call("DELETE", path, role="operator")).status == 403, "not seen any more"
    assert (await bridge.call("DELETE", path, role="admin")).status == 204
    rows = await (await bridge.call("GET", "/audit", role="admin")).json()
    done = [row["action"] for row in rows if row["action"].startswith("paper")]
    assert done[::-1] == ["paper add", "paper download", "paper rules", "paper delete"]


@pytest.mark.usefixtures("worked_here")
async def test_what_is_not_collected_stays_for_the_rooms_of_its_conference(bridge: Bridge) -> None:
    conference = await bridge.open()
    tokens = await bridge.join("khoan-du", "chi-ne")
    kept = await added(bridge, conference, keep="1")
    await added(bridge, conference, keep="1", points="chi-ne")
    collected = await added(bridge, conference)

    async def listed(point: str) -> set[str]:
        response = await bridge.call("GET", "/room/papers", token=tokens[point])
        return {paper["id"] for paper in (await response.json())["papers"]}

    assert await listed("khoan-du") == {kept["id"], collected["id"]}
    await bridge.do(conference, c.End())
    assert await listed("khoan-du") == {kept["id"]}
    assert len(await listed("chi-ne")) == 2
    page = f"/room/papers/{kept['id']}/pages/1"
    assert (await bridge.call("GET", page, token=tokens["khoan-du"])).status == 200
    elsewhere = await added(bridge, "giao-ban", keep="1")
    assert elsewhere["id"] in await listed("khoan-du"), "a template's, in between, too"
    assert (await bridge.call("GET", "/room/papers")).status == 401
