"""What a viewer of the benchmark reports, as a browser does: receiver reports, NACKs, and either
when each packet arrived (transport-cc) or how much its line seems to carry (REMB)."""

from __future__ import annotations

from typing import Literal

from benchmarks.load import REPORT_EVERY
from bridge.media import rtcp, srtp
from bridge.media.rtp import unwrap
from bridge.media.transport_cc import Recorder

Kind = Literal["none", "remb", "transport-cc"]
REMB_EVERY = 1.0  # seconds; a browser's is as frequent where nothing changes
LINE = 10_000_000  # bit/s that a viewer's line seems to carry
OFTEN = 3  # times that a packet is asked for
NACKED = 64  # packets that one report asks for at most


class Feedback:
    """Of one viewer with one picture, ``media`` its SSRC; what is repaired comes by another one."""

    def __init__(self, kind: Kind, seal: srtp.Outbound, media: int) -> None:
        self._kind = kind
        self._seal = seal
        self._media = media
        self._arrivals = Recorder()
        self._first = self._highest = -1
        self._missing: dict[int, int] = {}  # extended number → how often it was asked for
        self._reported = self._told = 0.0
        self._before = (0, 0)  # expected and received at the last receiver report
        self.received = 0
        self.repaired = 0
        self.asked = 0

    @property
    def expected(self) -> int:
        """Packets from the first that came to the last."""
        return self._highest - self._first + 1 if self._first >= 0 else 0

    def batch(self, data: bytes, size: int, now: float) -> None:
        """Packets of ``size`` octets that the kernel hands over in one piece; the last may be
        shorter."""
        for at in range(0, len(data), size):
            if self._kind == "transport-cc":
                self._arrivals.add(data[at + 17] << 8 | data[at + 18], now)
            ssrc = int.from_bytes(data[at + 8 : at + 12], "big")
            if ssrc != self._media:
                self.repaired += 1
                continue
            self._take(int.from_bytes(data[at + 2 : at + 4], "big"))

    def _take(self, sequence_number: int) -> None:
        self.received += 1
        if self._first < 0:
            self._first = self._highest = 0x10000 + sequence_number
            return
        index = unwrap(sequence_number, self._highest)
        for gap in range(self._highest + 1, min(index, self._highest + NACKED)):
            self._missing[gap] = 0
        self._missing.pop(index, None)
        self._highest = max(self._highest, index)

    def due(self, now: float) -> list[bytes]:
        """Sealed compounds that are to be sent now."""
        if self._kind == "none" or self._first < 0 or now - self._reported < REPORT_EVERY:
            return []
        self._reported = now
        found = []
        empty = rtcp.build_receiver_report(self._media, ())
        asked = [index for index, times in self._missing.items() if times < OFTEN][:NACKED]
        for index in asked:
            self._missing[index] += 1
        self.asked += len(asked)
        if asked:
            numbers = [index & 0xFFFF for index in asked]
            found.append(empty + rtcp.build_nack(self._media, self._media, numbers))
        if self._kind == "transport-cc":
            while fci := self._arrivals.flush():
                found.append(empty + rtcp.build_transport_cc(self._media, self._media, fci))
        if now - self._told >= REMB_EVERY:
            self._told = now
            found.append(self._report())
        return [self._seal.protect_rtcp(compound) for compound in found]

    def _report(self) -> bytes:
        """A receiver report (RFC 3550 section 6.4.2), and with REMB what the line carries."""
        expected, received = self.expected, self.received
        news, came = expected - self._before[0], received - self._before[1]
        self._before = expected, received
        lost = max(0, news - came)
        block = rtcp.ReportBlock(
            ssrc=self._media,
            fraction_lost=min(255, lost * 256 // news) if news else 0,
            packets_lost=max(0, expected - received),
            highest=self._highest & 0xFFFFFFFF,
            jitter=0,
            last_sender_report=0,
            delay_since_last=0,
        )
        compound = rtcp.build_receiver_report(self._media, [block])
        if self._kind == "remb":
            compound += rtcp.build_remb(self._media, LINE, [self._media])
        return compound
