"""The protocol between the control process and a media worker (docs/worker-protocol.md).

JSON objects, one a line, over a Unix stream socket. ``type`` tells the message. Unknown
types and fields of a wrong type are refused with an ``error`` and change nothing.
"""

from __future__ import annotations

import msgspec

from bridge.media.parts import (
    Codec,
    DigestName,
    Extensions,
    Fingerprint,
    Ice,
    Kind,
    LayerRate,
    LayerSpec,
    MediaAddress,
    Paused,
    Prefer,
    Route,
    SlotRate,
    SlotSpec,
    SourceRef,
    SourceSpec,
    State,
    StreamSsrc,
    Struct,
    TransportRate,
)

# The parts, found here as well.
__all__ = [
    "Codec",
    "DigestName",
    "Extensions",
    "Fingerprint",
    "Ice",
    "Kind",
    "LayerRate",
    "LayerSpec",
    "MediaAddress",
    "Paused",
    "Prefer",
    "Route",
    "SlotRate",
    "SlotSpec",
    "SourceRef",
    "SourceSpec",
    "State",
    "StreamSsrc",
    "Struct",
    "TransportRate",
]

VERSION = 1
RELAYED_LEVEL = 1  # id of the header extension with levels of sound, at both ends of a relay
RELAYED_NUMBER = 2  # and of that with transport-cc numbers, between bridges
MAX_LINE = 1 << 20  # bytes; an `open` with 200 slots is about 30 kB

# Seconds; the forwarding delays that are told apart in `Stats.delay_counts`.
DELAY_BOUNDS = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)


# --- control process → worker --------------------------------------------------------------


class Hello(Struct, frozen=True, kw_only=True, tag="hello"):
    """First message; answered by `Inventory`."""

    version: int


class Open(Struct, frozen=True, kw_only=True, tag="open"):
    """Make a transport ready for a peer. ``label`` is kept and given back, never read. For one that
    is ``patient`` sources are asked for key frames as seldom as for a weak line."""

    transport: str
    label: str
    ice: Ice
    fingerprint: Fingerprint
    extensions: Extensions
    sources: tuple[SourceSpec, ...]
    slots: tuple[SlotSpec, ...]
    cname: str
    patient: bool = False


class OpenTap(Struct, frozen=True, kw_only=True, tag="open_tap"):
    """Give a process on this machine slots as plain RTP and RTCP over a Unix datagram socket: the
    one that it has bound at ``path``, in the folder of the control socket."""

    transport: str
    label: str
    path: str
    slots: tuple[SlotSpec, ...]
    cname: str


class RelayKeys(Struct, frozen=True, kw_only=True):
    """Master key and salt under AEAD_AES_128_GCM of what this end receives and of what it sends:
    28 octets each, hexadecimal. Fresh for every relay, and kept nowhere."""

    inbound: str
    outbound: str


class OpenRelay(Struct, frozen=True, kw_only=True, tag="open_relay"):
    """One end of a relay between workers: the sending one, with ``slots``, the receiving one, with
    ``sources``, or one between bridges, with both. ``far`` is the other end's address. The sending
    end opens a socket and tells its address (`RelayOpened`); the others are reached at their media
    address number ``socket``, and send from there."""

    transport: str
    label: str
    keys: RelayKeys
    far: MediaAddress
    sources: tuple[SourceSpec, ...] = ()
    slots: tuple[SlotSpec, ...] = ()
    cname: str
    socket: int = 0


class Close(Struct, frozen=True, kw_only=True, tag="close"):
    transport: str


class SetRoutes(Struct, frozen=True, kw_only=True, tag="routes"):
    """Change some slots; slots that are not named stay as they are."""

    routes: tuple[Route, ...]


class SetAudio(Struct, frozen=True, kw_only=True, tag="audio"):
    """One mix: audio slots of ``members`` are filled by loudness from ``allowed`` sources,
    the ``floor`` first. Replaces the group; an empty one ends it. With ``echo`` a member hears
    itself too (a self-test)."""

    group: str
    members: tuple[str, ...]
    allowed: tuple[SourceRef, ...]
    floor: tuple[SourceRef, ...] = ()
    echo: bool = False


class SetBounds(Struct, frozen=True, kw_only=True, tag="bounds"):
    """How much each transport may be sent, because of links that it shares with others: bit/s by
    transport, 0 for no bound. Transports that are not named keep theirs. ``carried``, where there
    is a word about a new one, is what its line was found to carry a short while ago, bit/s."""

    bounds: dict[str, int]
    carried: dict[str, int] = msgspec.field(default_factory=dict)


class Prepare(Struct, frozen=True, kw_only=True, tag="prepare"):
    """Sources that may be shown large soon, and no others: the best layer of each, up to
    ``max_height`` lines (0: any), is wanted of its sender as if a slot showed it."""

    sources: tuple[SourceRef, ...]
    max_height: int = 0


class GetStats(Struct, frozen=True, kw_only=True, tag="get_stats"):
    request: int = 0


class Shutdown(Struct, frozen=True, kw_only=True, tag="shutdown"):
    """End the worker in an orderly way."""


Command = (
    Hello
    | Open
    | OpenTap
    | OpenRelay
    | Close
    | SetRoutes
    | SetAudio
    | SetBounds
    | Prepare
    | GetStats
    | Shutdown
)


