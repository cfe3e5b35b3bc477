"""What clients are shown, in words."""

from __future__ import annotations

import re

import pytest

from bridge.base.i18n import catalogue
from bridge.conference import commands as c
from bridge.conference.attendance import Person
from bridge.conference.model import SYSTEM, Seat
from bridge.control.views import NOTHING, conference_view, seat_view, why
from bridge.signalling.vote_messages import Attendance
from tests.conference.support import live

REASONS = [
    *(key for key in catalogue("en") if key.startswith("call.")),
    *(key.removeprefix("lost.") for key in catalogue("en") if key.startswith("lost.")),
    # As logs before 2026-11-26 have them.
    "The peer closed the connection.",
    "Nothing was heard for 3.0 s.",
    "DTLS did not end.",
]


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_is_a_sentence_in_both_languages(reason: str) -> None:
    said = why(reason)
    assert said is not None
    assert said.vi != said.en
    for text in (said.vi, said.en):
        assert text.endswith(".")
        assert not text.startswith(reason)
        assert re.search(r"[a-z]_[a-z]|\b(call|lost)\.\w", text) is None
    assert re.search(r"\b(the|is|was|nothing|of)\b", said.vi, re.IGNORECASE) is None


def test_who_was_sent_out_is_told_so_whatever_the_director_wrote() -> None:
    problem = seat_view(Seat(dropped=True, lost_reason="mang qua yeu"), NOTHING).problem
    assert problem == why("dropped")
    assert seat_view(Seat(), NOTHING).problem is None
    assert seat_view(Seat(present=True, lost_reason="failed"), NOTHING).problem is None


def test_a_room_is_told_how_many_of_its_own_delegates_are_there() -> None:
    run = live()
    persons = {"a1": Person(point="a"), "b1": Person(point="b"), "b2": Person(point="b")}
    run.ok(c.ListPersons(persons=persons), SYSTEM)
    run.ok(c.Attend(persons=("b2",)))
    console = {"a": Attendance(listed=1), "b": Attendance(listed=2, present=1)}
    assert conference_view(run.state, None, {}).attendance == console
    assert conference_view(run.state, "b", {}).attendance == {"b": console["b"]}
    assert conference_view(run.state, "c", {}).attendance == {}
