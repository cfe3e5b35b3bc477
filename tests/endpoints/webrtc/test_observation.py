"""What a receiver reports of its slots: whose picture, since when, how late."""

from __future__ import annotations

import msgspec
import pytest

from bridge.signalling.protocol import Report
from endpoints.webrtc.observation import Observations
from endpoints.webrtc.test_card import TIME_MODULUS, Reading

NAMES = {1: "hoi-truong", 2: "an-binh"}
SLOTS = ("programme", "thumb:1", "audio:0")


@pytest.fixture
def seen() -> Observations:
    made = Observations(NAMES)
    made.connected(SLOTS, 100.0)
    return made


def test_nothing_seen_is_nothing_reported(seen: Observations) -> None:
    seen.counted("programme", 10, 1)
    assert seen.reports() == []
    assert seen.number("programme") == 0
    assert seen.number("no such slot") == 0


def test_a_report_is_one_of_the_protocol(seen: Observations) -> None:
    seen.presence({"an-binh": "in_session"}, 90.0)
    seen.saw("programme", Reading(2, 100_150), 180, 100.25)
    seen.counted("programme", 90, 3)
    seen.counted("gone", 1, 1)  # a slot that is observed no more
    document = {"type": "report", "slots": seen.reports()}
    (slot,) = msgspec.convert(document, Report).slots
    assert (slot.slot, slot.point) == ("programme", "an-binh")
    assert slot.since == 100.25
    assert slot.first_frame_ms == pytest.approx(250.0)
    assert slot.latency_ms == 100
    assert (slot.packets, slot.lost, slot.frame_height) == (90, 3, 180)
    assert seen.number("programme") == 2


def test_the_first_picture_counts_from_when_its_source_was_there(seen: Observations) -> None:
    seen.presence({"an-binh": "in_session"}, 130.0)
    seen.presence({"an-binh": "in_session"}, 135.0)  # told again: it has been there
    seen.saw("thumb:1", Reading(2, 0), 180, 130.5)
    assert seen.reports()[0]["first_frame_ms"] == pytest.approx(500.0)


def test_a_source_that_left_and_came_back_is_there_anew(seen: Observations) -> None:
    for at, presence in ((101.0, "in_session"), (102.0, "lost"), (140.0, "in_session")):
        seen.presence({"an-binh": presence}, at)
    seen.saw("thumb:1", Reading(2, 0), 180, 140.2)
    assert seen.reports()[0]["first_frame_ms"] == pytest.approx(200.0)
    seen.presence({"an-binh": "in_session"}, 150.0)
    assert seen.reports()[0]["first_frame_ms"] == pytest.approx(200.0), "as it was"


def test_a_picture_before_the_state_is_no_negative_time(seen: Observations) -> None:
    seen.saw("programme", Reading(2, 0), 180, 100.5)
    seen.presence({"an-binh": "in_session"}, 101.0)
    assert seen.reports()[0]["first_frame_ms"] == 0.0


def test_since_is_when_the_source_changed_and_first_stays(seen: Observations) -> None:
    for number, at in ((1, 101.0), (1, 102.0), (2, 103.0), (2, 104.0)):
        seen.saw("programme", Reading(number, 0), 180, at)
    (report,) = seen.reports()
    assert (report["point"], report["since"]) == ("an-binh", 103.0)
    assert report["first_frame_ms"] == pytest.approx(1000.0)


def test_a_number_without_a_name_is_reported_without_a_point(seen: Observations) -> None:
    seen.heard("audio:0", 61, 101.0)
    (report,) = seen.reports()
    assert (report["slot"], report["point"], report["latency_ms"]) == ("audio:0", "", None)


def test_the_clock_of_a_card_wraps(seen: Observations) -> None:
    now = (TIME_MODULUS + 20) / 1000
    seen.saw("programme", Reading(1, TIME_MODULUS - 30), 180, now)
    assert seen.reports()[0]["latency_ms"] == 50


def test_another_connection_begins_anew(seen: Observations) -> None:
    seen.saw("programme", Reading(1, 0), 180, 101.0)
    seen.connected(["audio:0"], 200.0)
    assert seen.reports() == []
    seen.heard("audio:0", 1, 200.5)
    assert seen.reports()[0]["first_frame_ms"] == pytest.approx(500.0)


def test_the_picture_of_a_point_is_looked_for_in_the_slot_that_it_stands_in() -> None:
    seen = Observations({2: "an-binh", 3: "chi-ne"})
    seen.connected(SLOTS, 0.0)
    seen.saw("thumb:1", Reading(2, 0), 180, 1.0)
    assert seen.number_of("an-binh") == 0, "nobody has said where it stands"
    seen.told({"thumb:1": {"stands": "an-binh"}, "programme": {"stands": ""}})
    assert (seen.number_of("an-binh"), seen.number_of("chi-ne")) == (2, 0)
    seen.told({"thumb:1": {"stands": "chi-ne"}})
    assert seen.number_of("chi-ne") == 2, "what is seen, not what was told"
