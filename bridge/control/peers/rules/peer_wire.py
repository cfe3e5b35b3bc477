"""Messages between two bridges (docs/peer-protocol.md): JSON objects, one a line. Pure.

What a message may hold is bounded here, so that whatever another bridge sends is either one of
these or `BadPeerMessage`. Fields that are not known are ignored: the other side may be newer.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from bridge.conference.model import PLAIN_PATTERN
from bridge.conference.other_bridges import (
    MAX_MEMBER_NAME,
    MAX_MEMBERS,
    FloorThere,
)

VERSION = 1
MAX_LINE = 1 << 18  # octets: `MAX_MEMBERS` points with long names
MAX_HOPS = 256  # bridges that one conference passes through
MAX_VOICES = 8

Word = Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[a-z0-9-]*(?!\n)$")]
Ident = Annotated[str, msgspec.Meta(max_length=128, pattern=r"^[A-Za-z0-9:._-]*(?!\n)$")]
BridgeId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}(?!\n)$")]
LinkId = Annotated[str, msgspec.Meta(pattern=r"^(peer-[0-9a-f]{16})?(?!\n)$")]
Line = Annotated[str, msgspec.Meta(max_length=300, pattern=rf"^$|{PLAIN_PATTERN}")]
MemberName = Annotated[str, msgspec.Meta(max_length=MAX_MEMBER_NAME, pattern=PLAIN_PATTERN)]
Key = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{56}(?!\n)$")]
Ssrc = Annotated[int, msgspec.Meta(ge=2, lt=1 << 32)]
Number = Annotated[int, msgspec.Meta(ge=0, le=1 << 30)]
Problem = Literal["", "loop", "codec", "no_media"]


class BadPeerMessage(Exception):
    """A line that is no message."""


class Struct(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all messages."""


class Greeting(Struct, frozen=True, kw_only=True, tag="hello"):
    """First message of both. ``bridge`` is the sender's own identity: the beginning of the digest
    of its key."""

    version: int
    bridge: BridgeId
    vi: Line = ""
    en: Line = ""


class ToldMember(Struct, frozen=True, kw_only=True):
    """A point of the sender's conference, and whether it is there."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[a-z0-9-]+(?!\n)$")]
    vi: MemberName
    en: MemberName
    present: bool


class Stands(Struct, frozen=True, kw_only=True, tag="stands"):
    """How it stands with the sender: whole each time, at every change and as a sign of life.

    ``conference`` is the one that has the receiver as a point ("": none), ``wants`` whether it is
    called in; ``ready`` whether the sender's media could be there, ``link`` the media that is, and
    ``moves`` whether that is to come to another worker of the sender's.
    ``asks`` for the floor (of ``asking_for``), and ``floor`` is what became of the receiver's own
    request. ``large`` is whether anybody is shown the receiver's picture large: a small one does
    for tiles. ``passes`` are the bridges that are in the conference beyond the sender, itself
    first; ``problem`` is why it does not want although it would."""

    conference: Ident = ""
    vi: Line = ""
    en: Line = ""
    wants: bool = False
    ready: bool = False
    link: LinkId = ""
    moves: bool = False
    asks: bool = False
    asking_for: Line = ""
    floor: FloorThere = "none"
    large: bool = True
    shares: bool = False
    passes: Annotated[tuple[BridgeId, ...], msgspec.Meta(max_length=MAX_HOPS)] = ()
    members: Annotated[tuple[ToldMember, ...], msgspec.Meta(max_length=MAX_MEMBERS)] = ()
    problem: Problem = ""


class Place(Struct, frozen=True, kw_only=True):
    """Where a media worker is."""

    host: Annotated[str, msgspec.Meta(max_length=45, pattern=r"^[0-9a-fA-F:.]+(?!\n)$")]
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)]


class Sent(Struct, frozen=True, kw_only=True):
    """What one side sends, drawn by it: key, SSRCs of two pictures with their repairs and of the
    voices."""

    key: Key
    ssrcs: Annotated[tuple[Ssrc, ...], msgspec.Meta(min_length=5, max_length=4 + MAX_VOICES)]


class Picture(Struct, frozen=True, kw_only=True):
    """What the sender's picture and screen are meant to be: lines, bit/s, frames a second."""

    height: Number = 0
    bitrate: Number = 0
    frame_rate: Number = 0
    content: Number = 0


class Offer(Struct, frozen=True, kw_only=True, tag="media"):
    """The side above opens media: what it sends, and where it may be reached. ``beside`` is media
    that goes on until the new one's pictures flow; "": none does."""

    link: LinkId
    beside: LinkId = ""
    codec: Literal["vp8", "h264"]
    places: Annotated[tuple[Place, ...], msgspec.Meta(min_length=1, max_length=8)]
    down: Sent
    picture: Picture


class Accepted(Struct, frozen=True, kw_only=True, tag="media_answer"):
    """The side below has opened its end: ``place`` is where, ``chosen`` which of the offered."""

    link: LinkId
    place: Place
    chosen: Annotated[int, msgspec.Meta(ge=0, le=7)]
    up: Sent
    picture: Picture


class Refused(Struct, frozen=True, kw_only=True, tag="refused"):
    """Why the sender hangs up, as a sentence in both languages."""

    key: Word
    vi: Line
    en: Line


Message = Greeting | Stands | Offer | Accepted | Refused

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


def encode(message: Message) -> bytes:
    """A message as one line."""
    return _encoder.encode(message) + b"\n"


def decode(line: bytes) -> Message:
    """The message of a line. Raises `BadPeerMessage`."""
    if len(line) > MAX_LINE:
        raise BadPeerMessage
    try:
        return _decoder.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise BadPeerMessage from None
