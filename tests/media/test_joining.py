"""Joining: DTLS profiles, fingerprints, lost flights, refused openings."""

from __future__ import annotations

import pytest

from benchmarks.synthetic_peer import ClientIdentity, open_message
from bridge.media import messages as m
from bridge.media import srtp
from bridge.media.core import SETUP_TIMEOUT
from tests.media.support import (
    CLIENT,
    CLIENT_CM,
    Bench,
    pair,
    payload_of,
    sequence_number_of,
    video,
    video_slot,
)


@pytest.mark.parametrize(
    ("identity", "profile"),
    [(CLIENT, srtp.AEAD_AES_128_GCM), (CLIENT_CM, srtp.AES128_CM_SHA1_80)],
)
def test_profiles(identity: ClientIdentity, profile: srtp.Profile) -> None:
    b, a, r = pair(identity=identity)
    assert a.peer.profile is profile
    b.send(a, video(1, key=True))
    for number in range(2, 300):
        b.send(a, video(number, transport_cc=number))
    assert [sequence_number_of(p) for p in r.packets("programme")] == [
        (sequence_number_of(r.packets("programme")[0]) + i) & 0xFFFF for i in range(299)
    ]
    assert payload_of(r.packets("programme")[0]) == payload_of(video(1, key=True))


def test_gcm_is_preferred_where_the_peer_offers_both() -> None:
    b = Bench()
    both = ClientIdentity.generate((srtp.AES128_CM_SHA1_80, srtp.AEAD_AES_128_GCM))
    assert b.join("a", identity=both, real=True).peer.profile is srtp.AEAD_AES_128_GCM


def test_a_wrong_fingerprint_fails_the_transport() -> None:
    b = Bench()
    other = ClientIdentity.generate()
    spec = open_message("a", fingerprint=other.fingerprint)
    b.core.command(spec, b.now)
    _, peer, address = b.open("b")
    peer.open = spec
    b.core.receive(peer.check(), address, 0, b.now)
    b.handshake(peer, address)
    # Whoever forges the peer's address may have sent it, so the right one is waited for.
    b.run(SETUP_TIMEOUT + 1, step=0.25)
    assert b.states("a") == ["connecting", "failed"]
    reason = next(e.reason for e in b.events if isinstance(e, m.StateChanged) and e.reason)
    assert reason == "The DTLS certificate does not match the fingerprint in the SDP."


def test_a_lost_flight_is_sent_again() -> None:
    b = Bench()
    _, peer, address = b.open("a")
    b.core.receive(peer.check(), address, 0, b.now)
    transport = b.core.transports["a"]
    (hello,) = peer.dtls()
    b.core.receive(hello, address, 0, b.now)
    (cookie,) = [d for _, _, d in b.core.drain() if 20 <= d[0] <= 63]
    assert transport.dtls.timeout() is None  # nothing is kept yet that could be sent again
    for datagram in peer.dtls(cookie):
        b.core.receive(datagram, address, 0, b.now)
    first = [d for _, _, d in b.core.drain() if 20 <= d[0] <= 63]
    assert first
    assert (transport.dtls.timeout() or 0) > 0


def test_a_hello_that_was_repeated_before_our_answer_came() -> None:
    """Chromium repeats it after 50 ms; the second answer must not make ours look replayed."""
    b = Bench()
    _, peer, address = b.open("a")
    b.core.receive(peer.check(), address, 0, b.now)
    (hello,) = peer.dtls()
    repeated = hello[:5] + (1).to_bytes(6, "big") + hello[11:]
    b.core.receive(hello, address, 0, b.now)
    b.core.receive(repeated, address, 0, b.now)
    first, second = (d for _, _, d in b.core.drain() if 20 <= d[0] <= 63)
    (answer,) = peer.dtls(first)
    assert peer.dtls(second) == []
    b.core.receive(answer, address, 0, b.now)
    flight = [d for _, _, d in b.core.drain() if 20 <= d[0] <= 63]
    assert [reply for datagram in flight for reply in peer.dtls(datagram)]


def test_nobody_comes() -> None:
    b = Bench()
    b.open("a")
    b.run(SETUP_TIMEOUT + 1, step=0.25)
    assert b.states("a") == ["failed"]


def test_a_refused_open_changes_nothing() -> None:
    b = Bench()
    spec, _, _ = b.open("a")
    assert "exists already" in b.core.command(spec, b.now)
    twice = open_message("b", fingerprint="", slots=(video_slot("x", 5000), video_slot("y", 5000)))
    assert "must differ" in b.core.command(twice, b.now)
    assert list(b.core.transports) == ["a"]
    assert "no transport" in b.core.command(m.Close(transport="zzz"), b.now)
