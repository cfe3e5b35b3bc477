"""Offers and answers of calls with a codec (RFC 3264), and what was agreed on. Pure."""

from __future__ import annotations

import base64
from dataclasses import replace

from aiosipua import Bandwidth, ConnectionData, MediaDescription, Origin, SdpMessage

from bridge.sip.wire.picture_formats import read_format
from bridge.sip.wire.session_descriptions import (
    PROTOCOLS,
    SUITE,
    Agreed,
    Kind,
    Line,
    MediaError,
    Own,
    Side,
    kind_of,
    line_of,
)

OPUS, G722, PCMA, PCMU, EVENT, H264, H264_SINGLE = 111, 9, 8, 0, 101, 97, 98
OFFERED = {"OPUS": OPUS, "G722": G722, "PCMA": PCMA, "PCMU": PCMU}
MODE_TYPES = {1: H264, 0: H264_SINGLE}
ANSWERED = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly"}


def offer(side: Side) -> SdpMessage:
    """What we offer: every sound codec, and H.264 of both packetization modes."""
    return _message(side, [_offered(side, "audio"), _offered(side, "video")])


def answer(side: Side, offered: SdpMessage) -> tuple[SdpMessage, Agreed]:
    """Our answer to an offer, and what was agreed on with it. Raises MediaError."""
    chosen: dict[Kind, tuple[int, Line]] = {}
    for index, media in enumerate(offered.media[:8]):
        kind = kind_of(media)
        if kind is not None and kind not in chosen:
            line = line_of(offered, media, side)
            if line is not None:
                chosen[kind] = index, line
    if not chosen:
        raise MediaError("The offer has no sound and no picture that the bridge can use.")
    places = dict(chosen.values())
    lines = [
        _answered(side, media, places[index]) if index in places else _refused(media)
        for index, media in enumerate(offered.media)
    ]
    found = {kind: line for kind, (_, line) in chosen.items()}
    return _message(side, lines), Agreed(found.get("audio"), found.get("video"))


def agreed(side: Side, answered: SdpMessage | None) -> Agreed:
    """What was agreed on by the answer to our offer. Raises MediaError."""
    found: dict[Kind, Line] = {}
    for media in answered.media[:8] if answered is not None else ():
        kind = kind_of(media)
        if kind is not None and kind not in found and answered is not None:
            line = line_of(answered, media, side)
            if line is not None:
                found[kind] = replace(line, takes=_taken(media, kind))
    if not found:
        raise MediaError("The answer has no sound and no picture that the bridge can use.")
    return Agreed(found.get("audio"), found.get("video"))


def _taken(media: MediaDescription, kind: Kind) -> tuple[tuple[int, str], ...]:
    """What may come by an answer to our offer: whatever it keeps of it (RFC 3264 section 6.1),
    under our number, and under its own where that is another."""
    found: dict[int, str] = {}
    for codec in media.codecs:
        name = codec.encoding_name.upper()
        if kind == "audio" and name in OFFERED:
            found |= {codec.payload_type: name, OFFERED[name]: name}
        elif kind == "video" and name == "H264":
            number = MODE_TYPES.get(read_format(codec.fmtp or "").mode, H264)
            found |= {codec.payload_type: name, number: name}
    return tuple(found.items())


def _message(side: Side, media: list[MediaDescription]) -> SdpMessage:
    kind = "IP6" if ":" in side.address else "IP4"
    return SdpMessage(
        origin=Origin("-", str(side.session), str(side.session), "IN", kind, side.address),
        session_name="-",
        connection=ConnectionData("IN", kind, side.address),
        media=media,
    )