# --- worker → control process --------------------------------------------------------------


class SlotState(Struct, frozen=True, kw_only=True):
    """Desired and shown source of a slot."""

    name: str
    kind: Kind
    wanted: SourceRef | None
    shown: SourceRef | None
    layer: str = ""
    paused: Paused = ""


class SourceState(Struct, frozen=True, kw_only=True):
    name: str
    kind: Kind
    layers: tuple[str, ...]  # rids that are active now, lowest first


class TransportState(Struct, frozen=True, kw_only=True):
    transport: str
    label: str
    state: State
    profile: str
    sources: tuple[SourceState, ...]
    slots: tuple[SlotState, ...]


class Inventory(Struct, frozen=True, kw_only=True, tag="inventory"):
    """Everything the worker holds; a control process reconciles with it."""

    version: int
    worker: str  # identity of this worker process, fresh at every start
    fingerprint: Fingerprint
    addresses: tuple[MediaAddress, ...]
    transports: tuple[TransportState, ...]
    audio: tuple[str, ...]  # groups


class StateChanged(Struct, frozen=True, kw_only=True, tag="state"):
    transport: str
    state: State
    reason: str = ""


class RelayOpened(Struct, frozen=True, kw_only=True, tag="relay"):
    """The sending end of a relay sends from this address, and takes reports in there."""

    transport: str
    address: MediaAddress


class SourceChanged(Struct, frozen=True, kw_only=True, tag="source"):
    """A source's set of active layers changed; an empty one means it sends nothing."""

    transport: str
    name: str
    layers: tuple[str, ...]


class SlotShowing(Struct, frozen=True, kw_only=True, tag="showing"):
    """A slot switched, at a key frame where it is video. ``waited_ms`` since it was asked;
    ``timestamp`` is the RTP timestamp of the first packet of what is shown, as it was sent.
    ``paused`` says why nothing is sent although ``source`` is wanted; ``layer`` is "" then."""

    transport: str
    slot: str
    source: SourceRef | None
    layer: str = ""
    waited_ms: float = 0.0
    timestamp: int | None = None
    paused: Paused = ""


class LayersWanted(Struct, frozen=True, kw_only=True, tag="wanted"):
    """The layers of a source that somebody is shown or is about to be, lowest first; the lowest
    is always among them. The others need not be sent."""

    transport: str
    name: str
    layers: tuple[str, ...]


class Bandwidth(Struct, frozen=True, kw_only=True, tag="bandwidth"):
    """What lines carry and what is sent over them: of all transports once a second, of those
    that change sooner at once."""

    transports: tuple[TransportRate, ...]


class Levels(Struct, frozen=True, kw_only=True, tag="levels"):
    """Audio levels in -dBov (0 loud … 127 silent), ten times a second where they
    change, once a second where they do not."""

    levels: dict[str, int]


class SourceStats(Struct, frozen=True, kw_only=True):
    name: str
    rid: str
    packets: int
    octets: int
    lost: int
    recovered: int
    nacked: int
    unrepaired: int
    jitter_ms: float
    active: bool
    key_frame_requests: int = 0


class SlotStats(Struct, frozen=True, kw_only=True):
    """Figures of one slot. ``lost`` is what the receiver reports as lost; ``shows`` the name of the
    source shown and ``layer`` its layer's rid, "" for none."""

    name: str
    packets: int
    octets: int
    receiver_loss: float
    kind: Kind = "video"
    shows: str = ""
    layer: str = ""
    lost: int = 0
    nacks: int = 0
    rtx: int = 0
    key_frame_requests: int = 0


class TransportStats(Struct, frozen=True, kw_only=True):
    """Figures of one peer. ``rtt_ms`` is 0 while unknown; ``remb`` in bit/s; ``downlink_loss`` 0–1
    from transport-cc feedback; ``allocation`` in bit/s is what may be sent (0: nothing is
    known)."""

    transport: str
    label: str
    state: State
    rtt_ms: float
    remb: int
    downlink_loss: float
    allocation: int
    sources: tuple[SourceStats, ...]
    slots: tuple[SlotStats, ...]


class Stats(Struct, frozen=True, kw_only=True, tag="stats"):
    """Figures of the worker. ``delay_us`` are p50, p99, p999 of kernel arrival → handed to the
    kernel, sampled; ``compiled``: the compiled turn forwards, not Python; ``delay_counts`` all
    samples since the start by `DELAY_BOUNDS` and above them."""

    request: int
    uptime: float
    cpu_seconds: float
    rss_bytes: int
    loop_lag_ms: float
    gso: bool
    compiled: bool = False
    counters: dict[str, int]
    delay_us: tuple[float, float, float]
    transports: tuple[TransportStats, ...]
    delay_counts: tuple[int, ...] = ()
    delay_sum: float = 0.0


class Error(Struct, frozen=True, kw_only=True, tag="error"):
    """A command was refused and changed nothing. ``command`` is its type."""

    command: str
    detail: str


Event = (
    Inventory
    | StateChanged
    | RelayOpened
    | SourceChanged
    | SlotShowing
    | LayersWanted
    | Bandwidth
    | Levels
    | Stats
    | Error
)

encoder = msgspec.json.Encoder()
command_decoder = msgspec.json.Decoder(Command)
event_decoder = msgspec.json.Decoder(Event)
