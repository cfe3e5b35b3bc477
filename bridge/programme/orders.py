"""The protocol between the control process and a programme process: JSON objects, one a line, over
a Unix stream socket that the programme process makes."""

from __future__ import annotations

from typing import Literal

import msgspec

VERSION = 1
MAX_LINE = 1 << 16  # octets

PROGRAMME, CONTENT, OPUS = 96, 97, 111  # payload types in the tap
PICTURE = 98  # the one picture of who has only one: the shared screen while there is one
CLOCKS = {PROGRAMME: 90_000, CONTENT: 90_000, OPUS: 48_000}

Codec = Literal["vp8", "h264"]
Problem = Literal["", "space", "folder", "failed"]
"""Why a recording ended by itself: too little space, a folder that is away or cannot be written,
or an error of the disk."""


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all messages."""


# --- control process → programme process ---------------------------------------------------------


class Hello(Struct, frozen=True, kw_only=True, tag="hello"):
    """First message; answered by `Holding`."""

    version: int


class Write(Struct, frozen=True, kw_only=True, tag="write"):
    """Record into ``folder`` from now on, or go on after `Rest`. Below ``free`` octets of free
    space recording ends. ``voices`` is how many voices get a track each, beside the mix."""

    recording: str
    folder: str
    codec: Codec
    free: int
    voices: int = 0


class Rest(Struct, frozen=True, kw_only=True, tag="rest"):
    """Write nothing."""


class Package(Struct, frozen=True, kw_only=True, tag="package"):
    """Make segments of HLS into ``folder`` from now on, until `Unpack`. Pictures of VP8 are
    encoded anew as H.264."""

    folder: str
    codec: Codec


class Unpack(Struct, frozen=True, kw_only=True, tag="unpack"):
    """Make no segments any more; those that are there are gone."""


class Shutdown(Struct, frozen=True, kw_only=True, tag="shutdown"):
    """End, with everything on the disk."""


Order = Hello | Write | Rest | Package | Unpack | Shutdown


# --- programme process → control process ---------------------------------------------------------


class Holding(Struct, frozen=True, kw_only=True, tag="holding"):
    """What is recorded now ("" for nothing), after `Hello`; whether it is being written, and
    whether segments are made."""

    version: int
    recording: str
    writing: bool
    packaging: bool = False


class Writing(Struct, frozen=True, kw_only=True, tag="writing"):
    """A recording is being written from now on, or not any more; ``problem`` is why it ended."""

    recording: str
    writing: bool
    problem: Problem = ""


News = Holding | Writing

encoder = msgspec.json.Encoder()
order_decoder = msgspec.json.Decoder(Order)
news_decoder = msgspec.json.Decoder(News)
