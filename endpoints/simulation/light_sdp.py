"""The offer of a light simulated point, and what it needs of the bridge's answer. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from bridge.media import rtp

AUDIO_TYPE, VIDEO_TYPE = 96, 97  # RTP payload types
LEVEL_ID = 1  # of the header extension with the sound's level (RFC 6464)


class Credentials(NamedTuple):
    """ICE credentials and the SHA-256 fingerprint of the certificate of one side."""

    ufrag: str
    password: str
    fingerprint: str


class Answer(NamedTuple):
    """The bridge's side: credentials, where it listens, and the SSRC of each slot by its name."""

    credentials: Credentials
    address: tuple[str, int]
    slots: dict[str, int]


def offer(
    own: Credentials, ssrcs: tuple[int, int], video: Sequence[str], audio: Sequence[str]
) -> str:
    """An offer that sends sound and a picture (``ssrcs``) and receives the slots. It asks for
    key frames, but for no repetition: a lost packet of a loop costs one picture."""
    lines = [("audio", "sendonly", ssrcs[0]), ("video", "sendonly", ssrcs[1])]
    lines += [("video", "recvonly", 0) for _ in video] + [("audio", "recvonly", 0) for _ in audio]
    out = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0"]
    out.append("a=group:BUNDLE " + " ".join(str(mid) for mid in range(len(lines))))
    for mid, (kind, direction, ssrc) in enumerate(lines):
        out += _section(mid, kind, direction, ssrc, own)
    return "\r\n".join(out) + "\r\n"


def _section(mid: int, kind: str, direction: str, ssrc: int, own: Credentials) -> Iterator[str]:
    sound = kind == "audio"
    number = AUDIO_TYPE if sound else VIDEO_TYPE
    yield f"m={kind} 9 UDP/TLS/RTP/SAVPF {number}"
    yield "c=IN IP4 0.0.0.0"
    yield f"a=mid:{mid}"
    yield f"a={direction}"
    yield "a=rtcp-mux"
    yield f"a=ice-ufrag:{own.ufrag}"
    yield f"a=ice-pwd:{own.password}"
    yield f"a=fingerprint:sha-256 {own.fingerprint}"
    yield "a=setup:actpass"
    if sound:
        yield f"a=rtpmap:{number} opus/48000/2"
        yield f"a=extmap:{LEVEL_ID} {rtp.URI_AUDIO_LEVEL}"
    else:
        yield f"a=rtpmap:{number} VP8/90000"
        yield f"a=rtcp-fb:{number} nack pli"
        yield f"a=rtcp-fb:{number} ccm fir"
    if ssrc:
        yield f"a=ssrc:{ssrc} cname:light"


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
            "candidate": r"^a=candidate:\S+ 1 udp \d+ (\d+\.\d+\.\d+\.\d+) (\d+) typ host",
        }.items()
    }
    candidate = values["candidate"]
    return Answer(
        Credentials(values["ufrag"][1], values["password"][1], values["fingerprint"][1].upper()),
        (candidate[1], int(candidate[2])),
        slots,
    )


def _find(pattern: str, text: str) -> re.Match[str]:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise ValueError(f"the answer lacks {pattern}")
    return found
