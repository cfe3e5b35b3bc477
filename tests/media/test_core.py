"""The worker's core with whole peers: joining, forwarding, repair, feedback, consent."""

from __future__ import annotations

import pytest

from benchmarks.peer import ClientIdentity, open_message
from bridge.media import messages as m
from bridge.media import rtcp, srtp
from bridge.media.core import CONSENT_TIMEOUT, SETUP_TIMEOUT
from bridge.media.feedback import ntp_time
from bridge.media.layer import KEY_FRAME_INTERVAL
from tests.support import (
    CLIENT,
    CLIENT_CM,
    RID,
    RRID,
    TRANSPORT_CC,
    Bench,
    TestPeer,
    audio,
    audio_slot,
    camera,
    microphone,
    payload_of,
    sequence_number_of,
    timestamp_of,
    video,
    video_slot,
)


def pair(**options: object) -> tuple[Bench, TestPeer, TestPeer]:
    """A source and a receiver that is shown it."""
    b = Bench()
    a = b.join("a", (camera(ssrc=1000, rtx_ssrc=1500), microphone()), **options)  # type: ignore[arg-type]
    r = b.join("r", (), (video_slot("programme", 5000),), **options)  # type: ignore[arg-type]
    b.route("r", "programme", "a")
    return b, a, r


def messages(peer: TestPeer, kind: type) -> list[rtcp.Message]:
    found = []
    for compound in peer.feedback:
        found += [x for x in rtcp.parse(compound) or [] if isinstance(x, kind)]
    return found


# --- joining -------------------------------------------------------------------------------


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
    assert b.join("a", identity=both).peer.profile is srtp.AEAD_AES_128_GCM


def test_a_wrong_fingerprint_fails_the_transport() -> None:
    b = Bench()
    other = ClientIdentity.generate()
    spec = open_message("a", fingerprint=other.fingerprint)
    b.core.command(spec, b.now)
    _, peer, address = b.open("b")
    peer.open = spec
    b.core.receive(peer.check(), address, 0, b.now)
    b.handshake(peer, address)
    b.settle()
    assert b.states("a") == ["connecting", "failed"]
    reason = next(e.reason for e in b.events if isinstance(e, m.StateChanged) and e.reason)
    assert reason == "The DTLS certificate does not match the fingerprint in the SDP."


def test_a_lost_flight_is_sent_again() -> None:
    b = Bench()
    _, peer, address = b.open("a")
    b.core.receive(peer.check(), address, 0, b.now)
    for datagram in peer.dtls():
        b.core.receive(datagram, address, 0, b.now)
    first = [d for _, _, d in b.core.datagrams if 20 <= d[0] <= 63]
    b.core.datagrams.clear()
    assert first
    transport = b.core.transports["a"]
    assert (transport.dtls.timeout() or 0) > 0


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


# --- forwarding ----------------------------------------------------------------------------


def test_simulcast_layers_are_learned_and_chosen() -> None:
    b = Bench()
    a = b.join("a", (camera(rids=("q", "h", "f")),))
    r = b.join("r", (), (video_slot("programme", 5000), video_slot("thumb", 6000)))
    b.route("r", "programme", "a", "highest")
    b.route("r", "thumb", "a", "lowest")
    b.send(a, video(10, ssrc=1, rid="q"))
    assert [len(r.packets(s)) for s in ("programme", "thumb")] == [0, 0], "gated"
    b.send(a, video(11, key=True, ssrc=1, rid="q"))
    assert [len(r.packets(s)) for s in ("programme", "thumb")] == [1, 1]
    b.send(a, video(900, ssrc=3, rid="f"))
    b.send(a, video(901, key=True, ssrc=3, rid="f"))
    b.send(a, video(12, ssrc=1, rid="q"))
    assert [len(r.packets(s)) for s in ("programme", "thumb")] == [2, 2]
    # The highest layer stops: the programme falls back to what still exists.
    for number in range(13, 213):
        b.send(a, video(number, ssrc=1, rid="q", key=number > 190))
        b.run(0.01)
    showing = [e for e in b.events if isinstance(e, m.SlotShowing) and e.slot == "programme"]
    assert [e.layer for e in showing] == ["q", "f", "q"]


