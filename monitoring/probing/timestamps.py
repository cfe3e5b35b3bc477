"""Timestamps of test packets and how wrong they may be. Pure.

Times are nanoseconds since 1970 (UTC) as far as the clocks know; on the wire they are NTP
(RFC 5905) or truncated PTP (RFC 8762 section 4.2.1) timestamps.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

_NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970
_NS = 1_000_000_000
_MASK = 0xFFFF_FFFF


def to_ntp(ns: int) -> int:
    """The 64-bit NTP timestamp of nanoseconds since 1970; eras wrap (RFC 5905 section 6)."""
    seconds, rest = divmod(ns, _NS)
    return ((seconds + _NTP_EPOCH) & _MASK) << 32 | (rest << 32) // _NS


def from_ntp(stamp: int, near: int) -> int:
    """Nanoseconds since 1970 of an NTP timestamp, in the era that is nearest to ``near``."""
    ns = ((stamp >> 32) - _NTP_EPOCH) * _NS + (((stamp & _MASK) * _NS + (1 << 31)) >> 32)
    return _nearest(ns, near)


def to_ptp(ns: int) -> int:
    """Seconds and nanoseconds, 32 bits each (IEEE 1588v2, truncated)."""
    seconds, rest = divmod(ns, _NS)
    return (seconds & _MASK) << 32 | rest


def from_ptp(stamp: int, near: int) -> int:
    """Nanoseconds since 1970 of a truncated PTP timestamp, as near to ``near`` as can be."""
    return _nearest((stamp >> 32) * _NS + (stamp & _MASK), near)


def _nearest(ns: int, near: int) -> int:
    era = _NS << 32
    return ns + round((near - ns) / era) * era


class ErrorEstimate(NamedTuple):
    """How wrong the clock of a timestamp may be, in ``seconds`` (RFC 4656 section 4.1.2, with
    the Z bit of RFC 8186)."""

    synchronised: bool
    ptp: bool
    seconds: float

    def encode(self) -> int:
        return _encode_error(self)

    def _encode(self) -> int:
        scale, multiplier = 0, self.seconds * 2**32
        while multiplier > 255 and scale < 63:
            multiplier /= 2
            scale += 1
        value = min(255, max(1, int(multiplier + 0.5)))  # 0 is not allowed
        return self.synchronised << 15 | self.ptp << 14 | scale << 8 | value

    @staticmethod
    def decode(field: int) -> ErrorEstimate:
        seconds = (field & 0xFF) * 2.0 ** ((field >> 8 & 0x3F) - 32)
        return ErrorEstimate(bool(field >> 15), bool(field >> 14 & 1), seconds)


@functools.lru_cache(maxsize=256)
def _encode_error(estimate: ErrorEstimate) -> int:
    return estimate._encode()


@functools.lru_cache(maxsize=256)
def decode_error(field: int) -> ErrorEstimate:
    """The estimate of a field, remembered: a session's reflector seldom says another one."""
    return ErrorEstimate.decode(field)
