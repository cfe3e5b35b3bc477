"""Rules of recurrence in the topology."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from config.audience_schema import Audience
from config.camera_schema import CameraControl
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


CAMERA = {"kind": "onvif", "address": "192.0.2.21", "presets": [{"number": 1, "name": {"vi": "A"}}]}


@pytest.mark.parametrize(
    ("change", "good"),
    [
        ({}, True),
        ({"user": "a", "password": "a.txt"}, True),
        ({"user": "a"}, False),
        ({"password": "a.txt"}, False),
        ({"address": "camera.example"}, False),
        ({"port": 0}, False),
        ({"presets": []}, False),
        ({"presets": [{"number": 10, "name": {"vi": "A"}}]}, False),
        ({"presets": [{"number": 1, "name": {"vi": "A"}}] * 2}, False),
        ({"kind": "visca"}, True),
        ({"kind": "visca", "user": "a", "password": "a.txt"}, False),
        ({"kind": "visca", "presets": [{"number": 1, "name": {"vi": "A"}, "token": "255"}]}, True),
        ({"kind": "visca", "presets": [{"number": 1, "name": {"vi": "A"}, "token": "256"}]}, False),
        ({"kind": "visca", "presets": [{"number": 1, "name": {"vi": "A"}, "token": "a"}]}, False),
        ({"kind": "pelco"}, False),
    ],
)
def test_cameras_that_are_steered(change: dict[str, object], good: bool) -> None:
    try:
        camera = CameraControl.model_validate(CAMERA | change)
    except ValidationError:
        assert not good
    else:
        assert good
        assert camera.at_port == (80 if camera.kind == "onvif" else 52381)
