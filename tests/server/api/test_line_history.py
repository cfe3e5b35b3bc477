"""The stored history of a line over REST."""

from __future__ import annotations

from bridge.server.api.line_history import QualityRow
from bridge.store.quality import QualityStore
from monitoring.quality.line_state import Row
from tests.control_support import Bridge

ROW = Row(
    point="khoan-du",
    kind="ef",
    direction="up",
    at=1_794_999_960,
    span=60,
    packets=300,
    lost=3,
    bursts=1,
    reordered=0,
    duplicated=0,
    variation_p50=1.0,
    variation_p95=4.0,
    variation_p99=6.0,
    round_trip_p50=10.0,
    round_trip_p95=20.0,
    delay=None,
    dscp=46,
    outage=0.0,
    mos=4.2,
)


def test_a_row_is_whole_but_for_its_point() -> None:
    assert set(QualityRow.__struct_fields__) == set(Row._fields) - {"point"}


async def test_the_history_of_a_point_and_of_its_router(bridge: Bridge) -> None:
    rows = [ROW, ROW._replace(point="khoan-du@router"), ROW._replace(point="chi-ne")]
    await QualityStore(bridge.process.engine).add([row._asdict() for row in rows])
    response = await bridge.call("GET", "/points/khoan-du/quality", role="admin")
    expected = ROW._asdict()
    del expected["point"]
    assert await response.json() == [expected, expected | {"kind": "router:ef"}]
    wrong = await bridge.call("GET", "/points/khoan-du/quality?from=9&to=8", role="admin")
    assert wrong.status == 422


async def test_history_is_read_and_bounded(bridge: Bridge) -> None:
    token = await bridge.user("technician", points=("khoan-du",))
    path = "/points/khoan-du/quality"
    assert await (await bridge.call("GET", path, token=token)).json() == []
    assert (await bridge.call("GET", f"{path}?from=x", token=token)).status == 422
    assert (await bridge.call("GET", f"{path}?from=10&to=5", token=token)).status == 422
    assert (await bridge.call("GET", "/points/an-binh/quality", token=token)).status == 403
