"""What a password hash costs, which the other tests make cheap."""

from __future__ import annotations

from argon2 import PasswordHasher, extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from bridge.accounts import passwords


def test_a_hash_costs_what_rfc_9106_recommends(real_hasher: PasswordHasher) -> None:
    """Section 4, the second recommended option: 64 MiB, three passes, four lanes."""
    hashed = real_hasher.hash("correct-horse-battery")
    assert extract_parameters(hashed) == RFC_9106_LOW_MEMORY
    assert passwords.verify(hashed, "correct-horse-battery")
    assert not passwords.verify(hashed, "correct-horse-batterz")
    assert not passwords.verify(None, "correct-horse-battery")


def test_nobody_is_told_by_the_time_that_a_user_does_not_exist(real_hasher: PasswordHasher) -> None:
    """What is looked at in their place is of the same kind and cost as a real hash."""
    real = extract_parameters(real_hasher.hash("correct-horse-battery"))
    assert extract_parameters(passwords._of_nobody(real_hasher)) == real
