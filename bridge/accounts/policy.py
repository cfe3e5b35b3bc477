"""What a security audit asks of accounts: passwords, places, hours, second factors. Pure; the
settings are those of the topology (``bridge.security``)."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bridge.base.roles import Role, User
from config.security_schema import Security

DAY = 86400.0  # seconds
DIRECTING: tuple[Role, ...] = ("admin", "operator")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def too_short(security: Security, password: str) -> bool:
    """Whether a new password is shorter than the rules ask."""
    return len(password) < security.password_length


def expired(security: Security, user: User, changed: float, now: float) -> bool:
    """Whether a password must be changed now; ``changed`` is when it was, 0: not known."""
    if user.directory:
        return False
    since = changed or user.created
    return bool(security.password_days) and now - since > security.password_days * DAY


def remembered(security: Security, past: Sequence[str], current: str) -> list[str]:
    """The hashes that a new password is compared with, the newest first."""
    return [current, *past][: security.password_history]


def from_elsewhere(security: Security, role: Role, address: str) -> bool:
    """Whether an account of a role may not come from an address. Where nothing is listed everybody
    may come from everywhere."""
    listed = {"admin": security.admins_from, "operator": security.operators_from}.get(role, [])
    if not listed:
        return False
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return True
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped if mapped is not None else found
    return not any(found in ipaddress.ip_network(network) for network in listed)


def out_of_hours(security: Security, role: Role, zone: str, now: float) -> bool:
    """Whether accounts of a role may not log in now. Admins always may: somebody must be able to
    change the rule."""
    hours = security.hours
    if hours is None or role == "admin":
        return False
    local = datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(zone))
    if DAYS[local.weekday()] not in hours.days:
        return True
    return not hours.begin <= local.strftime("%H:%M") < hours.end


def factor_missing(security: Security, user: User) -> bool:
    """Whether an account must set its second factor up before anything else; what an account of
    a directory needs is asked for there."""
    needed = security.second_factor == "everyone" or (
        security.second_factor == "admins" and user.role == "admin"
    )
    return needed and not user.factor and not user.directory


def to_renew(security: Security, begun: float, now: float) -> bool:
    """Whether a login by a directory that began at ``begun`` has ended, for the directory to be
    asked again; where there is no directory any more it has."""
    directory = security.directory
    return directory is None or now - begun > directory.renew_hours * 3600.0
