"""The conference: decide, apply and plan."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.conference import machine
from bridge.conference.model import (
    Command,
    PointDown,
    PointId,
    PointJoined,
    PointLeft,
    PointUp,
    Refusal,
    State,
    Take,
    Taken,
)
from bridge.conference.plan import CONTENT, PROGRAMME, Feed, feed_of, plan, slot_names

A, B, C = PointId("a"), PointId("b"), PointId("c")
POINTS = (A, B, C)


def run(*commands: Command) -> State:
    state = machine.start(POINTS, A)
    for command in commands:
        outcome = machine.decide(state, command)
        assert not isinstance(outcome, Refusal)
        for event in outcome:
            state = machine.apply(state, event)
    return state


def test_start() -> None:
    assert machine.start(POINTS, A) == State(A, POINTS, A)
    with pytest.raises(ValueError, match="not one of the points"):
        machine.start(POINTS, PointId("z"))


@pytest.mark.parametrize(
    ("before", "command", "outcome"),
    [
        ((), PointUp(B), (PointJoined(B),)),
        ((PointUp(B),), PointUp(B), ()),
        ((), PointDown(B, "x"), ()),
        ((PointUp(B),), PointDown(B, "x"), (PointLeft(B, "x"),)),
        ((), Take(A), ()),
        ((), Take(B), Refusal("refusal.point_absent", (("point", "b"),))),
        ((PointUp(B),), Take(B), (Taken(B, A),)),
        ((), Take(PointId("z")), Refusal("refusal.unknown_point", (("point", "z"),))),
        ((), PointUp(PointId("z")), Refusal("refusal.unknown_point", (("point", "z"),))),
    ],
)
def test_decide(before: tuple[Command, ...], command: Command, outcome: object) -> None:
    assert machine.decide(run(*before), command) == outcome


def test_observers_cannot_go_on_air() -> None:
    state = machine.start(POINTS, A, frozenset({B}))
    state = machine.apply(state, PointJoined(B))
    assert machine.decide(state, Take(B)) == Refusal("refusal.observer", (("point", "b"),))
    assert plan(state).programme[A] == Feed(C), "nor are they shown to the chair"


def test_a_point_that_drops_gets_its_seat_back() -> None:
    state = run(PointUp(A), PointUp(B), Take(B), PointDown(B, "cable"))
    assert state.on_air == B
    assert run(PointUp(A), PointUp(B), Take(B), PointDown(B, "cable"), PointUp(B)).on_air == B


def test_who_is_on_air_sees_the_chair() -> None:
    current = plan(run(PointUp(A), PointUp(B), Take(B)))
    assert current.programme == {A: Feed(B), B: Feed(A), C: Feed(B)}
    assert current.viewer == Feed(B)
    assert (current.speakers, current.floor) == ((B, A), (B,))


def test_the_chair_on_air_sees_who_was_before() -> None:
    state = run(PointUp(A), PointUp(B), PointUp(C), Take(C), Take(A))
    assert plan(state).programme[A] == Feed(C)
    gone = run(PointUp(A), PointUp(B), PointUp(C), Take(C), Take(A), PointDown(C, ""))
    assert plan(gone).programme[A] == Feed(B)
    assert plan(machine.start(POINTS, A)).programme[A] == Feed(B), "nobody is there yet"


def test_slots() -> None:
    video, audio = slot_names(POINTS, B, 2)
    assert video == (PROGRAMME, "thumb:a", "thumb:c", CONTENT)
    assert audio == ("audio:0", "audio:1")
    assert slot_names(POINTS, None, 1)[0] == (PROGRAMME, "thumb:a", "thumb:b", "thumb:c", CONTENT)


COMMANDS = st.one_of(
    st.builds(PointUp, st.sampled_from(POINTS)),
    st.builds(PointDown, st.sampled_from(POINTS), st.just("x")),
    st.builds(Take, st.sampled_from([*POINTS, PointId("z")])),
)


@given(st.lists(COMMANDS, max_size=30))
def test_whatever_happens_the_plan_holds(commands: list[Command]) -> None:
    state = machine.start(POINTS, A)
    for command in commands:
        outcome = machine.decide(state, command)
        if isinstance(outcome, Refusal):
            continue
        for event in outcome:
            state = machine.apply(state, event)
        assert isinstance(state.on_air, str)
        current = plan(state)
        for receiver in POINTS:
            shown = feed_of(current, receiver, PROGRAMME)
            assert shown is not None
            assert shown.point != receiver, "nobody is shown himself"
            for slot in slot_names(POINTS, receiver, 1)[0]:
                feed = feed_of(current, receiver, slot)
                assert feed is None or feed.point in POINTS
        assert set(current.floor) <= set(current.speakers)
