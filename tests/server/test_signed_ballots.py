"""Ballots over the WebSocket: signed with the key that the device's record has, or refused."""

from __future__ import annotations

from typing import Any

import aiohttp
import msgspec

from bridge.conference import commands as c
from bridge.conference.model import Actor
from tests.conference.test_ballot_signature import KEY, OTHER, ballot, public
from tests.control_support import Bridge, until

ROOMS = ("khoan-du", "chi-ne")


async def keep(bridge: Bridge, token: str, key: str) -> int:
    """Tell the bridge a room's key; the status of its answer."""
    response = await bridge.call("PUT", "/room/signing-key", {"key": key}, token=token)
    return response.status


async def cast(socket: aiohttp.ClientWebSocketResponse, of: str, vote: c.CastBallot) -> str:
    """Vote; "" where the ballot was taken, otherwise why not."""
    command = {"type": "vote", **msgspec.to_builtins(vote)}
    await socket.send_json({"type": "command", "id": 1, "conference": of, "command": command})
    result: dict[str, Any] = await until(socket, "result")
    assert result["ok"] or result["error"]["vi"]
    return "" if result["ok"] else str(result["key"])


async def test_a_room_signs_with_its_own_key_and_nobody_votes_for_another(bridge: Bridge) -> None:
    tokens = await bridge.join(*ROOMS)
    conference = await bridge.open()
    await bridge.do(conference, c.OpenVote(title="Kế hoạch", points=ROOMS))
    vote = bridge.state(conference).votes[0]
    sockets = {room: await bridge.connect(tokens[room]) for room in ROOMS}

    def signed(room: str, choice: str = "for", key: Any = KEY, nth: int = 1) -> c.CastBallot:
        return ballot(vote, room, choice, nth, key, conference)

    assert await keep(bridge, "nobody", public(KEY)) == 401
    assert await keep(bridge, tokens["khoan-du"], "A" * 44) == 422
    early = await cast(sockets["khoan-du"], conference, signed("khoan-du"))
    assert early == "refusal.ballot_key", "the bridge does not know that key"
    assert await keep(bridge, tokens["khoan-du"], public(KEY)) == 204
    assert await keep(bridge, tokens["khoan-du"], public(KEY)) == 204
    plain = c.CastBallot(number=1, choice="for", point="khoan-du")
    assert await cast(sockets["khoan-du"], conference, plain) == "refusal.ballot_unsigned"
    other = await cast(sockets["khoan-du"], conference, signed("khoan-du", key=OTHER))
    assert other == "refusal.ballot_key"
    assert await cast(sockets["khoan-du"], conference, signed("chi-ne")) == "refusal.not_allowed"
    assert await cast(sockets["khoan-du"], conference, signed("khoan-du")) == ""
    assert await cast(sockets["khoan-du"], conference, signed("khoan-du")) == "", "sent twice"
    unsigned = c.CastBallot(number=1, choice="against", point="chi-ne")
    assert await cast(sockets["chi-ne"], conference, unsigned) == "", "a room without a key"
    await bridge.do(conference, c.CloseVote(), Actor(kind="user", name="lan", role="operator"))
    late = await cast(sockets["khoan-du"], conference, signed("khoan-du", "against", nth=2))
    assert late == "refusal.vote_over"
    result = bridge.state(conference).votes[0].result
    assert result is not None
    assert result.counts == {"for": 1, "against": 1, "abstain": 0}
    listed = await (await bridge.call("GET", "/devices", role="admin")).json()
    assert [device["signing_key"] for device in listed if device["point"] == "khoan-du"] == [
        public(KEY)
    ]
