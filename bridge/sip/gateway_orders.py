"""The protocol between the control process and the gateway: JSON objects, one a line, over a Unix
stream socket that the gateway makes. Pure."""

from __future__ import annotations

from typing import Literal

import msgspec

VERSION = 1
MAX_LINE = 1 << 20  # octets; 500 points with their keys


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all messages."""


class CodecPoint(Struct, frozen=True, kw_only=True):
    """A point that is a codec: its key at the bridge, how it is reached, who may call as it, and
    what its pictures may be at most (kbit/s, lines, a second)."""

    id: str
    key: str
    name: str
    uri: str
    encryption: Literal["none", "sdes", "dtls"]
    user: str = ""
    password: str = ""
    answer: Literal["address", "digest", "nobody"] = "address"
    digest: Literal["both", "md5"] = "both"
    height: int = 720
    frame_rate: int = 30
    bitrate: int = 1500
    modes: tuple[int, ...] = (1, 0)


class Registrar(Struct, frozen=True, kw_only=True):
    """Where the gateway registers itself: address of record, and host and port of the registrar."""

    uri: str
    host: str
    port: int = 5060
    user: str = ""
    password: str = ""


class Setup(Struct, frozen=True, kw_only=True, tag="setup"):
    """Everything the gateway has to know; a later one replaces it. ``url`` is the bridge's,
    ``authority`` the PEM file that its certificate is checked with ("" for the system's)."""

    version: int
    url: str
    authority: str
    listen: str
    port: int
    public: str
    first_port: int
    last_port: int
    points: tuple[CodecPoint, ...]
    registrar: Registrar | None = None
    media_address: str = ""
    """The local address of the points' transports to the bridge; "" for that of ``listen``."""


def same_codec(one: CodecPoint, other: CodecPoint | None) -> bool:
    """Whether a call goes on where one setup becomes the other: the name is for people."""
    return other is not None and msgspec.structs.replace(one, name=other.name) == other


def same_place(one: Setup, other: Setup) -> bool:
    """Whether two setups differ in their points at most."""
    return msgspec.structs.replace(one, points=other.points) == other


class Shutdown(Struct, frozen=True, kw_only=True, tag="shutdown"):
    """Hang up everywhere, and end."""


Order = Setup | Shutdown


class CallFigures(Struct, frozen=True, kw_only=True):
    """One call that is up: packets both ways, and whether its pictures are coded anew."""

    point: str
    received: int
    sent: int
    transcodes_up: bool
    transcodes_down: bool


class News(Struct, frozen=True, kw_only=True, tag="news"):
    """How it is, every two seconds. Counts are since the process began."""

    listening: bool
    problem: str
    registered: bool | None
    calls: tuple[CallFigures, ...]
    dialled: int
    answered: int
    failed: int
    refused: dict[str, int]


encoder = msgspec.json.Encoder()
order_decoder = msgspec.json.Decoder(Order)
news_decoder = msgspec.json.Decoder(News)
