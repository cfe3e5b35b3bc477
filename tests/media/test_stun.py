"""STUN, against RFC 5769's sample messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.media import stun

PASSWORD = b"VOkJxbRl1RmTxUk/WvJxBt"
# RFC 5769 section 2.1, sample request.
REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae"
    "802200105354554e207465737420636c69656e74"
    "002400046e0001ff80290008932ff9b151263b36"
    "000600096576746a3a68367659202020"
    "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
    "80280004e57a3bcf"
)
# RFC 5769 sections 2.2 and 2.3: XOR-MAPPED-ADDRESS of 192.0.2.1:32853 and of
# [2001:db8:1234:5678:11:2233:4455:6677]:32853, transaction as above.
TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")
MAPPED_V4 = bytes.fromhex("0001a147e112a643")
MAPPED_V6 = bytes.fromhex("0002a1470113a9faa5d3f179bc25f4b5bed2b9d9")


def test_the_sample_request_verifies() -> None:
    message = stun.parse(REQUEST)
    assert message is not None
    assert message.method == stun.BINDING_REQUEST
    assert message.username == b"evtj:h6vY"
    assert stun.verify(REQUEST, message, PASSWORD)
    assert not stun.verify(REQUEST, message, b"another password")


def test_mapped_addresses() -> None:
    assert stun.xor_mapped_address(("192.0.2.1", 32853), TRANSACTION) == MAPPED_V4
    v6 = ("2001:db8:1234:5678:11:2233:4455:6677", 32853)
    assert stun.xor_mapped_address(v6, TRANSACTION) == MAPPED_V6


def test_an_answer_is_well_formed_and_authentic() -> None:
    answer = stun.binding_success(TRANSACTION, ("192.0.2.1", 32853), PASSWORD)
    message = stun.parse(answer)
    assert message is not None
    assert message.method == stun.BINDING_SUCCESS
    assert message.transaction == TRANSACTION
    assert stun.verify(answer, message, PASSWORD)


def test_any_changed_octet_is_noticed() -> None:
    # Octets 100 and 101 are FINGERPRINT's own type: another type stands behind
    # MESSAGE-INTEGRITY and is ignored (RFC 8489 section 14.5).
    for position in [*range(100), *range(102, len(REQUEST))]:
        broken = bytearray(REQUEST)
        broken[position] ^= 0x01
        message = stun.parse(bytes(broken))
        assert message is None or not stun.verify(bytes(broken), message, PASSWORD), position


@pytest.mark.parametrize("size", range(len(REQUEST)))
def test_truncation_is_refused(size: int) -> None:
    assert stun.parse(REQUEST[:size]) is None


def test_truncated_attributes_are_refused() -> None:
    head = REQUEST[:8] + TRANSACTION
    for attribute in (b"\x00\x06", b"\x00\x06\x00\xff", b"\x00\x06\x00\x09abc\x00"):
        body = attribute + bytes(-len(attribute) % 4)
        data = head[:2] + len(body).to_bytes(2, "big") + head[4:] + body
        message = stun.parse(data)
        assert message is None or not message.username or len(message.username) < 9


@given(st.binary(max_size=200))
def test_parse_never_fails(junk: bytes) -> None:
    stun.parse(junk)
    stun.parse(REQUEST[:2] + (len(junk) & ~3).to_bytes(2, "big") + REQUEST[4:20] + junk)
