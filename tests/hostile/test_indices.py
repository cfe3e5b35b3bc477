"""A member with the right keys and hostile sequence numbers: honest streams stay readable."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.media import rtp, srtp
from bridge.media.layer import SKIP_BURST
from tests.media.support import (
    CLIENT,
    CLIENT_CM,
    Bench,
    TestPeer,
    audio,
    camera,
    microphone,
    sequence_number_of,
    video,
    video_slot,
)

HALF = 1 << 15


class LossyReceiver:
    """Guesses the rollover counter as RFC 3711 section 3.3.1 says; packets may be lost."""

    def __init__(self, peer: TestPeer) -> None:
        assert peer.peer.keys is not None
        self._inbound = srtp.Inbound(peer.peer.keys)
        self._peer = peer
        self._seen = len(peer.raw)
        self.opened = 0
        self.refused = 0

    def take(self, *, lose: bool = False) -> None:
        """Read what arrived since the last call, or lose it."""
        new, self._seen = self._peer.raw[self._seen :], len(self._peer.raw)
        for header, body in new:
            if lose:
                continue
            try:
                self._inbound.unprotect(header + body)
                self.opened += 1
            except srtp.SrtpError:
                self.refused += 1


def seal(peer: TestPeer, packet: bytes, index: int) -> bytes:
    """Seal by hand: libsrtp would keep an honest sender from what a hostile one does."""
    out = peer.tx
    assert out.seal is not None
    offset = rtp.payload_offset(packet)
    ssrc = int.from_bytes(packet[8:12], "big")
    nonce = srtp.nonce(out.salt, ssrc, index)
    return packet[:offset] + out.seal(nonce, packet[offset:], packet[:offset])


def meeting() -> Bench:
    """A hostile and an honest member, and a receiver that is shown the hostile one."""
    b = Bench()
    b.join("hostile", (camera(ssrc=1000, rtx_ssrc=3000),))
    b.join("honest", (camera(ssrc=1001, rtx_ssrc=3001),))
    b.join("r", (), (video_slot("programme", 5000),))
    b.route("r", "programme", "hostile")
    return b


def hostile(b: Bench, index: int) -> None:
    peer = b.peers["hostile"]
    packet = video(index & 0xFFFF, key=True, ssrc=1000)
    b.core.receive(seal(peer, packet, index), peer.address, 0, b.now)
    b.settle()


def honest_packets_opened(b: Bench, receiver: LossyReceiver, count: int) -> int:
    b.route("r", "programme", "honest")
    before = receiver.opened
    for number in range(count):
        b.now += 0.01
        b.send(b.peers["honest"], video(100 + number, key=number == 0, ssrc=1001))
        receiver.take()
    return receiver.opened - before


def test_jumps_with_a_loss_do_not_end_a_slot() -> None:
    """Three jumps of 32,766, the second one lost: the next source is read all the same."""
    b = meeting()
    receiver = LossyReceiver(b.peers["r"])
    hostile(b, 10)
    receiver.take()
    for jump in (1, 2, 3):
        b.now += 0.02
        hostile(b, 10 + jump * (HALF - 2))
        receiver.take(lose=jump == 2)
    assert honest_packets_opened(b, receiver, 300) == 300


JUMPS = st.integers(-3, HALF - 1)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(JUMPS, st.booleans(), st.sampled_from([0.0, 0.001, 0.02, 0.3]))))
def test_no_history_of_indices_ends_a_slot(steps: list[tuple[int, bool, float]]) -> None:
    """Any jumps at any pace, any packets lost: the outbound index moves by less than half a
    cycle between two packets that arrive, unless the receiver was away for seconds."""
    b = meeting()
    receiver = LossyReceiver(b.peers["r"])
    index = 10
    hostile(b, index)
    receiver.take()
    for jump, lose, pause in steps:
        b.now += pause
        index = max(0, index + jump)
        hostile(b, index)
        receiver.take(lose=lose)
    assert honest_packets_opened(b, receiver, 5) == 5
    assert receiver.refused == 0


def test_small_gaps_stay_as_they_are() -> None:
    """What really was lost is seen by receivers as a loss of the same size."""
    b = meeting()
    for index in (10, 11, 15, 16):
        b.now += 0.1
        hostile(b, index)
    numbers = [sequence_number_of(p) for p in b.peers["r"].packets("programme")]
    assert [n - numbers[0] for n in numbers] == [0, 1, 5, 6]


def test_a_jump_becomes_a_small_gap_and_a_key_frame_is_asked_for() -> None:
    b = meeting()
    for index in (10, 11, 11 + 2 * SKIP_BURST, 12 + 2 * SKIP_BURST):
        hostile(b, index)
    numbers = [sequence_number_of(p) for p in b.peers["r"].packets("programme")]
    assert [n - numbers[0] for n in numbers] == [0, 1, 3, 4]
    # What lies between is too late: it would take numbers that are used.
    hostile(b, 13)
    hostile(b, 10 + 2 * SKIP_BURST)
    assert len(b.peers["r"].packets("programme")) == 4
    assert b.dropped("too_old") == 2
    # And a packet that was taken is not taken again.
    hostile(b, 11 + 2 * SKIP_BURST)
    assert b.dropped("duplicate") == 1


def test_after_a_jump_requests_and_reports_name_the_sources_numbers() -> None:
    """NACK and receiver report speak of sequence numbers as the source has them."""
    from bridge.media import rtcp

    b = meeting()
    peer = b.peers["hostile"]
    for index in (10, 30_000, 30_001, 30_004):
        hostile(b, index)
    b.run(1.2)
    parsed = [message for f in peer.feedback for message in rtcp.parse(f) or ()]
    asked = {n for x in parsed if isinstance(x, rtcp.Nack) for n in x.sequence_numbers}
    assert asked == {30_002, 30_003}
    blocks = [b for x in parsed if isinstance(x, rtcp.ReceiverReport) for b in x.blocks]
    assert blocks[-1].highest == 30_004


def source_returns(identity_gcm: bool) -> tuple[Bench, TestPeer]:
    b = Bench()
    peer = b.join("a", (camera(),), identity=CLIENT if identity_gcm else CLIENT_CM)
    b.join("r", (), (video_slot("programme", 5000),))
    b.route("r", "programme", "a")
    return b, peer


def test_a_source_that_returns_to_its_first_ssrc_after_a_wrap_is_taken() -> None:
    """SSRC A wraps, B takes its place, A comes back: its rollover counter went on."""
    for gcm in (True, False):
        b, peer = source_returns(gcm)
        number = 65_530
        for _ in range(20):  # A, across the wrap
            b.now += 0.01
            b.send(peer, video(number, key=True, ssrc=1000))
            number += 1
        for step in range(10):
            b.now += 0.01
            b.send(peer, video(500 + step, key=True, ssrc=2000))
        before = b.core.counters.packets_in
        for _ in range(40):
            b.now += 0.01
            b.send(peer, video(number, key=True, ssrc=1000))
            number += 1
        assert b.core.counters.packets_in - before == 40, f"gcm={gcm}"
        shown = b.peers["r"].packets("programme")
        assert len(shown) == 70


def test_what_was_taken_before_a_change_of_ssrc_is_not_taken_again_after_it() -> None:
    b, peer = source_returns(True)
    first = [peer.tx.protect(video(n, key=True, ssrc=1000)) for n in range(100, 120)]
    for sealed in first:
        b.core.receive(sealed, peer.address, 0, b.now)
        b.settle()
    b.send(peer, video(7, key=True, ssrc=2000))
    b.send(peer, video(120, key=True, ssrc=1000))
    taken = b.core.counters.packets_in
    for sealed in first:
        b.core.receive(sealed, peer.address, 0, b.now)
        b.settle()
    assert b.core.counters.packets_in == taken


def test_sound_with_jumps_is_heard_on() -> None:
    b = Bench()
    b.join("a", (microphone(ssrc=2000),))
    peer = b.peers["a"]
    for number in (5, 6, 30_000, 30_001):
        packet = audio(number, ssrc=2000)
        b.core.receive(seal(peer, packet, number), peer.address, 0, b.now)
        b.settle()
    assert b.core.counters.packets_in == 4
