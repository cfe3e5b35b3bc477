"""Which picture a room has is noted when it stays, and not more often than a log can take."""

from __future__ import annotations

import pytest

from bridge.control.picture_notes import PictureNotes, picture_of
from bridge.media import messages as m
from tests.conference.support import live

REF = m.SourceRef(transport="t", name="camera")


@pytest.mark.parametrize(
    ("slot", "picture"),
    [
        (m.SlotRate(name="programme", kind="video", source=REF, height=360), "360"),
        (m.SlotRate(name="programme", kind="video", source=REF, paused="line"), "sound"),
        (m.SlotRate(name="programme", kind="video", source=None, height=360), "none"),
        (m.SlotRate(name="programme", kind="video", source=REF), "none"),
        (m.SlotRate(name="programme", kind="video", source=REF, bitrate=9000), "shown"),
        (m.SlotRate(name="thumb:1", kind="video", source=REF, height=180), "none"),
    ],
)
def test_a_picture_is_its_lines_or_the_sound_alone(slot: m.SlotRate, picture: str) -> None:
    rate = m.TransportRate(transport="t", estimate=0, bound=0, used=0, loss=0, slots=(slot,))
    assert picture_of(rate) == picture
    assert picture_of(None) == "none"


def test_a_picture_that_stays_is_noted_once() -> None:
    notes, state = PictureNotes(), live(present=("a", "b")).state
    assert notes.step([state], {"a": "720", "b": "360"}, 0.0) == []
    assert set(notes.step([state], {"a": "720", "b": "360"}, 10.0)) == {
        ("hop-1", "a", "720"),
        ("hop-1", "b", "360"),
    }
    assert notes.step([state], {"a": "720", "b": "360"}, 100.0) == []


def test_a_line_that_goes_up_and_down_fills_no_log() -> None:
    notes, state = PictureNotes(), live(present=("a",)).state
    count = 0
    for second in range(3600):
        picture = "720" if second // 11 % 2 else "360"
        count += len(notes.step([state], {"a": picture}, float(second)))
    assert 1 <= count <= 3600 / 30 + 1
    again = PictureNotes()
    flapping = [again.step([state], {"a": str(s % 2)}, float(s)) for s in range(600)]
    assert not any(flapping), "what never stays is never noted"


def test_who_was_away_is_noted_anew() -> None:
    notes = PictureNotes()
    there, away = live(present=("a",)).state, live(present=()).state
    notes.step([there], {"a": "720"}, 0.0)
    assert notes.step([there], {"a": "720"}, 10.0)
    notes.step([away], {"a": "720"}, 20.0)
    notes.step([there], {"a": "720"}, 21.0)
    assert notes.step([there], {"a": "720"}, 31.0) == [("hop-1", "a", "720")]
