"""Typed commands, schedules, reports: the conference's smaller logic."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.model import SYSTEM, Refusal
from bridge.conference.report import commonest, report
from bridge.conference.schedule import Series, occurrences
from bridge.conference.typed import _VERBS, HELP, parse
from bridge.reports.csv_table import as_csv
from config.schema import Schedule
from tests.conference.support import Run, point

POINTS = ("hoi-truong", "khoan-du", "chi-ne")


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("take khoan-du", c.Take(point="khoan-du")),
        ("  TAKE   2 ", c.Take(point="khoan-du")),
        ("take", c.Take()),
        ("preview off", c.Preview()),
        ("floor next", c.Grant()),
        ("floor chi-ne 120", c.Grant(point="chi-ne", seconds=120)),
        ("time off", c.SpeakingTime()),
        ("rollcall 15 khoan-du", c.StartRollCall(seconds=15, points=("khoan-du",))),
        ("rollcall stop", c.StopRollCall()),
        ("mute all", c.MuteAll()),
        ("mute all but speaker", c.MuteAll(but="speaker")),
        ("mute all but chair lock", c.MuteAll(but="chair", lock=True)),
        ("mute khoan-du lock", c.Mute(point="khoan-du", lock=True)),
        ("camera off chi-ne", c.Camera(point="chi-ne", off=True)),
        ("layout grid", c.SetLayout(layout="grid")),
        ("pin 2 khoan-du", c.Pin(pane=2, point="khoan-du")),
        ("unpin 2", c.Pin(pane=2)),
        ("rank chi-ne khoan-du", c.Rank(points=("chi-ne", "khoan-du"))),
        ("return-picture chair", c.ReturnPicture()),
        ("banner Nghỉ 10 phút", c.Banner(text="Nghỉ 10 phút")),
        ("banner @khoan-du Chỉnh camera", c.Banner(text="Chỉnh camera", point="khoan-du")),
        ("banner off", c.Banner()),
        ("unlock", c.Lock(locked=False)),
        ("direct take-over", c.Direct(take_over=True)),
        ("extend 15", c.Extend(minutes=15)),
        ("share stop", c.StopShare()),
    ],
)
def test_typed_commands(text: str, command: c.Command) -> None:
    assert parse(text, POINTS) == command


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "typed.empty"),
        ("dance", "typed.unknown"),
        ("take nobody", "refusal.unknown_point"),
        ("take 9", "refusal.unknown_point"),
        ("take 1 2", "typed.usage"),
        ("layout round", "typed.usage"),
        ("floor chi-ne soon", "typed.usage"),
        ("floor chi-ne 1", "typed.usage"),
        ("mute all but nobody else", "typed.usage"),
        ("mute", "typed.usage"),
        ("extend 0", "typed.usage"),
        ("extend 99999999999999999999", "typed.usage"),
        ("banner", "typed.usage"),
        ("banner " + "x" * 400, "typed.usage"),
        ("start now", "typed.usage"),
    ],
)
def test_typed_nonsense(text: str, key: str) -> None:
    outcome = parse(text, POINTS)
    assert isinstance(outcome, Refusal)
    assert outcome.key == key


def test_every_word_is_explained() -> None:
    assert {word for word, _ in HELP} == set(_VERBS)


@given(st.text(max_size=60), st.sampled_from([*_VERBS, ""]))
def test_whatever_is_typed(text: str, word: str) -> None:
    assert isinstance(parse(f"{word} {text}", POINTS), (c.Asked, Refusal))


# --- schedule ------------------------------------------------------------------------------

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


@pytest.mark.parametrize(
    ("rule", "good"),
    [
        ("FREQ=WEEKLY;BYDAY=MO,TH", True),
        ("FREQ=MONTHLY;BYDAY=1MO;COUNT=5", True),
        ("FREQ=SECONDLY", False),
        ("FREQ=SOMETIMES", False),
        ("nonsense", False),
        ("FREQ=WEEKLY\nDTSTART:19700101T000000", False),
        ("", False),
    ],
)
def test_rules(rule: str, good: bool) -> None:
    """The topology's schema is where rules come in, and the one place that checks them."""
    try:
        Schedule(start="2026-01-01 08:00", rule=rule)
    except ValidationError:
        assert not good
    else:
        assert good


# --- report --------------------------------------------------------------------------------


def test_a_report_adds_the_log_up() -> None:
    run = Run(present=("a",), expected=("a", "b", "c"))
    run.ok(c.CallFailed(point="c", reason="call.offline"), SYSTEM)
    run.ok(c.Start())
    run.now += 10
    run.ok(c.PointUp(point="b"), SYSTEM)
    run.now += 20
    run.ok(c.NoteQuality(point="b", up="good", down="poor"), SYSTEM)
    run.ok(c.RequestFloor(point="b"), point("b"))
    run.ok(c.Grant())
    run.now += 30
    run.ok(c.PointDown(point="b", reason="silence"), SYSTEM)
    run.now += 5
    run.ok(c.PointUp(point="b"), SYSTEM)
    run.now += 5
    run.ok(c.Return())
    run.now += 3600
    run.ok(c.StepClock(seconds=3600), SYSTEM)
    run.ok(c.End())
    made = report(run.log, 0)
    rows = {row.point: row for row in made.points}
    b = rows["b"]
    assert (b.expected, rows["d"].expected) == (True, False)
    assert (b.joined_at, b.present_seconds, b.turns, b.requests) == (1010.0, 55.0, 1, 1)
    assert b.floor_seconds == 35.0, "the time away does not count"
    assert [(i.at, i.until, i.reason) for i in b.interruptions] == [(1060.0, 1065.0, "silence")]
    assert (b.up, b.down) == ({"good": 35.0, "unknown": 20.0}, {"poor": 35.0, "unknown": 20.0})
    assert (commonest(b.down), commonest({})) == ("poor", "unknown")
    assert (rows["c"].joined_at, rows["c"].call_problem) == (None, "call.offline")
    assert rows["a"].present_seconds == 70.0, "an hour's jump of the clock is no hour"
    assert made.directors == ("lan",)
    with pytest.raises(ValueError, match="opened"):
        report([], 0)


def test_a_report_of_a_running_conference() -> None:
    run = Run()
    run.ok(c.Start())
    run.ok(c.Grant(point="b"))
    made = report(run.log, run.now + 60)
    row = next(r for r in made.points if r.point == "b")
    assert (row.floor_seconds, row.present_seconds, made.ended_at) == (60.0, 60.0, None)


def test_no_cell_is_a_formula() -> None:
    text = as_csv(["a"], [["=1+1"], ["@x"], ["Khoan Dụ"]])
    assert text == "\ufeffa\r\n'=1+1\r\n'@x\r\nKhoan Dụ\r\n"


def test_an_older_log_can_be_read() -> None:
    """Fields that a later version adds are ignored by this one."""
    raw = b'{"type": "taken", "point": "b", "previous": "a", "later": 1}'
    assert e.decoder.decode(raw) == e.Taken(point="b", previous="a")
