"""RTP that passes through: numbers without a jump, never one twice; parameter sets where a decoder
starts; pictures in packets of every kind."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.media import rtp
from bridge.programme.frames import access_unit
from bridge.sip.flow.picture_coder import PART, h264_payloads, nal_units
from bridge.sip.flow.streams import ParameterSets, PictureStream, Rewriter

SPS, PPS, IDR, SLICE = b"\x67sps", b"\x68pps", b"\x65" + b"i" * 50, b"\x41" + b"p" * 50


def packet(number: int, payload: bytes, *, timestamp: int = 0, ssrc: int = 5) -> bytes:
    return rtp.build(
        payload_type=97,
        sequence_number=number,
        timestamp=timestamp,
        ssrc=ssrc,
        payload=payload,
        marker=True,
    )


def numbers(packets: list[bytes]) -> list[int]:
    return [p[2] << 8 | p[3] for p in packets]


def test_sets_of_the_description_are_put_before_every_picture_that_can_be_entered() -> None:
    stream = PictureStream(Rewriter(40, 98, 90_000), ParameterSets((SPS, PPS)))
    first = stream.take(packet(65535, IDR, timestamp=1), 0.0)
    second = stream.take(packet(0, SLICE, timestamp=2), 0.1)
    third = stream.take(packet(1, IDR, timestamp=3), 0.2)
    assert [len(found) for found in (first, second, third)] == [2, 1, 2]
    assert b"sps" in first[0]
    assert b"pps" in third[0]
    every = numbers(first + second + third)
    assert every == list(range(every[0], every[0] + 5))
    assert first[0][4:8] == first[1][4:8]


def test_sets_that_come_with_the_picture_are_not_doubled() -> None:
    stream = PictureStream(Rewriter(40, 98, 90_000), ParameterSets((SPS, PPS)))
    out = [stream.take(packet(n, part, timestamp=9), 0.0) for n, part in enumerate((SPS, PPS, IDR))]
    assert [len(found) for found in out] == [1, 1, 1]


def test_what_came_before_a_set_that_was_put_in_is_not_put_through_late() -> None:
    stream = PictureStream(Rewriter(40, 98, 90_000), ParameterSets((SPS, PPS)))
    stream.take(packet(10, SLICE, timestamp=1), 0.0)
    stream.take(packet(12, IDR, timestamp=3), 0.1)
    assert stream.take(packet(11, SLICE, timestamp=2), 0.2) == []


def test_interleaved_and_empty_payloads_go_nowhere() -> None:
    stream = PictureStream(Rewriter(40, 98, 90_000))
    for payload in (b"", b"\x00x", b"\x19x", b"\x1dxy", b"\x1f"):
        assert stream.take(packet(1, payload), 0.0) == []


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 65535) | st.integers(0, 40),
            st.sampled_from(
                [SPS, PPS, IDR, SLICE, b"\x7c\x85x", b"\x78\x00\x04\x67sps", b"\x78\xff"]
            ),
            st.integers(0, 3),
            st.sampled_from([5, 6]),
        ),
        max_size=40,
    )
)
def test_no_number_leaves_with_two_payloads(came: list[tuple[int, bytes, int, int]]) -> None:
    """Whatever a codec sends, one number under our keys is one packet."""
    stream = PictureStream(Rewriter(0xFFF0, 98, 90_000), ParameterSets((SPS, PPS)))
    out = [
        ours
        for step, (number, payload, timestamp, ssrc) in enumerate(came)
        for ours in stream.take(packet(number, payload, timestamp=timestamp, ssrc=ssrc), step / 50)
    ]
    assert len(set(numbers(out))) == len(out)


def test_a_picture_in_packets_is_the_picture() -> None:
    unit = b"\x65" + bytes(range(256)) * 20
    fragments = list(h264_payloads(unit, single=False))
    assert max(map(len, fragments)) <= PART + 2
    assert access_unit(fragments) == b"\0\0\0\1" + unit
    assert list(h264_payloads(unit, single=True)) == [unit]
    assert nal_units(b"\0\0\0\1" + SPS + b"\0\0\1" + PPS) == [SPS, PPS]
