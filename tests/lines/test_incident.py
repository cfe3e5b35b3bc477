"""Incidents out of the events of the log."""

from __future__ import annotations

from bridge.conference import events as e
from bridge.lines.incident import STREAM, after, history


def told(seq: int, at: float, event: e.Event) -> e.Recorded:
    return e.Recorded(
        conference=STREAM, seq=seq, at=at, actor="system", reason="probe", event=event
    )


OPENED = told(
    1, 10.0, e.IncidentOpened(number=7, point="an-binh", kind="lost", level="warn", value=0.5)
)
WORSE = told(2, 20.0, e.IncidentWorse(number=7, point="an-binh", kind="lost"))
CLEARED = told(3, 30.0, e.IncidentCleared(number=7, point="an-binh", kind="lost", seconds=20.0))


def test_an_incident_opens_gets_worse_and_ends() -> None:
    first = after(None, OPENED)
    assert first is not None
    assert (first.number, first.level, first.since, first.until) == (7, "warn", 10.0, None)
    second = after(first, WORSE)
    assert second is not None
    assert (second.level, second.since) == ("bad", 10.0)
    third = after(second, CLEARED)
    assert third is not None
    assert (third.level, third.until) == ("bad", 30.0)


def test_the_history_has_those_that_ended_and_leaves_out_those_without_a_beginning() -> None:
    other = told(
        4, 40.0, e.IncidentOpened(number=8, point="an-binh", kind="lost", level="bad", value=1.0)
    )
    unknown = told(5, 50.0, e.IncidentCleared(number=3, point="x", kind="lost", seconds=1.0))
    silenced = told(6, 60.0, e.MaintenanceSet(point="x", on=True, until=None, note=""))
    found = history([OPENED, WORSE, CLEARED, other, unknown, silenced])
    assert [(i.number, i.level, i.until) for i in found] == [(7, "bad", 30.0), (8, "bad", None)]
