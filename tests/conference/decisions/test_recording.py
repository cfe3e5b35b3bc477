"""Recording: what is asked for, what is written, and that rules which forbid it hold for all."""

from __future__ import annotations

import pytest

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.model import SCHEDULER, SYSTEM, Actor, Rules
from tests.conference.support import LAN, Run, live


def wishes(run: Run) -> list[tuple[int, str, str]]:
    return [
        (item.event.number, item.event.wish, item.event.problem)
        for item in run.log
        if isinstance(item.event, e.RecordingSet)
    ]


def test_a_recording_is_begun_paused_gone_on_with_and_stopped() -> None:
    run = live()
    run.ok(c.Record())
    assert (run.state.recording, run.state.recorded) == ("on", False), "asked for is not written"
    run.ok(c.NoteRecording(writing=True), SYSTEM)
    assert run.ok(c.Record()) == ()
    run.ok(c.PauseRecording())
    assert run.ok(c.PauseRecording()) == ()
    assert run.state.recorded, "until it is known that nothing is written any more"
    (noted,) = run.ok(c.NoteRecording(writing=False), SYSTEM)
    assert noted == e.RecordingNoted(number=1, writing=False)
    run.ok(c.Record())
    run.ok(c.StopRecording())
    assert run.ok(c.StopRecording()) == ()
    run.ok(c.Record())
    assert wishes(run) == [
        (1, "on", ""),
        (1, "paused", ""),
        (1, "on", ""),
        (1, "off", ""),
        (2, "on", ""),
    ]


def test_what_is_not_recorded_cannot_be_paused() -> None:
    assert live().refused(c.PauseRecording()) == "refusal.not_recording"


@pytest.mark.parametrize(
    "actor", [LAN, SYSTEM, SCHEDULER, Actor(kind="user", name="lan", role="admin")]
)
def test_what_must_not_be_recorded_is_recorded_for_nobody(actor: Actor) -> None:
    run = live(rules=Rules(recording="forbidden"))
    assert run.refused(c.Record(), actor) == "refusal.recording_forbidden"
    assert not wishes(run)


def test_a_recording_begins_with_the_conference_where_rules_say_so() -> None:
    run = live(rules=Rules(recording="automatic"))
    assert wishes(run) == [(1, "on", "")]


def test_a_recording_of_the_trial_session_goes_on() -> None:
    run = Run(rules=Rules(recording="automatic"))
    run.ok(c.Record())
    run.ok(c.Start())
    assert wishes(run) == [(1, "on", "")]


def test_a_recording_ends_with_the_conference() -> None:
    run = live()
    run.ok(c.Record())
    run.ok(c.NoteRecording(writing=True), SYSTEM)
    run.ok(c.End())
    assert wishes(run)[-1] == (1, "off", "")
    assert (run.state.recording, run.state.recorded) == ("off", False)


@pytest.mark.parametrize("problem", ["space", "failed"])
def test_a_recording_that_ends_by_itself_says_why_until_the_next(problem: str) -> None:
    run = live()
    run.ok(c.Record())
    run.ok(c.NoteRecording(writing=True), SYSTEM)
    run.ok(c.NoteRecording(writing=False, problem=problem), SYSTEM)
    assert wishes(run)[-1] == (1, "off", problem)
    assert (run.state.recorded, run.state.recording_problem) == (False, problem)
    assert run.ok(c.NoteRecording(writing=False, problem=problem), SYSTEM) == (), "told twice"
    run.ok(c.Record())
    assert run.state.recording_problem == ""
