"""What the kernel says of this machine's clock: synchronised or not, and how wrong it may be
(adjtimex(2), the interface that NTP daemons keep). A shell."""

from __future__ import annotations

import ctypes
from typing import NamedTuple

from monitoring.probing.timestamps import ErrorEstimate

STA_UNSYNC = 0x0040
TIME_ERROR = 5
MICROSECOND = 1e-6


class ClockState(NamedTuple):
    """How right this machine's clock is. ``error`` is the greatest error in seconds; None where
    the system does not say."""

    synchronised: bool | None
    error: float | None

    @property
    def estimate(self) -> ErrorEstimate:
        """As a test packet carries it; a clock of which nothing is known may be a second off."""
        known = self.error if self.error is not None else 1.0
        return ErrorEstimate(bool(self.synchronised), False, known)


class _Timex(ctypes.Structure):
    """struct timex up to what is read here; the rest is room the kernel may write to."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("room", ctypes.c_byte * 256),
    )


def clock_state() -> ClockState:
    """Ask the kernel; nothing is changed."""
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return ClockState(None, None)
    timex = _Timex()
    state = adjtimex(ctypes.byref(timex))
    if state < 0:
        return ClockState(None, None)
    good = state != TIME_ERROR and not timex.status & STA_UNSYNC
    return ClockState(good, timex.maxerror * MICROSECOND)
