"""The floor: the queue, speaking time, the roll call."""

from __future__ import annotations

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference import state_machine
from bridge.conference.model import SYSTEM, Rules
from bridge.conference.plan import plan
from tests.conference.support import live, point


def test_the_queue_is_ordered_and_numbered_by_the_server() -> None:
    run = live()
    for name in ("c", "b", "d"):
        run.now += 1
        run.ok(c.RequestFloor(point=name), point(name))
    assert run.ok(c.RequestFloor(point="b"), point("b")) == ()
    assert [(r.point, r.number, r.at) for r in run.state.queue] == [
        ("c", 1, 1001.0),
        ("b", 2, 1002.0),
        ("d", 3, 1003.0),
    ]
    run.ok(c.WithdrawFloor(point="c"), point("c"))
    run.ok(c.PointDown(point="b", reason="cable"), SYSTEM)
    run.ok(c.Grant())
    assert run.state.floor is not None
    assert run.state.floor.point == "d", "b is away: it keeps its place, d is first now"
    run.ok(c.PointUp(point="b"), SYSTEM)
    assert [(r.point, r.number) for r in run.state.queue] == [("b", 2)]
    run.ok(c.Next())
    assert run.state.floor is not None
    assert run.state.floor.point == "b"
    assert run.refused(c.Next()) == "refusal.empty_queue"


def test_to_give_the_floor_is_one_action() -> None:
    run = live()
    run.ok(c.Unmute(point="c"))
    run.ok(c.Mute(point="b", lock=True))
    run.ok(c.RequestFloor(point="b"), point("b"))
    events = run.ok(c.Grant())
    assert events == (e.FloorGranted(point="b", previous="a", number=1, swapped=True),)
    assert run.state.on_air == "b"
    assert run.heard() == {"a", "b"}, "on air, its microphone open, the others' closed"
    assert plan(run.state).floor == ("b",)
    run.now += 12
    assert run.ok(c.Return()) == (
        e.FloorEnded(point="b", seconds=12),
        e.Taken(point="a", previous="b", swapped=True),
    )
    assert run.heard() == {"a"}


def test_speaking_time_is_warned_twice() -> None:
    run = live(rules=Rules(speaking_seconds=120))
    run.ok(c.Grant(point="b"))
    assert state_machine.due(run.state) == run.now + 90
    run.now += 90
    assert run.ok(c.Tick(), SYSTEM) == (e.FloorWarned(point="b", left=30),)
    assert run.ok(c.Tick(), SYSTEM) == ()
    run.now += 30
    assert run.ok(c.Tick(), SYSTEM) == (e.FloorWarned(point="b", left=0),)
    assert state_machine.due(run.state) is None
    run.ok(c.SpeakingTime(seconds=300))
    assert state_machine.due(run.state) == run.now - 120 + 270


def test_time_with_the_floor_stands_still_while_a_point_is_away() -> None:
    run = live(rules=Rules(speaking_seconds=100))
    run.ok(c.Grant(point="b"))
    run.now += 40
    run.ok(c.PointDown(point="b", reason="cable"), SYSTEM)
    assert state_machine.due(run.state) is None
    run.now += 500
    run.ok(c.PointUp(point="b"), SYSTEM)
    assert state_machine.due(run.state) == run.now + 30
    run.now += 10
    assert run.ok(c.Return())[0] == e.FloorEnded(point="b", seconds=50)


def test_roll_call() -> None:
    run = live(present=("a", "b", "d"))
    events = run.ok(c.StartRollCall(seconds=20, points=("b", "c", "d")))
    assert events[-1] == e.FloorGranted(point="b", previous="a", limit=20, swapped=True)
    run.now += 20
    run.ok(c.Tick(), SYSTEM)
    assert run.state.floor is not None
    if run.state.floor.point == "b":  # the first tick warned that half was over
        run.ok(c.Tick(), SYSTEM)
    assert run.state.floor.point == "d"
    assert e.RollCallTurn(point="d", skipped=("c",)) in [r.event for r in run.log]
    run.ok(c.Next())
    assert run.state.roll_call is None
    assert (run.state.floor is None, run.state.on_air) == (True, "a")
    assert run.refused(c.StopRollCall()) == "refusal.no_roll_call"
