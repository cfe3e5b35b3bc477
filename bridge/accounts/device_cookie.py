"""A signed cookie that says: on this device somebody has logged in as that user.

Its holder has a lane of its own when strangers guess at the account (the device cookies of OWASP,
"Slow down online guessing attacks with device cookies"). It lets nobody in. Pure.
"""

from __future__ import annotations

import hashlib
import hmac

NAME = "device"
LIFE = 365 * 86400  # seconds


def sign(key: bytes, user: str, nonce: str) -> str:
    """The cookie of a device; ``nonce`` tells it from others of the same user."""
    mac = hmac.new(key, f"{user}\n{nonce}".encode(), hashlib.sha256).hexdigest()[:40]
    return f"{nonce}.{mac}"


def device(key: bytes, user: str, cookie: str) -> str:
    """The device's nonce where the cookie is good for a user, else ""."""
    nonce = cookie.partition(".")[0]
    right = sign(key, user, nonce).encode("utf-8", "replace")
    return nonce if nonce and hmac.compare_digest(right, cookie.encode("utf-8", "replace")) else ""
