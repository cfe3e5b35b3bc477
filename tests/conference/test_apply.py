"""Events on the state: whatever happens, its invariants hold."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.apply import apply, replay
from bridge.conference.model import SYSTEM, Actor, Paper, Rules, State, canonical
from bridge.conference.plan import feed_of, plan
from tests.conference.support import ACTORS, POINTS, SAMPLES, Run, live, point


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


# What the system may say of papers: rooms are named by their ids, as everywhere.
PAPER = st.builds(
    Paper,
    id=st.sampled_from(["p1", "p2"]),
    version=st.integers(1, 3),
    title=st.sampled_from(["Kế hoạch", "x"]),
    pages=st.integers(1, 9),
    octets=st.integers(1, 1000),
    sha256=st.just("ab" * 32),
    points=st.lists(st.sampled_from(POINTS), max_size=2).map(tuple),
)

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
                "newest": PAPER,
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
            shown = feed_of(current, receiver, "programme", {})
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
