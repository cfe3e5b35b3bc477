"""Refused commands leave the same lines in the audit trail, whichever way they came."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.conference.model import Refusal
from bridge.server.directing import audited
from tests.control_support import Bridge, until

Asked = dict[str, Any]

TAKE: Asked = {"command": {"type": "take", "point": "khoan-du"}}
REFUSED: list[tuple[Asked, str]] = [
    (TAKE, "refusal.other_director"),
    ({"text": "lock"}, "refusal.other_director"),
    # A floor is requested by rooms, for themselves.
    (
        {"command": {"type": "request_floor", "point": "khoan-du"}},
        "refusal.not_allowed",
    ),
    ({"text": "dance"}, "typed.unknown"),
    ({"text": "direct take-over"}, ""),
    ({"command": {"type": "take", "point": "chi-ne"}}, "refusal.point_absent"),
]


async def trail(bridge: Bridge) -> list[tuple[str, ...]]:
    entries = await bridge.process.accounts.audit(limit=None)
    return [
        (a.actor, a.address, a.action, a.target, a.outcome)
        for a in reversed(entries)
        if a.action.startswith("command")
    ]


async def by_rest(bridge: Bridge, conference: str, asked: Asked) -> str:
    response = await bridge.call(
        "POST", f"/conferences/{conference}/commands", asked, role="operator"
    )
    if response.status == 200:
        return ""
    assert response.status == 409
    return str((await response.json())["type"]).removeprefix("/problems/")


async def by_websocket(bridge: Bridge, conference: str, asked: Asked) -> str:
    console = await bridge.connect(await bridge.login(None))
    kind = "command" if "command" in asked else "typed"
    await console.send_json({"type": kind, "id": 1, "conference": conference} | asked)
    result = await until(console, "result")
    await console.close()
    return "" if result["ok"] else str(result["key"])


async def test_both_ways_leave_the_same_trail(bridge: Bridge) -> None:
    trails = []
    for give in (by_rest, by_websocket):
        conference = await bridge.open()
        await bridge.join("khoan-du")
        before = len(await trail(bridge))
        assert [await give(bridge, conference, asked) for asked, _ in REFUSED] == [
            why for _, why in REFUSED
        ]
        lines = (await trail(bridge))[before:]
        assert {line[3] for line in lines} == {conference}
        trails.append([(*line[:3], line[4]) for line in lines])
        assert await give(bridge, conference, {"command": {"type": "end"}}) == ""
    assert trails[0] == trails[1]
    assert trails[0] == [
        ("user:operator", "127.0.0.1", "command take", "refusal.other_director"),
        ("user:operator", "127.0.0.1", "command lock", "refusal.other_director"),
        ("user:operator", "127.0.0.1", "command request_floor", "refusal.not_allowed"),
    ]


async def test_a_viewer_leaves_a_line_either_way(bridge: Bridge) -> None:
    conference = await bridge.open()
    await bridge.call("POST", f"/conferences/{conference}/commands", TAKE, role="viewer")
    session = await (await bridge.call("POST", "/sessions", {}, role="viewer")).json()
    console = await bridge.connect(session["session"])
    await console.send_json({"type": "command", "id": 1, "conference": conference} | TAKE)
    assert (await until(console, "result"))["key"] == "refusal.not_allowed"
    entries = await bridge.process.accounts.audit(limit=None)
    assert [(a.actor, a.outcome) for a in entries if a.outcome not in ("done", "")] == [
        ("user:viewer", "refusal.not_allowed"),
        ("user:viewer", "account.no_right"),
    ]


async def test_a_self_test_that_commands_is_noted(bridge: Bridge) -> None:
    conference = await bridge.open()
    body = {"kind": "echo"}
    session = await (await bridge.call("POST", "/sessions", body, role="operator")).json()
    socket = await bridge.connect(session["session"])
    await socket.send_json({"type": "command", "id": 1, "conference": conference} | TAKE)
    assert (await until(socket, "result"))["key"] == "refusal.not_allowed"
    assert [line[2:] for line in await trail(bridge)] == [
        ("command take", conference, "refusal.not_allowed")
    ]


@pytest.mark.parametrize(
    ("key", "noted"),
    [
        ("refusal.not_allowed", True),
        ("refusal.other_director", True),
        ("refusal.point_absent", False),
        ("refusal.ended", False),
        ("store.not_saved", False),
    ],
)
def test_what_is_audited(key: str, noted: bool) -> None:
    assert audited(Refusal(key=key)) is noted
