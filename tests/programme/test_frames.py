"""Frames out of packets, in order, late, lost, and of nonsense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.media import rtp
from bridge.programme.frames import ANNEX_B, WAIT, Frames, access_unit, parameter_sets
from bridge.programme.stream_clock import NTP_EPOCH, StreamClock


def packet(number: int, payload: bytes, timestamp: int, *, marker: bool = True) -> bytes:
    return rtp.build(
        payload_type=96,
        sequence_number=number & 0xFFFF,
        timestamp=timestamp & 0xFFFFFFFF,
        ssrc=1,
        payload=payload,
        marker=marker,
    )


KEY, DELTA = b"\x10\x00key", b"\x10\x01delta"
MORE = b"\x00more"


@pytest.mark.parametrize("first", [0, 1, 127, 128, 32767, 32768, 65534, 65535])
def test_frames_come_in_order_whatever_their_numbers(first: int) -> None:
    frames = Frames("vp8")
    packets = [
        packet(first, KEY, 0, marker=False),
        packet(first + 1, MORE, 0),
        packet(first + 2, DELTA, 3000),
        packet(first + 3, DELTA, 6000),
    ]
    found = [frame for i in (0, 2, 3, 1) for frame in frames.push(packets[i], 1.0)]
    assert [frame.timestamp for frame in found] == [0, 3000, 6000]
    assert found[0].data == b"\x00keymore"
    assert [frame.key for frame in found] == [True, False, False]


def test_what_does_not_come_is_waited_for_and_then_left() -> None:
    frames = Frames("vp8")
    frames.push(packet(1, KEY, 0), 1.0)
    assert frames.push(packet(3, DELTA, 6000), 1.0) == []
    assert frames.pull(1.0 + WAIT / 2) == []
    assert frames.lost == 0
    assert frames.pull(1.01 + WAIT) == []
    assert frames.lost == 1
    assert frames.key_frame_needed
    assert frames.push(packet(4, DELTA, 9000), 2.0) == []
    assert [f.key for f in frames.push(packet(5, KEY, 12000), 2.0)] == [True]


def test_a_frame_without_a_marker_ends_with_the_next() -> None:
    frames = Frames("vp8")
    assert frames.push(packet(1, KEY, 0, marker=False), 1.0) == []
    assert [f.timestamp for f in frames.push(packet(2, DELTA, 3000), 1.0)] == [0, 3000]


SPS, PPS, IDR = b"\x67\x42\xe0\x1f", b"\x68\xce", b"\x65" + bytes(range(20))


def stap(*units: bytes) -> bytes:
    return b"\x18" + b"".join(len(u).to_bytes(2, "big") + u for u in units)


def fragments(unit: bytes, size: int) -> list[bytes]:
    head, kind = unit[0] & 0xE0 | 28, unit[0] & 0x1F
    body = unit[1:]
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    last = len(pieces) - 1
    return [
        bytes([head, kind | (i == 0) << 7 | (i == last) << 6]) + piece
        for i, piece in enumerate(pieces)
    ]


def test_units_of_h264_are_put_together() -> None:
    payloads = [stap(SPS, PPS), *fragments(IDR, 7), b"\x06sei"]
    whole = access_unit(payloads)
    assert whole == b"".join(ANNEX_B + unit for unit in (SPS, PPS, IDR, b"\x06sei"))
    assert parameter_sets(whole) == ANNEX_B + SPS + ANNEX_B + PPS


@pytest.mark.parametrize("missing", [1, 3])
def test_a_unit_that_lacks_its_beginning_or_end_is_none(missing: int) -> None:
    payloads = [stap(SPS, PPS), *fragments(IDR, 7)]
    del payloads[missing]
    assert access_unit(payloads) == b""


@given(st.lists(st.tuples(st.integers(0, 65535), st.binary(max_size=40)), max_size=30))
def test_nonsense_is_no_picture_and_no_exception(packets: list[tuple[int, bytes]]) -> None:
    for codec in ("vp8", "h264"):
        frames = Frames(codec)
        for number, payload in packets:
            frames.push(packet(number, payload, number), 1.0)
            frames.push(payload, 1.0)
        frames.pull(10.0)


def test_instants_follow_reports_across_a_wrap() -> None:
    clock = StreamClock(90_000)
    assert clock.instant(0xFFFFFFFF - 89_999, 1000.0) == 1000.0
    clock.report(int((1000.5 + NTP_EPOCH) * 2**32), 0xFFFFFFFF - 44_999, 1000.6)
    assert clock.instant(45_000, 1001.6) == pytest.approx(1001.5, abs=1e-4)


@pytest.mark.parametrize("at", [10.0, 5000.0])
def test_a_report_that_cannot_be_true_is_none(at: float) -> None:
    clock = StreamClock(48_000)
    clock.instant(0, 1000.0)
    clock.report(int((at + NTP_EPOCH) * 2**32), 48_000, 1001.0)
    assert clock.instant(48_000, 1001.1) == 1001.0


def test_a_stream_whose_timestamps_jump_begins_anew() -> None:
    clock = StreamClock(48_000)
    clock.instant(0, 1000.0)
    assert clock.instant(48_000 * 100, 1001.0) == 1001.0
    assert clock.instant(48_000 * 101, 1002.1) == 1002.0
