"""The conference as a whole: its plan, its start and end, its director, its lock."""

from __future__ import annotations

import pytest

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference import state_machine
from bridge.conference.apply import opened
from bridge.conference.model import SYSTEM, Booking
from tests.conference.support import LAN, MINH, TITLE, Run, live, point


def test_a_plan_must_fit() -> None:
    with pytest.raises(ValueError, match="not one of the points"):
        opened(Booking(id="x", title=TITLE, points=("a",), chair="z"), 0)
    with pytest.raises(ValueError, match="not one of the points"):
        opened(Booking(id="x", title=TITLE, points=("a", "b"), chair="a", observers=("a",)), 0)
    with pytest.raises(ValueError, match="twice"):
        opened(Booking(id="x", title=TITLE, points=("a", "a"), chair="a"), 0)


def test_the_start_ends_what_was_tried_in_the_trial_session() -> None:
    run = Run()
    run.ok(c.RequestFloor(point="b"), point("b"))
    run.ok(c.Unmute(point="c"))
    run.ok(c.Grant(point="d"))
    run.now += 7
    run.ok(c.Start())
    assert run.heard() == {"a"}
    assert (run.state.on_air, run.state.queue, run.state.floor) == ("a", (), None)
    assert run.state.seats["d"].floor_seconds == 7
    assert run.refused(c.Start()) == "refusal.already_started"


def test_an_ended_conference_takes_no_more() -> None:
    run = live()
    run.ok(c.Share(point="b"), point("b"))
    assert run.ok(c.End())[-2:] == (e.ContentStopped(sharer="point:b"), e.Ended())
    assert run.state.present == frozenset()
    assert run.refused(c.Take(point="b")) == "refusal.ended"


def test_extending_moves_the_planned_end_and_its_warning() -> None:
    run = live(end=2000.0)
    run.now = 1700.0
    assert state_machine.due(run.state) == 1700.0
    assert run.ok(c.Tick(), SYSTEM) == (e.EndNear(),)
    assert state_machine.due(run.state) is None
    run.ok(c.Extend(minutes=10))
    assert run.state.end == 2600.0
    assert state_machine.due(run.state) == 2300.0


def test_one_director_and_a_take_over_that_is_confirmed() -> None:
    run = live()
    assert run.state.director == "lan"
    assert run.refused(c.Take(point="b"), MINH) == "refusal.other_director"
    assert run.refused(c.Direct(), MINH) == "refusal.confirm_take_over"
    assert run.ok(c.Direct(take_over=True), MINH) == (e.DirectorSet(user="minh", before="lan"),)
    run.ok(c.Take(point="b"), MINH)
    assert run.refused(c.Take(point="c"), LAN) == "refusal.other_director"


def test_a_locked_conference_lets_only_those_back_who_were_in() -> None:
    run = live(present=("a", "b"))
    run.ok(c.PointDown(point="b", reason="cable"), SYSTEM)
    run.ok(c.Lock())
    run.ok(c.PointUp(point="b"), SYSTEM)
    assert run.refused(c.PointUp(point="c"), SYSTEM) == "refusal.closed"