def test_unknown_streams_are_counted_and_ignored() -> None:
    b, a, _ = pair()
    b.send(a, video(1, ssrc=77, mid="9"))
    assert b.dropped("ssrc_unknown") == 1
    b.send(a, video(1, ssrc=78, payload_type=50))
    assert b.dropped("payload_type") == 1


def test_one_peer_cannot_use_ssrcs_without_end() -> None:
    b, a, _ = pair()
    for ssrc in range(10_000, 12_000):
        b.now += 0.005
        b.core.tick(b.now)
        b.send(a, video(1, ssrc=ssrc, mid="9"))
    assert b.dropped("ssrc_limit") > 1900
    assert len(b.core.transports["a"].ssrcs) <= 32


def test_routes_may_come_before_their_source() -> None:
    b = Bench()
    r = b.join("r", (), (video_slot("programme", 5000),))
    b.route("r", "programme", "a")
    a = b.join("a", (camera(ssrc=1000),))
    b.send(a, video(1, key=True))
    assert len(r.packets("programme")) == 1, "the first packet of all opens the gate"


def test_closing_a_source_empties_the_slot() -> None:
    b, a, r = pair()
    b.send(a, video(1, key=True))
    b.send(a, video(2, key=True))
    b.core.command(m.Close(transport="a"), b.now)
    b.settle()
    inventory = b.core.inventory(b.now)
    assert [t.transport for t in inventory.transports] == ["r"]
    slot = inventory.transports[0].slots[0]
    assert (slot.wanted, slot.shown) == (m.SourceRef(transport="a", name="camera"), None)
    assert r.packets("programme")


# --- repair --------------------------------------------------------------------------------


def test_a_gap_is_asked_for_and_repaired_by_rtx() -> None:
    b, a, r = pair()
    b.send(a, video(1, key=True))
    b.send(a, video(2, key=True))
    b.send(a, video(5))
    b.run(0.01)
    nacks = messages(a, rtcp.Nack)
    assert nacks == [rtcp.Nack(1000, (3, 4))]
    original = video(3)
    rtx = video(900, ssrc=1500, payload_type=97, timestamp=9000)
    rtx = rtx[: len(rtx) - len(payload_of(rtx))] + b"\0\x03" + payload_of(original)
    b.send(a, rtx)
    assert b.core.counters.packets_recovered == 1
    numbers = [sequence_number_of(p) for p in r.packets("programme")]
    assert [(n - numbers[0]) & 0xFFFF for n in numbers] == [0, 1, 4, 2]
    b.send(a, rtx[:2] + b"\x03\x99" + rtx[4:])
    assert b.core.counters.rtx_redundant == 1
    b.run(1.2)
    assert b.core.transports["a"].layers[1000].lost_unrepaired == 1


def test_rtx_ahead_of_the_stream_is_refused() -> None:
    b, a, _ = pair()
    b.send(a, video(1, key=True))
    rtx = video(900, ssrc=1500, payload_type=97)
    b.send(a, rtx[: len(rtx) - len(payload_of(rtx))] + b"\x70\x00" + payload_of(video(3)))
    assert b.dropped("rtx_malformed") == 1


def test_receivers_are_answered_by_rtx_from_the_ring() -> None:
    b, a, r = pair()
    for number in range(1, 12):
        b.send(a, video(number, key=number < 3, size=300 + number))
    sent = r.packets("programme")
    wanted = [sequence_number_of(sent[2]), sequence_number_of(sent[5])]
    b.send_rtcp(r, rtcp.build_nack(9, 5000, wanted))
    again = r.packets("programme", rtx=True)
    assert [int.from_bytes(payload_of(p)[:2], "big") for p in again] == wanted
    assert [payload_of(p)[2:] for p in again] == [payload_of(sent[2]), payload_of(sent[5])]
    assert [timestamp_of(p) for p in again] == [timestamp_of(sent[2]), timestamp_of(sent[5])]
    b.send_rtcp(r, rtcp.build_nack(9, 5000, wanted))
    assert len(r.packets("programme", rtx=True)) == 2, "not twice within a moment"
    b.send_rtcp(r, rtcp.build_nack(9, 5000, [(wanted[0] + 5000) & 0xFFFF]))
    assert b.dropped("rtx_missing") == 1


