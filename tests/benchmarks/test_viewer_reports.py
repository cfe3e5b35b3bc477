"""What the viewers of the audience's benchmark report."""

from __future__ import annotations

import pytest

from benchmarks.audience.viewer_reports import OFTEN, Feedback, Kind
from bridge.media import rtcp, srtp, transport_cc

SSRC, RTX = 20_000, 30_000


class InTheClear(srtp.Outbound):
    """Seals nothing."""

    def __init__(self) -> None:
        self.protect_rtcp = bytes


def packet(number: int, *, ssrc: int = SSRC, counted: int = 0, size: int = 40) -> bytes:
    head = b"\x90\x62" + (number & 0xFFFF).to_bytes(2, "big") + bytes(4) + ssrc.to_bytes(4, "big")
    extension = b"\xbe\xde\x00\x01\x31" + (counted & 0xFFFF).to_bytes(2, "big") + b"\x00"
    return (head + extension).ljust(size, b"\x00")


def batch(*packets: bytes) -> bytes:
    return b"".join(packets)


def messages(viewer: Feedback, now: float) -> list[rtcp.Message]:
    return [m for compound in viewer.due(now) for m in rtcp.parse(compound) or ()]


@pytest.mark.parametrize("first", [0, 1, 65_533, 65_535])
def test_gaps_are_asked_for_until_they_are_closed(first: int) -> None:
    viewer = Feedback("remb", InTheClear(), SSRC)
    numbers = [first, first + 1, first + 4]
    viewer.batch(batch(*(packet(number) for number in numbers)), 40, 1.0)
    assert (viewer.received, viewer.expected) == (3, 5)
    (nack,) = [m for m in messages(viewer, 1.0) if isinstance(m, rtcp.Nack)]
    assert nack.sequence_numbers == ((first + 2) & 0xFFFF, (first + 3) & 0xFFFF)
    viewer.batch(packet(first + 2)[:30], 40, 1.05)  # late: the last of a batch may be short
    viewer.batch(packet(7, ssrc=RTX), 40, 1.05)
    assert viewer.repaired == 1
    for step in range(1, OFTEN + 2):
        found = [m for m in messages(viewer, 1.0 + step) if isinstance(m, rtcp.Nack)]
        assert bool(found) == (step < OFTEN), "not for ever"
    assert viewer.asked == 2 + OFTEN - 1


@pytest.mark.parametrize("kind", ["remb", "transport-cc"])
def test_what_a_browser_says(kind: Kind) -> None:
    viewer = Feedback(kind, InTheClear(), SSRC)
    assert viewer.due(0.0) == [], "nothing came yet"
    for number in range(20):
        if number != 5:
            viewer.batch(packet(number, counted=number), 40, 1.0 + number / 1000)
    said = messages(viewer, 1.02)
    reports = [m for m in said if isinstance(m, rtcp.ReceiverReport) and m.blocks]
    (block,) = reports[0].blocks
    assert (block.ssrc, block.packets_lost, block.fraction_lost) == (SSRC, 1, 12)
    assert any(isinstance(m, rtcp.Remb) for m in said) == (kind == "remb")
    arrived = [m for m in said if isinstance(m, rtcp.TransportCc)]
    assert bool(arrived) == (kind == "transport-cc")
    for one in arrived:
        found = transport_cc.parse(one.fci)
        assert found is not None
        assert found.arrivals.count(None) == 1
    assert viewer.due(1.05) == [], "ten times a second"


def test_who_says_nothing_counts_all_the_same() -> None:
    viewer = Feedback("none", InTheClear(), SSRC)
    viewer.batch(packet(1), 40, 1.0)
    assert (viewer.received, viewer.due(5.0)) == (1, [])
