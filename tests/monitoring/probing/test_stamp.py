"""The octets are written by hand from the figures of RFC 8762 (sections 4.2 and 4.3), RFC 8972
(section 4) and RFC 5357 (sections 4.1.2 and 4.2.1), not by the code under test."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from endpoints.reflector.engine import Arrival, Reflector
from monitoring.probing import stamp, timestamps

KEY = b"0123456789abcdef0123456789abcdef"
SYNCHRONISED = timestamps.ErrorEstimate(True, False, 2**-10)
# 2026-11-22 00:00:00.5 UTC is 1795305600.5 s after 1970 and 4004294400.5 s after 1900.
NS = 1_795_305_600_500_000_000
NTP = bytes.fromhex("eeacaf00 80000000".replace(" ", ""))
PTP = (1_795_305_600).to_bytes(4, "big") + (500_000_000).to_bytes(4, "big")
# S=1, Z=0, scale 15, multiplier 128: 128 · 2^(15-32) = 2^-10 s
ERROR = bytes.fromhex("8f80")


def mac(data: bytes) -> bytes:
    return hmac.new(KEY, data, hashlib.sha256).digest()[:16]


def base_of(seconds: int) -> int:
    return seconds + 2_208_988_800


def test_the_example_time_is_right() -> None:
    assert int.from_bytes(NTP[:4], "big") == base_of(1_795_305_600)


COS = bytes.fromhex("80 04 0004 b8000000".replace(" ", ""))  # U, type 4, length 4, DSCP1 = 46

SENDER = (
    bytes.fromhex("0000002a")  # sequence number 42
    + NTP
    + ERROR
    + bytes.fromhex("beef")  # SSID (RFC 8972 section 3)
    + bytes(28)
)
SENDER_AUTH = (
    bytes.fromhex("0000002a") + bytes(12) + NTP + ERROR + bytes.fromhex("beef") + bytes(68)
)


def test_an_unauthenticated_sender_packet() -> None:
    data = stamp.encode_sender(
        stamp.Style(), seq=42, stamp=timestamps.to_ntp(NS), error=SYNCHRONISED, ssid=0xBEEF, dscp=46
    )
    assert len(SENDER) == 44
    assert data == SENDER + COS


def test_an_authenticated_sender_packet() -> None:
    style = stamp.Style(key=KEY)
    data = stamp.encode_sender(
        style, seq=42, stamp=timestamps.to_ntp(NS), error=SYNCHRONISED, ssid=0xBEEF, dscp=46
    )
    assert len(SENDER_AUTH) == 96
    head = SENDER_AUTH + mac(SENDER_AUTH)
    seal = bytes.fromhex("80080010") + mac(bytes.fromhex("0000002a") + COS)
    assert data == head + COS + seal


def test_padding_fills_a_packet_to_its_size() -> None:
    for size in (44 + 8, 44 + 8 + 4, 100, 1200, 1472):
        style = stamp.Style(size=size)
        data = stamp.encode_sender(style, seq=0, stamp=0, error=SYNCHRONISED, ssid=1, dscp=0)
        assert len(data) == size
    data = stamp.encode_sender(
        stamp.Style(size=60), seq=0, stamp=0, error=SYNCHRONISED, ssid=1, dscp=0
    )
    assert data[52:] == bytes.fromhex("80010004") + bytes(4)  # Extra Padding
    assert (
        len(
            stamp.encode_sender(
                stamp.Style(key=KEY, size=400), seq=0, stamp=0, error=SYNCHRONISED, ssid=1, dscp=0
            )
        )
        == 400
    )


def test_a_reflected_unauthenticated_packet() -> None:
    reflector = Reflector(senders=frozenset({"192.0.2.1"}), error=SYNCHRONISED)
    answer = reflector.answer(
        Arrival(SENDER + COS, "192.0.2.1", 5000, NS + 10**9, 0xA1, 61), NS + 2 * 10**9, 0.0
    )
    second, third = (
        (int.from_bytes(NTP[:4], "big") + n).to_bytes(4, "big") + NTP[4:] for n in (1, 2)
    )
    expected = (
        bytes(4)  # the reflector's own sequence number
        + third  # T3
        + ERROR
        + bytes.fromhex("beef")  # SSID
        + second  # T2
        + bytes.fromhex("0000002a")  # the sender's
        + NTP
        + ERROR
        + bytes(2)
        + bytes([61])  # TTL
        + bytes(3)
        # U cleared; DSCP1 46, DSCP2 0xa1 >> 2 = 40, ECN 1, RP 0
        + bytes.fromhex("00040004")
        + ((46 << 26) | (40 << 20) | (1 << 18)).to_bytes(4, "big")
    )
    assert answer is not None
    assert answer.data == expected
    assert answer.dscp == 46
    reply = stamp.decode_reply(answer.data, stamp.Style(), NS)
    assert reply == stamp.Reply(
        0,
        NS + 2 * 10**9,
        timestamps.ErrorEstimate(True, False, 2**-10),
        0xBEEF,
        NS + 10**9,
        42,
        timestamps.to_ntp(NS),
        61,
        40,
        False,
    )


def test_a_reflected_authenticated_packet() -> None:
    reflector = Reflector(senders=frozenset({"192.0.2.1"}), key=KEY, error=SYNCHRONISED)
    data = SENDER_AUTH + mac(SENDER_AUTH)
    answer = reflector.answer(Arrival(data, "192.0.2.1", 5000, NS, 0, 255), NS, 0.0)
    signed = (
        bytes(4)
        + bytes(12)
        + NTP
        + ERROR
        + bytes.fromhex("beef")
        + bytes(4)
        + NTP
        + bytes(8)
        + bytes.fromhex("0000002a")
        + bytes(12)
        + NTP
        + ERROR
        + bytes(6)
        + b"\xff"
        + bytes(15)
    )
    assert answer is not None
    assert len(answer.data) == 112
    assert answer.data == signed + mac(signed)


def test_ptp_timestamps_come_back_as_such() -> None:
    style = stamp.Style(ptp=True)
    error = timestamps.ErrorEstimate(True, True, 2**-10)
    data = stamp.encode_sender(style, seq=1, stamp=style.stamp(NS), error=error, ssid=1, dscp=0)
    assert data[4:12] == PTP
    reflector = Reflector(senders=frozenset({"192.0.2.1"}), error=SYNCHRONISED)
    answer = reflector.answer(Arrival(data, "192.0.2.1", 1, NS, 0, 64), NS, 0.0)
    assert answer is not None
    assert answer.data[4:12] == PTP
    assert stamp.decode_reply(answer.data, style, NS).received == NS


def test_a_twamp_light_reflector_is_understood() -> None:
    """A router's reply: 41 octets (RFC 5357 section 4.2.1) and padding, here with its own
    sequence number."""
    style = stamp.Style(twamp=True, size=64)
    data = stamp.encode_sender(
        style, seq=9, stamp=timestamps.to_ntp(NS), error=SYNCHRONISED, ssid=5, dscp=46
    )
    assert data == bytes.fromhex("00000009") + NTP + ERROR + bytes(64 - 14)
    router = (
        bytes.fromhex("00000003")
        + NTP
        + bytes.fromhex("0001")
        + bytes(2)
        + NTP
        + data[:14]
        + bytes(2)
        + bytes([254])
        + b"\x55" * 23
    )
    reply = stamp.decode_reply(router, style, NS)
    assert (reply.seq, reply.sender_seq, reply.ttl, reply.dscp) == (3, 9, 254, None)
    assert reply.sender_stamp == timestamps.to_ntp(NS)
    with pytest.raises(stamp.BadPacket, match="short"):
        stamp.decode_reply(router[:40], style, NS)


def test_a_twamp_light_sender_is_answered() -> None:
    """14 octets and padding, zeros or noise (RFC 5357 section 4.1.2), get a reply as long."""
    reflector = Reflector(senders=frozenset({"192.0.2.1"}), error=SYNCHRONISED)
    for padding in (bytes(27), bytes(50), b"\x12" * 60):
        data = bytes.fromhex("00000009") + NTP + ERROR + padding
        answer = reflector.answer(Arrival(data, "192.0.2.1", 1, NS, 40, 64), NS, 0.0)
        assert answer is not None
        assert len(answer.data) == len(data)
        assert answer.data[24:28] == bytes.fromhex("00000009")
        assert answer.dscp == 10  # as it came


def test_an_unknown_tlv_comes_back_marked_and_a_malformed_one_too() -> None:
    reflector = Reflector(senders=frozenset({"192.0.2.1"}))
    unknown = bytes.fromhex("80630002abcd")
    answer = reflector.answer(Arrival(SENDER + unknown, "192.0.2.1", 1, NS, 0, 64), NS, 0.0)
    assert answer is not None
    assert answer.data[44:] == unknown
    malformed = bytes.fromhex("8004000fabcd")
    answer = reflector.answer(Arrival(SENDER + malformed, "192.0.2.1", 1, NS, 0, 64), NS, 0.0)
    assert answer is not None
    assert answer.data[44] & stamp.FLAG_MALFORMED
    assert len(answer.data) <= len(SENDER + malformed)


def test_one_way_padding_is_not_sent_back() -> None:
    style = stamp.Style(size=1200, key=KEY)
    data = stamp.encode_sender(
        style, seq=1, stamp=timestamps.to_ntp(NS), error=SYNCHRONISED, ssid=1, dscp=0, one_way=True
    )
    reflector = Reflector(senders=frozenset({"192.0.2.1"}), key=KEY)
    answer = reflector.answer(Arrival(data, "192.0.2.1", 1, NS, 0, 64), NS, 0.0)
    assert answer is not None
    assert len(answer.data) < 200
    assert stamp.decode_reply(answer.data, style, NS).sender_seq == 1


def test_strangers_and_floods_get_nothing() -> None:
    reflector = Reflector(senders=frozenset({"192.0.2.1"}), rate=100)
    stranger = Arrival(SENDER, "198.51.100.9", 1, NS, 0, 64)
    for n in range(10_000):
        assert reflector.answer(stranger, NS, n / 10_000) is None
    assert reflector.counters["stranger"] == 10_000
    assert not reflector._buckets  # nothing is kept of a stranger
    ours = Arrival(SENDER, "192.0.2.1", 1, NS, 0, 64)
    answered = sum(reflector.answer(ours, NS, n / 10_000) is not None for n in range(10_000))
    assert 600 <= answered <= 710  # a burst, and the rate of one second
    assert reflector.counters["too_many"] == 10_000 - answered


def test_a_wrong_or_missing_signature_is_not_answered() -> None:
    reflector = Reflector(senders=frozenset({"192.0.2.1"}), key=KEY)
    good = SENDER_AUTH + mac(SENDER_AUTH)
    for data in (SENDER, SENDER + COS, good[:-1], good[:-1] + b"\0", bytes(112)):
        assert reflector.answer(Arrival(data, "192.0.2.1", 1, NS, 0, 64), NS, 0.0) is None
    assert reflector.counters["hmac"] == 2
    assert reflector.counters["short"] == 3


def test_a_dscp_that_policy_forbids_is_refused_in_the_reply() -> None:
    reflector = Reflector(senders=frozenset({"192.0.2.1"}), dscps=frozenset({0}))
    answer = reflector.answer(Arrival(SENDER + COS, "192.0.2.1", 1, NS, 0, 64), NS, 0.0)
    assert answer is not None
    assert answer.dscp == 0
    assert stamp.decode_reply(answer.data, stamp.Style(), NS).dscp_refused
