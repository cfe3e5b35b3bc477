"""Media workers and hosts are emptied over REST: by admins, noted, and refused with a sentence."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.store.accounts import Accounts
from tests.control.test_moves import TWO, Room, both
from tests.control_support import Bridge

__all__ = ["both"]


class Hosts:
    """What another host would be handed over to."""

    def __init__(self, *waiting: str) -> None:
        self.waiting = waiting
        self.connections = -1

    async def begin(
        self, engine: AsyncEngine, accounts: Accounts, connections: int, now: float
    ) -> Sequence[str]:
        self.connections = connections
        if not self.waiting:
            raise LookupError("drain.nobody_waits")
        return self.waiting


async def noted(bridge: Bridge, action: str) -> list[str]:
    entries = await bridge.process.accounts.audit(limit=50)
    return [entry.outcome for entry in entries if entry.action == action]


async def test_one_host_has_nobody_to_hand_over_to(bridge: Bridge) -> None:
    answer = await bridge.call("POST", "/drain", role="admin")
    assert answer.status == 409
    assert (await answer.json())["type"] == "/problems/drain.one_host"


@pytest.mark.parametrize(("waiting", "status"), [((), 409), (("may-2",), 202)])
async def test_a_host_hands_over_where_another_one_waits(
    bridge: Bridge, waiting: tuple[str, ...], status: int
) -> None:
    hosts = Hosts(*waiting)
    bridge.http.services.hand_over = hosts
    await bridge.join("khoan-du")
    answer = await bridge.call("POST", "/drain", role="admin")
    body = await answer.json()
    assert (answer.status, hosts.connections) == (status, 1)
    if waiting:
        assert body == {"hosts": ["may-2"], "connections": 1}
    else:
        assert body["type"] == "/problems/drain.nobody_waits"
    assert await noted(bridge, "drain") == ["done" if waiting else "refused"]


@pytest.mark.parametrize("path", ["/drain", "/workers/0/drain", "/workers/0/reopen"])
async def test_only_admins_empty_anything(bridge: Bridge, path: str) -> None:
    assert (await bridge.call("POST", path, role="operator")).status == 403
    assert (await bridge.call("POST", path)).status == 401


async def test_the_only_worker_is_not_emptied(bridge: Bridge) -> None:
    answer = await bridge.call("POST", "/workers/0/drain", role="admin")
    assert answer.status == 409
    assert (await answer.json())["type"] == "/problems/drain.one_worker"
    assert (await bridge.call("POST", "/workers/7/drain", role="admin")).status == 404
    assert await noted(bridge, "drain_worker") == ["refused"]


async def test_a_worker_is_emptied_and_opened_again(both: Bridge) -> None:
    rooms = [await Room(both, point).join() for point in TWO]
    two = await both.open("hai")
    await both.settle()
    before = await (await both.call("GET", "/workers", role="viewer")).json()
    first, second = before["workers"]
    assert (first["conferences"], first["connections"], first["port"]) == (1, 2, 5004)
    assert (second["id"], second["ready"], second["open"]) == ("1", True, True)
    answer = await both.call("POST", "/workers/0/drain", role="admin")
    first, second = (await answer.json())["workers"]
    assert (first["open"], first["conferences"], second["conferences"]) == (False, 0, 1)
    for room in rooms:
        await room.move()
    after = await (await both.call("GET", "/workers", role="viewer")).json()
    assert [one["connections"] for one in after["workers"]] == [0, 2]
    assert both.control.routes.home(two) == "1"
    # Both cannot be emptied: somebody has to hold the conferences.
    assert (await both.call("POST", "/workers/1/drain", role="admin")).status == 409
    again = await both.call("POST", "/workers/0/reopen", role="admin")
    assert [one["open"] for one in (await again.json())["workers"]] == [True, True]
    assert both.control.routes.home(two) == "1", "and nobody moves back for that"
