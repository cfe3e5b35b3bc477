"""Messages of a test call that a room makes with its own camera and microphone."""

from __future__ import annotations

from typing import Annotated

import msgspec


class Call(msgspec.Struct, frozen=True, kw_only=True, tag="call"):
    """The room is to call through the bridge with its own camera and microphone, which then come
    back to it; answered by `CallFound`."""

    id: int


class CallFound(msgspec.Struct, frozen=True, kw_only=True, tag="called"):
    """What came of a `Call`: whether it connected, whether its own picture and sound came back,
    and the last of those pictures (JPEG, base64; "" for none). ``made`` is false of a client
    that makes no calls."""

    id: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
    made: bool = True
    connected: bool = False
    picture: bool = False
    sound: bool = False
    still: Annotated[str, msgspec.Meta(max_length=40_000)] = ""
