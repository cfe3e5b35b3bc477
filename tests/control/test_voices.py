"""Microphones that send silence alone."""

from __future__ import annotations

from bridge.control.voices import SILENT, SILENT_FOR, Voices


def test_silence_counts_after_a_while_and_ends_with_the_first_sound() -> None:
    voices = Voices()
    assert voices.take({"a": 127, "b": SILENT - 1}, 10.0) is False
    assert voices.take({"a": 127, "b": 40}, 10.0 + SILENT_FOR - 0.1) is False
    assert voices.take({"a": SILENT, "b": 40}, 10.0 + SILENT_FOR) is True
    assert (voices.silent("a"), voices.silent("b")) == (True, False)
    assert voices.take({"a": 60}, 20.0) is True
    assert not voices.silent("a")
    assert voices.take({"a": 127}, 21.0) is False, "it begins anew"


def test_who_sends_nothing_is_not_silent() -> None:
    voices = Voices()
    voices.take({"a": 127}, 0.0)
    voices.take({"a": 127}, 5.0)
    assert voices.silent("a")
    assert voices.take({}, 6.0) is True
    assert not voices.silent("a")