def test_retransmissions_are_limited() -> None:
    b, a, r = pair()
    for number in range(1, 400):
        b.send(a, video(number, key=number < 3, size=1000))
    numbers = [sequence_number_of(p) for p in r.packets("programme")]
    for _ in range(10):
        b.now += 0.02
        b.send_rtcp(r, rtcp.build_nack(9, 5000, numbers))
    assert b.dropped("rtx_budget") > 0
    octets = sum(len(p) for p in r.packets("programme", rtx=True))
    assert octets < 0.6 * sum(len(p) for p in r.packets("programme"))


def test_key_frame_requests_are_coalesced() -> None:
    b, a, _ = pair()
    b.send(a, video(1, key=True))
    b.send(a, video(2, key=True))
    others = [b.join(f"r{i}", (), (video_slot("programme", 5000),)) for i in range(8)]
    a.feedback.clear()
    b.run(KEY_FRAME_INTERVAL)
    for other in others:
        b.route(other.id, "programme", "a")
    assert len(messages(a, rtcp.KeyFrameRequest)) == 1
    b.send(a, video(3, key=True))
    for other in others * 3:
        b.send_rtcp(other, rtcp.build_pli(9, 5000))
    assert len(messages(a, rtcp.KeyFrameRequest)) == 1, "limited"
    b.run(KEY_FRAME_INTERVAL + 0.02)
    assert len(messages(a, rtcp.KeyFrameRequest)) == 2, "and not forgotten"


def test_a_key_frame_that_does_not_come_is_asked_for_again() -> None:
    b, a, _ = pair()
    b.send(a, video(1))
    for number in range(2, 152):
        b.send(a, video(number))
        b.run(0.01)
    assert 3 <= len(messages(a, rtcp.KeyFrameRequest)) <= 5


# --- feedback ------------------------------------------------------------------------------


def test_transport_cc_feedback_is_generated() -> None:
    b, a, _ = pair()
    for number in range(1, 30):
        b.send(a, video(number, key=True, transport_cc=number))
        b.run(0.01)
    feedback = messages(a, rtcp.TransportCc)
    assert feedback
    assert b.core.counters.transport_cc_sent == len(feedback)


def test_packets_to_receivers_carry_fresh_transport_numbers() -> None:
    b, a, r = pair()
    for number in range(1, 30):
        b.send(a, video(number, key=True))
    b.send_rtcp(r, rtcp.build_nack(9, 5000, [sequence_number_of(r.packets("programme")[3])]))
    numbers = []
    for packet in r.received:
        from bridge.media.rtp import find_extension

        pos, length = find_extension(packet, TRANSPORT_CC)
        assert length == 2
        numbers.append(int.from_bytes(packet[pos : pos + 2], "big"))
    assert numbers == list(range(len(numbers)))


def test_abs_send_time_goes_to_those_without_transport_cc() -> None:
    b = Bench()
    a = b.join("a", (camera(ssrc=1000),))
    r = b.join("r", (), (video_slot("s", 5000),), extensions=m.Extensions(abs_send_time=3))
    plain = b.join("p", (), (video_slot("s", 5000),), extensions=m.Extensions())
    b.route("r", "s", "a")
    b.route("p", "s", "a")
    for number in range(4):
        b.send(a, video(number, key=True))
    assert r.received[0][16] == 0x32
    assert plain.received[0][0] == 0x80
    b.send_rtcp(r, rtcp.build_remb(9, 700_000, [5000]))
    assert b.core.transports["r"].remb == pytest.approx(700_000, rel=0.01)


