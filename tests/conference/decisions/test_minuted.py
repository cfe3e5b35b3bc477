"""What was decided is written down on the item that is dealt with, by any operator."""

from __future__ import annotations

import msgspec
import pytest

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.apply import replay
from bridge.conference.model import MAX_DECISION, MAX_DECISIONS, Refusal
from bridge.conference.report import report
from bridge.conference.typed import parse
from tests.conference.support import LAN, MINH, Run, live, point


@pytest.fixture
def run() -> Run:
    """A conference that runs, which lan directs, at the first of two items."""
    made = live()
    made.ok(c.SetAgenda(items=(c.AgendaEntry(title="Khai mạc"), c.AgendaEntry(title="Thu chi"))))
    made.ok(c.NextItem())
    return made


def test_a_decision_belongs_to_the_item_that_is_dealt_with(run: Run) -> None:
    run.ok(c.NoteDecision(text="Thống nhất"))
    run.ok(c.NextItem())
    run.ok(c.NoteDecision(text="Thông qua"))
    run.ok(c.NoteDecision(text="Về mục trước", item=1))
    run.ok(c.NoteDecision(text="Chung", item=0))
    assert [(d.number, d.item) for d in run.state.decisions] == [(1, 1), (2, 2), (3, 1), (4, None)]
    assert run.refused(c.NoteDecision(text="Về gì?", item=9)) == "refusal.unknown_item"
    assert replay(run.log) == run.state
    rows = report(run.log, run.now).decisions
    assert [(row.title, row.text, row.by) for row in rows][1] == ("Thu chi", "Thông qua", "lan")


def test_somebody_else_than_the_director_writes(run: Run) -> None:
    assert run.state.director == LAN.name
    run.ok(c.NoteDecision(text="Thông qua"), MINH)
    assert run.state.director == LAN.name
    assert run.log[-1].actor == "user:minh"
    assert run.refused(c.NoteDecision(text="Tôi"), point("a")) == "refusal.not_allowed"


def test_wordings_change_and_numbers_are_not_used_twice(run: Run) -> None:
    run.ok(c.NoteDecision(text="Thông qua"))
    run.ok(c.NoteDecision(text="Giao xã"))
    run.ok(c.EditDecision(decision=1, text="Chưa thông qua"))
    assert run.ok(c.EditDecision(decision=1, text="Chưa thông qua")) == ()
    run.ok(c.WithdrawDecision(decision=2))
    assert run.refused(c.EditDecision(decision=2, text="x")) == "refusal.unknown_decision"
    assert run.refused(c.WithdrawDecision(decision=2)) == "refusal.unknown_decision"
    run.ok(c.NoteDecision(text="Giao xã Khoan Dụ"))
    assert [(d.number, d.text) for d in run.state.decisions] == [
        (1, "Chưa thông qua"),
        (3, "Giao xã Khoan Dụ"),
    ]
    assert [row.number for row in report(run.log, run.now).decisions] == [1, 3]
    # What was withdrawn can be read in the log.
    assert e.DecisionWithdrawn(number=2, text="Giao xã") in [item.event for item in run.log]


def test_only_while_the_conference_runs() -> None:
    trial = Run()
    assert trial.refused(c.NoteDecision(text="Thử")) == "refusal.not_started"
    run = live()
    run.ok(c.NoteDecision(text="Chung"))
    assert run.state.decisions[0].item is None
    run.ok(c.End())
    assert run.refused(c.NoteDecision(text="Muộn")) == "refusal.ended"


def test_there_is_a_most(run: Run) -> None:
    for _ in range(MAX_DECISIONS):
        run.ok(c.NoteDecision(text="x"))
    assert run.refused(c.NoteDecision(text="x")) == "refusal.decisions_full"
    run.ok(c.WithdrawDecision(decision=50))
    run.ok(c.NoteDecision(text="x"))


@pytest.mark.parametrize(
    "text", ["", "   ", "hai\ndòng", "a\u202eb", "x" * (MAX_DECISION + 1), "\x00"]
)
def test_what_is_no_line_of_text_is_none(text: str) -> None:
    raw = msgspec.json.encode({"type": "note_decision", "text": text})
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(raw, type=c.Asked)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("decision Thông qua  báo cáo", c.NoteDecision(text="Thông qua  báo cáo")),
        ("decision edit 2 Chưa thông qua", c.EditDecision(decision=2, text="Chưa thông qua")),
        ("decision withdraw 2", c.WithdrawDecision(decision=2)),
        ("decision withdraw the plan", c.NoteDecision(text="withdraw the plan")),
        ("decision edit", c.NoteDecision(text="edit")),
    ],
)
def test_typed(line: str, command: c.Command) -> None:
    assert parse(line, ("a", "b")) == command


def test_typed_without_a_text_says_how() -> None:
    answer = parse("decision", ("a",))
    assert isinstance(answer, Refusal)
    assert answer.key == "typed.usage"
