"""Who may watch a conference, and the code that lets somebody in. Pure.

A code is worked out from a key of this bridge, the conference and a number that counts codes: no
log and no backup holds one, and another number makes another code.
"""

from __future__ import annotations

import hmac
from typing import Literal, NamedTuple, get_args

from bridge.conference.model import State

Kind = Literal["accounts", "code", "anybody"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Why = Literal["ended", "withdrawn", "code", "logged_out", "replaced", "worker", "lost"]
"""Why somebody watches no longer; `watch.WORD` in the catalogue."""

ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # nothing that is read as something else
LENGTH = 8  # of 31 letters: 40 bits
GROUP = 4


class Refused(Exception):
    """Somebody is not let in; ``key`` names the sentence that says why."""

    def __init__(self, key: str, detail: str = "") -> None:
        super().__init__(key)
        self.key = key
        self.detail = detail


class Admission(NamedTuple):
    """How somebody is admitted; or, with an empty ``kind``, why not: a key of the catalogue."""

    kind: Kind | Literal[""]
    refusal: str = ""


def code_of(key: bytes, conference: str, number: int) -> str:
    """The code of a conference, as it is compared."""
    digest = hmac.digest(key, f"{conference} {number}".encode(), "sha256")
    left = int.from_bytes(digest, "big")
    letters = []
    for _ in range(LENGTH):
        left, place = divmod(left, len(ALPHABET))
        letters.append(ALPHABET[place])
    return "".join(letters)


def written(code: str) -> str:
    """A code as it is read out: in groups."""
    return "-".join(code[at : at + GROUP] for at in range(0, len(code), GROUP))


def fits(given: str, code: str) -> bool:
    """Whether somebody gave this code, in whatever letters and groups; takes as long for any."""
    plain = "".join(sign for sign in given[:100].upper() if sign.isalnum())
    return hmac.compare_digest(plain.encode(), code.encode())


def admission(state: State | None, *, account: bool, code: bool) -> Admission:
    """How somebody with an ``account``, or with the right ``code``, is admitted. A conference that
    admits nobody is not told from one that does not exist."""
    if state is None or state.audience == "nobody":
        return Admission("", "watch.closed")
    if account:
        return Admission("accounts")
    if state.audience == "anybody":
        return Admission("anybody")
    if state.audience == "code" and code:
        return Admission("code")
    return Admission("", f"watch.needs_{state.audience}")


def leaves(state: State | None, kind: Kind, mark: str) -> Why | Literal[""]:
    """Why somebody who was admitted may not watch any more; "" where they may. ``mark`` is the
    number of the code that was given."""
    if state is None or state.phase != "live":
        return "ended"
    if state.audience == "nobody":
        return "withdrawn"
    if kind == "accounts" or state.audience == "anybody":
        return ""
    if kind == "code" and state.audience == "code":
        return "" if mark == str(state.audience_code) else "code"
    return "withdrawn"
