"""What clients are shown, in words."""

from __future__ import annotations

import re

import pytest

from bridge.base.i18n import catalogue
from bridge.conference.model import Seat
from bridge.control.views import NOTHING, seat_view, why

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
