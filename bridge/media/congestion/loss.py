"""A bound by loss, for lines that drop instead of queueing (draft-ietf-rmcat-gcc-02 section 6),
which takes no notice of loss that does not go away when less is sent."""

from __future__ import annotations

import math

INTERVAL = 0.8  # seconds that are judged together
FEWEST = 40  # packets in them
TOLERATED = 0.10  # above the line's own loss: more is congestion
CONFIRMED = 2  # intervals in a row: one alone may be a receiver's process that did not run
PATIENT = 4  # where its streams are reported one after another: one moment stands in all of them
SOONER = 0.5  # of an interval and its packets that do for the second of them
HEAVY = 0.3  # above it what got through is all that is sent on
BURSTS = 3.5  # standard deviations of independent losses that chance may add: they come in bursts
QUIET = 0.02  # above the line's own loss: less lets the bound grow
GROWTH = 1.08  # per interval
STAYS = 0.7  # of the loss before, that is left after a cut: it was not the rate
CUT = 0.15  # least share by which what is sent must have fallen for that verdict
IN_VAIN = 3  # intervals at the bound after which the same verdict is given
FOLLOWS = 0.15  # weight of an interval whose loss is like the line's own
FLOOR = 30_000.0


class LossBound:
    """``bound`` in bit/s (0: none), ``loss`` smoothed, ``own`` what the line loses anyway."""

    __slots__ = (
        "_before",
        "_intervals",
        "_lost",
        "_received",
        "_restore",
        "_sent_before",
        "_since",
        "_strikes",
        "bound",
        "loss",
        "lowered_at",
        "own",
    )

    def __init__(self) -> None:
        self.bound = 0.0
        self.loss = 0.0
        self.own = 0.0
        self.lowered_at = -1e9
        self._received = 0
        self._lost = 0
        self._since = -1.0
        self._before = 0.0  # loss at the first cut, 0 once it is judged
        self._sent_before = 0.0
        self._restore = 0.0
        self._intervals = 0  # since that cut
        self._strikes = 0  # intervals in a row with too much of it

    @property
    def excess(self) -> float:
        """The share lost above what the line loses anyway."""
        return _above(self.loss, self.own)

    def add(
        self,
        received: int,
        lost: int,
        sent_rate: float,
        estimate: float,
        now: float,
        confirmed: int = CONFIRMED,
    ) -> None:
        """Packets of a report; ``sent_rate`` is what was sent lately, ``estimate`` what would
        be allowed without this bound; so many intervals in a row, ``confirmed``, make it lower."""
        if self._since < 0:
            self._since = now
        self._received += received
        self._lost += lost
        total = self._received + self._lost
        enough = SOONER if 0 < self._strikes < confirmed else 1.0
        if now - self._since < INTERVAL * enough or total < FEWEST * enough:
            return
        share = max(0.0, self._lost / total)
        self._received = self._lost = 0
        self._since = now
        self.loss += (share - self.loss) * 0.4
        self._judge(share, 2 * math.sqrt(max(share * (1 - share), 0.01) / total), sent_rate)
        chance = BURSTS * math.sqrt(self.own * (1 - self.own) / total)
        if _above(share, self.own) > TOLERATED + chance:
            self._strikes += 1
            if self._strikes >= confirmed:
                self._cut(share, sent_rate, estimate, now)
            return
        self._strikes = 0
        if self.bound and _above(share, self.own) < QUIET + math.sqrt(self.own / total):
            self.bound = self.bound * GROWTH + 2000.0
            if self.bound > estimate * 1.2:
                self.bound = 0.0

    def pause(self, now: float) -> None:
        """Leave out what is reported just now."""
        self._received = self._lost = 0
        self._since = now

    def _judge(self, share: float, spread: float, sent_rate: float) -> None:
        """Learn what the line loses whatever is sent."""
        if self._before:
            self._intervals += 1
            stays = share > STAYS * self._before
            if stays and (sent_rate < (1 - CUT) * self._sent_before or self._intervals >= IN_VAIN):
                self.own = max(self.own, (share + self._before) / 2)
                self.bound = max(self.bound, self._restore)
                self._before = 0.0
            elif share < 0.5 * self._before:
                self._before = 0.0
        if share < self.own - spread:
            self.own += (share - self.own) * 0.5
        elif share < self.own + spread:
            self.own += (share - self.own) * (FOLLOWS if self.own else 0.0)

    def _cut(self, share: float, sent_rate: float, estimate: float, now: float) -> None:
        above = _above(share, self.own)
        start = min(self.bound or estimate, estimate, max(sent_rate, FLOOR))
        if not self._before:
            self._before, self._sent_before, self._restore = share, sent_rate, start
            self._intervals = 0
        through = min(start, sent_rate * (1 - share))  # carried, whatever is lost beside it
        gentle = start * (1 - 0.5 * above)
        self.bound = max(through if above > HEAVY else max(gentle, through), FLOOR)
        self.lowered_at = now


def _above(loss: float, own: float) -> float:
    """The share of what the line would have carried that is lost besides."""
    return max(0.0, (loss - own) / (1 - own)) if own < 1 else 0.0
