"""Slow down guessing: by account and by address. Pure; ``now`` is monotonic seconds.

Who has a lane (a device that logged in before, an address that this user came from) is counted by
itself: what strangers guess at an account slows strangers, and never its owner.
"""

from __future__ import annotations

from dataclasses import dataclass, field

FREE = 5  # failures until the first wait
FIRST_WAIT = 30.0  # seconds; doubles with every further failure
LONGEST_WAIT = 900.0
FORGET = 3600.0  # seconds without a failure after which all is forgotten
MAX_KEYS = 10_000  # names and addresses remembered; the oldest are forgotten first
ADDRESS_FREE = 30  # failures from one address: an office may share one


@dataclass(slots=True)
class _Record:
    failures: int = 0
    last: float = 0.0
    until: float = 0.0


@dataclass(slots=True)
class Throttle:
    """Counts failed logins. Ask `wait` before a password is checked; tell `failed` or `succeeded`
    after."""

    _records: dict[str, _Record] = field(default_factory=dict)

    def wait(self, name: str, address: str, now: float, lane: str = "") -> float:
        """Seconds until another try is allowed; 0: now."""
        keys = _keys(name, address, lane)
        return max(0.0, *(self._records.get(key, _Record()).until - now for key in keys))

    def failed(self, name: str, address: str, now: float, lane: str = "") -> None:
        for key, free in _keys(name, address, lane).items():
            record = self._records.pop(key, None)
            if record is None or now - record.last > FORGET:
                record = _Record()
            record.failures += 1
            record.last = now
            if record.failures >= free:
                doubled = min(record.failures - free, 10)
                record.until = now + min(LONGEST_WAIT, FIRST_WAIT * 2**doubled)
            self._records[key] = record  # newest last
            while len(self._records) > MAX_KEYS:
                del self._records[next(iter(self._records))]

    def succeeded(self, name: str, lane: str = "") -> None:
        """Somebody is in. What others failed with at other places is not forgotten by that."""
        self._records.pop(f"lane:{lane}" if lane else f"name:{name}", None)


def _keys(name: str, address: str, lane: str) -> dict[str, int]:
    """What a try counts for, and how many failures are free."""
    if lane:
        return {f"lane:{lane}": FREE}
    return {f"name:{name}": FREE, f"address:{address}": ADDRESS_FREE}
