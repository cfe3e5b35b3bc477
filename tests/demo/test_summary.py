"""The document and the sentence that a run ends with."""

from __future__ import annotations

import json

import pytest

from bridge.demo.findings import Findings, Forwarding
from bridge.demo.summary import document, sentence, spread
from tests.demo.support import report, see_and_hear_everything, stats


@pytest.fixture
def findings() -> Findings:
    made = Findings(["a", "b", "c"])
    see_and_hear_everything(made)
    return made


@pytest.fixture
def forwarding() -> Forwarding:
    made = Forwarding()
    made.add(stats(0.0, 0, 0.0))
    made.add(stats(8.0, 4000, 0.5))
    return made


def test_a_whole_document(findings: Findings, forwarding: Forwarding) -> None:
    found = document(findings, forwarding, 3)
    assert json.loads(json.dumps(found)) == {
        "points": 3,
        "connected": 3,
        "pictures": {"expected": 6, "verified": 6},
        "sounds": {"expected": 6, "verified": 6},
        "missing": {"pictures": [], "sounds": []},
        "first_frame_ms": {"p50": 100.0, "p95": 100.0},
        "latency_ms": {"p50": 60.0, "p95": 70.0},
        "switch_ms": {"p50": 250.0, "p95": 250.0},
        "forwarding": {
            "packets": 4000,
            "packets_per_second": 500.0,
            "cpu_us_per_packet": 125.0,
            "delay_us": {"p50": 200.0, "p99": 900.0},
            "rss_bytes": 50 << 20,
        },
        "ok": True,
    }


def test_ok_needs_every_point_picture_and_sound(findings: Findings, forwarding: Forwarding) -> None:
    assert not document(findings, forwarding, 2)["ok"]
    findings.sounds.discard(("a", "b"))
    assert not document(findings, forwarding, 3)["ok"]
    assert document(findings, forwarding, 3)["missing"] == {"pictures": [], "sounds": [("a", "b")]}
    findings.add("a", report("audio:0", "b"), {})
    assert document(findings, forwarding, 3)["ok"]
    findings.pictures.discard(("a", "b"))
    assert not document(findings, forwarding, 3)["ok"]


def test_what_was_not_measured_is_null_and_said_so() -> None:
    found = document(Findings(["a", "b"]), Forwarding(), 0)
    assert found["ok"] is False
    assert found["switch_ms"] == {"p50": None, "p95": None}
    assert "0 of 2 points connected, 0 of 2 pictures and 0 of 2 sounds" in sentence(found)
    assert "take to picture p95 not measured" in sentence(found)


def test_a_demo_in_which_nobody_pressed_a_key_measured_nothing(
    findings: Findings, forwarding: Forwarding
) -> None:
    idle = document(Findings(["a", "b"]), Forwarding(), 0)
    assert sentence(idle, measured=False) == "The demo has ended; no conference was held."
    held = document(findings, forwarding, 3)
    assert sentence(held, measured=False) == sentence(held)


def test_a_sentence_for_people(findings: Findings, forwarding: Forwarding) -> None:
    assert sentence(document(findings, forwarding, 3)) == (
        "3 of 3 points connected, 6 of 6 pictures and 6 of 6 sounds verified by decoding; "
        "first frame p95 100 ms, take to picture p95 250 ms, picture delay p50 60 ms, "
        "125.0 µs CPU a packet."
    )


RECORDING = {
    "seconds": 38.2,
    "takes": 13,
    "pictures": 13,
    "sounds": 12,
    "sha256_verified": True,
    "take_ms": {"p50": 80.0, "p95": 120.0},
    "problem": "",
    "ok": False,
}


def test_a_recording_is_in_the_document_and_in_what_is_said(
    findings: Findings, forwarding: Forwarding
) -> None:
    found = document(findings, forwarding, 3, RECORDING)
    assert found["recording"] == RECORDING
    assert not found["ok"]
    assert document(findings, forwarding, 3, RECORDING | {"ok": True})["ok"]
    assert sentence(found).endswith(
        " A recording of 38 s was read back: 13 of its 13 takes seen and 12 heard, "
        "take to picture p95 120 ms."
    )
    changed = document(findings, forwarding, 3, RECORDING | {"sha256_verified": False})
    assert "its checksum is NOT that of the log" in sentence(changed)
    none = document(findings, forwarding, 3, {"ok": False, "problem": "nothing was recorded"})
    assert sentence(none).endswith(" There is no recording: nothing was recorded.")


def test_a_spread_is_of_ordered_values() -> None:
    assert spread([30.04, 10.0, 20.0]) == {"p50": 20.0, "p95": 30.0}
    assert spread({"a": 5.0}.values()) == {"p50": 5.0, "p95": 5.0}
