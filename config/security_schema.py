"""What a topology file may say about accounts and backups."""

from __future__ import annotations

import ipaddress
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from config.values import Ip, Model, Network, Port, Text

Role = Literal["admin", "operator", "technician", "officer", "auditor", "viewer"]


def _clock(value: str) -> str:
    try:
        return datetime.strptime(value, "%H:%M").strftime("%H:%M")
    except ValueError:
        raise ValueError(f"{value!r} is not a time of day like 07:30") from None


class Syslog(Model):
    """The collector of security events (RFC 5424)."""

    address: Annotated[str, Field(min_length=1, max_length=253)] = Field(
        description="name or address of the collector"
    )
    port: Annotated[int, Field(ge=1, le=65535)] = 514
    transport: Literal["udp", "tcp", "tls"] = "udp"
    authority: Text | None = Field(
        default=None, description="PEM file of who signs the collector's certificate"
    )
    identities: bool = Field(
        default=False, description="names of accounts and addresses instead of pseudonyms"
    )


class Backup(Model):
    """Backups that are made by themselves."""

    every_hours: Annotated[
        int, Field(ge=0, le=24 * 31, description="hours between them; 0: none by themselves")
    ] = 24
    keep: Annotated[int, Field(ge=1, le=400, description="how many are kept")] = 14
    folder: Text = Field(
        default="backups", description="where; relative paths are taken from the state folder"
    )
    secret: Text | None = Field(
        default=None,
        description="file with the secret that backups are encrypted with; not encrypted without",
    )


def _address(value: str) -> str:
    found = urlsplit(value)
    name = (found.hostname or "").strip("[]")
    try:
        here = ipaddress.ip_address(name).is_loopback
    except ValueError:
        here = name == "localhost"
    if not name or not (found.scheme == "https" or (found.scheme == "http" and here)):
        raise ValueError(f"{value!r} is no address like https://id.example/realms/huyen")
    return value


class Directory(Model):
    """A directory that accounts come from (OpenID Connect)."""

    issuer: Annotated[Text, AfterValidator(_address)]
    client_id: Text
    client_secret: Text | None = Field(
        default=None, description="file with the secret that the directory gave this bridge"
    )
    title: Text = Field(description="its name, on the button of the login page")
    scopes: list[Text] = Field(default=["openid", "profile"], min_length=1, max_length=20)
    name_claim: Text = "preferred_username"
    role_claim: Text = Field(
        default="groups", description="what roles are chosen by; dots lead into it"
    )
    roles: dict[Role, list[Text]] = Field(
        description="values of the claim for each role; who has several gets the first of admin, "
        "operator, technician, auditor, viewer",
        min_length=1,
    )
    renew_hours: Annotated[
        int, Field(ge=1, le=24, description="hours until the directory is asked again")
    ] = 12
    authority: Text | None = Field(
        default=None,
        description="file with the authority of its certificate, where it is no public one",
    )


class Hours(Model):
    """When people may log in, on the wall clock of ``bridge.zone``."""

    begin: Annotated[str, AfterValidator(_clock)] = "06:00"
    end: Annotated[str, AfterValidator(_clock)] = "20:00"
    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = Field(
        default=["mon", "tue", "wed", "thu", "fri", "sat", "sun"], min_length=1, max_length=7
    )


class Security(Model):
    """What a security audit asks of accounts."""

    password_length: Annotated[int, Field(ge=10, le=64, description="characters at least")] = 12
    password_days: Annotated[
        int, Field(ge=0, le=3650, description="days until it must be changed; 0: never")
    ] = 0
    password_history: Annotated[
        int, Field(ge=1, le=24, description="passwords that may not be used again")
    ] = 5
    idle_minutes: Annotated[
        int, Field(ge=5, le=30 * 24 * 60, description="minutes without use until a login ends")
    ] = 12 * 60
    console_idle_minutes: Annotated[
        int,
        Field(
            ge=0,
            le=24 * 60,
            description="minutes without a command until an open console's login ends; 0: never",
        ),
    ] = 0
    admins_from: list[Network] = Field(
        default=[],
        max_length=100,
        description="networks that admins come from; all where empty",
    )
    operators_from: list[Network] = Field(
        default=[], max_length=100, description="the same for operators"
    )
    admin_listen: Ip | None = Field(
        default=None, description="own address of the admin's page and interface"
    )
    admin_port: Port = 8444
    hours: Hours | None = Field(
        default=None, description="when people other than admins may log in; always where left out"
    )
    second_factor: Literal["optional", "admins", "everyone"] = "optional"
    directory: Directory | None = None
