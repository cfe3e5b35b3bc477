"""RTP put through from one side to the other: numbers go on without a jump, whatever the source
does. Pure.

No index is used twice under one SSRC: an index is always above the floor that was set when
something was put in between, and whoever seals refuses a repetition besides
(`bridge.media.srtp`).
"""

from __future__ import annotations

from bridge.media import h264, rtp

NAL_IDR = 5
MOST_SETS = 4096  # octets of parameter sets that are kept
REMEMBERED = 1024  # numbers of ours that are known not to be free any more
JUMP = 512  # packets; a source whose numbers jump by more has begun anew


class Rewriter:
    """One stream that goes out. Timestamps keep their distances while the source is the same."""

    def __init__(self, ssrc: int, payload_type: int, clock_rate: int) -> None:
        self.ssrc = ssrc
        self.payload_type = payload_type
        self.clock_rate = clock_rate
        self.packets = self.octets = 0
        self.last_timestamp = 0
        self.last_at = 0.0
        self._source: int | None = None
        self._top = 0  # highest unwrapped number of the source
        self._floor = 0  # numbers of the source below are not put through any more
        self._shift = 0  # from the source's numbers to ours
        self._next = ssrc & 0x7FFF  # our number after the highest
        self._turn = 0  # from the source's timestamps to ours
        self._used: set[int] = set()  # our numbers, of the newest `REMEMBERED`

    def take(self, packet: bytes, now: float) -> tuple[int, int] | None:
        """Take a packet's place: our number and timestamp for it; None where it comes too late."""
        number = packet[2] << 8 | packet[3]
        timestamp = int.from_bytes(packet[4:8], "big")
        source = int.from_bytes(packet[8:12], "big")
        index = rtp.unwrap(number, self._top)
        if source != self._source or abs(index - self._top) > JUMP:
            self._begin(source, number, timestamp, now)
            index = self._top
        if index < self._floor:
            return None
        self._top = max(self._top, index)
        ours = index + self._shift
        if ours in self._used or ours < self._next - REMEMBERED:
            return None
        self._use(ours)
        out = timestamp + self._turn & 0xFFFFFFFF
        if index == self._top:
            self.last_timestamp, self.last_at = out, now
        return ours, out

    def _begin(self, source: int, number: int, timestamp: int, now: float) -> None:
        first = not self.last_at
        self._source = source
        self._top = self._floor = 0x10000 + number
        self._shift = self._next - self._top
        passed = 0 if first else round(max(0.02, now - self.last_at) * self.clock_rate)
        self._turn = self.last_timestamp + passed - timestamp & 0xFFFFFFFF

    def _use(self, ours: int) -> None:
        self._used.add(ours)
        self._next = max(self._next, ours + 1)
        if len(self._used) > 2 * REMEMBERED:
            self._used = {n for n in self._used if n >= self._next - REMEMBERED}

    def use_type(self, payload_type: int, clock_rate: int = 90_000) -> None:
        """Another payload type was agreed on."""
        self.payload_type, self.clock_rate = payload_type, clock_rate

    def fresh(self, timestamp: int, now: float) -> int:
        """The next number, for a packet of our own making with a timestamp of ours."""
        ours = self._next
        self._use(ours)
        self._source = None
        self.last_timestamp, self.last_at = timestamp, now
        return ours

    def insert(self, number: int) -> bool:
        """Make room for a packet of our own before the one that has got this number, which has the
        next one then. False where it is not the highest: nothing is put between others."""
        if number != self._next - 1:
            return False
        self._shift += 1
        self._floor = self._top
        self._use(number + 1)
        return True

    def packet(
        self,
        number: int,
        timestamp: int,
        payload: bytes,
        *,
        marker: bool,
        extensions: tuple[tuple[int, bytes], ...] = (),
    ) -> bytes:
        """A packet of the stream."""
        self.packets += 1
        self.octets += len(payload)
        return rtp.build(
            payload_type=self.payload_type,
            sequence_number=number,
            timestamp=timestamp,
            ssrc=self.ssrc,
            payload=payload,
            marker=marker,
            extensions=extensions,
        )