def test_sender_reports_are_translated() -> None:
    b, a, r = pair()
    for number in range(1, 5):
        b.send(a, video(number, key=True, timestamp=number * 3000))
    source_clock = 12345.0  # the source's clock is far off
    report = rtcp.SenderReport(1000, ntp_time(source_clock), 4 * 3000, 4, 1000, ())
    b.send_rtcp(a, rtcp.build_sender_report(report))
    b.run(1.0)
    reports = messages(r, rtcp.SenderReport)
    assert reports
    translated = reports[0]
    assert isinstance(translated, rtcp.SenderReport)
    assert translated.ssrc == 5000
    assert translated.rtp == timestamp_of(r.packets("programme")[-1])
    arrival = 1000.0 + b.core.unix_offset
    assert translated.ntp / 2**32 == pytest.approx(ntp_time(arrival) / 2**32, abs=0.1)
    assert translated.packets == len(r.packets("programme"))
    # The receiver answers: the round trip is read from it.
    block = rtcp.ReportBlock(5000, 64, 5, 0, 0, translated.ntp >> 16 & 0xFFFFFFFF, 6554)
    b.now += 0.15
    b.send_rtcp(r, rtcp.build_receiver_report(9, [block]))
    assert b.core.transports["r"].slots["programme"].receiver_loss == 0.25
    assert 0 < b.core.transports["r"].rtt < 1.2


def test_receiver_reports_tell_loss() -> None:
    b, a, _ = pair()
    for number in range(1, 101):
        if number % 10:
            b.send(a, video(number, key=True))
    b.run(1.0)
    reports = [x for x in messages(a, rtcp.ReceiverReport) if isinstance(x, rtcp.ReceiverReport)]
    block = next(x for report in reports for x in report.blocks if x.ssrc == 1000)
    assert block.packets_lost == 9
    assert block.highest == 99


# --- consent and addresses -----------------------------------------------------------------


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


# --- audio ---------------------------------------------------------------------------------


def test_audio_slots_hold_the_floor_then_the_loudest() -> None:
    b = Bench()
    names = ("a", "b", "c", "d")
    for number, name in enumerate(names):
        slots = (audio_slot("audio:0", 7000), audio_slot("audio:1", 7001))
        b.join(name, (microphone(ssrc=2000 + number),), slots)
    refs = {n: m.SourceRef(transport=n, name="microphone") for n in names}
    b.core.command(
        m.SetAudio(
            group="g", members=names, allowed=(refs["a"], refs["b"], refs["c"]), floor=(refs["c"],)
        ),
        b.now,
    )
    levels = {"a": 20, "b": 50, "c": 90, "d": 0}
    for number in range(100):
        for index, name in enumerate(names):
            b.send(b.peers[name], audio(number, ssrc=2000 + index, level=levels[name]))
        b.run(0.02)

    def heard(name: str) -> set[str]:
        slots = b.core.inventory(b.now).transports[names.index(name)].slots
        return {s.shown.transport for s in slots if s.shown is not None}

    assert heard("d") == {"c", "a"}, "the floor although it is silent, then the loudest"
    assert heard("a") == {"c", "b"}, "nobody hears himself"
    assert heard("c") == {"a", "b"}
    before = len(b.peers["d"].received)
    b.core.command(m.SetAudio(group="g", members=names, allowed=(refs["b"],)), b.now)
    for number in range(100, 110):
        for index, name in enumerate(names):
            b.send(b.peers[name], audio(number, ssrc=2000 + index, level=levels[name]))
        b.run(0.02)
    assert heard("d") == {"b"}, "who may no longer speak is cut off"
    assert len(b.peers["d"].received) - before <= 12
    reported = [e for e in b.events if isinstance(e, m.Levels)][-1].levels
    assert reported["d"] < 5 < reported["a"]


def test_repaired_rid_finds_its_layer() -> None:
    b = Bench()
    a = b.join("a", (camera(rids=("q", "f")),))
    b.send(a, video(1, key=True, ssrc=1, rid="q"))
    b.send(a, video(3, ssrc=1, rid="q"))
    from bridge.media import rtp

    repair = rtp.build(
        payload_type=97,
        sequence_number=50,
        timestamp=6000,
        ssrc=99,
        payload=b"\0\x02" + payload_of(video(2)),
        extensions=((1, b"1"), (RRID, b"q")),
    )
    b.send(a, repair)
    assert b.core.counters.packets_recovered == 1
    assert RID


def test_levels_are_repeated_so_that_pages_see_life() -> None:
    b = Bench()
    b.run(3.0)
    levels = [e for e in b.events if isinstance(e, m.Levels)]
    assert 3 <= len(levels) <= 4
