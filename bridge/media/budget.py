"""How much a source may send: packets and octets per second, with room for bursts."""

from __future__ import annotations

from typing import NamedTuple


class Allowance(NamedTuple):
    """A rate limit a second; ``burst`` is how many seconds of it may be used at once."""

    packets: float
    octets: float
    burst: float


# What one media line really sends stays far below: Opus has 50 packets a second (100 with frames
# of 10 ms), three layers of a camera some 600. A key frame is a burst of a few hundred.
AUDIO = Allowance(200, 64_000, 0.5)
VIDEO = Allowance(2000, 1_000_000, 1.0)
# Streams that no source owns (yet): the first packets of each, and padding; the handshake.
STRAY = Allowance(500, 500_000, 1.0)
# DTLS once there are keys: repetitions of the last flight, and one alert at the end.
ALERTS = Allowance(50, 50_000, 1.0)
# RTCP: some 30 a second; on a lossy line each of two dozen pictures asks for repair by itself.
REPORTS = Allowance(400, 400_000, 1.0)
HEADROOM = 3.0  # times the negotiated bitrate: repair, probing for bandwidth, a restless scene


class Budget:
    """A token bucket whose tokens are taken by whoever reads a packet: `packets` and `octets`
    are what is left; negative means that the next packet is too many."""

    __slots__ = ("_limit", "_rate", "octets", "packets")

    def __init__(self, allowance: Allowance) -> None:
        self._rate = allowance
        self._limit = (allowance.packets * allowance.burst, allowance.octets * allowance.burst)
        self.packets, self.octets = self._limit

    def take(self, octets: int) -> bool:
        """Take one packet's worth, if there is one left."""
        if self.packets < 0 or self.octets < 0:
            return False
        self.packets -= 1
        self.octets -= octets
        return True

    def give_back(self, octets: int) -> None:
        """What was taken for a packet that turned out to be forged: that must not use up what is
        the peer's."""
        self.packets += 1
        self.octets += octets

    def refill(self, seconds: float) -> None:
        """Add what ``seconds`` are worth."""
        packets, octets, _ = self._rate
        most_packets, most_octets = self._limit
        self.packets = min(most_packets, self.packets + packets * seconds)
        self.octets = min(most_octets, self.octets + octets * seconds)


def allowance(kind: str, bitrate: int) -> Allowance:
    """What a media line may send; ``bitrate`` is the negotiated one in bit/s, 0 for unknown."""
    usual = AUDIO if kind == "audio" else VIDEO
    return usual._replace(octets=max(usual.octets, HEADROOM * bitrate / 8))
