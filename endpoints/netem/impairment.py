"""A model of an impaired network line: loss in bursts, delay, jitter, reordering, duplicates, a
limited rate and blackouts. Pure and seeded; `endpoints.netem.relay` puts it between real sockets,
`Hop` between the sockets of one process and the network."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Profile:
    """How one direction of a line treats packets.

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
            raise ValueError("loss, reorder and duplicate are shares from 0 to 1 (or 0% to 100%)")
        rest = (self.delay, self.jitter, self.rate, self.queue)
        if not self.burst >= 1 or not all(value >= 0 for value in rest):  # NaN is neither
            raise ValueError("burst is at least 1, the rest is not negative")


class Impairment:
    """One direction of a line: says of each packet when it arrives, or that it is lost. Counts
    the packets ``offered`` and ``lost``."""

    def __init__(self, profile: Profile, seed: int) -> None:
        self.offered = 0
        self.lost = 0
        self._profile = profile
        self._harmless = profile == Profile()
        self._cut = False
        self._random = random.Random(seed)
        self._bad = False  # the state of the Gilbert–Elliott chain
        self._free_at = 0.0
        self._last_at = 0.0

    def use(self, profile: Profile) -> None:
        """Treat packets by another profile from now on."""
        self._profile = profile
        self._harmless = profile == Profile()

    @property
    def clean(self) -> bool:
        """Whether every packet passes at once: `offer` need not be asked."""
        return self._harmless and not self._cut

    def cut(self) -> None:
        """Lose everything until `restore`."""
        self._cut = True

    def restore(self) -> None:
        """End the blackout that `cut` began."""
        self._cut = False

    def offer(self, now: float, size: int) -> list[float]:
        """A packet of ``size`` octets enters at ``now``; return when it leaves: no time where
        it is lost, two where it is duplicated. Times are monotonic seconds."""
        self.offered += 1
        if self._is_lost() or self._cut:
            self.lost += 1
            return []
        p = self._profile
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

    def queued(self, now: float) -> float:
        """Seconds that a packet would wait now before it leaves."""
        return max(0.0, self._free_at - now)

    def _is_lost(self) -> bool:
        """Gilbert's chain: in the bad state everything is lost. It is left with 1/burst a
        packet and entered so often that the share lost is ``loss``."""
        p = self._profile
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
    """The impairment of one point's line, as ``--impair`` names it; ``strip`` holds the directions
    (down, up) in which the DSCP is set to 0."""

    point: str
    down: Profile
    up: Profile
    strip: frozenset[str]

    @staticmethod
    def none(point: str) -> Impaired:
        """A line without impairment."""
        return Impaired(point, Profile(), Profile(), frozenset())


class Hop:
    """An impaired line inside a process, for demos and tests: ``down`` is what comes in, ``up``
    what goes out. Probes are counted apart from media."""

    def __init__(
        self, down: Impairment, up: Impairment, strip: frozenset[str] = frozenset()
    ) -> None:
        """``strip`` is as in `Impaired`."""
        self.down = down
        self.up = up
        self.strip = strip
        self.probes_offered = 0
        self.probes_lost_down = 0
        self.probes_lost_up = 0

    @property
    def clean(self) -> bool:
        """Whether every packet passes at once in both directions."""
        return self.down.clean and self.up.clean

    def impair(self, impaired: Impaired) -> None:
        """Be another line from now on."""
        self.down.use(impaired.down)
        self.up.use(impaired.up)
        self.strip = impaired.strip

    def probe_down(self, now: float, size: int) -> list[float]:
        """`Impairment.offer` for a probe that comes in; counts it."""
        leaves = self.down.offer(now, size)
        self.probes_offered += 1
        self.probes_lost_down += not leaves
        return leaves

    def probe_up(self, now: float, size: int) -> list[float]:
        """`Impairment.offer` for the answer to a probe; counts it."""
        leaves = self.up.offer(now, size)
        self.probes_lost_up += not leaves
        return leaves


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
