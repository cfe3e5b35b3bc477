"""Rules of recurrence in the topology."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from config.audience_schema import Audience
from config.schema import Schedule


@pytest.mark.parametrize(
    ("rule", "good"),
    [
        ("FREQ=WEEKLY;BYDAY=MO,TH", True),
        ("FREQ=MONTHLY;BYDAY=1MO;COUNT=5", True),
        ("FREQ=SECONDLY", False),
        ("FREQ=SOMETIMES", False),
        ("nonsense", False),
        ("FREQ=WEEKLY\nDTSTART:19700101T000000", False),
        ("", False),
    ],
)
def test_rules(rule: str, good: bool) -> None:
    """The topology's schema is where rules come in, and the one place that checks them."""
    try:
        Schedule(start="2026-01-01 08:00", rule=rule)
    except ValidationError:
        assert not good
    else:
        assert good


@pytest.mark.parametrize(
    ("page", "good"),
    [
        ("https://www.huyen.example", True),
        ("http://10.0.0.1:8080/", True),
        ("https://www.huyen.example/trang", False),
        ("https://www.huyen.example?x", False),
        ("https://*.example", False),
        ("https://a.example; script-src *", False),
        ("https://user@a.example", False),
        ("javascript:alert(1)", False),
        ("'self'", False),
        ("*", False),
    ],
)
def test_pages_that_may_frame_are_origins_and_nothing_else(page: str, good: bool) -> None:
    """They stand in a header."""
    try:
        Audience(pages=[page])
    except ValidationError:
        assert not good
    else:
        assert good


@pytest.mark.parametrize(
    ("viewers", "workers", "good"),
    [(800, 0, True), (801, 0, False), (960, 1, True), (1920, 2, True), (1921, 2, False)],
)
def test_no_more_viewers_are_allowed_than_workers_hold(
    viewers: int, workers: int, good: bool
) -> None:
    try:
        Audience(viewers=viewers, workers=workers)
    except ValidationError:
        assert not good
    else:
        assert good
