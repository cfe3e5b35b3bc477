"""What a fuzzer calls with any octets: each target takes them, and raises nothing.

`tests.hostile.fuzz` drives them guided by coverage, `test_fuzzing` with hypothesis.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import cache, partial

from bridge.agents import protocol as agents
from bridge.media import rtcp, stun, transport_cc
from bridge.media.handshake_guard import HandshakeGuard
from bridge.media.transport import Address
from bridge.signalling import sdp, text
from tests.media.support import Bench, TestPeer, camera, microphone, video, video_slot
from tests.paths import ROOT

STRANGER: Address = ("127.0.0.99", 9)
OFFERS = ROOT / "tests" / "signalling" / "fixtures"
MAX_LINES = 60  # media lines of an offer that is still read


@cache
def meeting(path: str = "python") -> tuple[Bench, TestPeer]:
    """A core with a source, a hostile member that receives it, and a room that joins."""
    b = Bench(path=path)
    source = b.join("source", (camera(ssrc=1000), microphone(ssrc=1001)))
    slots = (video_slot("programme", 5000),)
    member = b.join("member", (camera(ssrc=1000),), slots, real=True)
    b.route("member", "programme", "source")
    b.send(source, video(1, key=True))
    b.open("joining", (camera(),))
    return b, member


def receive(data: bytes, path: str = "python") -> None:
    """The media port. The first octet says who sends: a stranger, the member's address, or the
    member with its keys, as RTP or as RTCP."""
    b, member = meeting(path)
    who, datagram = data[:1], data[1:]
    b.now += 0.001
    address = STRANGER if who < b"\x40" else member.address
    if who >= b"\xc0" and 12 <= len(datagram) <= 1400:
        try:
            datagram = member.tx.protect_rtcp(datagram)
        except ValueError:
            return
    elif who >= b"\x80" and 12 <= len(datagram) <= 1400:
        try:
            datagram = member.tx.protect(b"\x80" + datagram[1:])
        except Exception:  # libsrtp refuses to seal what is no RTP at all
            return
    b.core.receive(datagram, address, 0, b.now)
    if data[-1:] < b"\x20":
        b.now += 0.05
        b.core.tick(b.now, b.core.unix_offset)
    b.settle()
    b.events.clear()
    b.stray.clear()
    for peer in b.peers.values():
        for kept in (peer.received, peer.feedback, peer.raw):
            kept.clear()


def feedback(data: bytes) -> None:
    """RTCP and what stands in it."""
    for message in rtcp.parse(data) or ():
        if isinstance(message, rtcp.TransportCc):
            transport_cc.parse(message.fci)
    transport_cc.parse(data)


def handshake(data: bytes) -> None:
    """STUN, and DTLS before there are keys."""
    if stun.kind(data) >= 0:
        stun.peek_username(data)
    stun.parse(data)
    guard = HandshakeGuard("sha-256", "00")
    guard.hellos(data)
    guard.begin(data)
    guard.sent(data)
    guard.admit(data)


def offer(data: bytes) -> None:
    """An offer of SDP: it is read, or refused as such."""
    with contextlib.suppress(sdp.SdpError):
        sdp.parse(data.decode("utf-8", "replace"), max_media=MAX_LINES)


def messages(data: bytes) -> None:
    """Messages of pages and of agents: they are read, or refused as such."""
    line = data.decode("utf-8", "surrogateescape")
    with contextlib.suppress(text.BadMessage):
        text.decode(line)
    with contextlib.suppress(text.BadMessage):
        agents.decode(line)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "receive": receive,
    "compiled": partial(receive, path="compiled"),
    "feedback": feedback,
    "handshake": handshake,
    "offer": offer,
    "messages": messages,
}


def seeds(target: str) -> list[bytes]:
    """Genuine input of a target, from which a fuzzer starts."""
    b, member = meeting()
    report = rtcp.build_receiver_report(1, ())
    compounds = [
        report + rtcp.build_pli(1, 5000),
        report + rtcp.build_nack(1, 5000, [1, 2, 40]),
        report + rtcp.build_transport_cc(1, 5000, bytes.fromhex("00010002000001012002ff10")),
    ]
    check = member.peer.check()
    (hello,) = b.open(f"hello{b.random.random()}")[1].dtls()
    match target:
        case "receive" | "compiled":
            media = [b"\x80" + video(2), b"\x80" + video(3, key=True)]
            return [b"\x00" + check, b"\x40" + hello, *media, *(b"\xc0" + c for c in compounds)]
        case "feedback":
            return compounds
        case "handshake":
            return [check, hello]
        case "offer":
            return [path.read_bytes() for path in sorted(OFFERS.glob("*.sdp"))]
        case _:
            return [
                b'{"type":"hello","version":2,"session":"x","last_seq":0}',
                b'{"type":"command","id":1,"conference":"c","command":{"type":"take","point":"p"}}',
                b'{"type":"status","camera":true,"microphone":true,"sending":true}',
            ]
