"""Readiness: every check turns, with a reason and a next step in both languages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from monitoring.probing.delays import Delays
from monitoring.quality import readiness_rules as r
from monitoring.quality.line_state import Mark
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


def test_a_point_that_is_in_a_conference_passes_what_is_not_tested_there() -> None:
    """A good point must not lose its green light because a conference has begun."""
    inside = well(capacity=None, capacity_skipped="capacity_in_conference", call=None)
    assert overall(evaluate(inside)) == "unknown"
    inside.in_conference = True
    checks = {check.name: check for check in evaluate(inside)}
    assert overall(list(checks.values())) == "pass"
    assert checks["capacity"].reason == "capacity_in_conference"
    assert checks["call"].reason == "call_in_conference"
    # What was tested before, and failed, stays so.
    inside.call = Call(False, False, False, "no answer")
    assert overall(evaluate(inside)) == "fail"


def test_a_call_says_whether_it_was_the_room_s_own_picture_and_sound() -> None:
    def call(*, sound: bool = True, own: bool = False) -> r.Check:
        outcome = r.Call(connected=True, picture=True, sound=sound, own=own)
        return next(c for c in r.evaluate(r.Facts(call=outcome)) if c.name == "call")

    assert call().reason == "call_fine"
    assert call(own=True).reason == "call_fine_own"
    silent = call(own=True, sound=False)
    assert (silent.level, silent.reason, silent.step) == (
        "fail",
        "call_no_sound_own",
        "call_step_own",
    )
