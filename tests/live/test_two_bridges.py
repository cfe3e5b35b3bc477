"""A province above a district, each with its own control process, worker and rooms."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.app.process import ControlProcess
from bridge.conference import commands as c
from bridge.conference import peer_commands as p
from bridge.conference.report import report
from tests.live import two_bridges
from tests.live.support import act, only, started
from tests.live.two_bridges import DISTRICT_POINTS, MEETING, PROVINCE_POINTS, Tree
from tests.waiting import eventually

pytestmark = pytest.mark.live


def seen(process: ControlProcess, point: str, slot: str = "programme") -> str:
    return two_bridges.seen(process, point, slot)[0]


async def met(tree: Tree) -> tuple[str, str]:
    """Both hold the meeting, and each is in the other's."""
    above = await started(tree.province, MEETING)
    below = await started(tree.district, MEETING)
    await eventually(lambda: only(tree.province).seats["lac-thuy"].present)
    await eventually(lambda: only(tree.district).seats["tinh"].present)
    return above, below


async def test_both_see_and_hear_each_other_as_one_point(tmp_path: Path) -> None:
    async with two_bridges.tree(tmp_path) as tree:
        above, below = await met(tree)
        district, province = tree.district, tree.province
        await eventually(lambda: seen(district, "chi-ne") == "hoi-truong")
        await eventually(lambda: seen(district, "an-binh", "audio:0") == "hoi-truong")
        # A take at the province changes what the district's rooms are shown.
        await act(province, above, c.Take(point="phong-hop"))
        await eventually(lambda: seen(district, "chi-ne") == "phong-hop")
        # The district asks for the floor, is given it, and is seen and heard at the province.
        await act(district, below, p.AskThere(point="tinh", of="an-binh"))
        await act(district, below, p.SendPicture(point="tinh", shows="an-binh"))
        await act(district, below, c.Unmute(point="an-binh"))
        await eventually(lambda: [r.point for r in only(province).queue] == ["lac-thuy"])
        await act(province, above, c.Grant())
        await eventually(lambda: seen(province, "hoi-truong") == "an-binh")
        heard = ("audio:0", "audio:1", "audio:2")
        await eventually(
            lambda: "an-binh" in {seen(province, "hoi-truong", slot) for slot in heard}
        )
        await eventually(lambda: only(district).peers["tinh"].floor == "given")
        log = await province.events.read(above, 0)
        rows = {row.member: row for row in report(log, province.conductor.now()).members}
        assert set(rows) == set(DISTRICT_POINTS)
        assert all(row.present_seconds >= 0 and row.joined_at for row in rows.values())


async def test_the_districts_control_process_is_restarted_and_pictures_go_on(
    tmp_path: Path,
) -> None:
    """Its worker stays, as with systemd: nothing is opened anew at either side."""
    two_bridges.certificates(tmp_path)
    upper, lower = two_bridges.topologies()
    folder = tmp_path / "district"
    province = two_bridges.process(upper, tmp_path / "province")
    async with province, two_bridges.simulated(province, PROVINCE_POINTS):
        async with two_bridges.process(lower, folder, keep_worker=True) as district:
            above, _ = await met(Tree(province, district))
            before = district.control.sessions.of_point("tinh")
            assert before is not None
            transport = before.transport
            assert transport
        again = two_bridges.process(lower, folder)
        async with again:
            links = again.bridges.links
            await eventually(lambda: links.links["tinh"].connected)
            await eventually(lambda: links.links["tinh"].media.link == transport)
            assert only(again).seats["tinh"].present, "it was never away"
            held = province.control.sessions.of_point("lac-thuy")
            assert held is not None
            assert held.transport == transport
            assert only(province).seats["lac-thuy"].present
            log = await province.events.read(above, 0)
            left = [r for r in log if getattr(r.event, "point", "") == "lac-thuy"]
            assert "PointLeft" not in {type(r.event).__name__ for r in left}
        await eventually(lambda: not only(province).seats["lac-thuy"].present)
        assert only(province).phase == "live"
