"""Points that are standards-based codecs, and the gateway that calls them over SIP."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from config.values import Ip, Model, Port, Text

SIP_URI = re.compile(
    r"sip:[A-Za-z0-9_.!~*'()&=+$,;?/%-]+@(?:\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?"
)


def _uri(value: str) -> str:
    if SIP_URI.fullmatch(value) is None:
        raise ValueError(f"{value!r} is not a SIP address, for example sip:codec@192.0.2.20")
    return value


SipUri = Annotated[str, Field(max_length=200), AfterValidator(_uri)]


class Secret(Model):
    """A password that stands in a file, or in the environment of the bridge."""

    password_file: Text | None = Field(
        default=None, description="file of one line; relative to the topology file's folder"
    )
    password_environment: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,60}$")] | None = Field(
        default=None, description="name of a variable of the bridge's environment"
    )

    @property
    def has_password(self) -> bool:
        """Whether a place for a password is named."""
        return self.password_file is not None or self.password_environment is not None


def password_in(data: bytes) -> str:
    """The password in a file: its first line. Raises ValueError where there is none."""
    lines = data.decode("utf-8").splitlines()
    password = lines[0].strip() if lines else ""
    if not password:
        raise ValueError("its first line is empty")
    return password


class SipPoint(Secret):
    """How a codec is reached over SIP, and what its pictures may be."""

    uri: SipUri = Field(description="what is called, for example sip:codec@192.0.2.20")
    encryption: Literal["none", "sdes", "dtls"] = Field(
        default="none",
        description="of its media: none, SDES-SRTP (RFC 4568) or DTLS-SRTP (RFC 5764)",
    )
    answer: Literal["address", "digest", "nobody"] = Field(
        default="address",
        description="who may call as this codec: whoever has its address, whoever proves its "
        "password, nobody",
    )
    user: Text | None = Field(
        default=None, description="user name of the password; the point's id where left out"
    )
    digest: Literal["both", "md5"] = Field(
        default="both",
        description="what it may prove its password with: SHA-256 or MD5, whichever it knows, or "
        "MD5 alone, for codecs that give up where SHA-256 is named (RFC 8760)",
    )
    height: Annotated[int, Field(ge=144, le=1080, description="lines of pictures it is sent")] = 720
    frame_rate: Annotated[int, Field(ge=5, le=60)] = 30
    bitrate: Annotated[int, Field(ge=64, le=8000, description="kbit/s of pictures, each way")] = (
        1500
    )
    packetization: Literal["both", "fragments", "single"] = Field(
        default="both",
        description="H.264 in RTP: packetization-mode 1 (fragments), 0 (single), or whichever",
    )

    @model_validator(mode="after")
    def _proved(self) -> SipPoint:
        if self.answer == "digest" and not self.has_password:
            raise ValueError(
                "a codec that proves its password needs one: give password_file or "
                "password_environment"
            )
        return self


class SipRegistrar(Secret):
    """A registrar that calls of codecs come through."""

    uri: SipUri = Field(description="the bridge's address there, for example sip:bridge@192.0.2.5")
    address: Ip
    port: Port = 5060
    user: Text | None = None


class SipGateway(Model):
    """Where the gateway listens for codecs."""

    listen: Ip
    port: Port = 5060
    public: Ip | None = Field(
        default=None, description="address that codecs are told; the listen address where empty"
    )
    first_port: Annotated[int, Field(ge=1024, le=65000)] = Field(
        default=16384, description="UDP ports of media with codecs: four for each call"
    )
    last_port: Annotated[int, Field(ge=1024, le=65535)] = 17383
    registrar: SipRegistrar | None = None

    @model_validator(mode="after")
    def _ranged(self) -> SipGateway:
        if self.last_port - self.first_port < 4:
            raise ValueError("first_port and last_port leave no room for a call")
        return self
