"""Feedback: transport-cc, send times, sender and receiver reports."""

from __future__ import annotations

import msgspec
import pytest

from bridge.media import messages as m
from bridge.media import rtcp
from bridge.media.feedback import ntp_time
from tests.media.support import (
    TRANSPORT_CC,
    Bench,
    camera,
    messages,
    pair,
    sequence_number_of,
    timestamp_of,
    video,
    video_slot,
)


def test_transport_cc_feedback_is_generated() -> None:
    b, a, _ = pair()
    for number in range(1, 30):
        b.send(a, video(number, key=True, transport_cc=number))
        b.run(0.01)
    feedback = messages(a, rtcp.TransportCc)
    assert feedback
    assert b.core.counters.transport_cc_sent == len(feedback)


def test_feedback_takes_little_of_a_line_that_is_full() -> None:
    """A room that sends and is shown somebody, on a line that carries no picture."""

    def feedbacks(bound: int) -> int:
        b = Bench()
        layer = m.LayerSpec(rid="", height=720, bitrate=1_500_000, frame_rate=15)
        source = msgspec.structs.replace(camera(), layers=(layer,))
        a = b.join("a", (source,))
        r = b.join("r", (camera(ssrc=7000),), (video_slot("programme", 5000),))
        ref = m.SourceRef(transport=a.id, name="camera")
        route = m.Route(transport=r.id, slot="programme", source=ref, may_pause=True)
        assert b.core.command(m.SetRoutes(routes=(route,)), b.now) == ""
        assert b.core.command(m.SetBounds(bounds={r.id: bound}), b.now) == ""
        for number in range(1, 201):
            b.send(a, video(number, key=number == 1))
            b.send(r, video(number, ssrc=7000, key=number == 1, transport_cc=number))
            b.run(0.01)
        return len(messages(r, rtcp.TransportCc))

    assert feedbacks(10_000_000) >= 35
    assert feedbacks(100_000) <= 13


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
