"""Whoever repeats a member's checks or forges its address takes nothing from it."""

from __future__ import annotations

import random

import pytest

from bridge.media import stun
from bridge.media.ice import TAKEN_OVER_AFTER
from bridge.media.transport import STRANGE_RATE, Address
from tests.media.support import Bench, TestPeer, camera, video, video_slot

EAVESDROPPER: Address = ("127.0.0.66", 6666)
BRIDGE = ("127.0.0.1", 5004)


def meeting() -> tuple[Bench, TestPeer, TestPeer]:
    """A source and a receiver; the receiver is shown the source."""
    b = Bench()
    victim = b.join("victim", (camera(ssrc=1000),))
    member = b.join("member", (), (video_slot("programme", 5000),))
    b.route("member", "programme", "victim")
    b.send(victim, video(1, key=True))
    return b, victim, member


def sent_to(b: Bench, address: Address) -> list[bytes]:
    sent, b.core.datagrams = b.core.datagrams, []
    return [datagram for _, to, datagram in sent if to == address]


def taken(b: Bench, victim: TestPeer, start: int, count: int = 50) -> int:
    before = b.core.counters.packets_in
    for number in range(start, start + count):
        b.now += 0.01
        b.core.receive(victim.tx.protect(video(number)), victim.address, 0, b.now)
        b.settle()
    return b.core.counters.packets_in - before


def test_a_members_own_check_with_a_forged_address_takes_no_address() -> None:
    """Right credentials, the victim's source address: the victim stays who it is."""
    b, victim, member = meeting()
    for _ in range(10):
        b.now += 0.1
        b.core.receive(member.peer.check(), victim.address, 0, b.now)
        # The victim is asked whether it is that member, and has no answer to give.
        for datagram in sent_to(b, victim.address):
            if stun.kind(datagram) == stun.BINDING_REQUEST:
                with pytest.raises(ValueError, match="not a check"):
                    victim.peer.answer(datagram, BRIDGE)
    assert taken(b, victim, 2) == 50
    assert b.core.transports["victim"].addresses == [victim.address]


def test_the_address_of_a_peer_that_went_silent_may_serve_a_fresh_session() -> None:
    b, victim, _ = meeting()
    b.now += TAKEN_OVER_AFTER + 0.1
    _, peer, _ = b.open("again", (camera(ssrc=1000),))
    b.core.receive(peer.check(), victim.address, 0, b.now)
    assert b.core.transports["again"].addresses == [victim.address]


def test_a_recorded_check_moves_nothing() -> None:
    """An eavesdropper sends a member's check again, before and after it arrives itself."""
    b, victim, member = meeting()
    for late in (True, False):
        b.now += 1
        check = member.peer.check()
        order = [EAVESDROPPER, member.address]
        for address in reversed(order) if late else order:
            b.core.receive(check, address, 0, b.now)
        sent_to(b, EAVESDROPPER)
        b.send(victim, video(2 if late else 3))
        assert b.core.transports["member"].address == member.address
        assert EAVESDROPPER not in b.core.transports["member"].addresses
    assert len(member.packets("programme")) == 3
    assert b.dropped("stun_replayed") == 2


def test_a_recording_of_long_ago_moves_nothing_and_is_no_sign_of_life() -> None:
    b, _, member = meeting()
    recorded = member.peer.check()
    b.core.receive(recorded, member.address, 0, b.now)
    for _ in range(100):
        b.now += 0.03
        b.core.receive(member.peer.check(), member.address, 0, b.now)
    heard = b.core.transports["member"].last_heard
    b.now += 1
    b.core.receive(recorded, EAVESDROPPER, 0, b.now)
    datagrams = sent_to(b, EAVESDROPPER)
    assert sum(stun.kind(d) == stun.BINDING_REQUEST for d in datagrams) == 1, "it is asked"
    assert b.core.transports["member"].address == member.address
    assert b.core.transports["member"].last_heard == heard


