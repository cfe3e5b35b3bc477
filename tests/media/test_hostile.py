"""What a stranger, or a peer gone bad, may send. Eleven others must not notice."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.media import stun
from bridge.media.demux import FIRST_BYTE
from bridge.media.transport import Address
from tests.media.support import Bench, TestPeer, camera, video, video_slot

STRANGER = ("127.0.0.66", 6666)


def meeting() -> tuple[Bench, list[TestPeer]]:
    b = Bench()
    peers = [
        b.join(
            f"p{i}",
            (camera(ssrc=1000, rtx_ssrc=1500),),
            (video_slot("s", 5000),),
            real=i == 0,  # whose address gets what is no DTLS either
        )
        for i in range(12)
    ]
    for i, peer in enumerate(peers):
        b.route(peer.id, "s", f"p{(i + 1) % 12}")
        b.send(peer, video(1, key=True))
    for peer in peers:
        b.send(peer, video(2, key=True))
    return b, peers


def everyone_is_well(b: Bench, peers: list[TestPeer], number: int) -> None:
    """Each receives what its neighbour sends."""
    before = [len(p.packets("s")) for p in peers]
    for peer in peers:
        b.send(peer, video(number, key=True))
    assert [len(p.packets("s")) - n for p, n in zip(peers, before, strict=True)] == [1] * 12
    assert {t.state for t in b.core.transports.values()} == {"connected"}


def classes() -> list[int]:
    """A first byte of every class, and the edges between them."""
    edges = {0, 3, 4, 19, 20, 22, 63, 64, 79, 80, 127, 128, 144, 191, 192, 255}
    return sorted(edges | {FIRST_BYTE.index(kind) for kind in set(FIRST_BYTE)})


@pytest.mark.parametrize("first", classes())
def test_every_length_of_every_class(first: int) -> None:
    b, peers = meeting()
    rng = random.Random(first)
    answered = b.core.counters.stun_answered
    for start in range(0, 1501, 100):
        datagrams: list[tuple[bytes, Address]] = []
        for size in range(start, min(start + 100, 1501)):
            data = (bytes([first]) + rng.randbytes(max(0, size - 1)))[:size]
            datagrams += [(data, STRANGER), (data, peers[0].address)]
        b.receive_all(datagrams)
    b.settle()
    assert b.core.counters.stun_answered == answered
    assert [a for a, _ in b.stray if a == STRANGER] == [], "a stranger gets no answer"
    everyone_is_well(b, peers, 10)


def test_stun_with_wrong_credentials() -> None:
    b, peers = meeting()
    ice = peers[0].spec.ice
    cases = {
        "stun_integrity": (f"{ice.local_ufrag}:{ice.remote_ufrag}", b"wrong"),
        "stun_unknown_ufrag": (f"nobody:{ice.remote_ufrag}", ice.local_password.encode()),
    }
    for reason, (username, password) in cases.items():
        check = stun.binding_request(bytes(12), username=username, password=password)
        b.core.receive(check, STRANGER, 0, b.now)
        assert b.dropped(reason) == 1
    foreign = stun.binding_request(
        bytes(12), username=f"{ice.local_ufrag}:xxxx", password=ice.local_password.encode()
    )
    b.core.receive(foreign, STRANGER, 0, b.now)
    assert b.dropped("stun_unknown_ufrag") == 2
    unsigned = stun.seal(stun.BINDING_REQUEST, bytes(12), stun.attribute(6, b"x:y"), None)
    b.core.receive(unsigned, STRANGER, 0, b.now)
    everyone_is_well(b, peers, 3)


def test_truncated_attributes() -> None:
    b, peers = meeting()
    check = peers[0].peer.check()
    for cut in range(1, len(check)):
        if cut in (5, 6, 7, 8):
            continue  # leaves MESSAGE-INTEGRITY whole: only FINGERPRINT is gone, which is legal
        body = check[20 : len(check) - cut]
        body += bytes(-len(body) % 4)
        data = check[:2] + len(body).to_bytes(2, "big") + check[4:20] + body
        b.core.receive(data, STRANGER, 0, b.now)
    assert STRANGER not in b.core.transports["p0"].addresses
    everyone_is_well(b, peers, 3)


def test_client_hello_and_alert_spray_during_joins() -> None:
    b, peers = meeting()
    _, attacker, _ = b.open("attacker")
    hello = attacker.dtls()[0]
    fatal_alert = bytes.fromhex("15fefd00000000000000000002022f")
    _, joining, address = b.open("joining", (camera(ssrc=1000),))
    b.core.receive(joining.check(), address, 0, b.now)
    outgoing = joining.dtls()
    while outgoing:
        for _ in range(50):
            b.core.receive(hello, STRANGER, 0, b.now)
            b.core.receive(fatal_alert, STRANGER, 0, b.now)
        for datagram in outgoing:
            b.core.receive(datagram, address, 0, b.now)
        outgoing = []
        answers, b.core.datagrams = b.core.datagrams, []
        for _, to, datagram in answers:
            assert to != STRANGER
            if to == address and 20 <= datagram[0] <= 63:
                outgoing += joining.dtls(datagram)
    b.settle()
    assert b.states("joining") == ["connecting", "connected"]
    assert b.dropped("unknown_address") >= 100
    b.core.command(
        __import__("bridge.media.messages", fromlist=["Close"]).Close(transport="attacker"), b.now
    )
    everyone_is_well(b, peers, 3)


def test_forged_replayed_and_truncated_media() -> None:
    b, peers = meeting()
    sealed = peers[0].tx.protect(video(3, key=True))
    for position in range(0, len(sealed), 3):
        forged = bytearray(sealed)
        forged[position] ^= 0x10
        b.core.receive(bytes(forged), peers[0].address, 0, b.now)
    for size in range(12, len(sealed)):
        b.core.receive(sealed[:size], peers[0].address, 0, b.now)
    rejected = b.dropped("srtp_rejected")
    assert rejected > 100
    receiver = peers[-1]
    before = len(receiver.packets("s"))
    b.core.receive(sealed, peers[0].address, 0, b.now)
    b.settle()
    assert len(receiver.packets("s")) == before + 1
    for _ in range(100):
        b.core.receive(sealed, peers[0].address, 0, b.now)
    b.settle()
    assert len(receiver.packets("s")) == before + 1
    assert b.dropped("duplicate") == 100
    compound = peers[0].tx.protect_rtcp(bytes.fromhex("80c90001 00000001".replace(" ", "")))
    for size in range(8, len(compound)):
        b.core.receive(compound[:size], peers[0].address, 0, b.now)
    b.core.receive(compound, peers[0].address, 0, b.now)
    b.core.receive(compound, peers[0].address, 0, b.now)
    assert b.dropped("srtcp_rejected") >= len(compound) - 8
    everyone_is_well(b, peers, 4)


def test_authentic_nonsense() -> None:
    """A joined peer sends valid SRTP around garbage."""
    b, peers = meeting()
    rng = random.Random(7)
    for number in range(2000):
        head = bytes([rng.choice((0x80, 0x90, 0xA0, 0xB0, 0x8F)), rng.randrange(0, 128)])
        body = rng.randbytes(rng.randrange(10, 120))
        try:
            sealed = peers[0].tx.protect(head + body)
        except Exception:  # noqa: S112 - libsrtp refuses headers it cannot parse
            continue
        b.core.receive(sealed, peers[0].address, 0, b.now)
        if number % 50 == 0:
            b.settle()
    for _ in range(500):
        junk = bytes([0x80 | rng.randrange(32), rng.randrange(192, 224)]) + rng.randbytes(50)
        b.core.receive(peers[0].tx.protect_rtcp(junk), peers[0].address, 0, b.now)
    b.settle()
    everyone_is_well(b, peers, 5)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_receive_never_raises(junk: bytes, known: bool) -> None:
    b, peers = _shared()
    b.core.receive(junk, peers[0].address if known else STRANGER, 0, b.now)
    b.core.datagrams.clear()


_cache: list[tuple[Bench, list[TestPeer]]] = []


def _shared() -> tuple[Bench, list[TestPeer]]:
    if not _cache:
        _cache.append(meeting())
    return _cache[0]


def test_oversized_datagrams_are_counted() -> None:
    b, peers = meeting()
    b.core.receive(bytes(1501), STRANGER, 0, b.now)
    b.core.receive(b"\x90" + bytes(1500), peers[0].address, 0, b.now)
    assert b.dropped("oversize") == 2
    everyone_is_well(b, peers, 3)
