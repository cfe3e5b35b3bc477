"""Desk calls: rung, answered, declined, missed, handed over, ended; and what nobody may do."""

from __future__ import annotations

import pytest

from bridge.conference import commands as c
from bridge.conference import desk_call_commands as d
from bridge.conference.decisions.outcome import Outcome
from bridge.conference.desk_call import ALONE_SECONDS, CHOOSE_SECONDS, DeskCall, DeskRules
from bridge.conference.desk_call_record import record
from bridge.conference.legality import TABLE
from bridge.conference.model import SYSTEM, Refusal, Rules, canonical
from bridge.conference.plan import plan
from bridge.conference.report import report
from bridge.conference.state_machine import due
from tests.conference.support import LAN, SAMPLES, Run, live, point

DESK, FIRST, SECOND, THIRD = "desk", "o1", "o2", "o3"
RINGS = 30


def called() -> Run:
    """A desk that is there has the first officer rung, at 1000 s."""
    return Run(
        present=(DESK,),
        points=(DESK, FIRST),
        chair=DESK,
        connect={FIRST: "invitation"},
        rules=Rules(all_muted=False, floor="free", recording="forbidden"),
        desk=DeskRules(desk=DESK, officers=(FIRST, SECOND, THIRD), first=FIRST, ring_seconds=RINGS),
    )


def answered() -> Run:
    run = called()
    run.now += 7
    assert not isinstance(run.do(d.AnswerCall(point=FIRST), point(FIRST)), Refusal)
    run.do(c.PointUp(point=FIRST), SYSTEM)
    return run


def call_of(run: Run) -> DeskCall:
    assert run.state.call is not None
    return run.state.call


def tick(run: Run, at: float) -> Outcome:
    run.now = at
    return run.do(c.Tick(), SYSTEM)


def outcome_of(run: Run) -> str | None:
    made = record(run.log, run.now)
    assert made is not None
    return made.outcome


def test_who_is_rung_is_neither_seen_nor_heard_before_answering() -> None:
    run = called()
    assert (run.state.phase, call_of(run).ringing, set(run.state.present)) == (
        "open",
        FIRST,
        {DESK},
    )
    assert run.do(c.PointUp(point=FIRST), SYSTEM) == Refusal(key="refusal.not_called")
    run = answered()
    assert (run.state.phase, call_of(run).officer) == ("live", FIRST)
    routes = plan(run.state)
    assert {p: feed.point for p, feed in routes.programme.items() if feed} == {
        DESK: FIRST,
        FIRST: DESK,
    }
    assert set(routes.speakers) == {DESK, FIRST}


def test_nobody_answers_and_the_desk_rings_the_next_one_or_gives_up() -> None:
    run = called()
    assert due(run.state) == 1000 + RINGS
    assert tick(run, 1000 + RINGS - 1) == ()
    tick(run, 1000 + RINGS)
    assert (call_of(run).ringing, call_of(run).missed, call_of(run).why) == (
        None,
        FIRST,
        "no_answer",
    )
    assert set(run.state.seats) == {DESK}
    assert run.do(d.AnswerCall(point=FIRST), point(FIRST)) == Refusal(
        key="refusal.unknown_point", arguments={"point": FIRST}
    )
    run.do(d.RingOfficer(point=DESK, officer=SECOND), point(DESK))
    assert (call_of(run).ringing, set(run.state.seats)) == (SECOND, {DESK, SECOND})
    run.do(d.DeclineCall(point=SECOND), point(SECOND))
    assert call_of(run).why == "declined"
    assert due(run.state) == run.now + CHOOSE_SECONDS
    tick(run, run.now + CHOOSE_SECONDS)
    assert (run.state.phase, outcome_of(run)) == ("ended", "declined")


def test_a_call_is_handed_over_and_nobody_is_left_alone_meanwhile() -> None:
    run = answered()
    assert run.do(d.HandOver(point=DESK, officer=SECOND), point(DESK)) == Refusal(
        key="refusal.not_your_call"
    )
    run.do(d.HandOver(point=FIRST, officer=SECOND), point(FIRST))
    assert (call_of(run).officer, call_of(run).ringing) == (FIRST, SECOND)
    run.do(d.DeclineCall(point=SECOND), point(SECOND))
    assert (call_of(run).officer, set(run.state.present)) == (FIRST, {DESK, FIRST}), (
        "the talk goes on"
    )
    run.do(d.HandOver(point=FIRST, officer=THIRD), point(FIRST))
    run.do(c.Share(point=FIRST), point(FIRST))
    run.do(d.AnswerCall(point=THIRD), point(THIRD))
    assert (call_of(run).officer, set(run.state.seats)) == (THIRD, {DESK, THIRD})
    assert run.state.content is None, "the screen of who left is gone"
    run.do(c.PointUp(point=THIRD), SYSTEM)
    run.now += 60
    run.do(d.HangUp(point=DESK), point(DESK))
    made = record(run.log, run.now)
    assert made is not None
    assert (made.officer, made.rung, made.handed_over) == (THIRD, (FIRST, SECOND, THIRD), 1)
    assert (made.ring_seconds, made.talk_seconds, made.outcome) == (7.0, 60.0, "talked")
    assert {row.point for row in report(run.log, run.now).points} == {DESK, FIRST, SECOND, THIRD}


@pytest.mark.parametrize(
    ("prepare", "outcome"),
    [
        (lambda run: None, "cancelled"),
        (lambda run: tick(run, 1000 + RINGS), "unanswered"),
        (lambda run: run.do(d.DeclineCall(point=FIRST), point(FIRST)), "declined"),
        (lambda run: run.do(d.AnswerCall(point=FIRST), point(FIRST)), "talked"),
    ],
)
def test_the_desk_hangs_up(prepare: object, outcome: str) -> None:
    run = called()
    prepare(run)  # type: ignore[operator]
    run.do(d.HangUp(point=DESK), point(DESK))
    assert (run.state.phase, outcome_of(run)) == ("ended", outcome)


def test_one_side_that_does_not_come_back_ends_the_call() -> None:
    run = answered()
    run.do(c.PointDown(point=DESK, reason="vanished"), SYSTEM)
    away = run.now
    assert due(run.state) == away + ALONE_SECONDS
    run.now += 60
    run.do(c.PointUp(point=DESK), SYSTEM)
    assert due(run.state) is None
    run.do(c.PointDown(point=FIRST, reason="vanished"), SYSTEM)
    run.do(c.StepClock(seconds=100.0), SYSTEM)
    assert tick(run, run.now + ALONE_SECONDS) == (), "a clock that was set ends nothing"
    tick(run, run.now + 100)
    assert outcome_of(run) == "lost"


def test_nobody_directs_watches_or_records_a_call_and_a_meeting_is_none() -> None:
    run, meeting = answered(), live()
    for kind, command in SAMPLES.items():
        before = canonical(run.state)
        if not TABLE[kind].operator:
            continue
        assert isinstance(run.do(command, LAN), Refusal), kind
        assert canonical(run.state) == before
    assert run.do(c.Record(), LAN) == Refusal(key="refusal.desk_call")
    assert run.do(c.End(), LAN) == Refusal(key="refusal.desk_call")
    assert meeting.do(d.HangUp(point="b"), point("b")) == Refusal(key="refusal.no_desk_call")


def test_both_show_papers() -> None:
    run = answered()
    run.do(SAMPLES[c.AttachPaper], SYSTEM)
