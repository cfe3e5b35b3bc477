"""Occurrences of planned conferences."""

from __future__ import annotations

from datetime import date, datetime

from bridge.conference.schedule import Series, occurrences

ZONE = "Asia/Ho_Chi_Minh"  # UTC+7, no summer time


def days(series: Series, first: str, last: str) -> list[str]:
    at = [datetime.fromisoformat(f"{day}T00:00:00+07:00").timestamp() for day in (first, last)]
    return [f"{o.local:%Y-%m-%d %H:%M}" for o in occurrences(series, *at)]


def test_a_weekly_briefing_with_exceptions() -> None:
    series = Series(
        datetime(2026, 11, 23, 7, 30),
        90,
        ZONE,
        "FREQ=WEEKLY;BYDAY=MO",
        frozenset({date(2026, 11, 30)}),
    )
    assert days(series, "2026-11-01", "2026-12-15") == [
        "2026-11-23 07:30",
        "2026-12-07 07:30",
        "2026-12-14 07:30",
    ]
    (first, *_) = occurrences(series, 0, 1_800_000_000)
    assert first.start == datetime.fromisoformat("2026-11-23T00:30:00+00:00").timestamp()
    assert first.end - first.start == 5400


def test_an_occurrence_that_runs_is_still_found() -> None:
    series = Series(datetime(2026, 11, 23, 7, 30), 90, ZONE)
    (found,) = occurrences(series, 0, 2e9)
    assert occurrences(series, found.start + 60, found.start + 120) == [found]
    assert occurrences(series, found.end, found.end + 9e6) == []


def test_leap_days() -> None:
    yearly = Series(datetime(2028, 2, 29, 8, 0), 60, ZONE, "FREQ=YEARLY")
    assert days(yearly, "2028-01-01", "2037-01-01") == [
        "2028-02-29 08:00",
        "2032-02-29 08:00",
        "2036-02-29 08:00",
    ]
    daily = Series(datetime(2028, 2, 27, 8, 0), 60, ZONE, "FREQ=DAILY")
    assert days(daily, "2028-02-27", "2028-03-02") == [
        "2028-02-27 08:00",
        "2028-02-28 08:00",
        "2028-02-29 08:00",
        "2028-03-01 08:00",
    ]
    last_day = Series(datetime(2028, 1, 31, 8, 0), 60, ZONE, "FREQ=MONTHLY;BYMONTHDAY=-1")
    assert days(last_day, "2028-02-01", "2028-03-01") == ["2028-02-29 08:00"]


def test_single_ones_are_moved_cancelled_and_held_once_more() -> None:
    series = Series(
        datetime(2026, 11, 23, 7, 30),
        90,
        ZONE,
        "FREQ=WEEKLY;BYDAY=MO",
        frozenset({date(2026, 12, 7), date(2026, 12, 14)}),
        moved=(
            (date(2026, 11, 30), datetime(2026, 12, 1, 14, 0), 60),
            (date(2026, 12, 14), datetime(2026, 12, 15, 14, 0), 60),
        ),
        extra=((datetime(2026, 11, 26, 8, 0), 45),),
    )
    assert days(series, "2026-11-01", "2026-12-25") == [
        "2026-11-23 07:30",
        "2026-11-26 08:00",
        "2026-12-01 14:00",
        "2026-12-21 07:30",
    ], "one that was moved and then cancelled takes place at neither time"
    found = occurrences(series, 0, 1_796_500_000)
    assert [one.day for one in found][:3] == [date(2026, 11, 23), None, date(2026, 11, 30)]
    assert [one.end - one.start for one in found][:3] == [5400, 2700, 3600]
    once = Series(
        datetime(2026, 11, 23, 7, 30), 90, ZONE, extra=((datetime(2026, 12, 1, 8, 0), 60),)
    )
    assert days(once, "2026-11-01", "2027-01-01") == ["2026-11-23 07:30", "2026-12-01 08:00"]
