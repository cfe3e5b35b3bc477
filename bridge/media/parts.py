"""What messages of the worker protocol are made of: descriptions of peers and what they send and
receive, and the figures of lines (`bridge.media.messages`)."""

from __future__ import annotations

from typing import Literal

import msgspec

MAX_TRANSPORTS = 1024  # of a worker
MAX_RELAYS = 64  # of a worker: one for each conference and worker of an audience
MASTER_SIZE = 28  # octets of a relay's key and salt (AEAD_AES_128_GCM, RFC 7714 section 12)
Kind = Literal["audio", "video"]
Codec = Literal["vp8", "h264", "opus"]
Prefer = Literal["highest", "lowest"]
DigestName = Literal["sha-256", "sha-384", "sha-512"]
State = Literal["checking", "connecting", "connected", "vanished", "failed", "closed"]
Paused = Literal["", "measuring", "line", "link"]
"""Why nothing of a slot is sent: it is not known yet what the receiver's line carries, it carries
no more, or a link on the way to it, shared with others, does not (`SetBounds`)."""


class Struct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of all messages."""


class Ice(Struct, frozen=True, kw_only=True):
    """ICE credentials of both sides (RFC 8839)."""

    local_ufrag: str
    local_password: str
    remote_ufrag: str
    remote_password: str


class Fingerprint(Struct, frozen=True, kw_only=True):
    """A certificate fingerprint (RFC 8122): ``algorithm`` as in SDP, hex pairs with colons."""

    algorithm: DigestName
    value: str


class Extensions(Struct, frozen=True, kw_only=True):
    """Header-extension ids; 0 where not negotiated."""

    mid: int = 0
    rid: int = 0
    repaired_rid: int = 0
    audio_level: int = 0
    transport_cc: int = 0
    abs_send_time: int = 0


class MediaAddress(Struct, frozen=True, kw_only=True):
    host: str
    port: int


class StreamSsrc(Struct, frozen=True, kw_only=True):
    """An SSRC declared beforehand, the one of its retransmissions (0: none), and the layer that it
    carries, where packets do not say that."""

    ssrc: int
    rtx_ssrc: int = 0
    rid: str = ""


class LayerSpec(Struct, frozen=True, kw_only=True):
    """What a layer is meant to be: lines, bit/s, frames per second; 0 where unknown. ``rid`` is ""
    where there is no simulcast."""

    rid: str
    height: int = 0
    bitrate: int = 0
    frame_rate: int = 0


class SourceSpec(Struct, frozen=True, kw_only=True):
    """What the peer sends on one media line. ``rids`` go from the lowest layer up; ``bitrate``
    is what was negotiated for all of them together in bit/s (0: unknown); ``layers`` says what
    the layers are meant to be, where it is known; ``red_payload_type`` is that of redundant audio
    (RFC 2198; 0: none)."""

    name: str
    mid: str
    kind: Kind
    codec: Codec
    payload_type: int
    rtx_payload_type: int = 0
    red_payload_type: int = 0
    clock_rate: int = 90000
    rids: tuple[str, ...] = ()
    ssrcs: tuple[StreamSsrc, ...] = ()
    bitrate: int = 0
    layers: tuple[LayerSpec, ...] = ()


class SlotSpec(Struct, frozen=True, kw_only=True):
    """What the peer receives on one media line."""

    name: str
    kind: Kind
    codec: Codec
    payload_type: int
    rtx_payload_type: int = 0
    red_payload_type: int = 0
    clock_rate: int = 90000
    ssrc: int
    rtx_ssrc: int = 0


class SourceRef(Struct, frozen=True, kw_only=True):
    """A source of a transport."""

    transport: str
    name: str


class Route(Struct, frozen=True, kw_only=True):
    """Which source a slot shows; ``source`` null empties it. Where a line does not carry
    everything, slots of lower ``importance`` are served first (0 before 1); with ``may_pause`` a
    slot that does not fit is sent nothing. Layers above ``max_height`` lines make no sense at the
    receiver (0: any does)."""

    transport: str
    slot: str
    source: SourceRef | None
    prefer: Prefer = "highest"
    importance: int = 0
    max_height: int = 0
    may_pause: bool = False


# --- figures of lines ----------------------------------------------------------------------


class SlotRate(Struct, frozen=True, kw_only=True):
    """What a slot gets. ``temporal`` is the highest temporal layer that is sent (-1: all there
    are, or none), ``height`` in lines as the picture says, or else as it is meant to be (0:
    unknown), ``bitrate`` in bit/s and ``frame_rate`` as measured over the last second."""

    name: str
    kind: Kind
    source: SourceRef | None
    layer: str = ""
    temporal: int = -1
    height: int = 0
    frame_rate: float = 0.0
    bitrate: int = 0
    paused: Paused = ""


class LayerRate(Struct, frozen=True, kw_only=True):
    """What comes in of one layer of a source: bit/s, lines, frames per second."""

    name: str
    rid: str
    bitrate: int
    height: int = 0
    frame_rate: float = 0.0


class TransportRate(Struct, frozen=True, kw_only=True):
    """Both directions of one peer, in bit/s with RTP headers. ``estimate`` is what its line down
    carries (0: unknown), ``bound`` what `SetBounds` allows (0: none), ``used`` what is sent;
    ``loss`` 0–1 on its line down, ``red`` how many earlier frames are repeated with its sound.
    ``received`` is what comes in from it, ``lost`` 0–1 on its line up, ``red_received`` how many
    earlier frames its sound repeats."""

    transport: str
    estimate: int
    bound: int
    used: int
    loss: float
    slots: tuple[SlotRate, ...]
    red: int = 0
    received: int = 0
    lost: float = 0.0
    red_received: int = 0
    layers: tuple[LayerRate, ...] = ()
