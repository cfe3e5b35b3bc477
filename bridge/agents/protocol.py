"""Messages between an endpoint agent and the bridge (docs/agent-protocol.md)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from bridge.base import strict_json
from bridge.signalling.text import BadMessage

VERSION = 1
MAX_MESSAGE = 64 << 10  # octets
MAX_DEPTH = 8
MAX_LOG = 40_000  # characters of a log that is sent
REPLACEMENT = "\ufffd"

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Word = Annotated[str, msgspec.Meta(max_length=64)]
Line = Annotated[str, msgspec.Meta(max_length=200)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**31)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
CommandName = Literal["restart_kiosk", "self_test", "test_call", "send_logs"]
CameraFault = Literal[
    "missing", "timeout", "refused", "denied", "unreachable", "nonsense", "unknown"
]
"""Why a camera did not go to a preset: it has none of that name; it, or the agent, did not answer
in time; it refused; it does not take the account; it cannot be reached; what it answers makes no
sense; the agent knows no camera."""
CameraState = Literal["", "reached", "timeout", "denied", "unreachable", "nonsense", "unknown"]


class Struct(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all messages."""


# --- agent → bridge ------------------------------------------------------------------------


class Hello(Struct, frozen=True, kw_only=True, tag="hello", forbid_unknown_fields=True):
    """First message: the point, its device key, the agent's version."""

    version: int
    point: Word
    key: Line
    agent: Word = ""


class Device(Struct, frozen=True, kw_only=True):
    """A device of the room PC."""

    kind: Literal["camera", "microphone", "speaker"]
    name: Line


class Machine(Struct, frozen=True, kw_only=True):
    """Figures of the room PC; None for what cannot be read. ``temperature`` in °C, ``disk_free``
    in octets, ``clock_error`` in seconds."""

    cpu: Share | None = None
    memory: Share | None = None
    disk: Share | None = None
    disk_free: Annotated[int, msgspec.Meta(ge=0, le=2**60)] | None = None
    temperature: Annotated[float, msgspec.Meta(ge=-60, le=200)] | None = None
    synchronised: bool | None = None
    clock_error: Annotated[float, msgspec.Meta(ge=0, le=1e6)] | None = None


class Kiosk(Struct, frozen=True, kw_only=True):
    """State of the kiosk browser. ``state`` "headless": the agent itself is the point,
    "off": nobody asked for one. ``reason`` is why it was last started again."""

    state: Literal["running", "starting", "waiting", "failed", "headless", "off"] = "off"
    reason: Line = ""
    restarts: Count = 0


class Steered(Struct, frozen=True, kw_only=True):
    """The camera that the agent steers, as it was found last; "" where there is none, or nothing
    is known yet. ``detail`` is what exactly was wrong."""

    state: CameraState = ""
    detail: Line = ""


class Report(Struct, frozen=True, kw_only=True, tag="report", forbid_unknown_fields=True):
    """State of the room PC, every ten seconds and when it changes."""

    devices: Annotated[tuple[Device, ...], msgspec.Meta(max_length=64)] = ()
    machine: Machine = Machine()
    kiosk: Kiosk = Kiosk()
    reflector: bool = False
    failed: Line = ""
    """The release that was tried last and did not reach the bridge, and why; "" where none."""
    reflected: Count = 0
    refused: Count = 0
    steered: Steered = Steered()


class CallOutcome(Struct, frozen=True, kw_only=True):
    """Result of a test call, in which the agent sent a picture and a tone through the bridge and
    decoded what came back."""

    connected: bool = False
    picture: bool = False
    sound: bool = False
    first_frame_ms: Milliseconds | None = None
    round_trip_ms: Milliseconds | None = None
    loss: Share | None = None
    detail: Line = ""


class Outcome(Struct, frozen=True, kw_only=True, tag="outcome", forbid_unknown_fields=True):
    """Answer to a command."""

    id: Count
    ok: bool
    detail: Line = ""
    call: CallOutcome | None = None
    camera: CameraFault | None = None
    log: Annotated[str, msgspec.Meta(max_length=MAX_LOG)] = ""


class WantRoom(Struct, frozen=True, kw_only=True, tag="want_room", forbid_unknown_fields=True):
    """Asks for a one-time code for the kiosk's page, which has no key yet."""


class Bye(Struct, frozen=True, kw_only=True, tag="bye", forbid_unknown_fields=True):
    pass


FromAgent = Hello | Report | Outcome | WantRoom | Bye


# --- bridge → agent ------------------------------------------------------------------------


class Welcome(Struct, frozen=True, kw_only=True, tag="welcome"):
    """Answer to `Hello`: how probes come. ``key`` (hexadecimal) signs the probes that come from
    ``senders`` to ``port``. ``hosts``: where the pages of every host of the bridge are, this one's
    first; none where it has one host only."""

    version: int
    point: str
    port: int
    key: str
    senders: tuple[str, ...]
    certificate: str = ""
    now: float = 0.0
    hosts: tuple[str, ...] = ()


class Room(Struct, frozen=True, kw_only=True, tag="room"):
    """A one-time code for the kiosk's page."""

    code: str


class RoomState(Struct, frozen=True, kw_only=True, tag="room_state"):
    """Whether the point's page is connected, as the bridge sees it."""

    connected: bool
    in_conference: bool


class Command(Struct, frozen=True, kw_only=True, tag="command"):
    id: int
    name: CommandName


class Update(Struct, frozen=True, kw_only=True, tag="update"):
    """Fetch the bundle from this bridge, check it, try it: ``size`` in octets, ``sha256`` in
    hexadecimal. Answered with an `Outcome` once the release is unpacked and about to be tried."""

    id: int
    release: str
    sha256: str
    size: int


class Camera(Struct, frozen=True, kw_only=True, tag="camera"):
    """The camera that the agent is to steer, after the welcome and when the topology changes; an
    empty ``kind`` is none."""

    kind: Literal["", "onvif", "visca"] = ""
    address: str = ""
    port: int = 0
    user: str = ""
    password: str = ""


class Preset(Struct, frozen=True, kw_only=True, tag="preset"):
    """Have the camera go to a preset, as the camera calls it. Answered with an `Outcome`."""

    id: int
    token: str


class Ended(Struct, frozen=True, kw_only=True, tag="ended"):
    """The agent must not come back by itself: its key was revoked, or another agent of the point is
    connected."""

    reason: str


ToAgent = Welcome | Room | RoomState | Command | Update | Camera | Preset | Ended
encoder = msgspec.json.Encoder()


def decode(text: str) -> FromAgent:
    """Decode a message; raises `BadMessage` for anything else."""
    try:
        value = strict_json.loads(text, max_octets=MAX_MESSAGE, max_depth=MAX_DEPTH)
        message: FromAgent = strict_json.convert(value, FromAgent)
    except strict_json.NotUsable as error:
        raise BadMessage(error.key, error.detail) from None
    return message


def encode(message: ToAgent) -> str:
    return encoder.encode(message).decode()


def printable(text: str) -> str:
    """Replace characters of a device's text that could fool a terminal or a page."""
    return "".join(c if c.isprintable() else REPLACEMENT for c in text)
