"""Messages between a page or agent and the bridge over the WebSocket (docs/protocol.md)."""

from __future__ import annotations

from typing import Literal

import msgspec

VERSION = 1
MAX_MESSAGE = 64 << 10  # octets of one message from a client
MAX_DEPTH = 32  # levels of nesting in a message from a client

PointState = Literal["offline", "connecting", "in_session", "lost"]


class Struct(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all messages."""


class Sentence(Struct, frozen=True, kw_only=True):
    """A full sentence for people, in both languages."""

    vi: str
    en: str


# --- client → bridge -----------------------------------------------------------------------


class Hello(Struct, frozen=True, kw_only=True, tag="hello", forbid_unknown_fields=True):
    """First message. ``last_seq`` resumes: what is missing since is sent."""

    version: int
    session: str
    last_seq: int = 0


class Take(Struct, frozen=True, kw_only=True, tag="take", forbid_unknown_fields=True):
    """Bring a point on air. ``id`` comes back in the result."""

    id: int
    point: str


class SlotReport(Struct, frozen=True, kw_only=True):
    """What a receiver observed in one slot. ``point`` is read out of the picture or sound
    itself where the receiver can (simulated points do), otherwise empty."""

    slot: str
    point: str = ""
    since: float = 0.0  # the receiver's monotonic clock, s: first seen of `point`
    first_frame_ms: float | None = None
    latency_ms: float | None = None
    packets: int = 0
    lost: int = 0
    frame_height: int = 0


class Report(Struct, frozen=True, kw_only=True, tag="report"):
    """Observations of a receiver, about once a second."""

    slots: tuple[SlotReport, ...] = ()


class Bye(Struct, frozen=True, kw_only=True, tag="bye"):
    """The client leaves for good; its session ends."""


FromClient = Hello | Take | Report | Bye
decoder: msgspec.json.Decoder[FromClient] = msgspec.json.Decoder(FromClient)


# --- bridge → client -----------------------------------------------------------------------


class PointInfo(Struct, frozen=True, kw_only=True):
    id: str
    name: Sentence
    tier: str
    chair: bool


class SlotMap(Struct, frozen=True, kw_only=True):
    """Names of slots in the order in which receiving lines of the offer are mapped."""

    video: tuple[str, ...]
    audio: tuple[str, ...]


class LayerInfo(Struct, frozen=True, kw_only=True):
    """A simulcast layer to send; ``bitrate`` in kbit/s."""

    rid: str
    height: int
    bitrate: int
    frame_rate: int


class Welcome(Struct, frozen=True, kw_only=True, tag="welcome"):
    """Answer to hello. ``media`` tells whether the bridge holds a live transport of this
    session, so that no new offer is needed."""

    version: int
    session: str
    resumed: bool
    media: bool
    point: str | None
    title: Sentence
    bridge: Sentence
    points: tuple[PointInfo, ...]
    slots: SlotMap
    layers: tuple[LayerInfo, ...]
    may_take: bool


class SlotView(Struct, frozen=True, kw_only=True):
    """Desired and shown point of one of the receiver's slots."""

    wanted: str | None
    shown: str | None
    layer: str = ""


class State(Struct, frozen=True, kw_only=True, tag="state"):
    """The conference as this client sees it. Sent whole after every change; ``seq`` grows."""

    seq: int
    on_air: str
    programme: str  # whose picture this client's programme slot is to show
    points: dict[str, PointState]
    slots: dict[str, SlotView]


class Levels(Struct, frozen=True, kw_only=True, tag="levels"):
    """Audio levels by point in -dBov; not numbered, may be skipped for slow clients."""

    levels: dict[str, int]


class Media(Struct, frozen=True, kw_only=True, tag="media"):
    """The client's transport is gone: make a new offer."""

    reason: str


class Result(Struct, frozen=True, kw_only=True, tag="result"):
    """Outcome of a command."""

    id: int
    ok: bool
    error: Sentence | None = None


class Ended(Struct, frozen=True, kw_only=True, tag="ended"):
    """The session is over; the client must not come back by itself."""

    reason: Literal["taken_over", "bye", "too_slow"]
    sentence: Sentence


class Error(Struct, frozen=True, kw_only=True, tag="error"):
    """A message of the client could not be used; it changed nothing."""

    sentence: Sentence


ToClient = Welcome | State | Levels | Media | Result | Ended | Error
encoder = msgspec.json.Encoder()


class BadMessage(Exception):
    """The client's text is not a message; ``key`` names the sentence in the catalogue."""

    def __init__(self, key: str, detail: str = "") -> None:
        super().__init__(key)
        self.key = key
        self.detail = detail


def decode(text: str) -> FromClient:
    """Decode a message; raises `BadMessage` for anything else, whatever it is."""
    if len(text) > MAX_MESSAGE:
        raise BadMessage("protocol.too_large")
    try:
        raw = text.encode("utf-8")
    except UnicodeEncodeError:  # a lone surrogate
        raise BadMessage("protocol.not_json") from None
    if _depth(text) > MAX_DEPTH:
        raise BadMessage("protocol.too_deep")
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise BadMessage("protocol.not_understood", str(error)) from None
    except (msgspec.MsgspecError, RecursionError, UnicodeError, ValueError):
        raise BadMessage("protocol.not_json") from None


def _depth(text: str) -> int:
    """The deepest nesting, brackets inside strings counted too: an upper bound is enough."""
    depth = deepest = 0
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def encode(message: ToClient) -> str:
    return encoder.encode(message).decode()
