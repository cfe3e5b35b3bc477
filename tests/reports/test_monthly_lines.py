"""The monthly report of lines: what adds up to it, and how it is asked for."""

from __future__ import annotations

import csv
import io
import math
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.base.i18n import Sentence
from bridge.conference import events as e
from bridge.conference.report import PointRow
from bridge.lines.history import HOUR, Counted, Measured, Outage, Watched, with_routers
from bridge.lines.watch import ROUTER
from bridge.reports.monthly_lines import (
    COLUMNS,
    Hour,
    LineRow,
    LinesDocument,
    lines_report,
    maintenance_of,
    month_bounds,
    month_of,
)
from bridge.reports.picture_minutes import pictures_text
from bridge.store.quality import QualityStore
from monitoring.quality.line_state import Row
from tests.control_support import START, Bridge

ZONE = "Asia/Ho_Chi_Minh"
T0 = 1_794_999_600  # a full hour
NAMES = {"a": Sentence(vi="Xã A", en="Commune A"), "b": Sentence(vi="Xã B", en="Commune B")}
NOTHING = Measured((), (), ())


def rows(measured: Measured, **changes: object) -> dict[str, LineRow]:
    values: dict[str, object] = {
        "month": "2026-11",
        "start": float(T0),
        "end": float(T0 + 10 * HOUR),
        "zone": ZONE,
        "names": NAMES,
        "measured": measured,
        "maintenance": {},
        "conferences": (),
    }
    made = lines_report(**(values | changes))  # type: ignore[arg-type]
    return {row.point: row for row in made.rows}


def test_nothing_measured_is_not_known() -> None:
    row = rows(NOTHING)["a"]
    assert (row.availability, row.loss_up, row.loss_down, row.good_up) == (None,) * 4
    assert row.worst == ()


def test_availability_is_of_the_time_that_was_watched() -> None:
    measured = Measured(
        [
            Counted("a", T0, "up", 1000, 10),
            Counted("a", T0, "down", 1000, 0),
            Counted("a", T0 + HOUR, "up", 1000, 0),
            Counted("b", T0, "up", 5, 5),
        ],
        [Watched("a", T0, 3600), Watched("a", T0 + HOUR, 1800)],
        [Outage("a", T0 + 60, 60, 54.0), Outage("b", T0, 60, 60.0)],
    )
    row = rows(measured)["a"]
    assert row.watched == 5400
    assert row.outage == 54
    assert row.availability == 0.99
    assert row.loss_up == 0.005
    assert row.loss_down == 0
    assert row.worst == (Hour(at=T0, outage=54.0, loss_up=0.01, loss_down=0.0),)
    assert rows(measured)["b"].availability is None  # never watched


def test_maintenance_does_not_count() -> None:
    measured = Measured(
        [],
        [Watched("a", T0, 3600)],
        [Outage("a", T0, 60, 60.0), Outage("a", T0 + 600, 60, 60.0)],
    )
    row = rows(measured, maintenance={"a": [(T0, T0 + 600.0)]})["a"]
    assert row.maintenance == 600
    assert row.watched == 3000
    assert row.outage == 60
    assert row.availability == 0.98


