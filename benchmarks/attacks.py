"""What strangers, eavesdroppers and members send to harm others, as lists of datagrams.

Each `Attack` is made for a meeting that runs (`benchmarks.forwarding.join`): from whose socket it
is sent, at how many datagrams a second, and the datagrams, which are sent in a circle. Used by
`benchmarks.hostile`.
"""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.load import Endpoint, endpoint
from benchmarks.synthetic_peer import ClientIdentity, SyntheticPeer, open_message, vp8_payload
from bridge.media import rtcp, srtp, stun
from bridge.media.rtp import HEADER

HOST = "127.0.0.1"
FORGER = "forger of an address"
FLOOD = 50_000  # datagrams a second of a stranger
MEMBER_FLOOD = 15_000  # small packets a second of a member
REQUESTS = 1_000  # key frame requests, repair requests, feedback a second of a member
CIRCLE = 512  # different datagrams of a stranger, sent again and again


@dataclass(slots=True)
class Attack:
    """``sender`` is who sends; ``rate`` in datagrams a second; ``datagrams`` go in a circle."""

    name: str
    who: str
    rate: int
    sender: socket.socket
    datagrams: Sequence[bytes]


Target = tuple[str, int]
Maker = Callable[[list[Endpoint], Target, float], Attack]


def attacks() -> dict[str, Maker]:
    """Makers by name; each takes the meeting, the worker's address and for how many seconds the
    attack is to last."""
    return {
        "empty and odd datagrams": _odd,
        "RTP from an unknown address": _unknown_media,
        "DTLS from an unknown address": _unknown_hello,
        "checks for nobody": _unknown_ufrag,
        "checks with a wrong password": _wrong_password,
        "checks of 300 attributes": _many_attributes,
        "a recorded check": _recorded,
        "forged ClientHellos": _forged_hello,
        "small packets": _small_packets,
        "key frame requests": _key_frames,
        "repair requests": _repair,
        "reports and feedback": _feedback,
        "new streams": _new_streams,
        "sealed noise": _noise,
    }


def _stranger() -> socket.socket:
    return endpoint(HOST, 0).socket


def _peer(member: Endpoint) -> SyntheticPeer:
    assert member.peer is not None
    return member.peer


def _odd(meeting: list[Endpoint], target: Target, seconds: float) -> Attack:
    rng = random.Random(1)
    some = [b"", b"\x04", b"\x7f" * 3, *(rng.randbytes(rng.randrange(200)) for _ in range(CIRCLE))]
    return Attack("empty and odd datagrams", "stranger", FLOOD, _stranger(), some)


def _unknown_media(meeting: list[Endpoint], target: Target, seconds: float) -> Attack:
    rng = random.Random(2)
    media = [b"\x80\x60" + rng.randbytes(1000) for _ in range(CIRCLE)]
    return Attack("RTP from an unknown address", "stranger", FLOOD, _stranger(), media)


def _hello() -> bytes:
    spec = open_message("stranger", fingerprint="00")
    (hello,) = SyntheticPeer(ClientIdentity.generate(), spec).dtls()
    return hello


def _unknown_hello(meeting: list[Endpoint], target: Target, seconds: float) -> Attack:
    return Attack("DTLS from an unknown address", "stranger", FLOOD, _stranger(), [_hello()])


def _check(username: str, password: str) -> bytes:
    return stun.binding_request(
        os.urandom(12), username=username, password=password.encode(), use_candidate=True
    )


def _unknown_ufrag(meeting: list[Endpoint], target: Target, seconds: float) -> Attack:
    checks = [_check(f"{os.urandom(6).hex()}:none", "none") for _ in range(CIRCLE)]
    return Attack("checks for nobody", "stranger", FLOOD, _stranger(), checks)


def _username(member: Endpoint) -> str:
    ice = _peer(member).open.ice
    return f"{ice.local_ufrag}:{ice.remote_ufrag}"


def _wrong_password(meeting: list[Endpoint], target: Target, seconds: float) -> Attack:
    checks = [_check(_username(meeting[n % len(meeting)]), "wrong") for n in range(CIRCLE)]
    return Attack("checks with a wrong password", "stranger", FLOOD, _stranger(), checks)


