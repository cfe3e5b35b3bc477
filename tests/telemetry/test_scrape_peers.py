"""The metrics of other bridges."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args

import pytest

from bridge.conference import commands as c
from bridge.control.peers.peer_media import Obstacle
from monitoring.exposition.label_sets import PEER_REFUSALS
from tests.control.peers.two import Two
from tests.paths import ROOT
from tests.telemetry.support import snapshot

COUNTED = re.compile(r'(?:counts\[|refused\(|return |reason = )"([a-z_]+)"')
ELSEWHERE = {"no_key", "refused_there"}  # why we cannot connect: nothing of the other side's
SOURCES = (
    "bridge/control/peers/peer_link.py",
    "bridge/control/peers/peer_links.py",
    "bridge/control/peers/pinned.py",
    "bridge/server/peer_socket.py",
)


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    async with Two(tmp_path) as made:
        yield made


def test_every_reason_that_is_counted_is_a_value_of_the_label() -> None:
    counted = {reason for reason in get_args(Obstacle) if reason}
    for source in SOURCES:
        counted |= set(COUNTED.findall((ROOT / source).read_text("utf-8")))
    assert counted - ELSEWHERE == set(PEER_REFUSALS)


async def test_a_peer_is_away_only_while_a_conference_calls_it(two: Two) -> None:
    def away() -> float:
        return snapshot(two.above.bridge).value("peer_away", "lac-thuy")

    assert snapshot(two.above.bridge).value("peers", "away") == 1
    assert away() == 0, "nobody calls it"
    above, _ = await two.meet()
    found = snapshot(two.above.bridge)
    assert (found.value("peers", "connected"), found.value("peers", "away")) == (1, 0)
    assert found.value("peers_with_media") == 1
    assert away() == 0
    two.cut()
    assert away() == 1
    assert snapshot(two.above.bridge).value("peers_with_media") == 1, "media goes on"
    assert snapshot(two.above.bridge).value("peer_away", "hoi-truong") == 0
    await two.above.bridge.do(above, c.End())
    assert away() == 0


async def test_what_is_refused_is_counted_by_reason(two: Two) -> None:
    await two.meet()
    told = two.above.link.told
    assert told is not None
    while two.above.link.heard(told, two.above.bridge.now):
        pass
    two.above.bridge.process.bridges.links.refused("unpinned")
    found = snapshot(two.above.bridge)
    assert found.value("peer_refused_total", "flood") == 1
    assert found.value("peer_refused_total", "unpinned") == 1
    assert found.value("peer_refused_total", "loop") == 0
