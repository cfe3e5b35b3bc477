"""The conference: what commands lead to, and what events make of the state."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference import machine
from bridge.conference.apply import apply, opened, replay
from bridge.conference.legality import TABLE
from bridge.conference.model import (
    SCHEDULER,
    SYSTEM,
    Actor,
    Booking,
    Refusal,
    Rules,
    State,
    canonical,
)
from bridge.conference.plan import feed_of, panes, plan, slot_names
from tests.conference.support import LAN, MINH, POINTS, TITLE, Run, point


def live(**options: object) -> Run:
    run = Run(**options)  # type: ignore[arg-type]
    run.ok(c.Start())
    return run


# --- life ----------------------------------------------------------------------------------


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


def test_rules_may_leave_microphones_open() -> None:
    run = live(rules=Rules(all_muted=False), observers=("d",))
    assert run.heard() == {"a", "b", "c"}


def test_an_ended_conference_takes_no_more() -> None:
    run = live()
    run.ok(c.Share(point="b"), point("b"))
    assert run.ok(c.End())[-2:] == (e.ContentStopped(sharer="point:b"), e.Ended())
    assert run.state.present == frozenset()
    assert run.refused(c.Take(point="b")) == "refusal.ended"


def test_extending_moves_the_planned_end_and_its_warning() -> None:
    run = live(end=2000.0)
    run.now = 1700.0
    assert machine.due(run.state) == 1700.0
    assert run.ok(c.Tick(), SYSTEM) == (e.EndNear(),)
    assert machine.due(run.state) is None
    run.ok(c.Extend(minutes=10))
    assert run.state.end == 2600.0
    assert machine.due(run.state) == 2300.0


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


# --- pictures ------------------------------------------------------------------------------


def test_preview_and_take() -> None:
    run = live()
    assert run.refused(c.Take()) == "refusal.no_preview"
    run.ok(c.Preview(point="b"))
    assert run.ok(c.Take()) == (e.Taken(point="b", previous="a"),)
    assert run.state.preview is None
    assert run.ok(c.Take(point="b")) == ()
    assert run.heard() == {"a"}, "a take is a picture, no microphone"
    run.ok(c.Return())
    assert run.state.on_air == "a"


def test_what_cannot_be_shown() -> None:
    run = live(present=("a", "b"), observers=("d",))
    assert run.refused(c.Take(point="c")) == "refusal.point_absent"
    assert run.refused(c.Take(point="d")) == "refusal.observer"
    assert run.refused(c.Take(point="z")) == "refusal.unknown_point"
    assert run.refused(c.Preview(point="d")) == "refusal.observer"
    assert run.refused(c.Rank(points=("b", "z"))) == "refusal.unknown_point"


def test_who_is_on_air_sees_the_return_picture() -> None:
    run = live()
    run.ok(c.Take(point="b"))
    shown = {p: feed.point for p, feed in plan(run.state).programme.items() if feed}
    assert shown == {"a": "b", "b": "a", "c": "b", "d": "b"}
    run.ok(c.ReturnPicture(point="d"))
    feed = plan(run.state).programme["b"]
    assert feed is not None
    assert feed.point == "d"
    run.ok(c.ReturnPicture())
    run.ok(c.Return())
    feed = plan(run.state).programme["a"]
    assert feed is not None
    assert feed.point == "b", "the chair sees who was before"


def test_panes_are_fixed_or_ranked() -> None:
    run = live()
    assert panes(run.state) == POINTS
    run.ok(c.Pin(pane=2, point="d"))
    run.ok(c.Rank(points=("c",)))
    assert panes(run.state) == ("c", "d", "a", "b")
    run.ok(c.Pin(pane=1, point="d"))
    assert run.state.pins == {1: "d"}, "a point stands in one pane"
    run.ok(c.Pin(pane=1))
    assert panes(run.state) == ("c", "a", "b", "d")


def test_a_camera_that_is_off_is_shown_to_nobody() -> None:
    run = live()
    run.ok(c.Take(point="b"))
    run.ok(c.Camera(point="b", off=True))
    current = plan(run.state)
    assert current.viewer is None
    assert feed_of(current, "c", "thumb:b") is None
    run.ok(c.Camera(point="b", off=False))
    assert plan(run.state).viewer is not None


# --- floor ---------------------------------------------------------------------------------


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
    assert events == (e.FloorGranted(point="b", previous="a", number=1),)
    assert run.state.on_air == "b"
    assert run.heard() == {"a", "b"}, "on air, its microphone open, the others' closed"
    assert plan(run.state).floor == ("b",)
    run.now += 12
    assert run.ok(c.Return()) == (
        e.FloorEnded(point="b", seconds=12),
        e.Taken(point="a", previous="b"),
    )
    assert run.heard() == {"a"}


def test_speaking_time_is_warned_twice() -> None:
    run = live(rules=Rules(speaking_seconds=120))
    run.ok(c.Grant(point="b"))
    assert machine.due(run.state) == run.now + 90
    run.now += 90
    assert run.ok(c.Tick(), SYSTEM) == (e.FloorWarned(point="b", left=30),)
    assert run.ok(c.Tick(), SYSTEM) == ()
    run.now += 30
    assert run.ok(c.Tick(), SYSTEM) == (e.FloorWarned(point="b", left=0),)
    assert machine.due(run.state) is None
    run.ok(c.SpeakingTime(seconds=300))
    assert machine.due(run.state) == run.now - 120 + 270


def test_time_with_the_floor_stands_still_while_a_point_is_away() -> None:
    run = live(rules=Rules(speaking_seconds=100))
    run.ok(c.Grant(point="b"))
    run.now += 40
    run.ok(c.PointDown(point="b", reason="cable"), SYSTEM)
    assert machine.due(run.state) is None
    run.now += 500
    run.ok(c.PointUp(point="b"), SYSTEM)
    assert machine.due(run.state) == run.now + 30
    run.now += 10
    assert run.ok(c.Return())[0] == e.FloorEnded(point="b", seconds=50)


def test_roll_call() -> None:
    run = live(present=("a", "b", "d"))
    events = run.ok(c.StartRollCall(seconds=20, points=("b", "c", "d")))
    assert events[-1] == e.FloorGranted(point="b", previous="a", limit=20)
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


def test_a_clock_that_jumps_changes_no_duration() -> None:
    run = live(rules=Rules(speaking_seconds=100))
    run.ok(c.Grant(point="b"))
    run.ok(c.RequestFloor(point="c"), point("c"))
    run.now += 10
    run.now += 3600
    run.ok(c.StepClock(seconds=3600), SYSTEM)
    run.now += 5
    assert run.state.queue[0].at == run.now - 15
    assert run.ok(c.Return())[0] == e.FloorEnded(point="b", seconds=15)


# --- microphones ---------------------------------------------------------------------------


def test_a_locked_microphone_cannot_be_opened_by_the_room() -> None:
    run = live(rules=Rules(floor="free"))
    run.ok(c.SelfMute(point="b", muted=False), point("b"))
    assert "b" in run.heard()
    run.ok(c.Mute(point="b", lock=True))
    assert run.refused(c.SelfMute(point="b", muted=False), point("b")) == (
        "refusal.locked_microphone"
    )
    assert "b" not in run.heard()
    run.ok(c.Unmute(point="b"))
    assert "b" in run.heard()


def test_a_room_mutes_itself_and_undoes_it() -> None:
    run = live()
    run.ok(c.Unmute(point="b"))
    run.ok(c.SelfMute(point="b", muted=True), point("b"))
    assert "b" not in run.heard()
    run.ok(c.SelfMute(point="b", muted=False), point("b"))
    assert "b" in run.heard()
    assert run.refused(c.SelfMute(point="c", muted=False), point("c")) == "refusal.ask_for_floor"


@pytest.mark.parametrize(
    ("but", "heard"), [("nobody", set()), ("chair", {"a"}), ("speaker", {"c"})]
)
def test_mute_all(but: str, heard: set[str]) -> None:
    run = live(rules=Rules(all_muted=False))
    run.ok(c.Take(point="c"))
    run.ok(c.MuteAll(but=but))  # type: ignore[arg-type]
    assert run.heard() == heard
    assert run.ok(c.MuteAll(but=but)) == ()  # type: ignore[arg-type]


# --- points --------------------------------------------------------------------------------


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


def test_banners_and_shared_screens() -> None:
    run = live()
    run.ok(c.Banner(text="  Nghỉ 10 phút "))
    run.ok(c.Banner(text="Chỉnh camera", point="b"))
    assert (run.state.banner, run.state.banners) == ("Nghỉ 10 phút", {"b": "Chỉnh camera"})
    run.ok(c.Banner(point="b"))
    assert run.state.banners == {}
    run.ok(c.Share(point="b"), point("b"))
    assert run.refused(c.Share(point="c"), point("c")) == "refusal.already_shared"
    run.ok(c.Share())
    content = plan(run.state).content
    assert content is not None
    assert (run.state.content, content.user) == ("user:lan", "lan")
    assert run.ok(c.StopShare(point="b"), point("b")) == ()
    run.ok(c.StopShare())
    assert plan(run.state).content is None


def test_slots() -> None:
    video, audio = slot_names(POINTS, "b", 2)
    assert video == ("programme", "thumb:a", "thumb:c", "thumb:d", "content")
    assert audio == ("audio:0", "audio:1")
    assert slot_names(POINTS, None, 1)[0][:3] == ("programme", "preview", "thumb:a")


# --- every command, in every state, from everybody -----------------------------------------

VALUES: dict[str, Any] = {
    "point": "b",
    "minutes": 5,
    "layout": "grid",
    "pane": 1,
    "points": ("b",),
    "muted": True,
    "off": True,
    "reason": "x",
    "seconds": 20,
    "up": "good",
    "down": "good",
    "text": "x",
    "locked": True,
    "take_over": True,
    "lock": True,
    "but": "chair",
}
SAMPLES: dict[type[c.Command], c.Command] = {
    kind: kind(**{name: VALUES[name] for name in kind.__struct_fields__}) for kind in TABLE
}
ACTORS = [
    *(
        Actor(kind="user", name="lan", role=r)
        for r in ("admin", "operator", "technician", "viewer")
    ),
    Actor(kind="user", name="minh", role="operator"),
    Actor(kind="user", name="eve", role=""),
    point("b"),
    point("c"),
    SCHEDULER,
    SYSTEM,
]


def phases() -> dict[str, Run]:
    trial, running, over = Run(), live(), live()
    over.ok(c.End())
    return {"open": trial, "live": running, "ended": over}


@pytest.mark.parametrize("phase", ["open", "live", "ended"])
@pytest.mark.parametrize("kind", list(TABLE), ids=lambda k: k.__struct_config__.tag)
def test_every_command_from_everybody(phase: str, kind: type[c.Command]) -> None:
    """Allowed, or refused with a reason and the state unchanged."""
    rule = TABLE[kind]
    for actor in ACTORS:
        run = phases()[phase]
        command = SAMPLES[kind]
        before = canonical(run.state)
        outcome = run.do(command, actor)
        own = actor.kind == "point" and rule.own and getattr(command, "point", "") == actor.name
        operator = actor.kind == "user" and rule.operator and actor.role in ("admin", "operator")
        inner = actor.kind in ("system", "scheduler")
        if not (own or operator or inner):
            assert outcome == Refusal(key="refusal.not_allowed"), (phase, actor)
        elif phase == "ended":
            assert outcome == Refusal(key="refusal.ended")
        elif phase not in rule.phases:
            assert outcome == Refusal(key="refusal.already_started")
        elif actor.name == "minh" and rule.directs and phase == "live":
            assert outcome == Refusal(key="refusal.other_director", arguments={"user": "lan"})
        if isinstance(outcome, Refusal):
            assert canonical(run.state) == before


def test_the_table_is_whole() -> None:
    assert set(TABLE) == set(c.Command.__args__)
    assert set(machine._DECIDE) == set(TABLE)


ANY = st.sampled_from(list(SAMPLES)).flatmap(
    lambda kind: st.builds(
        kind,
        **{
            name: strategy
            for name, strategy in {
                "point": st.sampled_from([*POINTS, "z"]),
                "points": st.lists(st.sampled_from(POINTS), max_size=4).map(tuple),
                "minutes": st.integers(1, 60),
                "layout": st.sampled_from(["speaker", "alone", "grid", "content"]),
                "pane": st.integers(1, 6),
                "seconds": st.integers(5, 100),
                "reason": st.just("x"),
                "text": st.sampled_from(["", "x"]),
                "muted": st.booleans(),
                "off": st.booleans(),
                "lock": st.booleans(),
                "locked": st.booleans(),
                "take_over": st.booleans(),
                "but": st.sampled_from(["nobody", "chair", "speaker"]),
                "up": st.just("good"),
                "down": st.just("bad"),
            }.items()
            if name in kind.__struct_fields__
        },
    )
)


@settings(max_examples=150)
@given(st.lists(st.tuples(ANY, st.sampled_from(ACTORS), st.floats(0, 30)), max_size=40))
def test_whatever_happens_the_conference_holds(
    steps: list[tuple[c.Command, Actor, float]],
) -> None:
    run = Run(present=("a", "b"), observers=("d",), rules=Rules(speaking_seconds=60))
    for command, actor, passed in steps:
        if isinstance(command, c.End):
            continue
        run.now += passed
        run.do(command, actor)
        state = run.state
        assert state.on_air in POINTS
        assert "d" not in run.heard(), "an observer is never heard"
        assert state.on_air != "d"
        assert [r.number for r in state.queue] == sorted(r.number for r in state.queue)
        if state.floor is not None:
            assert all(r.point != state.floor.point for r in state.queue)
            assert state.floor.spent(run.now) >= 0
        current = plan(state)
        assert set(current.floor) <= set(current.speakers) <= run.heard()
        for receiver in POINTS:
            shown = feed_of(current, receiver, "programme")
            assert shown is None or shown.point != receiver or len(state.present) < 2
        assert sorted(current.panes) == sorted(POINTS)
    # The log alone gives the same state, also over its stored form.
    stored = [
        e.Recorded(
            conference=r.conference,
            seq=r.seq,
            at=r.at,
            actor=r.actor,
            reason=r.reason,
            event=e.decoder.decode(e.encoder.encode(r.event)),
        )
        for r in run.log
    ]
    again = replay(stored)
    assert isinstance(again, State)
    assert canonical(again) == canonical(run.state)


def test_a_log_with_a_hole_is_refused() -> None:
    run = live()
    with pytest.raises(ValueError, match="follows"):
        replay([*run.log[:2], *run.log[3:]])
    with pytest.raises(ValueError, match="starts with opened"):
        apply(None, run.log[1])
