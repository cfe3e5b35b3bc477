"""Roles and what they may do. Pure; the table is asked by every handler."""

from __future__ import annotations

import re
from typing import Literal, get_args

import msgspec

Role = Literal["admin", "operator", "technician", "officer", "viewer", "auditor"]
ROLES: tuple[str, ...] = get_args(Role)

Right = Literal[
    "watch",  # see conferences and their logs
    "direct",  # open, direct and end conferences
    "reports",  # read reports
    "own_points",  # see the points one looks after
    "templates",  # change templates
    "inspect",  # read accounts, logins, device keys, audit, rules and topology
    "admin",  # users, sessions, device keys, topology, audit, backup
]

RIGHTS: dict[str, frozenset[Right]] = {
    "admin": frozenset(
        {"watch", "direct", "reports", "own_points", "templates", "inspect", "admin"}
    ),
    "operator": frozenset({"watch", "direct", "reports", "own_points", "templates"}),
    "technician": frozenset({"own_points"}),
    "officer": frozenset(),  # sits at desks that are called, and nothing else
    "viewer": frozenset({"watch", "reports"}),
    "auditor": frozenset({"watch", "reports", "inspect"}),  # reads everything, changes nothing
}

_NAME = re.compile(r"^[a-z][a-z0-9._-]{1,31}$")
MIN_PASSWORD = 10  # characters
MAX_PASSWORD = 200


class User(msgspec.Struct, frozen=True, kw_only=True):
    """An account. ``points`` are those a technician looks after, or the desks of an officer."""

    name: str
    role: Role
    must_change: bool = False
    disabled: bool = False
    points: tuple[str, ...] = ()
    created: float = 0.0
    password_at: float = 0.0
    """When the password was changed last, UTC seconds; 0: not known."""
    factor: bool = False
    """Whether the account has a second factor."""
    directory: bool = False
    """Whether a directory vouches for it; then it has no password and no second factor here."""

    def may(self, right: Right) -> bool:
        return not self.disabled and right in RIGHTS[self.role]

    def sits_at(self, point: str) -> bool:
        """Whether somebody is an officer at a desk."""
        return not self.disabled and self.role == "officer" and point in self.points

    def looks_after(self, point: str) -> bool:
        if self.role == "technician":
            return point in self.points
        return self.may("own_points")


def name_problem(name: str) -> str:
    """The key of a sentence that says what is wrong with a user name, or ""."""
    return "" if _NAME.match(name) else "account.bad_name"


def password_problem(name: str, password: str) -> str:
    """The key of a sentence that says what is wrong with a new password, or ""."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        return "account.bad_length"
    if name.lower() in password.lower() or len(set(password)) < 5:
        return "account.too_simple"
    return ""
