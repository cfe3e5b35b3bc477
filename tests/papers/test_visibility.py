"""Who may see a paper: people by role, rooms by point, until its time is over."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.base.roles import Role, User
from bridge.papers.visibility import Rules

NOW = 1000.0


@pytest.mark.parametrize(
    ("role", "rules", "sees"),
    [
        ("viewer", {}, True),
        ("viewer", {"seen_by": "direct"}, False),
        ("viewer", {"until": NOW}, False),
        ("viewer", {"until": NOW + 1}, True),
        ("operator", {"seen_by": "direct"}, True),
        ("operator", {"until": NOW - 1}, True),
        ("operator", {"seen_by": "admin"}, False),
        ("admin", {"seen_by": "admin", "until": NOW - 1}, True),
        ("auditor", {"seen_by": "admin", "until": NOW - 1}, True),
        ("technician", {}, False),
    ],
)
def test_people(role: Role, rules: dict[str, Any], sees: bool) -> None:
    assert Rules(**rules).for_user(User(name="x", role=role), NOW) is sees


@pytest.mark.parametrize(
    ("rules", "sees"),
    [
        ({}, True),
        ({"points": ("a", "b")}, True),
        ({"points": ("b",)}, False),
        ({"until": NOW}, False),
        ({"points": ("a",), "until": NOW + 1}, True),
    ],
)
def test_rooms(rules: dict[str, Any], sees: bool) -> None:
    assert Rules(**rules).for_room("a", NOW) is sees
