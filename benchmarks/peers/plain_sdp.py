"""As much SDP as the adapters of Janus, LiveKit and Galène need. No header extensions and no
feedback-driven bandwidth estimation are negotiated with anyone; NACK, PLI, FIR and RTX are."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from benchmarks.peers.raw_peer import HOST, Peer

FEEDBACK = ("nack", "nack pli", "ccm fir")


@dataclass(slots=True)
class Section:
    kind: str
    mid: str = ""
    formats: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def value(self, name: str) -> str:
        prefix = f"a={name}:"
        return next((x[len(prefix) :] for x in self.lines if x.startswith(prefix)), "")

    def values(self, name: str) -> list[str]:
        prefix = f"a={name}:"
        return [x[len(prefix) :] for x in self.lines if x.startswith(prefix)]


@dataclass(slots=True)
class Description:
    session: Section
    sections: list[Section]

    def first(self, name: str) -> str:
        for section in (self.session, *self.sections):
            if value := section.value(name):
                return value
        return ""

    @property
    def lite(self) -> bool:
        return "a=ice-lite" in self.session.lines

    def candidates(self) -> list[tuple[str, int]]:
        found = [c for s in (self.session, *self.sections) for c in s.values("candidate")]
        return [x for c in found if (x := candidate(c)) is not None]


def candidate(line: str) -> tuple[str, int] | None:
    """``foundation component transport priority host port typ …``; UDP on loopback only."""
    parts = line.removeprefix("a=").removeprefix("candidate:").split()
    if len(parts) < 6 or parts[2].lower() != "udp" or parts[4] != HOST:
        return None
    return parts[4], int(parts[5])


def parse(text: str) -> Description:
    current = session = Section("session")
    sections: list[Section] = []
    for line in text.replace("\r", "").split("\n"):
        if line.startswith("m="):
            kind, *rest = line[2:].split()
            current = Section(kind, formats=rest[2:])
            sections.append(current)
        current.lines.append(line)
        if line.startswith("a=mid:"):
            current.mid = line[6:]
    return Description(session, sections)


def apply(peer: Peer, description: Description) -> None:
    """Take the other side's credentials and a loopback candidate, if it has one."""
    candidates = description.candidates()
    peer.remote(
        description.first("ice-ufrag"),
        description.first("ice-pwd"),
        candidates[0] if candidates else None,
    )


def _transport(peer: Peer) -> list[str]:
    return [
        f"c=IN IP4 {HOST}",
        "a=rtcp-mux",
        f"a=ice-ufrag:{peer.ufrag}",
        f"a=ice-pwd:{peer.password}",
        f"a=fingerprint:sha-256 {peer.identity.fingerprint}",
        "a=setup:active",
    ]


def _candidate(peer: Peer) -> list[str]:
    return [
        f"a=candidate:1 1 udp 2130706431 {HOST} {peer.port} typ host",
        "a=end-of-candidates",
    ]


def _head(mids: list[str]) -> list[str]:
    return [
        "v=0",
        f"o=- 4711 2 IN IP4 {HOST}",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {' '.join(mids)}",
        "a=msid-semantic: WMS *",
    ]


def offer(peer: Peer, ssrc: int, track: str, rtx: bool = True) -> str:
    """One video stream to publish: VP8 as 96, RTX as 97."""
    lines = _head(["0"])
    lines += [f"m=video {peer.port} UDP/TLS/RTP/SAVPF 96" + (" 97" if rtx else "")]
    lines += _transport(peer)
    lines += ["a=mid:0", "a=sendonly", "a=rtcp-rsize", "a=rtpmap:96 VP8/90000"]
    lines += [f"a=rtcp-fb:96 {x}" for x in FEEDBACK]
    if rtx:
        lines += ["a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96"]
    lines += [f"a=msid:{track} {track}"]
    if rtx:
        lines += [f"a=ssrc-group:FID {ssrc} {ssrc + 50_000}"]
    for one in (ssrc, ssrc + 50_000) if rtx else (ssrc,):
        lines += [f"a=ssrc:{one} cname:{track}", f"a=ssrc:{one} msid:{track} {track}"]
    lines += _candidate(peer)
    return "\r\n".join(lines) + "\r\n"


def answer(peer: Peer, description: Description) -> str:
    """Receive every video section offered, VP8 with RTX; other sections as offered."""
    mids = [s.mid for s in description.sections]
    lines = _head(mids)
    for section in description.sections:
        if section.kind == "application":
            lines += [f"m=application {peer.port} UDP/DTLS/SCTP webrtc-datachannel"]
            lines += _transport(peer)
            lines += [f"a=mid:{section.mid}", "a=sctp-port:5000", *_candidate(peer)]
            continue
        keep, maps = _formats(section)
        if not keep:  # nothing we take
            lines += [f"m={section.kind} 0 UDP/TLS/RTP/SAVPF {' '.join(section.formats)}"]
            lines += [f"c=IN IP4 {HOST}", f"a=mid:{section.mid}", "a=inactive"]
            continue
        lines += [f"m=video {peer.port} UDP/TLS/RTP/SAVPF {' '.join(keep)}"]
        lines += _transport(peer)
        lines += [f"a=mid:{section.mid}"]
        inactive = "a=inactive" in section.lines or "a=recvonly" in section.lines
        lines += ["a=inactive" if inactive else "a=recvonly", "a=rtcp-rsize", *maps]
        lines += _candidate(peer)
    return "\r\n".join(lines) + "\r\n"


def _formats(section: Section) -> tuple[list[str], list[str]]:
    """The VP8 payload type and its RTX, with the lines that describe them."""
    names = dict(x.split(" ", 1) for x in section.values("rtpmap"))
    vp8 = [pt for pt, name in names.items() if name.upper().startswith("VP8/")][:1]
    if section.kind != "video" or not vp8:
        return [], []
    rtx = [
        x.split(" ")[0]
        for x in section.values("fmtp")
        if re.search(rf"\bapt={vp8[0]}\b", x) and names.get(x.split(" ")[0], "").startswith("rtx")
    ][:1]
    lines = [f"a=rtpmap:{vp8[0]} VP8/90000"]
    offered = {x.partition(" ")[2] for x in section.values("rtcp-fb")}
    lines += [f"a=rtcp-fb:{vp8[0]} {x}" for x in FEEDBACK if x in offered]
    for pt in rtx:
        lines += [f"a=rtpmap:{pt} rtx/90000", f"a=fmtp:{pt} apt={vp8[0]}"]
    return vp8 + rtx, lines
