"""Negotiation: an offer and a list of slots become a transport and an answer. Pure.

Order gives meaning: the first sending audio line is the microphone, the first sending video
line the camera, the second the shared screen; receiving lines are mapped to the slots of
their kind in the order of the list (docs/protocol.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bridge.media import messages as m
from bridge.media import rtp
from bridge.signalling.sdp import Codec, Media, Offer, SdpError

EXTENSIONS = (
    (rtp.URI_MID, "mid"),
    (rtp.URI_RID, "rid"),
    (rtp.URI_REPAIRED_RID, "repaired_rid"),
    (rtp.URI_AUDIO_LEVEL, "audio_level"),
    (rtp.URI_TRANSPORT_CC, "transport_cc"),
    (rtp.URI_ABS_SEND_TIME, "abs_send_time"),
)
AUDIO_EXTENSIONS = {rtp.URI_MID, rtp.URI_AUDIO_LEVEL, rtp.URI_TRANSPORT_CC, rtp.URI_ABS_SEND_TIME}
VIDEO_EXTENSIONS = {uri for uri, _ in EXTENSIONS} - {rtp.URI_AUDIO_LEVEL}
FEEDBACK = ("transport-cc", "goog-remb", "ccm fir", "nack", "nack pli")
ROOM_SOURCES: dict[str, tuple[str, ...]] = {
    "audio": ("microphone",),
    "video": ("camera", "content"),
}
# A console speaks to one room, plays a film with its sound, and shares a screen.
CONSOLE_SOURCES: dict[str, tuple[str, ...]] = {
    "audio": ("microphone", "film"),
    "video": ("content",),
}
MAX_EXTENSION_ID = 14  # the one-byte form
OPUS_PARAMETERS = "minptime=10;useinbandfec=1"


@dataclass(frozen=True, slots=True)
class Local:
    """The bridge's side: credentials, certificate, addresses, and the wanted codec;
    ``video_bitrate`` is that of all layers of a camera together in bit/s, ``layers`` what each
    of them is meant to be, ``content`` the same of a shared screen."""

    ufrag: str
    password: str
    fingerprint: m.Fingerprint
    addresses: tuple[m.MediaAddress, ...]
    video_codec: m.Codec
    random_ssrc: Callable[[], int]
    video_bitrate: int = 0
    layers: tuple[m.LayerSpec, ...] = ()
    content: m.LayerSpec | None = None


@dataclass(slots=True)
class _Line:
    """What becomes of one media line."""

    media: Media
    direction: str = "inactive"
    codecs: list[Codec] = field(default_factory=list)
    slot: m.SlotSpec | None = None
    source: m.SourceSpec | None = None


def negotiate(
    offer: Offer,
    *,
    transport: str,
    label: str,
    video_slots: tuple[str, ...],
    audio_slots: tuple[str, ...],
    sources: dict[str, tuple[str, ...]],
    local: Local,
) -> tuple[m.Open, str]:
    """Return the worker's `open` and the answer's text. ``sources`` names what may be sent on
    the sending lines of each kind, in their order. Raises `SdpError`."""
    waiting = {"video": list(video_slots), "audio": list(audio_slots)}
    unnamed = {kind: list(sources.get(kind, ())) for kind in ("audio", "video")}
    used = {1, 0}
    lines = [_Line(media) for media in offer.media]
    extensions = _extensions(offer)
    for line in lines:
        media = line.media
        if media.kind == "application" or (media.port == 0 and media.direction == "inactive"):
            continue
        sends = media.direction in ("sendonly", "sendrecv")
        if sends and unnamed[media.kind]:
            codec, rtx = _choose(media, local.video_codec)
            red = _redundant(media, codec)
            # The first one is what a browser sends.
            line.codecs = [*filter(None, (red, codec, rtx))]
            line.source = _source(unnamed[media.kind].pop(0), media, codec, rtx, red, local)
            line.direction = "recvonly"
        elif media.direction in ("recvonly", "sendrecv") and waiting[media.kind]:
            codec, rtx = _choose(media, local.video_codec)
            red = _redundant(media, codec)
            line.codecs = [*filter(None, (codec, red, rtx))]
            ssrc = _fresh(local, used)
            line.slot = m.SlotSpec(
                name=waiting[media.kind].pop(0),
                kind="audio" if media.kind == "audio" else "video",
                codec=_worker_codec(codec),
                payload_type=codec.payload_type,
                rtx_payload_type=rtx.payload_type if rtx is not None else 0,
                red_payload_type=red.payload_type if red is not None else 0,
                clock_rate=codec.clock_rate,
                ssrc=ssrc,
                rtx_ssrc=_fresh(local, used) if rtx is not None else 0,
            )
            line.direction = "sendonly"
    if all(line.direction == "inactive" for line in lines):
        raise SdpError("The offer neither sends nor receives anything that the bridge knows.")
    cname = f"bridge-{transport}"
    spec = m.Open(
        transport=transport,
        label=label,
        ice=m.Ice(
            local_ufrag=local.ufrag,
            local_password=local.password,
            remote_ufrag=offer.ufrag,
            remote_password=offer.password,
        ),
        fingerprint=m.Fingerprint(
            algorithm=_algorithm(offer.fingerprint[0]), value=offer.fingerprint[1].upper()
        ),
        extensions=m.Extensions(**{name: extensions.get(uri, 0) for uri, name in EXTENSIONS}),
        sources=tuple(line.source for line in lines if line.source is not None),
        slots=tuple(line.slot for line in lines if line.slot is not None),
        cname=cname,
    )
    return spec, _answer(offer, lines, extensions, local, cname)


def _algorithm(name: str) -> m.DigestName:
    if name == "sha-384":
        return "sha-384"
    return "sha-512" if name == "sha-512" else "sha-256"


def _fresh(local: Local, used: set[int]) -> int:
    while True:
        ssrc = local.random_ssrc()
        if ssrc not in used:
            used.add(ssrc)
            return ssrc


def _extensions(offer: Offer) -> dict[str, int]:
    """Ids by URI; one id must mean one thing in the whole BUNDLE (RFC 8843 section 9.2)."""
    known = {uri for uri, _ in EXTENSIONS}
    found: dict[str, int] = {}
    for media in offer.media:
        for uri, ident in media.extensions.items():
            if uri not in known or not 1 <= ident <= MAX_EXTENSION_ID:
                continue
            if found.setdefault(uri, ident) != ident:
                raise SdpError("A header extension has two ids inside one BUNDLE group.")
    if len(set(found.values())) != len(found):
        raise SdpError("Two header extensions share one id inside one BUNDLE group.")
    return found


def _worker_codec(codec: Codec) -> m.Codec:
    return "opus" if codec.name == "opus" else "h264" if codec.name == "h264" else "vp8"


def _choose(media: Media, video_codec: str) -> tuple[Codec, Codec | None]:
    wanted = "opus" if media.kind == "audio" else video_codec
    candidates = [
        media.codecs[pt]
        for pt in media.payload_types
        if pt in media.codecs and media.codecs[pt].name == wanted
    ]
    if wanted == "h264":  # RFC 6184: only the non-interleaved mode, baseline profiles first
        candidates = [c for c in candidates if c.parameter("packetization-mode") == "1"]
        candidates.sort(
            key=lambda c: not c.parameter("profile-level-id").lower().startswith("42e0")
        )
    if not candidates:
        raise SdpError(f"The offer lacks the codec {wanted.upper()} on line {media.mid!r}.")
    codec = candidates[0]
    apt = str(codec.payload_type)
    rtx = next(
        (c for c in media.codecs.values() if c.name == "rtx" and c.parameter("apt") == apt), None
    )
    return codec, rtx


def _redundant(media: Media, codec: Codec) -> Codec | None:
    """Redundant audio (RFC 2198) of this codec alone, as ``a=fmtp:63 111/111`` says it."""
    if codec.name != "opus":
        return None
    own = str(codec.payload_type)
    return next(
        (
            c
            for c in media.codecs.values()
            if c.name == "red"
            and c.payload_type in media.payload_types
            and (c.clock_rate, c.channels) == (codec.clock_rate, codec.channels)
            and set(c.fmtp.split("/")) == {own}
        ),
        None,
    )


def _source(
    name: str, media: Media, codec: Codec, rtx: Codec | None, red: Codec | None, local: Local
) -> m.SourceSpec:
    rids = tuple(rid for rid in (media.simulcast or media.rids) if rid in media.rids)
    ssrcs: tuple[m.StreamSsrc, ...] = ()
    if not rids:
        repair = set(media.rtx_of.values())
        ssrcs = tuple(
            m.StreamSsrc(ssrc=ssrc, rtx_ssrc=media.rtx_of.get(ssrc, 0))
            for ssrc in media.ssrcs[:8]
            if ssrc not in repair
        )
    return m.SourceSpec(
        name=name,
        mid=media.mid,
        kind="audio" if media.kind == "audio" else "video",
        codec=_worker_codec(codec),
        payload_type=codec.payload_type,
        rtx_payload_type=rtx.payload_type if rtx is not None else 0,
        red_payload_type=red.payload_type if red is not None else 0,
        clock_rate=codec.clock_rate,
        rids=rids,
        ssrcs=ssrcs,
        bitrate=0 if media.kind == "audio" else local.video_bitrate,
        layers=_layers(name, rids, local),
    )


def _layers(name: str, rids: tuple[str, ...], local: Local) -> tuple[m.LayerSpec, ...]:
    """What the layers are meant to be. Of a camera without simulcast that is not known."""
    if name == "content":
        return (local.content,) if local.content is not None and not rids else ()
    return tuple(layer for layer in local.layers if layer.rid in rids)


def _answer(
    offer: Offer, lines: list[_Line], extensions: dict[str, int], local: Local, cname: str
) -> str:
    accepted = [line.media.mid for line in lines if line.direction != "inactive"]
    out = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=ice-lite"]
    out.append("a=group:BUNDLE " + " ".join(accepted))
    out.append("a=msid-semantic: WMS *")
    if extensions:
        out.append("a=extmap-allow-mixed")
    for line in lines:
        out.extend(_section(line, extensions, local, cname))
    return "\r\n".join(out) + "\r\n"


def _section(line: _Line, extensions: dict[str, int], local: Local, cname: str) -> list[str]:
    media = line.media
    if line.direction == "inactive":
        return [
            f"m={media.kind} 0 {media.protocol} {media.formats}",
            "c=IN IP4 0.0.0.0",
            f"a=mid:{media.mid}",
            "a=inactive",
        ]
    types = " ".join(str(codec.payload_type) for codec in line.codecs)
    out = [
        f"m={media.kind} 9 {media.protocol} {types}",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{media.mid}",
        f"a={line.direction}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.password}",
        f"a=fingerprint:{local.fingerprint.algorithm} {local.fingerprint.value}",
        "a=setup:passive",
    ]
    for codec in line.codecs:
        channels = f"/{codec.channels}" if codec.channels > 1 else ""
        out.append(f"a=rtpmap:{codec.payload_type} {_name(codec)}/{codec.clock_rate}{channels}")
        for message in FEEDBACK:
            if message in codec.feedback and codec.name != "rtx":
                out.append(f"a=rtcp-fb:{codec.payload_type} {message}")
        fmtp = _opus_parameters(codec) if codec.name == "opus" else codec.fmtp
        if fmtp:
            out.append(f"a=fmtp:{codec.payload_type} {fmtp}")
    allowed = AUDIO_EXTENSIONS if media.kind == "audio" else VIDEO_EXTENSIONS
    out.extend(
        f"a=extmap:{extensions[uri]} {uri}"
        for uri in media.extensions
        if uri in allowed and uri in extensions
    )
    if line.source is not None and line.source.rids:
        out.extend(f"a=rid:{rid} recv" for rid in line.source.rids)
        out.append("a=simulcast:recv " + ";".join(line.source.rids))
    if line.slot is not None:
        slot = line.slot
        # Sound of the first audio slot and the programme form one stream: browsers then keep
        # lips in sync.
        stream = "programme" if slot.name in ("programme", "audio:0") else slot.name
        stream = stream.replace(":", "-")
        out.append(f"a=msid:{stream} {slot.name.replace(':', '-')}")
        if slot.rtx_ssrc:
            out.append(f"a=ssrc-group:FID {slot.ssrc} {slot.rtx_ssrc}")
        out.extend(f"a=ssrc:{s} cname:{cname}" for s in (slot.ssrc, slot.rtx_ssrc) if s)
    for number, address in enumerate(local.addresses, 1):
        priority = (126 << 24) | (65535 - number) << 8 | 255
        out.append(f"a=candidate:{number} 1 udp {priority} {address.host} {address.port} typ host")
    out.append("a=end-of-candidates")
    return out


def _opus_parameters(codec: Codec) -> str:
    """Both channels for who offers them (RFC 7587 section 6.1): a codec that is put through."""
    stereo = "stereo=1" in codec.fmtp.split(";")
    return OPUS_PARAMETERS + (";stereo=1" if stereo else "")


def _name(codec: Codec) -> str:
    return codec.name if codec.name in ("opus", "red", "rtx") else codec.name.upper()
