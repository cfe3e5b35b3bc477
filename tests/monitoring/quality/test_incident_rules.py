"""Incidents: signals that hold for their time, and are over when they are gone."""

from __future__ import annotations

from typing import Any

import pytest

from monitoring.quality.incident_rules import KINDS, Change, PointIncidents, signals
from monitoring.quality.line_state import Figures, Mark


def figures(**changes: Any) -> Figures:
    base = Figures(
        reachable=True,
        silent=0.1,
        up="good",
        down="good",
        up_loss=0.0,
        down_loss=0.0,
        up_variation=2.0,
        down_variation=2.0,
        round_trip=20.0,
        offset=0.0,
        uncertainty=5.0,
        up_mos=4.4,
        down_mos=4.4,
        marks={"ef": Mark(46, 46, 46)},
        restarts=0,
    )
    return base._replace(**changes)


def run(
    points: PointIncidents, found: Figures, start: float, seconds: float, agent: bool = True
) -> list[tuple[float, Change]]:
    changes = []
    for n in range(int(seconds)):
        now = start + n
        changes += [(now, c) for c in points.step(signals(found, agent, False), now)]
    return changes


def test_a_lost_point_is_an_incident_at_once_and_over_when_it_is_back() -> None:
    points = PointIncidents()
    assert run(points, figures(), 0, 20) == []
    lost = run(points, figures(reachable=False), 20, 5)
    assert [(at, c.what, c.kind, c.level) for at, c in lost] == [(21, "open", "lost", "bad")]
    back = run(points, figures(), 25, 10)
    assert [(at, c.what, c.kind) for at, c in back] == [(30, "clear", "lost")]
    assert back[0][1].seconds == 4


@pytest.mark.parametrize(
    ("change", "kind", "level", "after"),
    [
        ({"down_loss": 0.02}, "loss_down", "warn", 60),
        ({"up_loss": 0.02}, "loss_up", "warn", 60),
        ({"down_loss": 0.08}, "loss_down", "bad", 30),
        ({"up_variation": 31.0}, "variation_up", "warn", 120),
        ({"round_trip": 120.0}, "round_trip", "warn", 300),
        ({"round_trip": 320.0}, "round_trip", "bad", 60),
        ({"marks": {"ef": Mark(46, 0, 46)}}, "dscp_down", "warn", 10),
        ({"marks": {"ef": Mark(46, 46, 0)}}, "dscp_up", "warn", 10),
    ],
)
def test_the_thresholds_hold_for_their_time(
    change: dict[str, Any], kind: str, level: str, after: float
) -> None:
    points = PointIncidents()
    found = run(points, figures(**change), 0, 400)
    first = found[0]
    assert (first[0], first[1].what, first[1].kind, first[1].level) == (after, "open", kind, level)
    assert {c.kind for _, c in found} == {kind}


def test_a_flapping_signal_is_watched_and_no_incident() -> None:
    points = PointIncidents()
    for n in range(20):
        assert run(points, figures(down_loss=0.02), n * 60, 30) == []
        assert points.watching == ["loss_down"]
        assert run(points, figures(), n * 60 + 30, 30) == []
    assert points.watching == []


def test_an_incident_gets_worse_and_is_restored() -> None:
    points = PointIncidents()
    points.restore("loss_up", "warn", 0)
    found = run(points, figures(up_loss=0.2), 0, 60)
    assert [(c.what, c.level) for _, c in found] == [("worse", "bad")]
    cleared = run(points, figures(), 60, 100)
    assert [c.what for _, c in cleared] == ["clear"]


def test_what_is_not_measured_does_not_clear() -> None:
    points = PointIncidents()
    run(points, figures(down_loss=0.2), 0, 40)
    assert run(points, figures(reachable=False, down_loss=0.0), 40, 600)[0][1].kind == "lost"
    assert signals(None, None, False) == {"kiosk": 0.0}
    assert run(points, figures(down_loss=0.2), 640, 4) == []


def test_signals_without_an_agent_ever_are_none() -> None:
    assert "agent" not in signals(figures(), None, False)
    assert signals(figures(), False, False)["agent"] == 1
    assert set(signals(figures(), True, True)) <= set(KINDS)
