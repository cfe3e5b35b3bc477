"""Several hosts of one bridge, of which one leads."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from config.values import Identifier, Model


def _pages(value: str) -> str:
    found = urlsplit(value)
    plain = found.scheme in ("http", "https") and found.hostname and found.path in ("", "/")
    if not plain or found.query or found.fragment or found.username:
        raise ValueError(
            f"{value!r} is not where a host's pages are, for example https://10.64.0.10:8443"
        )
    return value.rstrip("/")


class Host(Model):
    """One machine on which bridge.py serve runs."""

    id: Identifier
    url: Annotated[str, Field(max_length=100), AfterValidator(_pages)] = Field(
        description="where its pages are reached, from rooms and from the other hosts' pages"
    )


class Hosts(Model):
    """The hosts that take turns, all on one PostgreSQL."""

    this: Identifier = Field(description="which of them this file is for")
    takeover: Annotated[float, Field(ge=1, le=60, allow_inf_nan=False)] = Field(
        default=1.5,
        description="seconds without a sign of life after which another host leads",
    )
    all: list[Host] = Field(min_length=2, max_length=8)

    @model_validator(mode="after")
    def _told_apart(self) -> Hosts:
        ids = [host.id for host in self.all]
        if len(set(ids)) < len(ids) or len({host.url for host in self.all}) < len(ids):
            raise ValueError("two hosts have one id or one url")
        if self.this not in ids:
            raise ValueError(f"this host, {self.this!r}, is not among all hosts")
        return self

    @property
    def urls(self) -> tuple[str, ...]:
        """Where the pages of every host are, this one's first."""
        own = self.own.url
        return own, *(host.url for host in self.all if host.url != own)

    @property
    def own(self) -> Host:
        """The host that this file is for."""
        return next(host for host in self.all if host.id == self.this)
