"""Whoever can forge a room's address does not keep it from joining."""

from __future__ import annotations

import functools
import random
import struct
from datetime import datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.media import client_flight as flight
from bridge.media import handshake_guard as guard
from bridge.media import handshake_records as wire
from bridge.media.transport import Address
from tests.media.support import CLIENT, Bench, TestPeer, camera, video, video_slot

ALERT = bytes.fromhex("15fefd00000000000000000002022f")  # fatal: certificate_unknown
CLOSE = bytes.fromhex("15fefd00000000000000000002 0100")  # close_notify


@functools.cache
def rsa_key() -> rsa.RSAPrivateKey:
    """Made where it is needed: half a second, which every process of a run would take."""
    return rsa.generate_private_key(65537, 2048)


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
    return handshake(flight.CERTIFICATE, number, body)


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
        handshake(flight.CLIENT_KEY_EXCHANGE, 3, bytes([65]) + bytes(65)),
        handshake(flight.CERTIFICATE_VERIFY, 4, bytes(70)),
        handshake(flight.CERTIFICATE_VERIFY, 4, b"\x04\x03\x00\x46" + bytes(70)),
        handshake(20, 5, bytes(12)),
        b"\x16\xfe\xfd\x00\x01" + bytes(6) + b"\x00\x28" + bytes(40),  # a sealed Finished
        b"\x17\xfe\xfd" + bytes(7) + b"\x09\x00\x01\x00",  # data in the clear
        b"\x14\xfe\xfd" + bytes(7) + b"\x63\x00\x01\x01",  # ChangeCipherSpec
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
    """One datagram for every record, messages in the clear in fragments of ``size`` octets (RFC
    6347 section 4.2.3); 0: the datagram as it is."""
    if not size:
        return [datagram]
    parts = []
    for record in wire.records(datagram):
        if record.epoch or record.type != wire.HANDSHAKE:
            parts.append(record.raw)
            continue
        for fragment in wire.fragments(record.body):
            kind = bytes((fragment.type,)) + fragment.length.to_bytes(3, "big")
            for at in range(0, len(fragment.body), size):
                part = fragment.body[at : at + size]
                place = (fragment.offset + at).to_bytes(3, "big")
                head = kind + fragment.number.to_bytes(2, "big") + place
                body = head + len(part).to_bytes(3, "big") + part
                parts.append(record.raw[:11] + len(body).to_bytes(2, "big") + body)
    return parts


@pytest.mark.parametrize("split", [0, 100, 4000])
def test_a_room_joins_among_forged_datagrams_with_its_own_address(split: int) -> None:
    """Forty joins, each datagram of the room's between fifteen forged ones: none fails."""
    b = Bench()
    forged = forgeries(b)
    for number in range(40):
        shuffled = random.Random(number).sample(forged, len(forged))
        states = join_among(b, f"room{number}", shuffled, split=split)
        assert states == ["connecting", "connected"], number


def test_a_flight_that_comes_in_any_order_and_twice_is_put_together() -> None:
    """Its records one by one, reversed, the sealed Finished first, and then all of them again."""
    b = Bench()
    _, peer, address = b.open("room")
    b.core.receive(peer.check(), address, 0, b.now)
    (hello,) = peer.dtls()
    b.core.receive(hello, address, 0, b.now)
    (cookie,) = [d for _, _, d in b.core.drain() if d[0] == wire.HANDSHAKE]
    (hello,) = peer.dtls(cookie)
    b.core.receive(hello, address, 0, b.now)
    answers = [d for _, _, d in b.core.drain() if d[0] == wire.HANDSHAKE]
    second = [part for d in answers for sent in peer.dtls(d) for part in in_parts(sent, 100)]
    assert len(second) > 6
    for part in [*reversed(second), *second]:
        b.core.receive(part, address, 0, b.now)
    b.settle()
    assert b.states("room")[-1] == "connected"


def test_who_knows_the_certificate_and_the_numbers_proves_nothing() -> None:
    """A forged key exchange and signature of the right shape, with the room's certificate."""
    b = Bench()
    content = CLIENT.certificate
    forged = [
        certificate(2, content),
        handshake(flight.CLIENT_KEY_EXCHANGE, 3, bytes([32]) + bytes(32)),
        handshake(flight.CERTIFICATE_VERIFY, 4, b"\x04\x03\x00\x08" + bytes(8)),
    ]
    assert join_among(b, "other", forged, split=4000) == ["connecting", "connected"]


@pytest.mark.parametrize(
    ("make", "sign", "scheme"),
    [
        (
            lambda: ec.generate_private_key(ec.SECP384R1()),
            lambda key, data: key.sign(data, ec.ECDSA(hashes.SHA384())),
            0x0503,
        ),
        (rsa_key, lambda key, data: key.sign(data, padding.PKCS1v15(), hashes.SHA256()), 0x0401),
        (
            rsa_key,
            lambda key, data: key.sign(
                data, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()
            ),
            0x0804,
        ),
        (ed25519.Ed25519PrivateKey.generate, lambda key, data: key.sign(data), 0x0807),
    ],
    ids=["ecdsa", "pkcs1", "pss", "ed25519"],
)
def test_signatures_of_every_kind_that_clients_make(make: Any, sign: Any, scheme: int) -> None:
    key = make()
    name = x509.Name([])
    made = x509.CertificateBuilder(
        name, name, key.public_key(), 1, datetime(2026, 1, 1), datetime(2027, 1, 1)
    ).sign(key, None if scheme == 0x0807 else hashes.SHA256())
    check = flight.verifier(made.public_bytes(serialization.Encoding.DER))
    signature = sign(key, b"handshake")
    proof = scheme.to_bytes(2, "big") + len(signature).to_bytes(2, "big") + signature
    assert check(proof, b"handshake")
    assert not check(proof, b"another")
    for broken in (b"", proof[:3], proof[:-1], b"\x02\x03" + proof[2:], b"\xff\xff" + proof[2:]):
        assert not check(broken, b"handshake") or scheme == 0x0807
    assert not flight.verifier(b"no certificate")(proof, b"handshake")


def test_a_forged_hello_begins_nothing() -> None:
    """Its answer goes to the room, which knows nothing of it; the sender never sees the cookie."""
    b = Bench()
    _, peer, address = b.open("room")
    b.core.receive(peer.check(), address, 0, b.now)
    for number in range(5):
        b.core.receive(hello_of_a_stranger(b, number), address, 0, b.now)
    answers = [d for _, to, d in b.core.drain() if to == address and d[0] == wire.HANDSHAKE]
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
    g.begin(hello)
    for piece in [*pieces, hello[: cut % len(hello)], hello]:
        for shape in (piece, b"\x16\xfe\xfd" + bytes(8) + len(piece).to_bytes(2, "big") + piece):
            g.hellos(shape)
            assert len(g.admit(shape)) == 0
    assert g.hellos(hello) == [hello]
