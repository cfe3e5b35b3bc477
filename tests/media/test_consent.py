"""Consent: peers that vanish, return, move or say goodbye."""

from __future__ import annotations

from bridge.media import stun
from bridge.media.core import CONSENT_TIMEOUT
from bridge.media.transport import Address
from tests.media.support import Bench, pair, video


def test_a_vanished_peer_is_reported_within_five_seconds_and_may_return() -> None:
    b, a, r = pair()
    b.send(a, video(1, key=True))
    b.send(a, video(2, key=True))
    silent_since = b.now
    while "vanished" not in b.states("r"):
        b.run(0.05)
        b.core.receive(a.peer.check(), a.address, 0, b.now)
        b.settle()
        assert b.now - silent_since < 5
    assert b.now - silent_since > CONSENT_TIMEOUT
    count = len(r.received)
    b.send(a, video(3, key=True))
    assert len(r.received) == count, "no packets without consent"
    b.core.receive(r.peer.check(), r.address, 0, b.now)
    b.settle()
    assert b.states("r")[-1] == "connected"
    b.send(a, video(4, key=True))
    assert len(r.received) > count
    assert "vanished" not in b.states("a")


def asked(b: Bench, address: Address) -> list[bytes]:
    """Checks of the bridge that went to an address and were not read yet."""
    sent, b.core.datagrams = b.core.datagrams, []
    return [d for _, to, d in sent if to == address and stun.kind(d) == stun.BINDING_REQUEST]


def test_a_nominated_check_moves_the_transport_when_the_new_address_answers() -> None:
    b, a, r = pair()
    b.send(a, video(1, key=True))
    b.send(a, video(2, key=True))
    moved = ("127.0.0.9", 9999)
    transport = b.core.transports["r"]
    b.core.receive(r.peer.check(nominate=False), moved, 0, b.now)
    assert transport.address == r.address
    (check,) = asked(b, moved)
    b.core.receive(r.peer.answer(check, ("127.0.0.1", 5004)), moved, 0, b.now)
    assert transport.addresses == [r.address, moved]
    assert transport.address == r.address, "it was not nominated"
    b.core.receive(r.peer.check(), moved, 1, b.now)
    assert transport.address == moved
    assert transport.socket == 1
    for port in range(20):
        b.now += 0.1
        other = ("127.0.0.9", port)
        b.core.receive(r.peer.check(nominate=False), other, 0, b.now)
        for check in asked(b, other):
            b.core.receive(r.peer.answer(check, ("127.0.0.1", 5004)), other, 0, b.now)
    assert len(transport.addresses) <= 4
    assert transport.address == moved


def test_checks_are_answered_at_a_bounded_rate() -> None:
    b, a, _ = pair()
    before = b.core.counters.stun_answered
    for _ in range(500):
        b.core.receive(a.peer.check(), a.address, 0, b.now)
    assert b.core.counters.stun_answered - before <= 50
    assert b.dropped("stun_rate") >= 450


def test_close_notify_ends_the_transport() -> None:
    b, a, _ = pair(real=True)
    for datagram in a.peer.close():
        b.core.receive(datagram, a.address, 0, b.now)
    b.settle()
    assert b.states("a")[-1] == "closed"
