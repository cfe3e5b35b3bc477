"""RTP headers, extensions, sequence arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.media import rtp

EDGES = (0, 1, 127, 128, 32767, 32768, 65534, 65535)


@pytest.mark.parametrize("sequence_number", EDGES)
def test_unwrap_goes_to_the_nearest(sequence_number: int) -> None:
    for distance in (-20_000, -1, 0, 1, 20_000):
        reference = 0x30000 + sequence_number
        assert rtp.unwrap((reference + distance) & 0xFFFF, reference) == reference + distance


def test_build_and_read_back() -> None:
    packet = rtp.build(
        payload_type=96,
        sequence_number=65535,
        timestamp=2**32 - 1,
        ssrc=7,
        payload=b"payload",
        marker=True,
        extensions=((1, b"mid"), (4, b"\x05")),
    )
    assert packet[rtp.payload_offset(packet) :] == b"payload"
    assert rtp.extension_text(packet, 1) == "mid"
    assert rtp.find_extension(packet, 4)[1] == 1
    assert rtp.find_extension(packet, 2) == (0, 0)
    assert rtp.find_extension(packet, 0) == (0, 0)


def test_two_byte_extensions_are_read() -> None:
    # RFC 8285 section 4.3: profile 0x1000, id 17 of length 0, id 2 of length 3.
    block = bytes.fromhex("1000 0003 1100 0203 616263 00 00000000".replace(" ", ""))
    packet = rtp.HEADER.pack(0x90, 96, 1, 2, 3) + block + b"x"
    assert rtp.payload_offset(packet) == 12 + 16
    assert rtp.extension_text(packet, 2) == "abc"


@pytest.mark.parametrize(
    ("name", "packet"),
    [
        ("empty", b""),
        ("short", bytes(11)),
        ("version 1", b"\x40" + bytes(20)),
        ("CSRCs beyond the end", b"\x8f" + bytes(20)),
        ("extension header beyond the end", b"\x90" + bytes(13)),
        ("extension beyond the end", b"\x90" + bytes(11) + b"\xbe\xde\xff\xff"),
        ("padding of 0", b"\xa0" + bytes(20)),
        ("padding beyond the payload", b"\xa0" + bytes(19) + b"\xff"),
    ],
)
def test_malformed_headers_are_refused(name: str, packet: bytes) -> None:
    assert rtp.payload_offset(packet) == -1, name


@given(st.binary(max_size=200), st.integers(1, 15))
def test_reading_never_fails(junk: bytes, wanted: int) -> None:
    packet = bytes([0x90]) + junk
    offset = rtp.payload_offset(packet)
    if offset >= 0:
        pos, length = rtp.find_extension(packet, wanted)
        assert pos + length <= offset
