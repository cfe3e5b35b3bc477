"""What a log says of items, of who spoke to them and of what was decided."""

from __future__ import annotations

import pytest

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.model import SYSTEM
from bridge.conference.proceedings import proceedings
from tests.conference.support import Run


def meeting() -> Run:
    """Three items, of which two are dealt with; b and c speak; d drops and comes back."""
    run = Run()
    run.ok(c.Grant(point="c"))  # tried out, and not minuted
    run.now += 60
    run.ok(c.Start())
    entries = (
        c.AgendaEntry(title="Khai mạc"),
        c.AgendaEntry(title="Thu chi", point="b", minutes=10),
        c.AgendaEntry(title="Việc khác"),
    )
    run.ok(c.SetAgenda(items=entries))
    run.ok(c.NoteDecision(text="Bắt đầu đúng giờ"))
    run.ok(c.NextItem())
    run.now += 30
    run.ok(c.NextItem())
    run.now += 90
    run.ok(c.Grant(point="c"))
    run.now += 20
    run.ok(c.NoteDecision(text="Thông qua báo cáo"))
    run.ok(c.PointDown(point="d", reason="lost"), SYSTEM)
    run.now += 10
    run.ok(c.PointUp(point="d"), SYSTEM)
    run.ok(c.Return())
    run.now += 5
    return run


def test_items_have_their_speakers_and_decisions() -> None:
    run = meeting()
    run.ok(c.End())
    told = proceedings(run.log, run.now + 999)
    assert [(m.title, round(m.seconds)) for m in told.matters] == [
        ("Khai mạc", 30),
        ("Thu chi", 125),
    ]
    opening, budget = told.matters
    assert opening.turns == ()
    assert [(t.point, round(t.seconds)) for t in budget.turns] == [("b", 90), ("c", 30)]
    assert [d.text for d in budget.decisions] == ["Thông qua báo cáo"]
    assert [d.text for d in told.decisions] == ["Bắt đầu đúng giờ"]
    assert [item.title for item in told.left_over] == ["Việc khác"]
    assert told.turns == ()
    assert not told.recorded


def test_a_turn_that_goes_on_into_the_next_item_is_told_under_both() -> None:
    """Nobody speaks to the third item, so b keeps the floor; its line breaks for a while."""
    run = meeting()
    run.ok(c.Grant(point="b"))
    run.now += 40
    run.ok(c.PointDown(point="b", reason="lost"), SYSTEM)
    run.now += 100
    run.ok(c.PointUp(point="b"), SYSTEM)
    run.now += 5
    run.ok(c.NextItem())
    run.now += 20
    told = proceedings(run.log, run.now)
    assert [round(m.turns[-1].seconds) for m in told.matters[1:]] == [45, 20]
    run.ok(c.Return())
    run.now += 3
    run.ok(c.End())
    told = proceedings(run.log, run.now)
    (part,) = told.matters[2].turns
    assert (part.point, round(part.seconds)) == ("b", 20)
    assert part.at == told.matters[2].began_at
    ended = [i.event.seconds for i in run.log if isinstance(i.event, e.FloorEnded)]
    parts = [t.seconds for m in told.matters for t in m.turns]
    assert round(sum(parts), 2) == round(sum(ended[1:]), 2), "nothing twice, nothing lost"


def test_a_turn_that_goes_on_counts_up_to_now() -> None:
    run = meeting()
    run.ok(c.Grant(point="c"))
    told = proceedings(run.log, run.now + 40)
    assert round(told.matters[1].turns[-1].seconds) == 40


def test_a_decision_on_an_item_that_nobody_began_is_not_lost() -> None:
    run = meeting()
    run.ok(c.NoteDecision(text="Dời sang tuần sau", item=3))
    told = proceedings(run.log, run.now)
    assert "Dời sang tuần sau" in [d.text for d in told.decisions]


def test_recorded_or_not() -> None:
    run = meeting()
    run.ok(c.Record())
    run.ok(c.NoteRecording(writing=True), SYSTEM)
    assert proceedings(run.log, run.now).recorded


def test_an_empty_log_is_refused() -> None:
    with pytest.raises(ValueError, match="opened"):
        proceedings([], 0.0)
    run = Run()
    assert isinstance(run.log[0].event, e.Opened)
    assert proceedings(run.log, run.now).matters == ()
