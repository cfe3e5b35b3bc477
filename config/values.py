"""Values that every part of a topology is made of."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _ip(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError(f"{value!r} is not an IP address") from None


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        raise ValueError(f"{value!r} is not a network, for example 192.0.2.0/24") from None


MAX_POINTS = 500
Text = Annotated[str, Field(min_length=1, max_length=200)]
Ip = Annotated[str, AfterValidator(_ip)]
Network = Annotated[str, AfterValidator(_network)]
Identifier = Annotated[
    str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64, description="a-z, 0-9, -")
]
MAX_PORT = 65_535
Port = Annotated[int, Field(ge=0, le=MAX_PORT, description="0: chosen by the system")]


class Model(BaseModel):
    """Base of all parts of a topology: unknown keys are errors, values are never converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Name(Model):
    """A name in Vietnamese and, optionally, English."""

    vi: Text
    en: Text | None = None

    def text(self, language: str) -> str:
        return self.en if language == "en" and self.en else self.vi
