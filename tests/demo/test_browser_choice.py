"""Which browser the demo opens: Firefox shows no pictures over loopback."""

from __future__ import annotations

import pytest

from bridge.demo.browser import NO_CHROMIUM, NO_DISPLAY, choose

SCREEN = {"DISPLAY": ":0"}


@pytest.mark.parametrize(
    ("there", "environment", "program", "said"),
    [
        ({"firefox-esr", "chromium"}, SCREEN, "chromium", "Firefox shows no pictures here"),
        ({"google-chrome"}, {"WAYLAND_DISPLAY": "w"}, "google-chrome", ""),
        ({"firefox"}, SCREEN, "", NO_CHROMIUM),
        (set(), SCREEN, "", NO_CHROMIUM),
        ({"chromium"}, {}, "", NO_DISPLAY),
    ],
)
def test_chromium_is_opened_where_there_is_one(
    there: set[str], environment: dict[str, str], program: str, said: str
) -> None:
    found, text = choose(lambda name: name in there, environment, "linux")
    assert found == program
    assert said in text
    assert bool(said) == bool(text)
    assert "\n" not in text


def test_other_systems_choose_themselves() -> None:
    assert choose(lambda _: False, {}, "darwin") == ("", "")
