"""Which live tests wait for each other."""

from __future__ import annotations

import pytest

from tests.lanes import lane


@pytest.mark.parametrize(
    ("test", "browsers"),
    [
        ("tests/live/test_console.py::test_nothing_overlaps_on_any_screen[12]", True),  # all of it
        ("tests/live/test_installation.py::test_the_launcher[dies]", False),
        ("tests/live/test_demo.py::test_the_demo_waits_for_one_key", True),  # one of many
        ("tests/live/test_demo.py::test_a_short_demo_verifies_everything", False),
    ],
)
def test_those_with_a_browser_go_one_after_another(test: str, browsers: bool) -> None:
    assert lane(test) == ("browsers" if browsers else test)
