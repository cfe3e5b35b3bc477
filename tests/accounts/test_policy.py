"""What the rules of ``bridge.security`` say."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.accounts import factor, policy
from bridge.base.roles import User
from config.security_schema import Security

LAN = User(name="lan", role="operator", created=1_000_000.0)
MONDAY_NINE = 1_795_399_200.0  # 2026-11-23 09:00 in Hà Nội


def rules(**changes: Any) -> Security:
    return Security.model_validate(changes)


def test_ages_of_passwords() -> None:
    day = 86400.0
    assert not policy.expired(rules(), LAN, 0.0, 1e9)
    ninety = rules(password_days=90)
    assert policy.expired(ninety, LAN, 0.0, LAN.created + 91 * day)
    assert not policy.expired(ninety, LAN, LAN.created + 80 * day, LAN.created + 91 * day)


@pytest.mark.parametrize(
    ("role", "address", "elsewhere"),
    [
        ("admin", "10.1.2.3", False),
        ("admin", "::ffff:10.1.2.3", False),
        ("admin", "192.0.2.1", True),
        ("admin", "2001:db8::1", True),
        ("admin", "nonsense", True),
        ("operator", "192.0.2.1", False),
        ("technician", "192.0.2.1", False),
    ],
)
def test_places(role: Any, address: str, elsewhere: bool) -> None:
    assert policy.from_elsewhere(rules(admins_from=["10.1.0.0/16"]), role, address) is elsewhere
    assert not policy.from_elsewhere(rules(), role, address)


@pytest.mark.parametrize(
    ("role", "hours_later", "locked"),
    [
        ("operator", 0, False),
        ("operator", 8, False),
        ("operator", 9, True),
        ("operator", -3, True),
        ("auditor", 9, True),
        ("admin", 9, False),
        ("operator", 5 * 24, True),  # Saturday
    ],
)
def test_hours(role: Any, hours_later: int, locked: bool) -> None:
    days = ["mon", "tue", "wed", "thu", "fri"]
    found = rules(hours={"begin": "07:00", "end": "18:00", "days": days})
    now = MONDAY_NINE + hours_later * 3600
    assert policy.out_of_hours(found, role, "Asia/Ho_Chi_Minh", now) is locked
    assert not policy.out_of_hours(rules(), role, "Asia/Ho_Chi_Minh", now)


def test_second_factors() -> None:
    admin = User(name="lan", role="admin")
    assert not policy.factor_missing(rules(), admin)
    admins = rules(second_factor="admins")
    assert policy.factor_missing(admins, admin)
    assert not policy.factor_missing(admins, User(name="lan", role="admin", factor=True))
    assert not policy.factor_missing(admins, User(name="lan", role="admin", directory=True))
    assert not policy.factor_missing(admins, User(name="lan", role="operator"))
    assert policy.factor_missing(rules(second_factor="everyone"), User(name="lan", role="viewer"))


def test_codes_are_those_of_rfc_6238() -> None:
    """Appendix B, SHA-1, the last six digits."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    for at, code in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        assert factor.step_of(secret, code, at) == at // 30
        assert factor.step_of(secret, f"{code[:3]} {code[3:]}", at + 30) == at // 30
        assert factor.step_of(secret, code, at + 90) is None
    for wrong in ("", "28708", "2870822", "28708x", "２８７０８２"):
        assert factor.step_of(secret, wrong, 59) is None
    assert factor.address(secret, "lan").startswith("otpauth://totp/")


def test_recovery_codes_are_good_once() -> None:
    codes, stored = factor.new_recovery()
    left = factor.without_recovery(stored, codes[0].lower().replace("-", " "))
    assert left is not None
    assert factor.without_recovery(left, codes[0]) is None
    assert factor.without_recovery(left, codes[1]) is not None
    assert codes[2] not in stored
