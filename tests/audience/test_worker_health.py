"""What is said of the workers that serve viewers, and what to do where one is away."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bridge.audience.worker_health import worker_health
from bridge.base.roles import Role
from bridge.control.relay_dial import Trouble
from bridge.media import messages as m
from config.audience_schema import RelayHost
from config.schema import Topology
from tests.audience.test_relaying import STATS
from tests.control_support import INVENTORY, TOPOLOGY, Bridge


def health(ident: str = "may-2", **changes: Any) -> Any:
    given = {"remote": True, "ready": False, "since": 5.0, "viewers": 0, "room": 960}
    return worker_health(ident, **{**given, "conferences": 0, "port": 7443, **changes})


@pytest.mark.parametrize("trouble", get_args(Trouble))
def test_each_trouble_of_a_machine_has_a_next_step(trouble: Trouble) -> None:
    step = health(trouble=trouble).next
    assert step.vi != step.en
    others = {health(trouble=other).next for other in get_args(Trouble) if other != trouble}
    assert step not in others


def test_who_is_well_needs_nothing_until_it_is_nearly_full() -> None:
    assert health(ready=True, viewers=863).next is None
    assert "bridge.audience.workers" in health(ready=True, viewers=864).next.en


def test_a_worker_of_this_machine_names_its_own_port() -> None:
    step = health("2", remote=False, port=5006).next
    assert "UDP port 5006" in step.en
    assert "diem-cau-worker" in health("0", remote=False).next.en


def served(**audience: object) -> Topology:
    allowed = TOPOLOGY.bridge.audience.model_copy(update=audience)
    changed = TOPOLOGY.bridge.model_copy(update={"audience": allowed})
    return TOPOLOGY.model_copy(update={"bridge": changed})


async def answer(bridge: Bridge, role: Role = "technician") -> Any:
    return await (await bridge.call("GET", "/audience", role=role)).json()


async def test_everybody_with_an_account_sees_who_serves_viewers(tmp_path: Path) -> None:
    relay = RelayHost(id="may-2", address="127.0.0.9", key="relay.key")
    bridge = Bridge(tmp_path, topology=served(workers=1, relays=[relay]))
    await bridge.start()
    try:
        async with TestClient(TestServer(bridge.http.app)) as bridge.client:
            assert (await bridge.client.get("/api/v1/audience")).status == 401
            await _come_and_go(bridge)
    finally:
        await bridge.stop()


async def _come_and_go(bridge: Bridge) -> None:
    one, far = bridge.process.audience.fleet.members
    one.on_event(INVENTORY)
    one.note(STATS)
    began = bridge.wall
    found = await answer(bridge)
    assert found["own"]
    first, second = found["workers"]
    assert (first["id"], first["ready"], first["remote"]) == ("1", True, False)
    assert first["next"] is None
    assert (second["id"], second["ready"], second["remote"]) == ("may-2", False, True)
    assert "diem-cau-relay" in second["next"]["vi"]
    bridge.pass_time(100.0)
    far.on_event(INVENTORY)
    one.on_down()
    first, second = (await answer(bridge, "admin"))["workers"]
    assert (first["ready"], first["since"]) == (False, began + 100.0)
    assert str(TOPOLOGY.bridge.media.port + 1) in first["next"]["en"]
    assert (second["ready"], second["since"]) == (True, began + 100.0)
    bridge.pass_time(50.0)
    one.on_down()  # said twice
    far.on_event(INVENTORY)
    assert [w["since"] for w in (await answer(bridge))["workers"]] == [began + 100.0] * 2


async def test_without_workers_of_their_own_the_points_worker_is_shown(bridge: Bridge) -> None:
    found = await answer(bridge)
    (only,) = found["workers"]
    assert (found["own"], only["id"], only["ready"]) == (False, "0", True)
    bridge.process._on_worker_down()
    (only,) = (await answer(bridge))["workers"]
    assert not only["ready"]
    assert "journalctl" in only["next"]["en"]
    assert not [command for command in bridge.sent if isinstance(command, m.OpenRelay)]
