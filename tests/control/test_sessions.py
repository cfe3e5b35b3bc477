"""Sessions that nobody uses, and the queue of a client that does not read."""

from __future__ import annotations

from bridge.control.sessions import GRACE, QUEUE, Client
from bridge.signalling import protocol
from tests.control_support import Bridge


async def test_abandoned_sessions_end(bridge: Bridge) -> None:
    token = await bridge.login("khoan-du")
    bridge.now += GRACE + 1
    bridge.control.presence.sweep()
    assert (await bridge.offer(token)).status == 401
    assert bridge.control.publisher.point_states()["khoan-du"] == "offline"


async def test_states_replace_each_other_in_a_slow_clients_queue() -> None:
    client = Client()
    for seq in range(1000):
        client.post(protocol.State(seq=seq, programme="", points={}, slots={}))
        client.post(protocol.Levels(levels={}, now=0.0))
    assert client.waiting == 2
    first = await client.next()
    assert isinstance(first, protocol.State)
    assert first.seq == 999
    for _ in range(QUEUE + 1):
        client.post(protocol.Media(reason="x"))
    assert client.overflowed
    assert await client.next() is None
