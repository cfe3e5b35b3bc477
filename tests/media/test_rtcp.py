"""RTCP compounds and transport-wide feedback."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.media import rtcp, transport_cc


def test_a_compound_is_read_back() -> None:
    block = rtcp.ReportBlock(9, 25, -3, 70_000, 11, 0xAABBCCDD, 65536)
    report = rtcp.SenderReport(5, 0x0123456789ABCDEF, 90_000, 10, 1000, (block,))
    data = (
        rtcp.build_sender_report(report)
        + rtcp.build_receiver_report(1, [block, block])
        + rtcp.build_cname(5, "bridge")
        + rtcp.build_pli(1, 77)
        + rtcp.build_nack(1, 77, [65534, 65535, 0, 16, 40])
        + rtcp.build_remb(1, 2_500_000, [77, 78])
    )
    sender, receiver, pli, nack, remb = rtcp.parse(data) or []
    assert sender == report
    assert receiver == rtcp.ReceiverReport(1, (block, block))
    assert pli == rtcp.KeyFrameRequest(77)
    assert nack == rtcp.Nack(77, (65534, 65535, 0, 16, 40))
    assert isinstance(remb, rtcp.Remb)
    assert remb.ssrcs == (77, 78)
    assert 0.99 * 2_500_000 <= remb.bitrate <= 2_500_000


def test_fir_names_its_ssrcs() -> None:
    fci = (77).to_bytes(4, "big") + bytes([1, 0, 0, 0])
    body = rtcp.FEEDBACK_HEADER.pack(1, 0) + fci
    packet = rtcp.HEADER.pack(0x80 | rtcp.PSFB_FIR, rtcp.PAYLOAD_FEEDBACK, len(body) // 4) + body
    assert rtcp.parse(packet) == [rtcp.KeyFrameRequest(77)]


def test_chromium_transport_cc_bytes() -> None:
    # Written by hand from the draft, section 3.1: base 10, 5 statuses, reference 2, count 7;
    # a two-bit vector (received small, lost, small, large, small); deltas 4, 8, -1, 0.
    fci = bytes.fromhex("000a 0005 000002 07 d190 04 08 ffff 00".replace(" ", ""))
    fci += bytes(-len(fci) % 4)
    feedback = transport_cc.parse(fci)
    assert feedback is not None
    assert feedback.number == 7
    assert feedback.base == 10
    times = feedback.arrivals
    assert len(times) == 5
    assert times[1] is None
    assert times[0] == pytest.approx(0.128 + 0.001)
    assert times[2] == pytest.approx(0.128 + 0.003)
    assert times[3] == pytest.approx(0.128 + 0.00275)


@given(
    st.lists(st.tuples(st.integers(0, 300), st.floats(0, 2)), min_size=1, max_size=120),
    st.sampled_from([0, 1, 127, 128, 32767, 32768, 65400, 65535]),
)
def test_transport_cc_round_trip(packets: list[tuple[int, float]], base: int) -> None:
    recorder = transport_cc.Recorder()
    recorder.add(base, 5000.0)
    expected = {base: 5000.0}
    for offset, at in packets:
        sequence_number = (base + offset) & 0xFFFF
        recorder.add(sequence_number, 5000.0 + at)
        expected.setdefault(sequence_number, 5000.0 + at)
    feedback = transport_cc.parse(recorder.flush())
    assert feedback is not None
    seen = {
        (feedback.base + offset) & 0xFFFF: at
        for offset, at in enumerate(feedback.arrivals)
        if at is not None
    }
    assert seen.keys() == expected.keys()
    for seq, at in seen.items():
        assert at == pytest.approx(expected[seq], abs=0.001)
    assert recorder.flush() == b""


def test_feedback_starts_where_the_last_one_ended() -> None:
    recorder = transport_cc.Recorder()
    for seq in (1, 2, 3):
        recorder.add(seq, 1.0)
    recorder.flush()
    recorder.add(6, 1.1)
    recorder.add(2, 1.2)  # came too late to be reported
    feedback = transport_cc.parse(recorder.flush())
    assert feedback is not None
    assert feedback.base == 4
    assert [at is None for at in feedback.arrivals] == [True, True, False]


@pytest.mark.parametrize(
    ("line", "seconds"),
    [(0, 0.05), (10e6, 0.05), (384_000, 0.05), (192_000, 0.1), (100_000, 0.192), (30_000, 0.25)],
)
def test_on_a_thin_line_feedback_is_seldom(line: float, seconds: float) -> None:
    """A twentieth of what it carries, at most; never less than four times a second."""
    assert transport_cc.interval(line) == pytest.approx(seconds)
    recorder = transport_cc.Recorder()
    turns = sum(recorder.due(line, 5 + transport_cc.OFTEN * tick) for tick in range(400))
    assert turns == pytest.approx(20 / seconds, rel=0.08)


@given(st.binary(max_size=120))
def test_parsers_never_fail(junk: bytes) -> None:
    rtcp.parse(junk)
    rtcp.parse(bytes([0x8F, 205, 0, max(0, len(junk) // 4)]) + junk)
    transport_cc.parse(junk)


@pytest.mark.parametrize("cut", range(1, 60))
def test_truncated_compounds_are_refused_or_shorter(cut: int) -> None:
    data = rtcp.build_nack(1, 2, list(range(0, 400, 20))) + rtcp.build_pli(1, 2)
    parsed = rtcp.parse(data[: len(data) - cut])
    assert parsed is None or len(parsed) == 1
