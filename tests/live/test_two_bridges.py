"""A province above a district, each with its own control process, worker and rooms."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.app.process import ControlProcess
from bridge.conference import commands as c
from bridge.conference import peer_commands as p
from tests.live import two_bridges
from tests.live.support import act, only, started
from tests.live.two_bridges import MEETING, Tree
from tests.waiting import eventually

pytestmark = pytest.mark.live


def seen(process: ControlProcess, point: str, slot: str = "programme") -> str:
    """Whose card or tone a room sees or hears in a slot, as its page reports."""
    session = process.control.sessions.of_point(point)
    report = session.reports.get(slot) if session is not None else None
    return report.point if report is not None else ""


async def met(tree: Tree) -> tuple[str, str]:
    """Both hold the meeting, and each is in the other's."""
    above = await started(tree.province, MEETING)
    below = await started(tree.district, MEETING)
    await eventually(lambda: only(tree.province).seats["lac-thuy"].present)
    await eventually(lambda: only(tree.district).seats["tinh"].present)
    return above, below


async def test_a_room_of_the_district_sees_and_hears_the_province(tmp_path: Path) -> None:
    async with two_bridges.tree(tmp_path) as tree:
        above, below = await met(tree)
        await eventually(lambda: seen(tree.district, "chi-ne") == "hoi-truong")
        await act(tree.province, above, c.Take(point="phong-hop"))
        await eventually(lambda: seen(tree.district, "chi-ne") == "phong-hop")
        _ = below, p
