from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.store.database import engine_of, migrate
from bridge.store.quality import DAY, QualityStore, merged, thinned
from monitoring.quality.line_state import Row

NOW = 1_795_305_600  # 2026-11-22 00:00 UTC


def row(at: int, direction: str = "up", **changes: Any) -> dict[str, Any]:
    base = Row(
        point="khoan-du",
        kind="ef",
        direction=direction,
        at=at,
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
    return base._asdict() | changes


@pytest.fixture
async def store(database: str, tmp_path: Path) -> AsyncIterator[QualityStore]:
    engine = engine_of(database, tmp_path)
    await migrate(engine)
    yield QualityStore(engine)
    await engine.dispose()


def test_rows_merge_into_one() -> None:
    found = merged(
        [
            row(0, packets=100, lost=1, mos=4.0),
            row(60, packets=300, lost=9, variation_p95=50.0, mos=2.0, dscp=0),
        ],
        0,
        600,
    )
    assert (found["packets"], found["lost"], found["span"]) == (400, 10, 600)
    assert found["mos"] == pytest.approx(2.5)  # weighed by packets
    assert found["variation_p95"] == 50.0  # the worst stays visible
    assert found["delay"] is None
    assert found["dscp"] == 0


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 50)), min_size=1, max_size=200))
def test_thinning_out_loses_no_packet(items: list[tuple[int, int]]) -> None:
    rows = [row(60 * minute, packets=50, lost=lost) for minute, lost in items]
    found = thinned(rows, 600)
    assert sum(r["packets"] for r in found) == 50 * len(items)
    assert sum(r["lost"] for r in found) == sum(lost for _, lost in items)
    assert all(r["at"] % 600 == 0 for r in found)


async def test_a_minute_is_kept_once_and_read_in_order(store: QualityStore) -> None:
    await store.add([row(NOW), row(NOW, "down")])
    await store.add([row(NOW, lost=99), row(NOW, "down", lost=99)])  # the clock was set back
    await store.add([row(NOW + 60)])
    found = await store.read("khoan-du", NOW, NOW + 3600)
    assert [(r["at"], r["direction"], r["lost"]) for r in found] == [
        (NOW, "down", 3),
        (NOW, "up", 3),
        (NOW + 60, "up", 3),
    ]
    assert await store.read("an-binh", NOW, NOW + 3600) == []
    thin = await store.read("khoan-du", NOW, NOW + 3600, span=600)
    assert [(r["direction"], r["packets"], r["span"]) for r in thin] == [
        ("down", 300, 600),
        ("up", 600, 600),
    ]
    await store.add([])


async def test_old_rows_are_thinned_out_and_forgotten(store: QualityStore) -> None:
    ages = {"fresh": 1, "weeks": 20, "months": 120, "ancient": 401}
    for days in ages.values():
        start = NOW - days * DAY
        await store.add([row(start + 60 * n) for n in range(120)])
    gone = await store.thin_out(NOW + 3600, minutes_days=14, keep_days=400)
    assert gone > 0

    async def spans(days: int) -> list[int]:
        start = NOW - days * DAY
        return [r["span"] for r in await store.read("khoan-du", start, start + 7200)]

    assert await spans(ages["fresh"]) == [60] * 120
    assert await spans(ages["weeks"]) == [600] * 12
    assert await spans(ages["months"]) == [3600] * 2
    assert await spans(ages["ancient"]) == []
    rows = await store.read("khoan-du", NOW - 121 * DAY, NOW)
    assert sum(r["packets"] for r in rows) == 3 * 120 * 300
    assert await store.thin_out(NOW + 3600, 14, 400) == 0  # nothing more to do


async def test_hours_are_added_up_by_the_database(store: QualityStore) -> None:
    """Whatever the spans; a line is down only while no class comes back."""
    found = [
        row(NOW + 60 * n, direction, outage=60.0 if n == 2 else 0.0)
        for n in range(3)
        for direction in ("up", "down")
    ]
    found += [row(NOW + 60 * n, kind="be", outage=60.0 if n < 3 else 0.0) for n in range(3)]
    found += [row(NOW + 3600, span=600, lost=100, packets=1000), row(NOW + 7200)]
    await store.add(found)
    counted, watched, outages = await store.by_hours(NOW, NOW + 7200)
    assert sorted(map(tuple, counted)) == [
        ("khoan-du", NOW, "down", 900, 9),
        ("khoan-du", NOW, "up", 1800, 18),
        ("khoan-du", NOW + 3600, "up", 1000, 100),
    ]
    assert sorted(map(tuple, watched)) == [("khoan-du", NOW, 180), ("khoan-du", NOW + 3600, 600)]
    assert list(map(tuple, outages)) == [("khoan-du", NOW + 120, 60, 60.0)]
