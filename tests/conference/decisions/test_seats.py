"""Points: seats that are kept, points that are dropped, ways to come in."""

from __future__ import annotations

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.model import SYSTEM
from bridge.conference.plan import plan
from tests.conference.support import Run, live, point


def test_a_point_that_drops_gets_its_seat_back() -> None:
    run = live()
    run.ok(c.Grant(point="b"))
    run.ok(c.RequestFloor(point="c"), point("c"))
    run.ok(c.Pin(pane=1, point="b"))
    seat = run.state.seats["b"]
    run.ok(c.PointDown(point="b", reason="cable"), SYSTEM)
    run.ok(c.PointUp(point="b"), SYSTEM)
    assert run.state.seats["b"] == seat
    assert (run.state.on_air, run.state.pins) == ("b", {1: "b"})


def test_a_dropped_point_stays_out_until_it_is_recalled() -> None:
    run = live()
    run.ok(c.Grant(point="b"))
    run.ok(c.RequestFloor(point="c"), point("c"))
    events = run.ok(c.Drop(point="b", reason="noise"))
    assert [type(item) for item in events] == [e.FloorEnded, e.Taken, e.Dropped]
    assert "b" not in plan(run.state).programme
    assert run.refused(c.PointUp(point="b"), SYSTEM) == "refusal.not_called"
    run.ok(c.Recall(point="b"))
    run.ok(c.PointUp(point="b"), SYSTEM)
    assert run.refused(c.Drop(point="a")) == "refusal.drop_chair"


def test_ways_to_come_in() -> None:
    run = Run(present=(), connect={"b": "invitation", "c": "none"})
    run.ok(c.PointUp(point="a"), SYSTEM)
    assert run.refused(c.PointUp(point="b"), SYSTEM) == "refusal.not_called"
    run.ok(c.Accept(point="b"), point("b"))
    run.ok(c.PointUp(point="b"), SYSTEM)
    assert run.refused(c.Accept(point="c"), point("c")) == "refusal.not_called"
    run.ok(c.Recall(point="c"))
    run.ok(c.PointUp(point="c"), SYSTEM)


def test_why_a_point_does_not_come_is_written_once() -> None:
    run = Run(present=("a",))
    assert run.ok(c.CallFailed(point="b", reason="call.offline"), SYSTEM)
    assert run.ok(c.CallFailed(point="b", reason="call.offline"), SYSTEM) == ()
    assert run.ok(c.CallFailed(point="b", reason="call.no_media"), SYSTEM)
    run.ok(c.PointUp(point="b"), SYSTEM)
    assert run.state.seats["b"].call_problem == ""
