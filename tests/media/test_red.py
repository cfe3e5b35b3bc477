"""Redundant audio, octet by octet: what is parsed, what is refused, what is built."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.media import opus, red
from bridge.media.red import Earlier, Parsed

PT = 111
E = 0x80 | PT  # an earlier frame's first octet


def header(offset: int, length: int, payload_type: int = PT) -> bytes:
    return ((0x80 | payload_type) << 24 | offset << 10 | length).to_bytes(4, "big")


# As Chromium 156 sends it: the frame before, 960 samples earlier, and the packet's own.
CHROMIUM = bytes([E, 0x0F, 0x00, 0x03, PT]) + b"\x78AB" + b"\x78CDE"


@pytest.mark.parametrize(
    ("payload", "parsed"),
    [
        (CHROMIUM, Parsed(b"\x78CDE", (Earlier(960, b"\x78AB"),))),
        (bytes([PT]) + b"x", Parsed(b"x", ())),
        (
            header(1920, 1) + header(960, 2) + bytes([PT]) + b"122x",
            Parsed(b"x", (Earlier(1920, b"1"), Earlier(960, b"22"))),
        ),
        # Empty and simultaneous frames repeat nothing; their octets are passed over.
        (header(960, 0) + bytes([PT]) + b"x", Parsed(b"x", ())),
        (header(0, 2) + bytes([PT]) + b"zzx", Parsed(b"x", ())),
        (header(0x3FFF, 1) + bytes([PT]) + b"1x", Parsed(b"x", (Earlier(0x3FFF, b"1"),))),
        # Nine earlier frames are the most, 127 an attack.
        (
            header(960, 1) * 9 + bytes([PT]) + b"1" * 9 + b"x",
            Parsed(b"x", (Earlier(960, b"1"),) * 9),
        ),
        (header(960, 1) * 10 + bytes([PT]) + b"1" * 10 + b"x", None),
        (header(960, 1) * 127 + bytes([PT]) + b"1" * 127 + b"x", None),
        # Too short: nothing, half a header, no last header, no own frame.
        (b"", None),
        (bytes([E]), None),
        (bytes([E, 0, 0]), None),
        (header(960, 1), None),
        (bytes([PT]), None),
        (header(960, 1) + bytes([PT]) + b"1", None),
        # Lengths past the end.
        (header(960, 2) + bytes([PT]) + b"1", None),
        (header(960, 1023) + bytes([PT]) + b"1x", None),
        (header(960, 1) + header(480, 1023) + bytes([PT]) + b"1x", None),
        # Nested (63 is RED itself), another codec, in either place.
        (header(960, 1, 63) + bytes([PT]) + b"1x", None),
        (header(960, 1) + bytes([63]) + b"1x", None),
        (header(960, 1, 0) + bytes([PT]) + b"1x", None),
        (header(960, 1) + bytes([13]) + b"1x", None),
    ],
)
def test_parse(payload: bytes, parsed: Parsed | None) -> None:
    assert red.parse(payload, PT) == parsed


def test_what_is_built_is_what_a_browser_sends() -> None:
    assert red.build(PT, b"\x78CDE", [Earlier(960, b"\x78AB")]) == CHROMIUM


@pytest.mark.parametrize("offset", [0, 0x4000, 0xFFFFFFFF])
def test_an_offset_that_does_not_fit_is_left_out(offset: int) -> None:
    built = red.build(PT, b"x", [Earlier(offset, b"1"), Earlier(960, b"2")])
    assert red.parse(built, PT) == Parsed(b"x", (Earlier(960, b"2"),))


def test_payloads_are_bounded_and_the_oldest_frame_goes_first() -> None:
    frames = [Earlier(1920, b"1" * 500), Earlier(960, b"2" * 500)]
    built = red.build(PT, b"x" * 300, frames)
    assert len(built) <= red.MAX_PAYLOAD
    assert red.parse(built, PT) == Parsed(b"x" * 300, (frames[1],))
    assert red.build(PT, b"x" * 1400, frames) == bytes([PT]) + b"x" * 1400
    long = red.build(PT, b"x", [Earlier(960, b"1" * 1024)])
    assert long == bytes([PT]) + b"x"


FRAME = st.binary(min_size=1, max_size=400)


@given(FRAME, st.lists(st.tuples(st.integers(1, 0x3FFF), FRAME), max_size=12))
def test_what_is_built_is_parsed_again(frame: bytes, blocks: list[tuple[int, bytes]]) -> None:
    earlier = [Earlier(*block) for block in blocks][: red.MAX_EARLIER]
    built = red.build(PT, frame, earlier)
    assert len(built) <= red.MAX_PAYLOAD
    parsed = red.parse(built, PT)
    assert parsed is not None
    assert parsed.frame == frame
    assert list(parsed.earlier) == earlier[len(earlier) - len(parsed.earlier) :]


@given(st.binary(max_size=200), st.integers(0, 127))
def test_any_octets_are_parsed_or_refused(payload: bytes, payload_type: int) -> None:
    parsed = red.parse(payload, payload_type)
    if parsed is not None:
        assert parsed.frame
        total = sum(len(block.frame) for block in parsed.earlier) + len(parsed.frame)
        assert total + 4 * len(parsed.earlier) < len(payload)


@given(st.binary(max_size=60), st.integers(0, 3))
def test_near_misses_are_parsed_or_refused(rest: bytes, frames: int) -> None:
    red.parse(header(960, 20) * frames + bytes([PT]) + rest, PT)


@pytest.mark.parametrize(
    ("packet", "samples"),
    [
        (b"", 0),
        (b"\x78", 960),  # hybrid full band, 20 ms, one frame: Chromium's
        (b"\xfc", 960),  # CELT full band, 20 ms
        (b"\x00", 480),
        (b"\x18", 2880),
        (b"\x19", 5760),  # two of 60 ms
        (b"\xe0", 120),
        (b"\x7b\x03", 2880),  # three of 20 ms
        (b"\x7b", 0),
        (b"\x7b\x00", 0),
        (b"\x1b\x03", 0),  # 180 ms: more than a packet may hold
    ],
)
def test_duration(packet: bytes, samples: int) -> None:
    assert opus.duration(packet) == samples
