"""Reading SDP offers (RFC 8866, RFC 8829). Pure, strict about what it needs, bounded.

Whatever the text, the outcome is an `Offer` or an `SdpError` with a sentence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MAX_SDP = 256 << 10  # octets; Chromium's offer with 20 video lines is about 90 kB
MAX_LINE = 4096
MAX_LINES = 20_000
MAX_PER_MEDIA = 300  # lines of one section; Chromium's have about 120
MAX_WILDCARDS = 8  # rtcp-fb lines of a section for all payload types at once

_TOKEN = re.compile(r"^[A-Za-z0-9+/_-]+$")
_FINGERPRINT = re.compile(r"^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})+$")
_FINGERPRINT_SIZE = {"sha-256": 95, "sha-384": 143, "sha-512": 191}


class SdpError(Exception):
    """The offer cannot be used; the text says why, as a sentence."""


@dataclass(slots=True)
class Codec:
    """An rtpmap with its parameters and feedback messages."""

    payload_type: int
    name: str  # lower case
    clock_rate: int
    channels: int = 1
    fmtp: str = ""
    feedback: set[str] = field(default_factory=set)

    def parameter(self, name: str) -> str:
        for part in self.fmtp.split(";"):
            key, _, value = part.strip().partition("=")
            if key.lower() == name:
                return value
        return ""


@dataclass(slots=True)
class Media:
    """One media section."""

    kind: str
    port: int
    protocol: str
    payload_types: list[int]
    formats: str
    mid: str = ""
    direction: str = "sendrecv"
    rtcp_mux: bool = False
    codecs: dict[int, Codec] = field(default_factory=dict)
    extensions: dict[str, int] = field(default_factory=dict)
    ssrcs: list[int] = field(default_factory=list)
    rtx_of: dict[int, int] = field(default_factory=dict)  # primary → RTX (ssrc-group FID)
    rids: list[str] = field(default_factory=list)
    simulcast: list[str] = field(default_factory=list)  # order of a=simulcast:send
    ufrag: str = ""
    password: str = ""
    fingerprint: tuple[str, str] = ("", "")
    setup: str = ""
    wildcards: int = 0


@dataclass(slots=True)
class Offer:
    """What negotiation needs of an offer."""

    media: list[Media]
    bundle: list[str]
    ufrag: str
    password: str
    fingerprint: tuple[str, str]
    setup: str


def parse(text: str, *, max_media: int) -> Offer:
    """Parse an offer of at most ``max_media`` media sections. Raises `SdpError`."""
    if len(text) > MAX_SDP:
        raise SdpError(f"The SDP is larger than {MAX_SDP // 1024} KiB.")
    lines = text.replace("\r\n", "\n").split("\n", MAX_LINES + 1)
    if len(lines) > MAX_LINES:
        raise SdpError(f"The SDP has more than {MAX_LINES} lines.")
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise SdpError("The SDP is empty.")
    if lines[0].strip() != "v=0":
        raise SdpError("The SDP does not begin with v=0.")
    session = Media("session", 0, "", [], "")
    offer = Offer([], [], "", "", ("", ""), "")
    current = session
    count = 0
    for number, line in enumerate(lines, 1):
        count += 1
        if len(line) > MAX_LINE:
            raise SdpError(f"Line {number} of the SDP is longer than {MAX_LINE} characters.")
        if len(line) < 2 or line[1] != "=":
            raise SdpError(f"Line {number} of the SDP is not of the form x=….")
        kind, value = line[0], line[2:]
        if kind == "m":
            if len(offer.media) == max_media:
                raise SdpError(f"The SDP has more than {max_media} media lines.")
            current = _media(value, number)
            offer.media.append(current)
            count = 0
        elif kind == "a":
            if count > MAX_PER_MEDIA:
                raise SdpError(f"Section {len(offer.media)} of the SDP is too long.")
            name, _, argument = value.partition(":")
            if name == "group" and current is session and argument.startswith("BUNDLE"):
                offer.bundle = argument.split()[1:]
            else:
                _attribute(current, name, argument, number)
    _finish(offer, session)
    return offer


def _number(text: str, number: int, limit: int = 0xFFFFFFFF) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 10 or int(text) > limit:
        raise SdpError(f"Line {number} of the SDP has a number that cannot be read.")
    return int(text)


def _media(value: str, number: int) -> Media:
    parts = value.split()
    if len(parts) < 4:
        raise SdpError(f"The media line {number} of the SDP is incomplete.")
    kind, port, protocol, formats = parts[0], parts[1], parts[2], parts[3:]
    if kind == "application":
        return Media(kind, _number(port, number, 65535), protocol, [], " ".join(formats))
    if kind not in ("audio", "video"):
        raise SdpError(f"The media line {number} of the SDP is neither audio nor video.")
    types = [_number(text, number, 127) for text in formats]
    return Media(kind, _number(port, number, 65535), protocol, types, " ".join(formats))


def _attribute(media: Media, name: str, value: str, number: int) -> None:
    match name:
        case "mid":
            media.mid = value.strip()
        case "sendrecv" | "sendonly" | "recvonly" | "inactive":
            media.direction = name
        case "rtcp-mux":
            media.rtcp_mux = True
        case "ice-ufrag":
            media.ufrag = value.strip()
        case "ice-pwd":
            media.password = value.strip()
        case "setup":
            media.setup = value.strip()
        case "fingerprint":
            algorithm, _, digest = value.strip().partition(" ")
            media.fingerprint = (algorithm.lower(), digest.strip())
        case "rtpmap":
            _rtpmap(media, value, number)
        case "fmtp":
            payload_type, _, parameters = value.partition(" ")
            codec = media.codecs.get(_number(payload_type, number, 127))
            if codec is not None:
                codec.fmtp = parameters.strip()
        case "rtcp-fb":
            payload_type, _, message = value.partition(" ")
            if payload_type == "*":
                media.wildcards += 1
                if media.wildcards > MAX_WILDCARDS:
                    raise SdpError(f"Line {number} of the SDP is one rtcp-fb:* too many.")
            for codec in media.codecs.values():
                if payload_type in ("*", str(codec.payload_type)):
                    codec.feedback.add(message.strip())
        case "extmap":
            ident, _, uri = value.partition(" ")
            plain = ident.partition("/")[0]
            media.extensions[uri.split(" ")[0]] = _number(plain, number, 255)
        case "ssrc":
            ssrc = _number(value.split(" ", maxsplit=1)[0], number)
            if ssrc not in media.ssrcs:
                media.ssrcs.append(ssrc)
        case "ssrc-group":
            parts = value.split()
            if parts and parts[0] == "FID" and len(parts) == 3:
                media.rtx_of[_number(parts[1], number)] = _number(parts[2], number)
        case "rid":
            parts = value.split()
            if len(parts) >= 2 and parts[1] == "send":
                media.rids.append(parts[0])
        case "simulcast":
            parts = value.split()
            if len(parts) >= 2 and parts[0] == "send":
                media.simulcast = [
                    alternative.split(",")[0].lstrip("~") for alternative in parts[1].split(";")
                ]


def _rtpmap(media: Media, value: str, number: int) -> None:
    payload_type, _, encoding = value.partition(" ")
    parts = encoding.strip().split("/")
    if len(parts) < 2:
        raise SdpError(f"Line {number} of the SDP is not a complete rtpmap.")
    codec = Codec(
        _number(payload_type, number, 127),
        parts[0].lower(),
        _number(parts[1], number, 1_000_000),
        _number(parts[2], number, 255) if len(parts) > 2 else 1,
    )
    media.codecs[codec.payload_type] = codec


def _finish(offer: Offer, session: Media) -> None:
    """Resolve what may stand at session or media level; refuse what the bridge cannot do."""
    if not offer.media:
        raise SdpError("The SDP has no media lines.")
    mids = [media.mid for media in offer.media]
    if "" in mids or len(set(mids)) != len(mids):
        raise SdpError("Every media line needs a mid of its own.")
    if offer.bundle != mids and set(offer.bundle) != set(mids):
        raise SdpError("All media lines must be in one BUNDLE group.")
    first = offer.media[0]
    offer.ufrag = first.ufrag or session.ufrag
    offer.password = first.password or session.password
    if not _TOKEN.match(offer.ufrag) or not 4 <= len(offer.ufrag) <= 256:
        raise SdpError("The SDP has no usable ice-ufrag.")
    if not _TOKEN.match(offer.password) or not 22 <= len(offer.password) <= 256:
        raise SdpError("The SDP has no usable ice-pwd.")
    offer.fingerprint = first.fingerprint if first.fingerprint[0] else session.fingerprint
    algorithm, digest = offer.fingerprint
    if not algorithm:
        raise SdpError("The SDP has no fingerprint.")
    if algorithm not in _FINGERPRINT_SIZE:
        raise SdpError("The fingerprint must use sha-256, sha-384 or sha-512.")
    if len(digest) != _FINGERPRINT_SIZE[algorithm] or not _FINGERPRINT.match(digest):
        raise SdpError("The fingerprint is not a digest of its algorithm.")
    offer.setup = first.setup or session.setup
    if offer.setup not in ("actpass", "active"):
        raise SdpError("The bridge is the DTLS server: a=setup must be actpass or active.")
    for media in offer.media:
        if media.direction == "sendrecv" and session.direction != "sendrecv":
            media.direction = session.direction
        if media.kind == "application" or media.port == 0:
            continue
        if not media.rtcp_mux:
            raise SdpError("RTCP must be multiplexed with RTP (a=rtcp-mux).")
        if not media.protocol.endswith("RTP/SAVPF"):
            raise SdpError("Media must use UDP/TLS/RTP/SAVPF.")
