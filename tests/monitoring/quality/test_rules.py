"""Signals, incidents and the readiness of a point, as pure rules."""

from __future__ import annotations

import json
from typing import Any

import pytest

from monitoring.probing.session import Delays
from monitoring.quality.incident_rules import KINDS, Change, PointIncidents, signals
from monitoring.quality.levels import Direction, Score, mos_of, rating, worse
from monitoring.quality.line_state import Figures, Mark
from monitoring.quality.readiness_rules import (
    CHECKS,
    EXIT_CODES,
    Call,
    Facts,
    StepFound,
    evaluate,
    overall,
)
from tests.paths import ROOT


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


# --- the level and the trend -------------------------------------------------------------------


def feed(direction: Direction, start: float, seconds: int, loss: float) -> None:
    for n in range(seconds + 1):
        packets = (start + n) * 15
        lost = getattr(feed, "lost", 0.0) + n * 15 * loss
        direction.feed(packets, lost, start + n)
    feed.lost = lost  # type: ignore[attr-defined]


def test_a_flapping_line_does_not_flicker() -> None:
    """Windows that alternate between good and poor show one level, not both in turn."""
    direction = Direction()
    feed.lost = 0.0  # type: ignore[attr-defined]
    levels = []
    for n in range(12):
        feed(direction, n * 20.0, 20, 0.0 if n % 3 else 0.05)
        levels.append(direction.level)
    assert set(levels[3:]) == {"good"}


def test_an_outage_is_bad_and_over_when_it_is_over() -> None:
    direction = Direction()
    feed.lost = 0.0  # type: ignore[attr-defined]
    feed(direction, 0, 60, 0.0)
    for n in range(1, 45):
        direction.interrupt(60.0 + n)
    assert direction.loss == 1.0
    assert worse("unknown", "fair") == "fair"
    assert worse("good", "bad") == "bad"
    assert worse("unknown", "unknown") == "unknown"


def test_the_trend_falls_fast_and_rises_slowly() -> None:
    score = Score()
    score.feed(0.0, 20, 1, 0)
    top = score.mos
    assert top is not None
    assert top > 4.3
    score.feed(0.10, 20, 1, 5)
    fallen = score.mos
    score.feed(0.0, 20, 1, 10)
    risen = score.mos
    assert fallen is not None
    assert risen is not None
    assert top - fallen > 2 * (risen - fallen) * 0.9
    assert score.r is not None
    score.feed(0.0, 20, 1, 11)  # not yet five seconds
    assert score.mos == risen


@pytest.mark.parametrize(
    ("loss", "trip", "jitter", "r"),
    [(0, 0, 0, 93.2), (0, 320, 0, 89.2), (0, 400, 0, 85.2), (0.01, 0, 0, 89.2), (1, 0, 0, 0)],
)
def test_the_rating_by_hand(loss: float, trip: float, jitter: float, r: float) -> None:
    assert rating(loss, trip, jitter) == pytest.approx(r)
    assert mos_of(93.2) == pytest.approx(4.41, abs=0.01)  # G.107 for R = 93.2
    assert mos_of(0) == 1


# --- readiness ---------------------------------------------------------------------------------


def well(**changes: Any) -> Facts:
    facts = Facts(
        connected=True,
        probed=True,
        reachable=True,
        down=(225, 0),
        up=(225, 0),
        delays=Delays((20, 25, 30), (1, 2, 3), (1, 2, 3), 0.5, 10, 10, 10, 225),
        marks={"ef": Mark(46, 46, 46), "be": Mark(0, 0, 0)},
        capacity=[StepFound(1.0, 4800, 3700, 0.0, 0.0, 1, 1)],
        agent=True,
        had_agent=True,
        kiosk="running",
        devices=frozenset({"camera", "microphone", "speaker"}),
        room_camera=True,
        room_microphone=True,
        call=Call(True, True, True),
        synchronised=True,
        offset=0.0005,
        uncertainty=0.01,
        certificate_days=300,
        disk=0.4,
        disk_free=10 << 30,
    )
    for name, value in changes.items():
        setattr(facts, name, value)
    return facts


def test_a_point_that_is_well_passes_everything() -> None:
    checks = evaluate(well())
    assert [check.name for check in checks] == list(CHECKS)
    assert {check.level for check in checks} == {"pass"}
    assert EXIT_CODES[overall(checks)] == 0