class ParameterSets:
    """The newest parameter sets of a source, from its session description or its packets."""

    def __init__(self, units: tuple[bytes, ...] = ()) -> None:
        self._units: dict[int, bytes] = {}
        self.told(units)

    def told(self, units: tuple[bytes, ...]) -> None:
        """A session description has these."""
        self._units |= {unit[0] & 0x1F: unit for unit in units if unit}

    def take(self, payload: bytes) -> bool:
        """Note those in a payload; whether there are any."""
        found = sets_in(payload)
        self._units |= {kind: unit for kind, unit in found if len(unit) <= MOST_SETS}
        return bool(found)

    @property
    def complete(self) -> bool:
        """Whether a decoder can start with them."""
        return h264.NAL_SPS in self._units and h264.NAL_PPS in self._units

    def aggregate(self) -> bytes:
        """Both in one payload."""
        units = [self._units[h264.NAL_SPS], self._units[h264.NAL_PPS]]
        parts = [len(unit).to_bytes(2, "big") + unit for unit in units]
        return bytes([0x60 | h264.NAL_STAP_A]) + b"".join(parts)


class PictureStream:
    """H.264 that passes through. Parameter sets that a codec has sent only once, or in its session
    description, are put before every picture at which a decoder can start."""

    def __init__(self, rewriter: Rewriter, sets: ParameterSets | None = None) -> None:
        self.rewriter = rewriter
        self._sets = sets or ParameterSets()
        self._told: int | None = None  # timestamp of the picture that has its sets

    def take(self, packet: bytes, now: float) -> list[bytes]:
        """The packets that go out for one that came."""
        payload = rtp.payload(packet)
        if not payload or payload[0] & 0x1F in (0, 25, 26, 27, 29, 30, 31):
            return []  # nothing, or of the interleaved mode
        place = self.rewriter.take(packet, now)
        if place is None:
            return []
        number, timestamp = place
        out: list[bytes] = []
        kinds = kinds_of(payload)
        if self._sets.take(payload):
            self._told = timestamp
        wanted = NAL_IDR in kinds and self._told != timestamp and self._sets.complete
        if wanted and self.rewriter.insert(number):
            self._told = timestamp
            out.append(
                self.rewriter.packet(number, timestamp, self._sets.aggregate(), marker=False)
            )
            number += 1
        marker = packet[1] >= 0x80
        out.append(self.rewriter.packet(number, timestamp, payload, marker=marker))
        return out


def kinds_of(payload: bytes) -> set[int]:
    """Kinds of the NAL units that begin in a payload."""
    kind = payload[0] & 0x1F
    if kind == h264.NAL_FU_A:
        return {payload[1] & 0x1F} if len(payload) > 1 and payload[1] & 0x80 else set()
    if kind == h264.NAL_STAP_A:
        return {unit[0] & 0x1F for unit in aggregated(payload)}
    return {kind}


def aggregated(payload: bytes) -> list[bytes]:
    """The NAL units of a STAP-A (RFC 6184 section 5.7.1), as far as it is whole."""
    units: list[bytes] = []
    at = 1
    while at + 2 < len(payload):
        size = payload[at] << 8 | payload[at + 1]
        unit = payload[at + 2 : at + 2 + size]
        if not unit or len(unit) < size:
            break
        units.append(unit)
        at += 2 + size
    return units


def sets_in(payload: bytes) -> list[tuple[int, bytes]]:
    """Parameter sets in a payload, by their kind."""
    units = aggregated(payload) if payload[0] & 0x1F == h264.NAL_STAP_A else [payload]
    found = [(unit[0] & 0x1F, unit) for unit in units]
    return [item for item in found if item[0] in (h264.NAL_SPS, h264.NAL_PPS)]
