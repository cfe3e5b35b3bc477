"""The offer of a peer with a cheap transport of its own (`endpoints.webrtc.light_transport`), and
what it needs of the bridge's answer. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from bridge.media import rtp

AUDIO_TYPE, VIDEO_TYPE, H264_TYPE = 96, 97, 98  # RTP payload types
PICTURE_TYPES = {"VP8": VIDEO_TYPE, "H264": H264_TYPE}
H264_FORMAT = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
LEVEL_ID = 1  # of the header extension with the sound's level (RFC 6464)


class Credentials(NamedTuple):
    """ICE credentials and the SHA-256 fingerprint of the certificate of one side."""

    ufrag: str
    password: str
    fingerprint: str


class Answer(NamedTuple):
    """The bridge's side: credentials, where it listens, the SSRC of each slot by its name, and the
    codec of pictures that it chose, in capitals."""

    credentials: Credentials
    address: tuple[str, int]
    slots: dict[str, int]
    codec: str = "VP8"


def offer(
    own: Credentials,
    ssrcs: tuple[int, int],
    video: Sequence[str],
    audio: Sequence[str],
    codecs: Sequence[str] = ("VP8",),
) -> str:
    """An offer that sends sound and a picture (``ssrcs``) and receives the slots, with pictures in
    one of ``codecs``. It asks for key frames, but for no repetition: a lost packet of a loop costs
    one picture."""
    lines = [("audio", "sendonly", ssrcs[0]), ("video", "sendonly", ssrcs[1])]
    lines += [("video", "recvonly", 0) for _ in video] + [("audio", "recvonly", 0) for _ in audio]
    out = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0"]
    out.append("a=group:BUNDLE " + " ".join(str(mid) for mid in range(len(lines))))
    for mid, (kind, direction, ssrc) in enumerate(lines):
        out += _section(mid, kind, direction, ssrc, own, codecs)
    return "\r\n".join(out) + "\r\n"


def _section(
    mid: int, kind: str, direction: str, ssrc: int, own: Credentials, codecs: Sequence[str]
) -> Iterator[str]:
    sound = kind == "audio"
    types = [AUDIO_TYPE] if sound else [PICTURE_TYPES[codec] for codec in codecs]
    yield f"m={kind} 9 UDP/TLS/RTP/SAVPF {' '.join(map(str, types))}"
    yield "c=IN IP4 0.0.0.0"
    yield f"a=mid:{mid}"
    yield f"a={direction}"
    yield "a=rtcp-mux"
    yield f"a=ice-ufrag:{own.ufrag}"
    yield f"a=ice-pwd:{own.password}"
    yield f"a=fingerprint:sha-256 {own.fingerprint}"
    yield "a=setup:actpass"
    if sound:
        yield f"a=rtpmap:{AUDIO_TYPE} opus/48000/2"
        yield f"a=extmap:{LEVEL_ID} {rtp.URI_AUDIO_LEVEL}"
    for number, codec in () if sound else zip(types, codecs, strict=True):
        yield f"a=rtpmap:{number} {codec}/90000"
        if codec == "H264":
            yield f"a=fmtp:{number} {H264_FORMAT}"
        yield f"a=rtcp-fb:{number} nack pli"
        yield f"a=rtcp-fb:{number} ccm fir"
    if ssrc:
        yield f"a=ssrc:{ssrc} cname:light"


FOUR = r"^a=candidate:\S+ 1 udp \d+ (\d+\.\d+\.\d+\.\d+) (\d+) typ host"
SIX = r"^a=candidate:\S+ 1 udp \d+ ([0-9A-Fa-f:]+) (\d+) typ host"
"""Where the bridge listens for media, IPv4 before IPv6."""


def read_answer(text: str, video: Sequence[str], audio: Sequence[str]) -> Answer:
    """Read the bridge's answer to an `offer` of these slots. Raises ValueError where something is
    missing in it."""
    sections = re.split(r"^m=", text, flags=re.MULTILINE)[3:]  # the session's, and two of ours
    names = [*video, *audio]
    if len(sections) != len(names):
        raise ValueError("the answer has not as many media as the offer")
    slots: dict[str, int] = {}
    for name, section in zip(names, sections, strict=True):
        found = re.search(r"^a=ssrc:(\d+)", section, re.MULTILINE)
        if found is not None:
            slots[name] = int(found[1])
    values: Mapping[str, re.Match[str]] = {
        name: _find(pattern, text)
        for name, pattern in {
            "ufrag": r"^a=ice-ufrag:(\S+)",
            "password": r"^a=ice-pwd:(\S+)",
            "fingerprint": r"^a=fingerprint:sha-256 (\S+)",
            "candidate": FOUR if re.search(FOUR, text, re.MULTILINE) else SIX,
        }.items()
    }
    candidate = values["candidate"]
    return Answer(
        Credentials(values["ufrag"][1], values["password"][1], values["fingerprint"][1].upper()),
        (candidate[1], int(candidate[2])),
        slots,
        "H264" if re.search(r"^a=rtpmap:\d+ H264/", text, re.MULTILINE) else "VP8",
    )


def _find(pattern: str, text: str) -> re.Match[str]:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise ValueError(f"the answer lacks {pattern}")
    return found
