"""What counts as seen, heard and switched, and what forwarding cost."""

from __future__ import annotations

import pytest

from bridge.demo.findings import Findings, Forwarding
from tests.demo.support import report, see_and_hear_everything, stats

POINTS = ("a", "b", "c")
STANDS = {"thumb:1": "a", "thumb:2": "b", "thumb:3": "c"}


@pytest.fixture
def findings() -> Findings:
    return Findings(POINTS)


def test_everything_is_expected_once_in_each_direction(findings: Findings) -> None:
    assert findings.expected == 6
    assert not findings.complete()
    see_and_hear_everything(findings)
    assert findings.all_pictures()
    assert findings.complete()
    assert findings.seen_by("a") == 2


@pytest.mark.parametrize("missing", ["thumb:3", "audio:0"])
def test_one_missing_picture_or_sound_is_not_everything(findings: Findings, missing: str) -> None:
    whole = Findings(POINTS)
    see_and_hear_everything(whole)
    see_and_hear_everything(findings)
    gone = findings.pictures if missing.startswith("thumb") else findings.sounds
    gone.discard(("a", "c"))
    assert not findings.complete()
    findings.add("a", report(missing, "c"), STANDS)
    assert findings.complete()
    assert (findings.pictures, findings.sounds) == (whole.pictures, whole.sounds)


def test_a_picture_counts_in_the_thumbnail_of_its_own_point_only(findings: Findings) -> None:
    findings.add("a", report("thumb:2", "c"), STANDS)
    findings.add("a", report("programme", "b"), STANDS)
    assert findings.pictures == set()
    findings.add("a", report("thumb:2", "b"), STANDS)
    assert findings.pictures == {("a", "b")}


@pytest.mark.parametrize("source", ["", "stranger", "a"])
def test_who_is_nobody_elses_point_is_not_seen(findings: Findings, source: str) -> None:
    findings.took(source, 0.0)
    findings.add("a", report("thumb:4", source, latency_ms=5.0), STANDS | {"thumb:4": source})
    findings.add("a", report("audio:0", source), STANDS)
    assert findings.pictures == findings.sounds == set()
    assert findings.latency_ms == []


def test_a_sound_counts_from_its_take_on(findings: Findings) -> None:
    findings.add("a", report("audio:1", "b"), STANDS)
    assert findings.sounds == set()
    findings.took("b", 5.0)
    findings.add("a", report("audio:1", "b"), STANDS)
    assert findings.sounds == {("a", "b")}


def test_a_switch_is_from_the_take_to_the_first_picture_after_it(findings: Findings) -> None:
    findings.add("a", report("programme", "b", since=9.0), STANDS)  # not taken yet
    findings.took("b", 10.0)
    findings.add("a", report("programme", "b", since=9.5), STANDS)  # a picture from before
    assert findings.switched_ms == {}
    findings.add("a", report("programme", "b", since=10.25), STANDS)
    findings.add("a", report("programme", "b", since=12.0), STANDS)  # seen again
    assert findings.switched_ms == {("a", "b"): 250.0}


def test_the_first_frame_is_the_first_that_was_told(findings: Findings) -> None:
    for first in (None, 80.0, 300.0):
        findings.add("a", report("thumb:2", "b", first_frame_ms=first), STANDS)
    assert findings.first_frame_ms == {("a", "b"): 80.0}


def test_a_report_that_is_read_twice_gives_one_latency(findings: Findings) -> None:
    for latency in (60.0, 60.0, None, 61.0, 60.0):
        findings.add("a", report("thumb:2", "b", latency_ms=latency), STANDS)
    assert findings.latency_ms == [60.0, 61.0, 60.0]


def test_nothing_measured_costs_nothing() -> None:
    forwarding = Forwarding()
    forwarding.add(None)
    assert not forwarding.measured()
    assert (forwarding.packets, forwarding.rate, forwarding.cpu_us_per_packet) == (0, 0.0, 0.0)
    assert (forwarding.delay_us, forwarding.rss_bytes) == ((0.0, 0.0), 0)
    forwarding.add(stats(5.0, 100, 1.0))
    assert forwarding.measured()
    assert (forwarding.packets, forwarding.rate, forwarding.cpu_us_per_packet) == (0, 0.0, 0.0)


def test_forwarding_is_counted_from_the_first_look() -> None:
    forwarding = Forwarding()
    for looked in (stats(5.0, 100, 1.0), None, stats(10.0, 1100, 1.05), stats(15.0, 3100, 1.3)):
        forwarding.add(looked)
    assert forwarding.packets == 3000
    assert forwarding.rate == pytest.approx(300.0)
    assert forwarding.rate_now == pytest.approx(400.0)
    assert forwarding.cpu_us_per_packet == pytest.approx(100.0)
    assert forwarding.delay_us == (200.0, 900.0)
    assert forwarding.rss_bytes == 50 << 20


def test_a_worker_that_was_started_again_gives_no_rate_of_now() -> None:
    forwarding = Forwarding()
    forwarding.add(stats(5.0, 1000, 1.0))
    forwarding.add(stats(1.0, 10, 0.1))
    assert forwarding.rate_now == 0.0


def test_who_was_heard_by_all() -> None:
    findings = Findings(["a", "b", "c"])
    findings.took("a", 10.0)
    findings.add("b", report("audio:0", "a"), {})
    findings.add("b", report("programme", "a", since=10.2), {})
    assert not findings.heard_by_all("a")
    findings.add("c", report("audio:0", "a"), {})  # which saw it before, as its return picture
    assert findings.heard_by_all("a")
