"""Consent: peers that vanish, return, move or say goodbye."""

from __future__ import annotations

from bridge.media.core import CONSENT_TIMEOUT
from tests.media.support import pair, video


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


def test_a_nominated_check_moves_the_transport() -> None:
    b, a, r = pair()
    b.send(a, video(1, key=True))
    b.send(a, video(2, key=True))
    moved = ("127.0.0.9", 9999)
    b.core.receive(r.peer.check(nominate=False), moved, 0, b.now)
    assert b.core.transports["r"].address == r.address
    b.core.receive(r.peer.check(), moved, 1, b.now)
    assert b.core.transports["r"].address == moved
    assert b.core.transports["r"].socket == 1
    for port in range(20):
        b.core.receive(r.peer.check(nominate=False), ("127.0.0.9", port), 0, b.now)
    assert len(b.core.transports["r"].addresses) <= 4
    assert b.core.transports["r"].address == moved


def test_checks_are_answered_at_a_bounded_rate() -> None:
    b, a, _ = pair()
    before = b.core.counters.stun_answered
    for _ in range(500):
        b.core.receive(a.peer.check(), a.address, 0, b.now)
    assert b.core.counters.stun_answered - before <= 50
    assert b.dropped("stun_rate") >= 450


def test_close_notify_ends_the_transport() -> None:
    b, a, _ = pair()
    for datagram in a.peer.close():
        b.core.receive(datagram, a.address, 0, b.now)
    b.settle()
    assert b.states("a")[-1] == "closed"
