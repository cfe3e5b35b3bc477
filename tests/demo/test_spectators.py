"""What is said of a demo's audience, and what counts as seen."""

from __future__ import annotations

import pytest

from bridge.demo import spectators
from bridge.demo.spectators import Spectators, Watched, by_hls, sentences, with_audience
from bridge.demo.takes import Take
from endpoints.simulation.spectating import listed
from tests.control_support import TOPOLOGY

NAMES = {1: "a", 2: "b"}


def line(number: int, at: float, **changes: float | None) -> dict[str, float | None]:
    return {"number": number, "at": at, "age": 0.1, "first_ms": 90.0, "delay_ms": 100.0} | changes


@pytest.mark.parametrize(
    ("count", "hls"), [(0, 0), (1, 0), (2, 1), (3, 1), (4, 1), (5, 2), (30, 10)]
)
def test_one_of_three_watches_by_hls(count: int, hls: int) -> None:
    assert by_hls(count) == hls


def test_anybody_may_watch_such_a_demo() -> None:
    found = with_audience(TOPOLOGY, 40)
    assert found.templates[0].rules.audience == "anybody"
    assert found.bridge.audience.hls.transcode
    assert found.bridge.audience.per_address >= 40
    assert TOPOLOGY.templates[0].rules.audience != "anybody"


def test_a_playlist_is_read() -> None:
    text = (
        '#EXTM3U\n#EXT-X-MAP:URI="i1.mp4"\n#EXT-X-PROGRAM-DATE-TIME:2027-01-15T08:00:00.500Z\n'
        "#EXTINF:2.0,\ns0.m4s\n"
    )
    assert listed(text) == [("s0.m4s", "i1.mp4", 1_800_000_000.5)]
    assert listed("") == []


def test_who_saw_nothing_is_said_in_both_languages() -> None:
    assert not Watched("webrtc").outcome([], frozenset("a"))["ok"]
    found = {"viewers": [Watched("webrtc").outcome([], frozenset("a"))]}
    vietnamese, english = sentences(found)
    assert "không thấy hình nào" in vietnamese
    assert "saw nothing" in english


def test_only_cards_of_points_count() -> None:
    watched = Watched("hls")
    watched.add(line(9, 1.0), NAMES)
    assert watched.seen == []
    watched.add(line(1, 2.0, delay_ms=None), NAMES)
    watched.add(line(2, 3.0), NAMES)
    assert [card.point for card in watched.seen] == ["a", "b"]
    assert (watched.first_ms, watched.delays_ms) == (90.0, [100.0])


def test_a_take_that_is_not_seen_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three takes the middle one is missing."""
    made = [Take("a", 10.0, 14.0), Take("b", 14.0, 18.0), Take("a", 18.0, 23.0, last=True)]
    monkeypatch.setattr(spectators, "takes", lambda *_: made)
    watched = Watched("webrtc")
    for at in (10.0, 12.0, 13.9):
        watched.add(line(1, at), NAMES)
    watched.add(line(1, 18.5), NAMES)
    watched.add(line(1, 23.0), NAMES)
    found = watched.outcome([], frozenset("ab"))
    assert (found["ok"], [point for point, _ in found["missing"]]) == (False, ["b"])
    whole = Watched("webrtc")
    for number, at in ((1, 10.0), (1, 13.9), (2, 14.4), (2, 17.9), (1, 18.4), (1, 23.0)):
        whole.add(line(number, at), NAMES)
    found = whole.outcome([], frozenset("ab"))
    assert (found["ok"], found["takes"], found["pictures"]) == (True, 3, 3)
    assert "3/3" in sentences({"viewers": [found]})[0]


def test_nobody_has_seen_anything_yet() -> None:
    assert not Spectators(3, ["a"]).saw("a", 0.0)
    assert Spectators(0, ["a"]).saw("a", 0.0)
