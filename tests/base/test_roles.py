"""Which passwords are refused."""

from __future__ import annotations

import pytest

from bridge.base.roles import password_problem
from tests.control_support import PASSWORD


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("short", "account.bad_length"),
        ("x" * 300, "account.bad_length"),
        ("aaaaaaaaaaaa", "account.too_simple"),
        ("my-name-is-lan", "account.too_simple"),
        (PASSWORD, ""),
    ],
)
def test_passwords(password: str, problem: str) -> None:
    assert password_problem("lan", password) == problem