def test_repetitions_do_not_use_up_the_members_allowance() -> None:
    """1,000 recorded checks a second from elsewhere: the member's own are all answered."""
    b, _, member = meeting()
    recordings = [member.peer.check() for _ in range(1000)]
    answered = 0
    for step, recorded in enumerate(recordings):
        b.now += 0.001
        b.core.receive(recorded, EAVESDROPPER, 0, b.now)
        if step % 80 == 0:
            b.core.datagrams.clear()
            b.core.receive(member.peer.check(), member.address, 0, b.now)
            answered += len(sent_to(b, member.address))
    assert answered == 13
    assert b.dropped("stun_rate") >= 1000 - 3 * STRANGE_RATE


def test_an_answer_that_nobody_asked_for_or_forged_counts_for_nothing() -> None:
    b, _, member = meeting()
    b.now += 1
    b.core.receive(member.peer.check(), EAVESDROPPER, 0, b.now)
    (check,) = [d for d in sent_to(b, EAVESDROPPER) if stun.kind(d) == stun.BINDING_REQUEST]
    message = stun.parse(check)
    assert message is not None
    forged = stun.binding_success(message.transaction, BRIDGE, b"wrong password")
    b.core.receive(forged, EAVESDROPPER, 0, b.now)
    assert b.dropped("stun_integrity") == 1
    right = member.peer.answer(check, BRIDGE)
    b.core.receive(right, ("127.0.0.77", 7777), 0, b.now)
    unasked = stun.binding_success(bytes(12), BRIDGE, member.spec.ice.remote_password.encode())
    b.core.receive(unasked, EAVESDROPPER, 0, b.now)
    assert b.dropped("stun_method") == 2
    assert b.core.transports["member"].addresses == [member.address]
    b.core.receive(right, EAVESDROPPER, 0, b.now)
    assert EAVESDROPPER in b.core.transports["member"].addresses, "who knows the password may"


def test_a_member_that_really_moved_is_followed_even_where_answers_are_lost() -> None:
    b, victim, member = meeting()
    moved: Address = ("127.0.0.9", 9999)
    for number in range(4):
        b.now += 0.2
        b.core.receive(member.peer.check(), moved, 0, b.now)
        checks = [d for d in sent_to(b, moved) if stun.kind(d) == stun.BINDING_REQUEST]
        assert len(checks) == (1 if number < 3 else 0)
        if number == 2:
            b.core.receive(member.peer.answer(checks[0], BRIDGE), moved, 0, b.now)
    assert b.core.transports["member"].address == moved
    assert taken(b, victim, 2) == 50


def test_what_is_kept_of_addresses_is_bounded() -> None:
    b, _, member = meeting()
    rng = random.Random(1)
    for number in range(3000):
        b.now += 0.03
        address = ("127.0.1." + str(rng.randrange(256)), 1024 + number)
        b.core.receive(member.peer.check(), address, 0, b.now)
    transport = b.core.transports["member"]
    assert len(transport.pending) <= 4
    assert len(transport.transactions) <= 64
    assert len(transport.check_credit) <= 4
    assert len(b.core.ice.asked) <= 4
    b.core.ice.remove(transport)
    assert not b.core.ice.asked


def test_junk_that_looks_like_stun_is_refused_by_its_head() -> None:
    """300 attributes, an endless length, a foreign ufrag: never parsed, never verified."""
    b, victim, _ = meeting()
    ice = victim.spec.ice
    many = stun.seal(stun.BINDING_REQUEST, bytes(12), stun.attribute(0x7777, b"") * 300, None)
    for datagram in (many, many[:20], b"\0\1" + bytes(18)):
        b.core.receive(datagram, EAVESDROPPER, 0, b.now)
    assert b.dropped("stun_malformed") == 3
    late = stun.attribute(0x7777, b"") * 9 + stun.attribute(stun.ATTR_USERNAME, b"x:y")
    b.core.receive(stun.seal(1, bytes(12), late, b"x"), EAVESDROPPER, 0, b.now)
    assert b.dropped("stun_malformed") == 4
    username = f"{ice.local_ufrag}:{ice.remote_ufrag}"
    for number in range(500):  # the right ufrag, a wrong password: a few are looked at
        wrong = stun.binding_request(number.to_bytes(12, "big"), username=username, password=b"-")
        b.core.receive(wrong, EAVESDROPPER, 0, b.now)
    assert b.dropped("stun_integrity") <= STRANGE_RATE
    assert b.dropped("stun_rate") >= 500 - STRANGE_RATE
    assert taken(b, victim, 2) == 50