@pytest.mark.parametrize(
    ("changes", "check", "level", "reason"),
    [
        ({"reachable": False}, "reach", "fail", "unreachable"),
        ({"probed": False, "connected": False}, "reach", "fail", "line_unprobed"),
        (
            {"probed": False, "agent": False, "had_agent": False},
            "reach",
            "unknown",
            "line_media_only",
        ),
        ({"down": (225, 20)}, "loss_down", "fail", "loss_down"),
        ({"down": (225, 5)}, "loss_down", "warn", "loss_down"),
        ({"down": (60, 1)}, "loss_down", "pass", "loss_fine"),
        ({"up": (225, 20)}, "loss_up", "fail", "loss_up"),
        ({"up": (10, 10)}, "loss_up", "unknown", "not_measured"),
        (
            {"delays": Delays((20, 350, 400), (1, 2, 3), (1, 2, 3), 0, 1, None, None, 9)},
            "round_trip",
            "fail",
            "round_trip",
        ),
        (
            {"delays": Delays((20, 25, 30), (1, 40, 50), (1, 2, 3), 0, 1, None, None, 9)},
            "variation_down",
            "warn",
            "variation_down",
        ),
        (
            {"delays": Delays((20, 25, 30), (1, 2, 3), (1, 140, 3), 0, 1, None, None, 9)},
            "variation_up",
            "fail",
            "variation_up",
        ),
        ({"delays": None}, "round_trip", "unknown", "not_measured"),
        ({"marks": {"ef": Mark(46, 0, 46)}}, "dscp", "warn", "dscp_down"),
        ({"marks": {"ef": Mark(46, 46, 0)}}, "dscp", "warn", "dscp_up"),
        ({"marks": {"ef": Mark(46, 0, 0)}}, "dscp", "warn", "dscp_both"),
        (
            {"capacity": [StepFound(0.7, 3300, 2500, 0.2, 0.0, 9, 1)]},
            "capacity",
            "fail",
            "capacity_down",
        ),
        (
            {"capacity": [StepFound(1, 4800, 3700, 0.0, 0.02, 9, 1)]},
            "capacity",
            "warn",
            "capacity_up",
        ),
        (
            {"capacity": None, "capacity_skipped": "capacity_in_conference"},
            "capacity",
            "unknown",
            "capacity_in_conference",
        ),
        ({"agent": False}, "agent", "fail", "agent_away"),
        ({"agent": False, "had_agent": False}, "agent", "unknown", "agent_never"),
        ({"kiosk": "failed", "kiosk_reason": "it died"}, "kiosk", "fail", "kiosk_failed"),
        ({"kiosk": "waiting"}, "kiosk", "warn", "kiosk_starting"),
        ({"connected": False}, "kiosk", "fail", "kiosk_page_away"),
        ({"devices": frozenset({"microphone", "speaker"})}, "camera", "fail", "camera_missing"),
        ({"room_camera": False}, "camera", "fail", "camera_unused"),
        ({"devices": None, "room_camera": None}, "camera", "unknown", "not_measured"),
        ({"devices": frozenset({"camera", "speaker"})}, "microphone", "fail", "microphone_missing"),
        ({"devices": frozenset({"camera", "microphone"})}, "speaker", "fail", "speaker_missing"),
        ({"call": Call(False, False, False, "x")}, "call", "fail", "call_failed"),
        ({"call": Call(True, False, True)}, "call", "fail", "call_no_picture"),
        ({"call": Call(True, True, False)}, "call", "fail", "call_no_sound"),
        ({"call": None}, "call", "unknown", "not_measured"),
        ({"offset": -3600.0}, "clock", "fail", "clock_wrong"),
        ({"offset": 2.0}, "clock", "warn", "clock_wrong"),
        ({"synchronised": False}, "clock", "warn", "clock_loose"),
        ({"certificate_days": -1.0}, "certificate", "fail", "certificate_over"),
        ({"certificate_days": 5.0}, "certificate", "warn", "certificate_soon"),
        ({"certificate_days": None}, "certificate", "pass", "certificate_none"),
        ({"disk": 0.98}, "disk", "fail", "disk_full"),
        ({"disk": 0.5, "disk_free": 1000}, "disk", "fail", "disk_full"),
        ({"disk": 0.92}, "disk", "warn", "disk_full"),
    ],
)
def test_every_check_turns(changes: dict[str, Any], check: str, level: str, reason: str) -> None:
    checks = {c.name: c for c in evaluate(well(**changes))}
    assert (checks[check].level, checks[check].reason) == (level, reason)
    assert overall(list(checks.values())) != "pass" or level == "pass"
    others = {n for n, c in checks.items() if c.level == "fail"} - {check}
    if reason not in ("line_unprobed", "unreachable"):
        assert others == set(), others


def test_every_reason_and_step_has_sentences_with_its_places() -> None:
    catalogue = json.loads((ROOT / "bridge/web/common/vi.json").read_text("utf-8"))
    cases = [case[0] for case in test_every_check_turns.pytestmark[0].args[1]]
    for changes in [{}, *cases]:
        for check in evaluate(well(**changes)):
            catalogue[f"ready.reason.{check.reason}"].format(**check.values)
            if check.step:
                assert f"ready.step.{check.step}" in catalogue
            if check.level in ("warn", "fail"):
                assert check.step, check


def test_an_observer_needs_no_camera() -> None:
    facts = well(
        observer=True, devices=frozenset({"speaker"}), room_camera=False, room_microphone=False
    )
    assert overall(evaluate(facts)) == "pass"
