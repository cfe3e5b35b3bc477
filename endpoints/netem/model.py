"""A bad line, in user space: loss in bursts, delay, jitter, reordering, duplicates, a rate and
blackouts. Pure and seeded; `endpoints.netem.relay` puts it between real sockets."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Profile:
    """What a direction of a line does to packets.

    ``loss`` is the share lost over time, 0–1; ``burst`` the mean length of a run of losses in
    packets (1: independent losses). ``delay`` and ``jitter`` are seconds: each packet takes
    delay plus a uniform share of jitter. ``reorder`` and ``duplicate`` are shares, ``rate`` is
    bit/s (0: unlimited) with a queue of ``queue`` seconds.
    """

    loss: float = 0.0
    burst: float = 1.0
    delay: float = 0.0
    jitter: float = 0.0
    reorder: float = 0.0
    duplicate: float = 0.0
    rate: float = 0.0
    queue: float = 0.2

    def __post_init__(self) -> None:
        if not (0 <= self.loss <= 1 and 0 <= self.reorder <= 1 and 0 <= self.duplicate <= 1):
            raise ValueError("loss, reorder and duplicate are shares from 0 to 1")
        rest = (self.delay, self.jitter, self.rate, self.queue)
        if not self.burst >= 1 or not all(value >= 0 for value in rest):  # NaN is neither
            raise ValueError("burst is at least 1, the rest is not negative")


class Impairment:
    """One direction. ``blackout`` may be set at any time and loses everything."""

    def __init__(self, profile: Profile, seed: int) -> None:
        self.profile = profile
        self.blackout = False
        self.offered = 0
        self.lost = 0
        self._random = random.Random(seed)
        self._bad = False  # the state of the Gilbert–Elliott chain
        self._free_at = 0.0
        self._last_at = 0.0

    def offer(self, now: float, size: int) -> list[float]:
        """A packet of ``size`` octets enters at ``now``; return when it leaves: no time where
        it is lost, two where it is duplicated."""
        self.offered += 1
        if self._is_lost() or self.blackout:
            self.lost += 1
            return []
        p = self.profile
        start = now
        if p.rate:
            start = max(now, self._free_at)
            if start - now > p.queue:
                self.lost += 1
                return []
            self._free_at = start + size * 8 / p.rate
            start = self._free_at
        at = start + p.delay + self._random.random() * p.jitter
        if self._random.random() < p.reorder:
            at += p.delay + 0.01  # overtaken by those behind it
        else:
            at = max(at, self._last_at)  # jitter alone does not reorder, as in a queue
            self._last_at = at
        if self._random.random() < p.duplicate:
            return [at, at]
        return [at]

    def _is_lost(self) -> bool:
        """Gilbert's chain: in the bad state everything is lost. It is left with 1/burst a
        packet and entered so often that the share lost is ``loss``."""
        p = self.profile
        if p.loss <= 0:
            return False
        if p.loss >= 1:
            return True
        leave = 1 / p.burst
        if p.burst == 1:
            return self._random.random() < p.loss
        enter = leave * p.loss / (1 - p.loss)
        self._bad = self._random.random() >= leave if self._bad else self._random.random() < enter
        return self._bad


class Impaired(NamedTuple):
    """What ``--impair`` asks for at one point; ``strip`` names directions that lose their DSCP."""

    point: str
    down: Profile
    up: Profile
    strip: frozenset[str]

    @staticmethod
    def none(point: str) -> Impaired:
        """A good line."""
        return Impaired(point, Profile(), Profile(), frozenset())


UNITS = {"%": 0.01, "ms": 0.001, "s": 1.0, "kbit": 1e3, "Mbit": 1e6, "": 1.0}
FIELDS = {
    "loss": ("%", ""),
    "delay": ("ms", "s"),
    "jitter": ("ms", "s"),
    "reorder": ("%", ""),
    "duplicate": ("%", ""),
    "rate": ("kbit", "Mbit"),
    "burst": ("",),
}
HELP = "POINT:loss-down=5%,delay-up=30ms,jitter=10ms,rate-down=2Mbit,strip-up"


def parse(text: str) -> Impaired:
    """Read ``POINT:what[-down|-up]=value,…``. Raises ValueError with a sentence."""
    point, _, rest = text.partition(":")
    if not point or not rest:
        raise ValueError(f"{text!r} is not an impairment, for example {HELP}")
    values: dict[str, dict[str, float]] = {"down": {}, "up": {}}
    strip: set[str] = set()
    for item in rest.split(","):
        name, _, value = item.partition("=")
        what, _, direction = name.strip().partition("-")
        if direction not in ("", "down", "up"):
            raise ValueError(f"{item!r}: the direction is down or up")
        directions = [direction] if direction else ["down", "up"]
        if what == "strip" and not value:
            strip.update(directions)
            continue
        if what not in FIELDS:
            raise ValueError(f"{item!r}: known are {', '.join([*FIELDS, 'strip'])}")
        found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([%A-Za-z]*)", value.strip())
        if found is None or found[2] not in FIELDS[what]:
            units = " or ".join(unit or "no unit" for unit in FIELDS[what])
            raise ValueError(f"{item!r}: a number with {units} is expected")
        for one in directions:
            values[one][what] = float(found[1]) * UNITS[found[2]]
    return Impaired(point, Profile(**values["down"]), Profile(**values["up"]), frozenset(strip))
