"""The report of a conference, from its log."""

from __future__ import annotations

import pytest

from bridge.conference import commands as c
from bridge.conference.model import SYSTEM, Paper
from bridge.conference.report import commonest, report
from tests.conference.support import Run, live, point


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


def test_the_report_says_for_how_long_a_room_had_which_picture() -> None:
    run = live()
    for picture, seconds in (("720", 60.0), ("sound", 30.0), ("none", 20.0), ("360", 40.0)):
        run.ok(c.NotePicture(point="b", picture=picture), SYSTEM)
        run.now += seconds
    run.ok(c.PointDown(point="b", reason="vanished"), SYSTEM)
    run.now += 100
    row = next(r for r in report(run.log, run.now).points if r.point == "b")
    assert row.pictures == {"360": 40.0, "720": 60.0, "sound": 30.0}
    assert next(r for r in report(run.log, run.now).points if r.point == "c").pictures == {}


def test_papers_stand_in_the_report_with_their_checksums() -> None:
    run = live()
    plan = Paper(id="x-p1", version=1, title="Plan", pages=5, octets=9, sha256="ab")
    run.ok(c.AttachPaper(newest=plan), SYSTEM)
    run.ok(c.ShowPage(paper="x-p1", page=1))
    run.now += 10
    run.ok(c.ShowPage(page=2))
    run.now += 5
    newer = Paper(id="x-p1", version=2, title="Plan", pages=5, octets=9, sha256="cd")
    run.ok(c.AttachPaper(newest=newer), SYSTEM)
    run.now += 7
    run.ok(c.PutAway())
    run.now += 100
    run.ok(c.WithdrawPaper(paper="x-p1"), SYSTEM)
    rows = report(run.log, run.now).papers
    found = [(row.version, row.sha256, row.shown_seconds) for row in rows]
    assert found == [(1, "ab", 15.0), (2, "cd", 7.0)]


def test_votes_stand_in_the_report_with_what_they_came_to() -> None:
    run = live()
    run.ok(c.OpenVote(title="Kế hoạch", points=("a", "b")))
    run.ok(c.CastBallot(number=1, choice="for", point="b"), point("b"))
    run.ok(c.CloseVote())
    run.ok(c.OpenVote(title="Phương án", kind="choice", options=("A", "B")))
    first, second = report(run.log, run.now).votes
    assert first == run.state.votes[0]
    assert first.result is not None
    assert (first.result.outcome, first.ballots["b"].choice) == ("rejected", "for")
    assert (second.stage, second.result) == ("open", None)
