"""A machine elsewhere that serves viewers: what its relay takes of links, and what viewers do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bridge.conference import commands as c
from bridge.media import messages as m
from config.audience_schema import RelayHost
from config.schema import Link, Name
from tests.audience.support import offer
from tests.control_support import INVENTORY, TOPOLOGY, Bridge
from tests.server.api.test_whep import post, problem

LEG = TOPOLOGY.media.layers[-1].bitrate + TOPOLOGY.media.content + 3 * TOPOLOGY.media.audio


def tree(commune: float) -> list[Link]:
    """The demo's links with one more, of so many Mbit/s, behind which viewers and a machine are."""
    root = next(link for link in TOPOLOGY.links if link.parent is None)
    xa = Link(
        id="xa-may",
        name=Name(vi="Xã"),
        parent=root.id,
        capacity=commune,
        audience_share=0.5,
        networks=["127.0.0.0/8"],
    )
    return [*TOPOLOGY.links, xa]


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Bridge]:
    """A bridge whose viewers are served by a machine behind that link alone; it is there."""
    relay = RelayHost(id="may-2", address="127.0.0.9", key="relay.key")
    audience = TOPOLOGY.bridge.audience.model_copy(update={"relays": [relay]})
    changed = {"bridge": TOPOLOGY.bridge.model_copy(update={"audience": audience})}
    bridge = Bridge(tmp_path, topology=TOPOLOGY.model_copy(update={**changed, "links": tree(20)}))
    await bridge.start()
    async with TestClient(TestServer(bridge.http.app)) as bridge.client:
        (far,) = bridge.process.audience.fleet.members
        far.on_event(INVENTORY)
        yield bridge
    await bridge.stop()


async def conference(bridge: Bridge) -> str:
    ident = await bridge.open(TOPOLOGY.templates[0].id, start=True)
    await bridge.do(ident, c.SetAudience(admits="anybody"))
    return ident


async def test_a_relay_takes_its_way_once_and_viewers_beside_it_take_nothing(
    served: Bridge,
) -> None:
    ident = await conference(served)
    fleet = served.process.audience.fleet
    assert (await post(served, ident)).status == 201
    (opened,) = [item for item in served.sent if isinstance(item, m.OpenRelay)]
    assert fleet.legs() == [], "it is not there yet"
    (far,) = fleet.members
    far.on_event(m.StateChanged(transport=opened.transport, state="connected"))
    assert fleet.legs() == ["127.0.0.9"]
    for number in range(20):  # more than 10 Mbit/s hold the sound of, and no link is on their way
        assert (await post(served, ident, offer(ufrag=f"abc{number}"))).status == 201
    assert {viewer.way for viewer in served.process.audience.viewers} == {()}
    assert served.process.audience._taken()["xa-may"] == LEG


async def test_where_a_relay_does_not_fit_nobody_is_sent_there(served: Bridge) -> None:
    ident = await conference(served)
    thin = served.control.topology.current.model_copy(update={"links": tree(2 * LEG / 1000 - 0.01)})
    served.control.swap_topology(thin)
    await problem(await post(served, ident), 503, "watch.link_full")
    assert not [item for item in served.sent if isinstance(item, m.OpenRelay)]
    wide = thin.model_copy(update={"links": tree(2 * LEG / 1000 + 0.01)})
    served.control.swap_topology(wide)
    assert (await post(served, ident)).status == 201
