"""What a codec's session descriptions say (RFC 8866, RFC 6184, RFC 4568). Pure.

What an old codec writes is read leniently: H.263 before H.264, no ``rtcp-fb``, parameters in odd
cases. What cannot be used is left out, and a `MediaError` says so only where nothing is left.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from dataclasses import dataclass, field
from typing import Literal

from aiosipua import Codec, MediaDescription, SdpMessage, parse_sdp

from bridge.sip.wire.picture_formats import Format, read_format

Encryption = Literal["none", "sdes", "dtls"]
Kind = Literal["audio", "video"]

MAX_LINES = 400
SUITE = "AES_CM_128_HMAC_SHA1_80"
KEY_SIZE = 30  # octets of master key and salt
SOUND_CODECS = {"OPUS": 48_000, "G722": 8_000, "PCMA": 8_000, "PCMU": 8_000}
"""Clock rates of RTP; of G.722 it is 8000 although there are 16,000 samples (RFC 3551)."""
PROTOCOLS: dict[Encryption, tuple[str, ...]] = {
    "none": ("RTP/AVP", "RTP/AVPF"),
    "sdes": ("RTP/SAVP", "RTP/SAVPF"),
    "dtls": ("UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF", "RTP/SAVP", "RTP/SAVPF"),
}


class MediaError(Exception):
    """The media cannot be agreed on; the text says why, as a sentence."""


@dataclass(frozen=True, slots=True)
class Own:
    """Our side of one media line: its port (RTCP is on the next one) and, where it is encrypted,
    the master key with salt or the fingerprint of the certificate."""

    port: int
    key: bytes = b""


@dataclass(frozen=True, slots=True)
class Side:
    """Our side of a call."""

    address: str
    audio: Own
    video: Own
    session: int
    encryption: Encryption = "none"
    fingerprint: str = ""
    format: Format = field(default_factory=Format)
    bitrate: int = 1500
    """kbit/s of pictures, both ways."""
    modes: tuple[int, ...] = (1, 0)
    """Packetization modes that are offered, and taken, the preferred one first."""


@dataclass(frozen=True, slots=True)
class Line:
    """One media line as it was agreed on. ``address`` is where the other side receives RTP, and
    ``rtcp`` where RTCP; ``feedback`` holds "pli" and "fir" where they are understood."""

    kind: Kind
    codec: str
    payload_type: int
    clock_rate: int
    address: tuple[str, int]
    rtcp: tuple[str, int]
    sends: bool = True
    receives: bool = True
    feedback: frozenset[str] = frozenset()
    event_type: int = -1
    mux: bool = False
    """RTP and RTCP on one port (RFC 5761)."""
    remote_key: bytes = b""
    fingerprint: str = ""
    active: bool = False
    """DTLS: whether the other side begins the handshake."""
    format: Format = field(default_factory=Format)
    sets: tuple[bytes, ...] = ()
    """Parameter sets that stand in the description (``sprop-parameter-sets``)."""
    takes: tuple[tuple[int, str], ...] = ()
    """Payload types, with their codecs, that may come besides ``payload_type``."""

    def codec_of(self, payload_type: int) -> str:
        """The codec of a packet that came; "" where its payload type was not agreed on."""
        if payload_type == self.payload_type:
            return self.codec
        return next((codec for number, codec in self.takes if number == payload_type), "")


@dataclass(frozen=True, slots=True)
class Agreed:
    """What both sides have agreed on."""

    audio: Line | None
    video: Line | None


def read(text: str) -> SdpMessage:
    """A description, as the library reads it. Raises MediaError."""
    if text.count("\n") > MAX_LINES:
        raise MediaError("The session description is too long.")
    try:
        return parse_sdp(text)
    except (ValueError, TypeError, LookupError):
        raise MediaError("The session description cannot be read.") from None


def kind_of(media: MediaDescription) -> Kind | None:
    if media.port <= 0 or media.port > 65535:
        return None
    return "audio" if media.media == "audio" else "video" if media.media == "video" else None


def line_of(whole: SdpMessage, media: MediaDescription, side: Side) -> Line | None:
    """The first codec of a line that we know; None where there is none, or the line is not
    encrypted as it is to be."""
    encryption = side.encryption
    if media.proto.upper() not in PROTOCOLS[encryption]:
        return None
    connection = media.connection or whole.connection
    if connection is None:
        return None
    try:
        host = str(ipaddress.ip_address(connection.address))
    except ValueError:
        return None
    direction = media.direction
    if not any(d in media.attributes for d in ("sendrecv", "sendonly", "recvonly", "inactive")):
        direction = (
            whole.attributes
            and next(
                (d for d in ("sendonly", "recvonly", "inactive") if d in whole.attributes),
                direction,
            )
        ) or direction
    if ipaddress.ip_address(host).is_unspecified:
        direction = "inactive"  # RFC 2543's way to say "hold"
    sound = media.media == "audio"
    picked = _sound(media) if sound else _picture(media, side.modes)
    if picked is None:
        return None
    remote_key, fingerprint, active = b"", "", False
    if encryption == "sdes":
        remote_key = _key(media)
        if not remote_key:
            return None
    elif encryption == "dtls":
        fingerprint = _fingerprint(whole, media)
        if not fingerprint:
            return None
        active = _value(whole, media, "setup") == "active"
    codec, format_ = picked
    name = codec.encoding_name.upper()
    return Line(
        kind="audio" if sound else "video",
        codec=name,
        payload_type=codec.payload_type,
        clock_rate=SOUND_CODECS[name] if sound else 90_000,
        address=(host, media.port),
        rtcp=(host, _rtcp_port(media)),
        sends=direction in ("sendrecv", "sendonly"),
        receives=direction in ("sendrecv", "recvonly"),
        feedback=_feedback(media, codec.payload_type),
        event_type=_event(media) if sound else -1,
        mux="rtcp-mux" in media.attributes,
        remote_key=remote_key,
        fingerprint=fingerprint,
        active=active,
        format=format_,
        sets=_sets(codec.fmtp or ""),
    )


def _sound(media: MediaDescription) -> tuple[Codec, Format] | None:
    for codec in media.codecs:
        if codec.encoding_name.upper() in SOUND_CODECS and 0 <= codec.payload_type < 128:
            return codec, Format()
    return None


def _picture(media: MediaDescription, modes: tuple[int, ...]) -> tuple[Codec, Format] | None:
    """H.264 of the packetization mode that is preferred, baseline before others, in the order of
    the description."""
    found = [
        (codec, read_format(codec.fmtp or ""))
        for codec in media.codecs
        if codec.encoding_name.upper() == "H264" and 0 <= codec.payload_type < 128
    ]
    usable = [item for item in found if item[1].mode in modes]
    return min(
        usable, key=lambda item: (modes.index(item[1].mode), not item[1].baseline), default=None
    )


def _event(media: MediaDescription) -> int:
    return next(
        (
            codec.payload_type
            for codec in media.codecs
            if codec.encoding_name.lower() == "telephone-event" and codec.clock_rate == 8000
        ),
        -1,
    )


def _feedback(media: MediaDescription, payload_type: int) -> frozenset[str]:
    found: set[str] = set()
    for value in media.attributes.get("rtcp-fb", []):
        place, _, what = value.strip().partition(" ")
        if place in ("*", str(payload_type)):
            words = what.lower().split()
            found |= {"pli"} if words[:2] == ["nack", "pli"] else set()
            found |= {"fir"} if words[:2] == ["ccm", "fir"] else set()
    return frozenset(found)


def _rtcp_port(media: MediaDescription) -> int:
    if "rtcp-mux" in media.attributes:
        return media.port
    words = (media.attributes.get("rtcp") or [""])[0].split()
    if words and words[0].isdigit() and 0 < int(words[0]) < 65536:
        return int(words[0])
    return min(65535, media.port + 1)


def _key(media: MediaDescription) -> bytes:
    """Master key and salt of the first crypto attribute that we can use (RFC 4568)."""
    for value in media.attributes.get("crypto", []):
        words = value.split()
        if len(words) >= 3 and words[1].upper() == SUITE and words[2].startswith("inline:"):
            # Session parameters that change what is sent are not understood (section 6.3).
            if any(word.upper().startswith(("UNENCRYPTED", "UNAUTH")) for word in words[3:]):
                continue
            try:
                key = base64.b64decode(words[2][7:].partition("|")[0], validate=True)
            except (binascii.Error, ValueError):
                continue
            if len(key) == KEY_SIZE:
                return key
    return b""


def _value(whole: SdpMessage, media: MediaDescription, name: str) -> str:
    values = media.attributes.get(name) or whole.attributes.get(name) or [""]
    return values[0].strip()


def _fingerprint(whole: SdpMessage, media: MediaDescription) -> str:
    value = _value(whole, media, "fingerprint")
    found = re.fullmatch(r"(?i)sha-256 ((?:[0-9a-f]{2}:){31}[0-9a-f]{2})", value)
    return found[1].upper() if found is not None else ""


def _sets(fmtp: str) -> tuple[bytes, ...]:
    found = re.search(r"(?i)sprop-parameter-sets\s*=\s*([A-Za-z0-9+/=,]+)", fmtp)
    units: list[bytes] = []
    for part in found[1].split(",")[:8] if found is not None else ():
        try:
            units.append(base64.b64decode(part, validate=True))
        except (binascii.Error, ValueError):
            return ()
    return tuple(unit for unit in units if unit)
