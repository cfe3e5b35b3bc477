"""Whoever can forge a room's address does not keep it from joining."""

from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.media import handshake_guard as guard
from bridge.media.transport import Address
from tests.media.support import Bench, TestPeer, camera, video, video_slot

ALERT = bytes.fromhex("15fefd00000000000000000002022f")  # fatal: certificate_unknown
CLOSE = bytes.fromhex("15fefd00000000000000000002 0100")  # close_notify


def hello_of_a_stranger(b: Bench, number: int) -> bytes:
    """A ClientHello as a browser would send it, from somebody else."""
    _, attacker, _ = b.open(f"attacker{number}")
    (hello,) = attacker.dtls()
    return hello


def renumbered(hello: bytes, number: int) -> bytes:
    """The same ClientHello as message ``number`` of a handshake."""
    return hello[:17] + struct.pack("!H", number) + hello[19:]


def certificate(number: int, content: bytes = b"none") -> bytes:
    """A Certificate message of one's own, as message ``number``."""
    body = len(content).to_bytes(3, "big") + content
    body = len(body).to_bytes(3, "big") + body
    return handshake(guard.CERTIFICATE, number, body)


def handshake(kind: int, number: int, body: bytes) -> bytes:
    size = len(body).to_bytes(3, "big")
    message = bytes((kind,)) + size + number.to_bytes(2, "big") + bytes(3) + size + body
    return b"\x16\xfe\xfd" + bytes(7) + b"\x63" + len(message).to_bytes(2, "big") + message


def forgeries(b: Bench) -> list[bytes]:
    hello = hello_of_a_stranger(b, 1)
    return [
        ALERT,
        CLOSE,
        hello,
        renumbered(hello, 1),
        renumbered(hello, 2),
        hello[:40],
        certificate(2),
        handshake(guard.CLIENT_KEY_EXCHANGE, 3, bytes([65]) + bytes(65)),
        handshake(guard.CERTIFICATE_VERIFY, 4, bytes(70)),
        handshake(20, 5, bytes(12)),
        b"\x14\xfe\xfd" + bytes(8) + b"\x00\x01\x01",  # ChangeCipherSpec
        b"\x16\xfe\xfd" + bytes(8) + b"\xff\xff",
    ]


def join_among(b: Bench, name: str, forged: list[bytes], *, split: int = 0) -> list[str]:
    """Join while every datagram of the room's stands between forged ones with its address."""
    _, peer, address = b.open(name, (camera(ssrc=1000),))
    b.core.receive(peer.check(), address, 0, b.now)
    outgoing = peer.dtls()
    for _ in range(10):
        for datagram in outgoing:
            for part in in_parts(datagram, split):
                for other in forged:
                    b.core.receive(other, address, 0, b.now)
                b.core.receive(part, address, 0, b.now)
        outgoing = []
        for _, to, datagram in b.core.drain():
            if to == address and 20 <= datagram[0] <= 63:
                outgoing += peer.dtls(datagram)
        if not outgoing:
            break
    b.settle()
    return b.states(name)


def in_parts(datagram: bytes, size: int) -> list[bytes]:
    """A ClientHello in fragments of ``size`` octets (RFC 6347 section 4.2.3); 0: whole."""
    if not size or datagram[13] != guard.CLIENT_HELLO:
        return [datagram]
    message = datagram[25:]
    parts = []
    for at in range(0, len(message), size):
        part = message[at : at + size]
        head = datagram[13:19] + at.to_bytes(3, "big") + len(part).to_bytes(3, "big")
        body = head + part
        parts.append(datagram[:11] + len(body).to_bytes(2, "big") + body)
    return parts


@pytest.mark.parametrize("split", [0, 50])
def test_a_room_joins_among_forged_datagrams_with_its_own_address(split: int) -> None:
    """Forty joins, each datagram of the room's between twelve forged ones: none fails."""
    b = Bench()
    forged = forgeries(b)
    for number in range(40):
        shuffled = random.Random(number).sample(forged, len(forged))
        states = join_among(b, f"room{number}", shuffled, split=split)
        assert states == ["connecting", "connected"], number


def test_a_forged_hello_begins_nothing() -> None:
    """Its answer goes to the room, which knows nothing of it; the sender never sees the cookie."""
    b = Bench()
    _, peer, address = b.open("room")
    b.core.receive(peer.check(), address, 0, b.now)
    for number in range(5):
        b.core.receive(hello_of_a_stranger(b, number), address, 0, b.now)
    answers = [d for _, to, d in b.core.drain() if to == address and d[0] == guard.HANDSHAKE]
    assert [d[13] for d in answers] == [3] * 5  # HelloVerifyRequest
    assert all(len(d) < 100 for d in answers)  # nobody is flooded through the bridge
    b.handshake(peer, address)
    assert peer.keys is not None


def test_a_flood_of_hellos_is_bounded_and_costs_the_others_nothing() -> None:
    b = Bench()
    source = b.join("source", (camera(ssrc=1000),))
    b.join("viewer", (), (video_slot("programme", 5000),))
    b.route("viewer", "programme", "source")
    _, peer, address = b.open("room")
    b.core.receive(peer.check(), address, 0, b.now)
    hello = hello_of_a_stranger(b, 0)
    b.send(source, video(1, key=True))
    b.core.drain()
    for _ in range(5000):
        b.core.receive(hello, address, 0, b.now)
    assert len(b.core.drain()) <= 501
    assert b.dropped("dtls_rate") >= 4400
    b.send(source, video(2))
    assert len(b.peers["viewer"].packets("programme")) == 2
    b.run(1.0)  # the allowance grows again, and the room joins
    b.handshake(peer, address)
    assert peer.keys is not None


def test_an_alert_with_keys_is_believed() -> None:
    """Sealed, it is the peer's own: the transport closes."""
    b = Bench()
    room: TestPeer = b.join("room", real=True)
    address: Address = room.address
    b.core.receive(CLOSE, address, 0, b.now)
    b.settle()
    assert b.states("room")[-1] == "connected"
    for datagram in room.peer.close():
        b.core.receive(datagram, address, 0, b.now)
    b.settle()
    assert b.states("room")[-1] == "closed"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=80), max_size=6), st.integers(0, 2**16 - 1))
def test_any_octets_are_read_to_their_end(pieces: list[bytes], cut: int) -> None:
    b = Bench()
    hello = hello_of_a_stranger(b, 0)
    g = guard.HandshakeGuard("sha-256", "00")
    for piece in [*pieces, hello[: cut % len(hello)], hello]:
        for shape in (piece, b"\x16\xfe\xfd" + bytes(8) + len(piece).to_bytes(2, "big") + piece):
            g.hellos(shape)
            assert len(g.admit(shape)) <= len(shape)
    assert g.hellos(hello) == [hello]
