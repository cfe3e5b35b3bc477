"""Repair: NACK and RTX both ways, key frames, their limits."""

from __future__ import annotations

from bridge.media import rtcp
from bridge.media.layer import KEY_FRAME_INTERVAL
from tests.media.support import (
    RID,
    RRID,
    Bench,
    camera,
    messages,
    pair,
    payload_of,
    sequence_number_of,
    timestamp_of,
    video,
    video_slot,
)


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


def test_a_patient_receiver_hurries_no_source() -> None:
    """A viewer that asks a hundred times a second costs one key frame in two seconds."""
    b, a, _ = pair()
    b.send(a, video(1, key=True))
    viewer = b.join("v", (), (video_slot("programme", 6000),), patient=True)
    b.route("v", "programme", "a")
    b.send(a, video(2, key=True))
    for number in range(3, 303):  # nobody waits for anything any more
        b.send(a, video(number, key=number % 100 == 0))
        b.run(0.01)
    a.feedback.clear()
    asked = b.core.counters.key_frame_requests_received
    for number in range(303, 903):
        b.send_rtcp(viewer, rtcp.build_pli(9, 6000))
        b.send(a, video(number, key=number % 100 == 0))
        b.run(0.01)
    assert b.core.counters.key_frame_requests_received == asked + 600
    assert 2 <= len(messages(a, rtcp.KeyFrameRequest)) <= 4


def test_a_key_frame_that_does_not_come_is_asked_for_again() -> None:
    b, a, _ = pair()
    b.send(a, video(1))
    for number in range(2, 152):
        b.send(a, video(number))
        b.run(0.01)
    assert 3 <= len(messages(a, rtcp.KeyFrameRequest)) <= 5


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
