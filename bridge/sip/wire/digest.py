"""Digest authentication of whoever calls (RFC 7616, RFC 8760): challenges, and their answers. Pure:
times are UTC seconds. aiosipua answers challenges; it makes and checks none.

A nonce is the time of its making under a keyed hash, so none is remembered until it is used; one
that was used with a count is not taken again with that count (replays).
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Literal

from aiosipua import AuthCredentials, parse_auth

ALGORITHMS = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}  # best first
NONCE_SECONDS = 60.0
MOST_COUNTS = 1024  # nonces whose counts are remembered; older ones are refused as stale
MAX_HEADER = 2_000  # octets

Verdict = Literal["good", "wrong", "stale", "missing"]


@dataclass(slots=True)
class Digest:
    """Challenges under one realm. ``key`` is random, of this process."""

    realm: str
    key: bytes
    _counts: dict[str, int] = field(default_factory=dict)

    def challenges(
        self, now: float, *, stale: bool = False, only: Literal["both", "md5"] = "both"
    ) -> list[str]:
        """Values of WWW-Authenticate, one for each algorithm, or for MD5 ``only``: some old user
        agents give up at the first that they do not know."""
        stamp = f"{round(now * 1000):x}"
        nonce = f"{stamp}.{self._seal(stamp)}"
        more = ", stale=true" if stale else ""
        return [
            f'Digest realm="{self.realm}", nonce="{nonce}", algorithm={name}, qop="auth"{more}'
            for name in ALGORITHMS
            if only == "both" or name == "MD5"
        ]

    def verdict(
        self, header: str | None, method: str, user: str, password: str, now: float
    ) -> Verdict:
        """What a value of Authorization proves."""
        if not header or len(header) > MAX_HEADER:
            return "missing"
        found = parse_auth(header, credentials=True)
        if not isinstance(found, AuthCredentials) or found.scheme.lower() != "digest":
            return "missing"
        given = {name.lower(): value for name, value in found.params.items()}
        nonce, count = given.get("nonce", ""), given.get("nc", "")
        if given.get("realm") != self.realm or given.get("qop", "").lower() != "auth":
            return "missing"
        made = self._made(nonce)
        if made is None or not -1 <= now - made <= NONCE_SECONDS:
            return "stale"
        hasher = ALGORITHMS.get(given.get("algorithm", "MD5").upper())
        if hasher is None:
            return "missing"

        def hashed(text: str) -> str:
            return hasher(text.encode()).hexdigest()

        secret = hashed(f"{user}:{self.realm}:{password}")
        asked = hashed(f"{method}:{given.get('uri', '')}")
        wanted = hashed(f"{secret}:{nonce}:{count}:{given.get('cnonce', '')}:auth:{asked}")
        right = hmac.compare_digest(wanted.encode(), given.get("response", "").lower().encode())
        if not right or not hmac.compare_digest(given.get("username", "").encode(), user.encode()):
            return "wrong"
        try:
            number = int(count, 16)
        except ValueError:
            return "wrong"
        if number <= self._counts.get(nonce, 0):
            return "stale"  # a replay
        while len(self._counts) >= MOST_COUNTS:
            self._counts.pop(next(iter(self._counts)))
        self._counts[nonce] = number
        return "good"

    def _seal(self, stamp: str) -> str:
        return hmac.new(self.key, stamp.encode(), "sha256").hexdigest()[:32]

    def _made(self, nonce: str) -> float | None:
        stamp, _, seal = nonce.partition(".")
        if not hmac.compare_digest(seal.encode(), self._seal(stamp).encode()):
            return None
        return int(stamp, 16) / 1000