def _many_attributes(meeting: list[Endpoint], target: Target, seconds: float) -> Attack:
    check = _check(_username(meeting[0]), "wrong")
    body = bytes.fromhex("80230000") * 300  # an attribute of no octets, again and again
    bloated = check[:2] + len(body).to_bytes(2, "big") + check[4:20] + body
    return Attack("checks of 300 attributes", "stranger", FLOOD, _stranger(), [bloated])


def _recorded(meeting: list[Endpoint], target: Target, seconds: float) -> Attack:
    check = _peer(meeting[0]).check()
    meeting[0].socket.sendto(check, target)  # the member's own; from here on it is repeated
    return Attack("a recorded check", "eavesdropper", FLOOD, _stranger(), [check])


def _forged_hello(meeting: list[Endpoint], target: Target, seconds: float) -> Attack:
    return Attack("forged ClientHellos", FORGER, FLOOD, meeting[0].socket, [_hello()])


def _small_packets(meeting: list[Endpoint], target: Target, seconds: float) -> Attack:
    """A stream of its own camera that goes on where the load has left it."""
    member = meeting[0]
    count = round(MEMBER_FLOOD * seconds)
    packets = [_media(member, member.index + 1 + n, 40) for n in range(count)]
    member.index += count
    return Attack("small packets", "member", MEMBER_FLOOD, member.socket, packets)


def _media(member: Endpoint, index: int, size: int, ssrc: int | None = None) -> bytes:
    assert member.seal is not None
    assert member.seal.seal is not None
    ssrc = member.ssrc if ssrc is None else ssrc
    header = HEADER.pack(0x80, 0x80 | 96, index & 0xFFFF, index * 90 & 0xFFFFFFFF, ssrc)
    payload = bytes(vp8_payload(size, key_frame=False, start=True))
    return header + member.seal.seal(srtp.nonce(member.seal.salt, ssrc, index), payload, header)


def _requests(member: Endpoint, seconds: float, compound: Callable[[int], bytes]) -> list[bytes]:
    keys = _peer(member).keys
    assert keys is not None
    outbound = srtp.Outbound(keys)
    empty = rtcp.build_receiver_report(1, ())
    return [outbound.protect_rtcp(empty + compound(n)) for n in range(round(REQUESTS * seconds))]


def _slots(member: Endpoint) -> list[int]:
    return [slot.ssrc for slot in _peer(member).open.slots]


def _key_frames(meeting: list[Endpoint], target: Target, seconds: float) -> Attack:
    member = meeting[0]
    slots = _slots(member)
    asked = _requests(member, seconds, lambda n: rtcp.build_pli(1, slots[n % len(slots)]))
    return Attack("key frame requests", "member", REQUESTS, member.socket, asked)


def _repair(meeting: list[Endpoint], target: Target, seconds: float) -> Attack:
    member = meeting[0]
    slots = _slots(member)

    def nack(number: int) -> bytes:
        first = number * 64 & 0xFFFF
        lost = [(first + i) & 0xFFFF for i in range(256)]
        return rtcp.build_nack(1, slots[number % len(slots)], lost)

    asked = _requests(member, seconds, nack)
    return Attack("repair requests", "member", REQUESTS, member.socket, asked)


def _feedback(meeting: list[Endpoint], target: Target, seconds: float) -> Attack:
    rng = random.Random(3)
    member = meeting[0]

    def forged(number: int) -> bytes:
        fci = rng.randbytes(2) + (200).to_bytes(2, "big") + rng.randbytes(4)
        fci += (1 << 13 | 200).to_bytes(2, "big") + rng.randbytes(200) + b"\0\0"
        return rtcp.build_transport_cc(1, _slots(member)[0], fci)

    asked = _requests(member, seconds, forged)
    return Attack("reports and feedback", "member", REQUESTS, member.socket, asked)


def _new_streams(meeting: list[Endpoint], target: Target, seconds: float) -> Attack:
    member = meeting[0]
    count = round(MEMBER_FLOOD * seconds)
    packets = [_media(member, 1, 40, 1_000_000 + n) for n in range(count)]
    return Attack("new streams", "member", MEMBER_FLOOD, member.socket, packets)


def _noise(meeting: list[Endpoint], target: Target, seconds: float) -> Attack:
    rng = random.Random(4)
    member = meeting[0]
    header = HEADER.pack(0x80, 96, 1, 1, member.ssrc)
    noise = [header + rng.randbytes(500) for _ in range(CIRCLE)]
    return Attack("sealed noise", FORGER, MEMBER_FLOOD, member.socket, noise)