def test_the_worst_hours_come_first() -> None:
    counted = [Counted("a", T0 + n * HOUR, "up", 1000, n * 10) for n in range(8)]
    measured = Measured(counted, [], [Outage("a", T0 + HOUR, 60, 5.0)])
    worst = rows(measured)["a"].worst
    assert [(h.at - T0) // HOUR for h in worst] == [1, 7, 6, 5, 4]


def point(
    name: str,
    up: dict[str, float],
    down: dict[str, float],
    pictures: dict[str, float] | None = None,
) -> PointRow:
    return PointRow(
        point=name,
        expected=True,
        chair=False,
        joined_at=0.0,
        left_at=None,
        present_seconds=0,
        interruptions=(),
        requests=0,
        turns=0,
        floor_seconds=0,
        call_problem="",
        up=up,
        down=down,
        pictures=pictures or {},
    )


def test_the_minutes_of_each_picture_are_added_up() -> None:
    held = [
        [point("a", {}, {}, {"360": 600.0, "sound": 90.0}), point("b", {}, {}, {"720": 5.0})],
        [point("a", {}, {}, {"360": 60.0, "180": 30.0})],
    ]
    found = rows(NOTHING, conferences=held)
    assert found["a"].pictures == {"180": 30.0, "360": 660.0, "sound": 90.0}
    assert found["b"].pictures == {"720": 5.0}
    told = pictures_text("vi", found["a"].pictures)
    assert told == "180p: 1 phút; 360p: 11 phút; chỉ có tiếng: 2 phút"


def test_conference_time_by_level() -> None:
    held = [
        [point("a", {"good": 90.0, "unknown": 30.0}, {"good": 60.0, "bad": 60.0})],
        [point("a", {"poor": 10.0}, {"good": 10.0}), point("b", {}, {})],
    ]
    row = rows(NOTHING, conferences=held)["a"]
    assert row.conference == 130
    assert row.up == {"good": 90.0, "poor": 10.0, "unknown": 30.0}
    assert row.good_up == 0.9  # of what is known
    assert row.good_down == round(70 / 130, 6)
    assert rows(NOTHING, conferences=held)["b"].good_up is None


def test_a_router_that_answers_is_a_line_that_is_up() -> None:
    router = "a" + ROUTER
    measured = with_routers(
        Measured(
            [Counted("a", T0, "up", 100, 1), Counted(router, T0, "up", 100, 50)],
            [
                Watched("a", T0, 3600),
                Watched(router, T0, 3600),
                Watched(router, T0 + HOUR, 1800),
                Watched("b", T0, 60),
            ],
            [
                Outage("a", T0, 60, 60.0),
                Outage("a", T0 + 60, 60, 60.0),
                Outage(router, T0 + 60, 60, 20.0),
                Outage(router, T0 + HOUR, 60, 7.0),
                Outage("b", T0, 60, 60.0),
            ],
        ),
        ROUTER,
    )
    assert measured.counted == [Counted("a", T0, "up", 100, 1)]
    assert {(w.point, w.at - T0): w.seconds for w in measured.watched} == {
        ("a", 0): 3600,
        ("a", HOUR): 1800,
        ("b", 0): 60,
    }
    # The PC was off for the first minute; both were gone for 20 s of the second.
    assert {(o.point, o.at - T0): o.seconds for o in measured.outages} == {
        ("a", 60): 20.0,
        ("a", HOUR): 7.0,
        ("b", 0): 60.0,
    }


def maintenance(seq: int, at: float, *, on: bool, until: float | None = None) -> e.Recorded:
    event = e.MaintenanceSet(point="a", on=on, until=until)
    return e.Recorded(conference="network", seq=seq, at=at, actor="user:x", reason="", event=event)


def test_maintenance_from_the_log() -> None:
    log = [
        maintenance(1, 50, on=True),
        maintenance(2, 120, on=False),
        maintenance(3, 200, on=True, until=230),
        maintenance(4, 300, on=True),
        maintenance(5, 310, on=True, until=1000),
    ]
    assert maintenance_of(log, 100, 400) == {"a": [(100, 120), (200, 230), (300, 310), (310, 400)]}
    assert maintenance_of(log, 500, 600) == {"a": [(500, 600)]}
    assert maintenance_of(log[:2], 500, 600) == {}


@given(
    st.datetimes(min_value=datetime(2000, 1, 2), max_value=datetime(2099, 12, 30)),
    st.sampled_from([ZONE, "UTC", "Europe/Berlin"]),
)
def test_every_moment_lies_in_its_month(moment: datetime, zone: str) -> None:
    at = moment.replace(tzinfo=ZoneInfo(zone)).timestamp()
    start, end = month_bounds(month_of(at, zone), zone)
    assert start <= at < end
    assert month_of(end, zone) != month_of(at, zone)
    assert 27.9 < (end - start) / 86_400 < 31.1


@pytest.mark.parametrize(
    "month", ["", "2026", "2026-13", "2026-1", "11-2026", "2026-11-01", "x", "2026-00", "٢٠٢٦-11"]
)
def test_months_that_are_none(month: str) -> None:
    with pytest.raises(ValueError, match=r"month|time data|year|unconverted"):
        month_bounds(month, ZONE)


def test_as_csv_and_pdf_in_both_languages() -> None:
    measured = Measured(
        [Counted("a", T0, "up", 1000, 50), Counted("a", T0, "down", 1000, 0)],
        [Watched("a", T0, 3600)],
        [Outage("a", T0, 60, 36.0)],
    )
    made = lines_report(
        month="2026-11",
        start=T0,
        end=T0 + HOUR,
        zone=ZONE,
        names=NAMES,
        measured=measured,
        maintenance={},
        conferences=[[point("a", {"good": 60.0}, {"good": 30.0, "bad": 30.0}, {"360": 60.0})]],
    )
    vi = list(csv.reader(io.StringIO(LinesDocument(made, "vi").csv().lstrip("\ufeff"))))
    assert len(vi[0]) == len(COLUMNS)
    assert vi[1][:7] == ["Xã A", "99,000 %", "0:00:36", "0:00:00", "5,00 %", "0,00 %", "0:01:00"]
    assert vi[1][7:9] == ["100,0 %", "50,0 %"]
    assert vi[1][9] == "360p: 1 phút"
    assert "gián đoạn 0:00:36" in vi[1][10]
    assert "lên 5,0 %" in vi[1][10]
    assert vi[2][1] == "–"
    en = list(csv.reader(io.StringIO(LinesDocument(made, "en").csv().lstrip("\ufeff"))))
    assert en[1][0] == "Commune A"
    assert en[1][1] == "99.000 %"
    for language in ("vi", "en"):
        pdf = LinesDocument(made, language).pdf("Huyện")
        assert pdf.startswith(b"%PDF")
        assert pdf == LinesDocument(made, language).pdf("Huyện")


# --- with a store ------------------------------------------------------------------------------


def quality_row(
    name: str, kind: str, direction: str, at: int, **changes: object
) -> dict[str, object]:
    row = Row(
        point=name,
        kind=kind,
        direction=direction,
        at=at,
        span=60,
        packets=300,
        lost=0,
        bursts=0,
        reordered=0,
        duplicated=0,
        variation_p50=None,
        variation_p95=None,
        variation_p99=None,
        round_trip_p50=None,
        round_trip_p95=None,
        delay=None,
        dscp=None,
        outage=0.0,
        mos=None,
    )
    return row._replace(**changes)._asdict()  # type: ignore[arg-type]


async def fill(bridge: Bridge, begin: int) -> None:
    store = QualityStore(bridge.process.engine)
    found: list[dict[str, object]] = []
    for minute in range(90):
        at = begin + 60 * minute
        for kind in ("ef", "be"):
            gone = 60.0 if minute == 3 else 30.0 if minute == 4 and kind == "be" else 0.0
            for direction in ("up", "down"):
                lost = 30 if direction == "up" and kind == "be" else 0
                found.append(quality_row("khoan-du", kind, direction, at, lost=lost, outage=gone))
    await store.add(found)


async def test_the_database_adds_up(bridge: Bridge) -> None:
    begin = int(START) // HOUR * HOUR - 2 * HOUR
    await fill(bridge, begin)
    counted, watched, outages = await QualityStore(bridge.process.engine).by_hours(
        begin, begin + 2 * HOUR
    )
    assert sorted(map(tuple, counted)) == sorted(
        [
            ("khoan-du", begin, "up", 60 * 600, 60 * 30),
            ("khoan-du", begin, "down", 60 * 600, 0),
            ("khoan-du", begin + HOUR, "up", 30 * 600, 30 * 30),
            ("khoan-du", begin + HOUR, "down", 30 * 600, 0),
        ]
    )
    assert sorted(map(tuple, watched)) == [
        ("khoan-du", begin, 3600),
        ("khoan-du", begin + HOUR, 1800),
    ]
    # One class that comes back is enough: the fourth minute is an outage, the fifth is none.
    assert list(map(tuple, outages)) == [("khoan-du", begin + 180, 60, 60.0)]


async def test_the_report_and_the_overview_over_the_interface(bridge: Bridge) -> None:
    begin = int(START) // HOUR * HOUR - 2 * HOUR
    await fill(bridge, begin)

    async def call(path: str) -> Any:
        response = await bridge.call("GET", path, role="viewer")
        assert response.status == 200
        return await response.json()

    report = await call("/reports/lines")
    assert report["month"] == month_of(bridge.wall, ZONE)
    assert report["end"] == bridge.wall  # of a month that has not ended
    row = next(r for r in report["rows"] if r["point"] == "khoan-du")
    assert row["watched"] == 5400
    assert math.isclose(row["availability"], 1 - 60 / 5400, abs_tol=1e-6)
    assert row["loss_up"] == 0.05
    assert row["name"]["vi"] == "Xã Khoan Dụ"
    empty = await call("/reports/lines?month=2020-02")
    assert {r["availability"] for r in empty["rows"]} == {None}
    overview = await call("/overview")
    found = next(p for p in overview["points"] if p["id"] == "khoan-du")
    assert found["day_loss_up"] == 0.05
    assert found["state"] == "offline"
    assert overview["online"] == overview["conferences"] == 0
    await bridge.open()
    overview = await call("/overview")
    assert overview["conferences"] == 1
    assert len(overview["missing"]) == 12


@pytest.mark.parametrize(
    ("query", "status", "kind"),
    [
        ("?format=csv", 200, "text/csv"),
        ("?format=pdf&language=en", 200, "application/pdf"),
        ("?format=xls", 422, "application/problem+json"),
        ("?month=2026-13", 422, "application/problem+json"),
        ("?month=0000-01", 422, "application/problem+json"),
        ("?month=9999-12", 422, "application/problem+json"),
    ],
)
async def test_files_and_nonsense(bridge: Bridge, query: str, status: int, kind: str) -> None:
    response = await bridge.call("GET", f"/reports/lines{query}", role="viewer")
    assert response.status == status
    assert response.content_type == kind


async def test_technicians_and_strangers_see_no_report(bridge: Bridge) -> None:
    for path in ("/reports/lines", "/overview"):
        assert (await bridge.call("GET", path, role="technician")).status == 403
        assert (await bridge.client.get(f"/api/v1{path}")).status == 401
