"""Conferences over REST: commands, repetitions, reports."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.conference import commands as c
from bridge.conference.model import Actor, Refusal
from bridge.control import views
from bridge.control.draft import Done
from tests.control_support import Bridge


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"command": {"type": "lock"}, "text": "lock"}, 422),
        ({"command": {"type": "point_down", "point": "khoan-du", "reason": "x"}}, 422),
        ({"command": {"type": "extend", "minutes": 2**63}}, 422),
        ({"command": {"type": "take", "point": "../etc"}}, 422),
        ({"command": {"type": "take", "point": "khoan-du"}}, 409),
        ({"text": "dance"}, 409),
        ({"text": "lock"}, 200),
    ],
)
async def test_commands(bridge: Bridge, body: dict[str, Any], status: int) -> None:
    conference = await bridge.open()
    await bridge.do(conference, c.End())
    assert (
        await bridge.call("POST", f"/conferences/{conference}/commands", body, role="operator")
    ).status in (404, 422)
    opened = await (
        await bridge.call("POST", "/conferences", {"template": "khan"}, role="operator")
    ).json()
    path = f"/conferences/{opened['conference']}/commands"
    assert (await bridge.call("POST", path, body, role="operator")).status == status


async def test_idempotency_keys(bridge: Bridge) -> None:
    headers = {"Idempotency-Key": "abc"}
    body = {"template": "khan", "start": True}
    opened = []
    for _ in range(2):
        bridge.pass_time(5)
        first = await bridge.call(
            "POST", "/conferences", body, role="operator", headers={"Idempotency-Key": "open"}
        )
        assert first.status == 201, await first.text()
        opened.append(await first.json())
    assert opened[0] == opened[1], "a page that asks twice opens one"
    conference = opened[0]["conference"]
    path = f"/conferences/{conference}/commands"
    extend = {"command": {"type": "extend", "minutes": 5}}
    answers = [
        await (await bridge.call("POST", path, extend, role="operator", headers=headers)).json()
        for _ in range(3)
    ]
    assert answers[0] == answers[1] == answers[2]
    other = {"command": {"type": "extend", "minutes": 6}}
    assert (await bridge.call("POST", path, other, role="operator", headers=headers)).status == 409


async def test_reports(bridge: Bridge) -> None:
    conference = await bridge.open()
    await bridge.join("hoi-truong", "khoan-du")
    await bridge.do(conference, c.Grant(point="khoan-du"))
    bridge.pass_time(65)
    await bridge.do(conference, c.End())
    path = f"/conferences/{conference}/report"
    made = await (await bridge.call("GET", path, role="viewer")).json()
    row = next(r for r in made["report"]["points"] if r["point"] == "khoan-du")
    assert row["floor_seconds"] == 65.0
    assert made["names"]["khoan-du"]["vi"] == "Xã Khoan Dụ"
    text = (await (await bridge.call("GET", path + "?format=csv", role="viewer")).read()).decode()
    assert text.startswith("\ufeffĐiểm cầu,")
    assert "Xã Khoan Dụ,có," in text
    pdf = await (await bridge.call("GET", path + "?format=pdf", role="viewer")).read()
    assert pdf.startswith(b"%PDF-")
    assert len(pdf) > 10_000, "the font is inside"
    assert (await bridge.call("GET", path + "?format=exe", role="viewer")).status == 422
    assert (await bridge.call("GET", "/conferences/none/report", role="viewer")).status == 404
    listed = await (await bridge.call("GET", "/conferences", role="viewer")).json()
    assert [(e["id"], e["phase"]) for e in listed] == [(conference, "ended")]
    page = await (
        await bridge.call("GET", f"/conferences/{conference}/events?after=1&limit=2", role="viewer")
    ).json()
    assert [line["seq"] for line in page["events"]] == [2, 3]


async def test_an_agenda_from_template_to_report(bridge: Bridge) -> None:
    items = [
        {"title": "Khai mạc"},
        {"title": "=HYPERLINK(1) <b>", "point": "khoan-du", "minutes": 10},
    ]
    template = {"id": "hop-muc", "title": {"vi": "Họp có mục"}, "agenda": items}
    path = "/templates/hop-muc"
    assert (await bridge.call("PUT", path, template, role="operator")).status == 201
    too_many = template | {"agenda": items * 5_000}
    for bad in (too_many, template | {"agenda": [{"title": "a\u202eb"}]}):
        headers = {"If-Match": "*"}
        assert (await bridge.call("PUT", path, bad, role="operator", headers=headers)).status == 422
    conference = await bridge.open("hop-muc")
    await bridge.join("hoi-truong", "khoan-du")
    path = f"/conferences/{conference}/commands"

    async def give(command: dict[str, object], status: int = 200) -> None:
        response = await bridge.call("POST", path, command, role="operator")
        assert response.status == status, await response.text()

    await give({"command": {"type": "direct", "take_over": True}})
    await give({"command": {"type": "next_item"}})
    bridge.pass_time(60)
    await give({"text": "item add 5 Kết luận"})
    await give({"text": "item next"})
    state = bridge.conductor.states[conference]
    assert state.on_air == "khoan-du"
    shown = await (await bridge.call("GET", f"/conferences/{conference}", role="viewer")).json()
    assert [item["number"] for item in shown["agenda"]] == [1, 2, 3]
    assert shown["item"]["number"] == 2
    await give({"command": {"type": "agenda", "items": [{"title": "x"}] * 10_000}}, 422)
    await give({"command": {"type": "agenda", "items": [{"title": "x\u202e"}]}}, 422)
    await give({"command": {"type": "agenda", "items": [{"title": "x"}]}}, 409)
    bridge.pass_time(30)
    await give({"command": {"type": "end"}})
    path = f"/conferences/{conference}/report"
    made = await (await bridge.call("GET", path, role="viewer")).json()
    rows = [(row["number"], row["seconds"]) for row in made["report"]["items"]]
    assert rows == [(1, 60.0), (2, 30.0)]
    text = (await (await bridge.call("GET", path + "?format=csv", role="viewer")).read()).decode()
    assert "2. =HYPERLINK(1)" in text, "no cell begins with what a spreadsheet computes"
    pdf = await (await bridge.call("GET", path + "?format=pdf", role="viewer")).read()
    assert pdf.startswith(b"%PDF-")


async def test_a_vote_from_opening_to_report(bridge: Bridge) -> None:
    conference = await bridge.open()
    await bridge.join("hoi-truong", "khoan-du")
    path = f"/conferences/{conference}"

    async def give(command: dict[str, object], status: int = 200) -> None:
        response = await bridge.call("POST", f"{path}/commands", command, role="operator")
        assert response.status == status, await response.text()

    async def cast(point: str, choice: str) -> Done | Refusal:
        ballot = c.CastBallot(number=1, choice=choice, point=point)
        actor = Actor(kind="point", name=point)
        return await bridge.conductor.submit(conference, ballot, actor)

    await give({"command": {"type": "direct", "take_over": True}})
    await give({"command": {"type": "open_vote", "title": "x\u202e"}}, 422)
    await give({"command": {"type": "open_vote", "title": "x", "kind": "choice"}}, 409)
    await give(
        {"command": {"type": "vote", "number": 1, "choice": "for", "point": "khoan-du"}}, 409
    )
    points = ["hoi-truong", "khoan-du", "chi-ne"]
    await give({"command": {"type": "open_vote", "title": "=1+1 <b>", "points": points}})
    assert isinstance(await cast("khoan-du", "for"), Done)
    assert isinstance(await cast("hoi-truong", "for"), Done)
    assert await cast("an-binh", "for") == Refusal(
        key="refusal.no_voter", arguments={"point": "an-binh"}
    )
    shown = await (await bridge.call("GET", path, role="viewer")).json()
    assert shown["votes"][0]["counts"] == {"for": 2, "against": 0, "abstain": 0}
    assert shown["votes"][0]["waiting"] == ["chi-ne"]
    state = bridge.conductor.states[conference]
    room = views.conference_view(state, "khoan-du", {}).votes[0]
    assert (room.chosen, room.counts, room.waiting) == ({"khoan-du": "for"}, {}, ())
    await give({"text": "vote close"})
    assert isinstance(await cast("chi-ne", "against"), Refusal)
    state = bridge.conductor.states[conference]
    room = views.conference_view(state, "chi-ne", {}).votes[0]
    assert (room.chosen, room.counts["for"]) == ({}, 2), "the count, and nobody else's ballot"
    made = await (await bridge.call("GET", f"{path}/report", role="viewer")).json()
    assert made["report"]["votes"][0]["result"]["outcome"] == "carried"
    for language in ("vi", "en"):
        query = f"?format=csv&language={language}"
        text = await (await bridge.call("GET", f"{path}/report{query}", role="viewer")).text()
        assert "=1+1 <b>" in text
        assert not any(line.startswith(("=", '"=')) for line in text.splitlines())


async def test_an_ad_hoc_meeting_of_chosen_points(bridge: Bridge) -> None:
    async def ask(*points: str, **more: object) -> tuple[int, dict[str, object]]:
        body = {"points": points, **more}
        response = await bridge.call("POST", "/conferences", body, role="operator")
        return response.status, await response.json()

    assert (await ask("khoan-du"))[0] == 422, "one point alone"
    assert (await ask("khoan-du", "nowhere"))[0] == 422
    assert (await ask())[0] == 422, "neither a template nor points"
    assert (await ask("khoan-du", "chi-ne", template="giao-ban"))[0] == 422
    status, opened = await ask("khoan-du", "chi-ne", start=True)
    assert status == 201
    state = bridge.state(str(opened["conference"]))
    assert (set(state.points), state.phase, state.chair) == (
        {"khoan-du", "chi-ne"},
        "live",
        "chi-ne",
    )
    status, problem = await ask("an-binh", "khoan-du")
    assert (status, problem["type"]) == (409, "/problems/refusal.point_busy")
    assert (
        await bridge.call(
            "POST", "/conferences", {"points": ["an-binh", "hung-thi"]}, role="viewer"
        )
    ).status == 403
