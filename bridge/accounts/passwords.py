"""Password hashes (argon2id) and random secrets."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


def _of_nobody(hasher: PasswordHasher) -> str:
    """A hash of no password, as dear to look at as a real one. It is made of random octets: to
    compute one would cost every start of every command a tenth of a second and more."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=")
        for size in (hasher.salt_len, hasher.hash_len)
    )
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${costs}${salt}${digest}"


_hasher = PasswordHasher()  # argon2id, RFC 9106's second recommendation
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # without 0 O, 1 I L, U
_DUMMY = _of_nobody(_hasher)
CODE_LETTERS = 10  # 30^10 ≈ 2^49, and one code lives for a day and is throttled


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def verify(stored: str | None, password: str) -> bool:
    """Whether the password fits; takes as long where there is no such user, or none is set ("")."""
    try:
        return _hasher.verify(stored or _DUMMY, password) and bool(stored)
    except (VerificationError, InvalidHashError):
        return False


async def verify_async(stored: str | None, password: str) -> bool:
    """`verify` beside the event loop: it takes tens of milliseconds on purpose."""
    return await asyncio.to_thread(verify, stored, password)


def digest(secret: str) -> str:
    """What is stored of a random secret. A plain hash is enough for 128 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def new_token() -> str:
    return secrets.token_urlsafe(24)


def new_code() -> str:
    """A code to type, as ABCDE-FGHJK."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(CODE_LETTERS))
    return f"{letters[:5]}-{letters[5:]}"


def normal_code(text: str) -> str:
    """A typed code without blanks and hyphens, in capitals."""
    letters = "".join(character for character in text.upper() if character.isalnum())
    return f"{letters[:5]}-{letters[5:]}"


def new_password() -> str:
    return f"{new_code()}-{new_code()[:5]}".lower()
