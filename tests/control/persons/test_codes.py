"""Codes of rooms' screens: what they say, how long one is shown, and that none can be made."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.control.persons.codes import FRESH, LIFE, Code, current, read, written

KEY = b"k" * 32
CODE = Code("giao-ban-2026-11-26", "khoan-du", 2, 1_795_000_800)


def test_a_code_is_read_by_whoever_has_the_key() -> None:
    text = written(CODE, KEY)
    assert read(text, KEY) == CODE
    assert read(text, b"x" * 32) is None
    assert text.isascii()
    assert len(text) < 120, "a code of few modules is scanned from afar"


def test_a_changed_code_is_none() -> None:
    text = written(CODE, KEY)
    for index in range(len(text)):
        other = "A" if text[index] != "A" else "B"
        changed = text[:index] + other + text[index + 1 :]
        # The last letter of Base64 has bits that say nothing.
        assert read(changed, KEY) in (None, CODE if index == len(text) - 1 else None)
    assert read(text[:-1], KEY) is None
    assert read("", KEY) is None
    assert read("ä" + text, KEY) is None


@given(st.text(max_size=200))
def test_nonsense_is_none(text: str) -> None:
    assert read(text, KEY) is None


def test_a_screen_shows_one_code_for_some_minutes_and_it_outlives_that() -> None:
    for now in (0.0, 1.0, 599.9, 600.0, 1_795_000_123.4):
        code = current("x", "a", 1, now)
        assert code.until - now > LIFE - FRESH
        assert current("x", "a", 1, now - now % FRESH) == code