def _offered(side: Side, kind: Kind) -> MediaDescription:
    sound = kind == "audio"
    own = side.audio if sound else side.video
    attributes: dict[str, list[str]] = {}
    if sound:
        attributes["rtpmap"] = [
            f"{OPUS} opus/48000/2",
            f"{G722} G722/8000",
            f"{PCMA} PCMA/8000",
            f"{PCMU} PCMU/8000",
            f"{EVENT} telephone-event/8000",
        ]
        attributes["fmtp"] = [f"{OPUS} useinbandfec=1", f"{EVENT} 0-15"]
        attributes["ptime"] = ["20"]
        formats = [OPUS, G722, PCMA, PCMU, EVENT]
    else:
        numbers = {MODE_TYPES[mode]: mode for mode in side.modes}
        attributes["rtpmap"] = [f"{number} H264/90000" for number in numbers]
        attributes["fmtp"] = [
            f"{number} {side.format.written(mode=mode)}" for number, mode in numbers.items()
        ]
        attributes["rtcp-fb"] = ["* nack pli", "* ccm fir"]
        formats = [*numbers]
    attributes["sendrecv"] = []
    attributes["rtcp-mux"] = []
    _protect(side, own, attributes, setup="actpass")
    return MediaDescription(
        media=kind,
        port=own.port,
        proto=PROTOCOLS[side.encryption][0],
        formats=[str(number) for number in formats],
        bandwidths=[] if sound else [Bandwidth("AS", side.bitrate)],
        attributes=attributes,
    )


def _answered(side: Side, media: MediaDescription, line: Line) -> MediaDescription:
    sound = line.kind == "audio"
    own = side.audio if sound else side.video
    number = line.payload_type
    attributes: dict[str, list[str]] = {}
    formats = [str(number)]
    if sound:
        name = "opus/48000/2" if line.codec == "OPUS" else f"{line.codec}/8000"
        attributes["rtpmap"] = [f"{number} {name}"]
        if line.event_type >= 0:
            formats.append(str(line.event_type))
            attributes["rtpmap"].append(f"{line.event_type} telephone-event/8000")
            attributes["fmtp"] = [f"{line.event_type} 0-15"]
        attributes["ptime"] = ["20"]
    else:
        attributes["rtpmap"] = [f"{number} H264/90000"]
        # The profile is symmetrical, the level is ours (RFC 6184 section 8.2.2).
        value = side.format.written(mode=line.format.mode, profile=line.format.profile)
        attributes["fmtp"] = [f"{number} {value}"]
        names = {"pli": "nack pli", "fir": "ccm fir"}
        if line.feedback:
            attributes["rtcp-fb"] = [f"{number} {names[name]}" for name in sorted(line.feedback)]
    attributes[_direction(line)] = []
    if line.mux:
        attributes["rtcp-mux"] = []
    _protect(side, own, attributes, setup="passive" if line.active else "active")
    if side.encryption == "sdes":
        attributes["crypto"] = [_tagged(media, own.key)]
    return MediaDescription(
        media=media.media,
        port=own.port,
        proto=media.proto,
        formats=formats,
        bandwidths=[] if sound else [Bandwidth("AS", side.bitrate)],
        attributes=attributes,
    )


def _direction(line: Line) -> str:
    theirs = "sendrecv" if line.sends and line.receives else ""
    theirs = theirs or ("sendonly" if line.sends else "recvonly" if line.receives else "")
    return ANSWERED.get(theirs, "inactive")


def _tagged(media: MediaDescription, key: bytes) -> str:
    """Our key under the tag of the attribute that was taken (RFC 4568 section 5.1.2)."""
    taken = next(
        (v.split() for v in media.attributes.get("crypto", []) if SUITE in v.upper()), ["1"]
    )
    return f"{taken[0]} {SUITE} inline:{base64.b64encode(key).decode()}"


def _protect(side: Side, own: Own, attributes: dict[str, list[str]], *, setup: str) -> None:
    if side.encryption == "sdes":
        attributes["crypto"] = [f"1 {SUITE} inline:{base64.b64encode(own.key).decode()}"]
    elif side.encryption == "dtls":
        attributes["fingerprint"] = [f"sha-256 {side.fingerprint}"]
        attributes["setup"] = [setup]


def _refused(media: MediaDescription) -> MediaDescription:
    return MediaDescription(
        media=media.media, port=0, proto=media.proto, formats=media.formats[:1] or ["0"]
    )
