"""The second factor: codes of an authenticator program (RFC 6238), and others for its loss."""

from __future__ import annotations

import json
import secrets

import pyotp

from bridge.accounts import passwords

ISSUER = "Điểm Cầu"
PENDING = "?"  # before a secret that nobody has shown a code of yet
DRIFT = 1  # steps of 30 s that a telephone's clock may be off
RECOVERY = 8  # codes, each good once


def new_secret() -> str:
    return pyotp.random_base32()


def address(secret: str, user: str) -> str:
    """What an authenticator program takes in, as text or as a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=user, issuer_name=ISSUER)


def step_of(secret: str, code: str, now: float) -> int | None:
    """The time step that a code belongs to; None for a wrong one. ``now`` is UTC seconds."""
    digits = "".join(code.split())
    if len(digits) != 6 or not digits.isascii() or not digits.isdigit():
        return None
    totp = pyotp.TOTP(secret)
    for step in range(-DRIFT, DRIFT + 1):
        at = int(now) + step * totp.interval
        if secrets.compare_digest(totp.at(at), digits):
            return at // totp.interval
    return None


def new_recovery() -> tuple[list[str], str]:
    """Codes to keep on paper, and what is stored of them."""
    codes = [passwords.new_code() for _ in range(RECOVERY)]
    return codes, json.dumps([passwords.digest(code) for code in codes])


def without_recovery(stored: str, code: str) -> str | None:
    """What is stored when a recovery code was used; None where it is none of them."""
    left: list[str] = json.loads(stored)
    digest = passwords.digest(passwords.normal_code(code))
    if digest not in left:
        return None
    left.remove(digest)
    return json.dumps(left)
