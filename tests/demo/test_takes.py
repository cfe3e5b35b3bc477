"""Which takes a recording has to show, and whether it does."""

from __future__ import annotations

import pytest

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.demo.takes import Heard, Seen, Take, judge, takes
from tests.conference.support import live

A, B, C = Take("a", 0.0, 10.0), Take("b", 10.0, 13.0), Take("c", 13.0, 20.0)


def cards(*shown: tuple[str, float, float]) -> list[Seen]:
    """Cards of points from and to an instant, five a second."""
    return [
        Seen(point, round(start + number / 5, 3), 0.01)
        for point, start, end in shown
        for number in range(round((end - start) * 5))
    ]


def tones(*heard: tuple[str, float, float]) -> list[Heard]:
    return [Heard(frozenset({seen.point, "chair"}), seen.at) for seen in cards(*heard)]


WHOLE = (("a", 0.1, 10.2), ("b", 10.2, 13.4), ("c", 13.4, 20.0))


def test_all_of_it_is_there() -> None:
    found = judge([A, B, C], cards(*WHOLE), tones(*WHOLE))
    assert found.ok
    assert list(found.pictures.values()) == [0.1, 0.2, 0.4]
    assert list(found.sounds.values()) == [0.1, 0.2, 0.4]


@pytest.mark.parametrize(
    ("shown", "unseen", "strange"),
    [
        ((("a", 0.0, 13.0), ("c", 13.0, 20.0)), [B], 0),
        ((("a", 0.0, 10.0), ("c", 10.0, 20.0)), [B], 1),  # c is there before it was taken
        ((("a", 0.0, 10.0), ("b", 10.0, 20.0)), [C], 0),
        ((("a", 0.0, 10.0), ("b", 15.5, 16.0), ("c", 16.0, 20.0)), [B], 0),  # much too late
        ((("a", 0.0, 10.0), ("b", 14.5, 15.0), ("c", 15.0, 20.0)), [], 0),  # a busy machine
        ((("d", 0.0, 1.0), *WHOLE), [], 1),
        ((), [A, B, C], 0),
    ],
)
def test_pictures_that_are_not_there_or_of_nobody_who_was_taken(
    shown: tuple[tuple[str, float, float], ...], unseen: list[Take], strange: int
) -> None:
    found = judge([A, B, C], cards(*shown), tones(*WHOLE))
    assert (found.unseen, len(found.strange)) == (unseen, strange)
    assert found.ok == (not unseen and not strange)


def test_a_voice_that_is_not_there() -> None:
    found = judge([A, B, C], cards(*WHOLE), tones(("a", 0.0, 10.0), ("c", 9.0, 20.0)))
    assert found.unheard == [B]
    assert not found.ok


def test_a_take_that_was_made_again_counts_when_it_is_there() -> None:
    again = Take("b", 20.0, 25.0)
    shown = (("a", 0.0, 13.0), ("c", 13.1, 20.0), ("b", 20.2, 25.0))
    found = judge([A, B, C, again], cards(*shown), tones(*shown))
    assert found.ok
    assert (B in found.pictures, again in found.pictures) == (False, True)
    before = judge([A, B, C], cards(*shown), tones(*shown))
    assert before.unseen == [B]


def test_one_that_goes_on_after_a_kill_is_seen_twice() -> None:
    parts = [Take("a", 0.0, 5.0), Take("a", 8.0, 12.0)]
    shown = (("a", 0.0, 5.0), ("a", 8.1, 12.0))
    found = judge(parts, cards(*shown), tones(*shown))
    assert found.ok
    assert not judge(parts, cards(shown[0]), tones(*shown)).ok


@pytest.mark.parametrize("age", [-3.0, 3.0])
def test_pictures_that_are_not_where_they_were_drawn(age: float) -> None:
    late = [card._replace(age=age) for card in cards(*WHOLE)]
    found = judge([A, B, C], late, tones(*WHOLE))
    assert not found.unseen
    assert not found.ok


@pytest.mark.parametrize(
    ("seconds", "last", "ok"),
    [(0.8, False, True), (1.2, False, False), (1.2, True, True), (2.2, True, False)],
)
def test_a_take_that_is_too_short_may_be_missing_but_is_not_strange(
    seconds: float, last: bool, ok: bool
) -> None:
    short = Take("b", 10.0, 10.0 + seconds, last)
    assert judge([A, short], cards(WHOLE[0]), tones(WHOLE[0])).ok is ok
    assert judge([A, short], cards(*WHOLE[:2]), tones(*WHOLE[:2])).ok


def test_nothing_to_be_seen_is_not_everything() -> None:
    assert not judge([], [], []).ok
    assert not judge([], cards(*WHOLE), tones(*WHOLE)).ok


def test_takes_come_from_the_log_and_are_cut_to_what_was_written() -> None:
    run = live()
    began = run.now
    run.now = began + 10
    run.ok(c.Grant(point="b"))
    run.now = began + 20
    run.ok(c.Take(point="c"))
    parts = [
        e.RecordingPart(at=began + 5, offset=0.0, seconds=7.0),
        e.RecordingPart(at=began + 19.8, offset=7.0, seconds=5.0),
    ]
    found = [
        (take.point, round(take.start - began, 1), round(take.end - began, 1))
        for take in takes(run.log, parts)
    ]
    assert [take.last for take in takes(run.log, parts)] == [False, True, False, True]
    assert found == [
        ("a", 5.0, 10.0),
        ("b", 10.0, 12.0),
        ("b", 19.8, 20.0),
        ("c", 20.0, 24.8),
    ]
