"""Who may watch: set by who directs, changed while it runs, noted in the log, and in the report."""

from __future__ import annotations

import pytest

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.model import SYSTEM, Refusal, Rules
from bridge.conference.report import report
from bridge.conference.typed import parse
from tests.conference.support import MINH, POINTS, Run, live, point


def test_a_conference_is_watched_by_nobody_unless_somebody_says_so() -> None:
    assert Run().state.audience == "nobody"
    assert live(rules=Rules(audience="code")).state.audience == "code"


def test_who_may_watch_is_changed_while_it_runs() -> None:
    run = live()
    assert e.AudienceSet(admits="anybody") in run.ok(c.SetAudience(admits="anybody"))
    assert run.ok(c.SetAudience(admits="anybody")) == ()
    assert run.state.audience == "anybody"
    assert run.refused(c.SetAudience(admits="nobody"), MINH) == "refusal.other_director"
    assert run.refused(c.SetAudience(admits="nobody"), point("b")) == "refusal.not_allowed"


def test_every_code_has_a_number_of_its_own() -> None:
    run = live()
    run.ok(c.RenewCode())
    run.ok(c.RenewCode())
    assert run.state.audience_code == 3
    assert "code" not in {type(item.event).__name__ for item in run.log}


def test_how_many_watch_is_noted_where_it_is_news() -> None:
    run = live()
    note = c.NoteAudience(viewers={"code": 2}, peak=3)
    assert run.ok(note, SYSTEM) == (e.AudienceNoted(viewers={"code": 2}, peak=3),)
    assert run.ok(c.NoteAudience(viewers={"code": 2}, peak=2), SYSTEM) == ()
    assert run.refused(note) == "refusal.not_allowed", "a fact is nobody's to tell"
    assert run.state.viewers == {"code": 2}


def test_the_report_has_the_audience() -> None:
    run = live()
    run.ok(c.NoteAudience(viewers={"anybody": 2}, peak=5), SYSTEM)
    run.now += 120
    run.ok(c.StepClock(seconds=1000), SYSTEM)
    run.now += 1000
    run.ok(c.NoteAudience(viewers={"anybody": 1}, peak=2), SYSTEM)
    run.now += 60
    run.ok(c.End())
    made = report(run.log, run.now + 500)
    assert (made.audience_peak, made.audience_minutes) == (5, 5.0)
    assert report(live().log, 2000.0).audience_peak == 0


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("audience nobody", c.SetAudience(admits="nobody")),
        ("audience code", c.SetAudience(admits="code")),
        ("code new", c.RenewCode()),
    ],
)
def test_it_is_typed(text: str, command: c.Asked) -> None:
    assert parse(text, POINTS) == command


@pytest.mark.parametrize("text", ["audience", "audience everybody", "audience code 5", "code old"])
def test_what_is_typed_wrongly_is_told_how(text: str) -> None:
    found = parse(text, POINTS)
    assert isinstance(found, Refusal)
    assert found.key == "typed.usage"
