"""When a packet's instant was, by the sender reports of its stream (RFC 3550 section 6.4.1). Pure.

The worker translates reports to its own clock, which is that of this machine, so sound and picture
of a point meet again. Until the first report comes, and where one cannot be true, the earliest
arrival counts.
"""

from __future__ import annotations

from bridge.media.rtp import unwrap

NTP_EPOCH = 2208988800  # seconds from 1900 to 1970
PLAUSIBLE = 2.0  # seconds that a report may differ from when packets came


class StreamClock:
    """Instants of one stream in UTC seconds. ``rate`` is that of its timestamps in Hz."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._at: float | None = None  # UTC seconds of the timestamp below
        self._timestamp = 0
        self._reported = False

    def report(self, ntp: int, timestamp: int, arrived: float) -> None:
        """Take a sender report: an instant as a 64-bit NTP time and on the media clock;
        ``arrived`` is UTC seconds."""
        at = ntp / 2**32 - NTP_EPOCH
        if abs(at - arrived) < PLAUSIBLE + 1.0:  # reports are of up to a second ago
            self._at, self._timestamp, self._reported = at, timestamp, True

    def instant(self, timestamp: int, arrived: float) -> float:
        """When a packet's content was recorded. ``arrived`` is UTC seconds."""
        if self._at is None:
            self._at, self._timestamp = arrived, timestamp
            return arrived
        ahead = unwrap(timestamp, self._timestamp, 32) - self._timestamp
        at = self._at + ahead / self._rate
        if abs(at - arrived) > PLAUSIBLE or (not self._reported and at > arrived):
            self._at, self._timestamp, self._reported = arrived, timestamp, False
            return arrived
        return at
