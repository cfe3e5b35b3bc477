"""From figures of a line to incidents: a signal is watched for a while, becomes an incident with
a number, and is cleared when it has been gone for a while. Pure; ``now`` is monotonic seconds.

The limits and how long they must hold are those of the table of thresholds in docs/en/admin.md
(Polycom, Vidyo, Cisco and Microsoft Teams name them as sources).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from monitoring.quality.line_state import Figures


class Rule(NamedTuple):
    """When a signal counts: at ``limit`` and above, for ``hold`` seconds."""

    limit: float
    hold: float


class Kind(NamedTuple):
    """A kind of incident: when it is a warning, when it is bad, and how many seconds it must be
    gone until it is over."""

    warn: Rule | None
    bad: Rule | None
    clear: float


KINDS: dict[str, Kind] = {
    "lost": Kind(None, Rule(1, 1.0), 5.0),  # a point is silent for 3 s before it counts as lost
    "loss_down": Kind(Rule(0.01, 60.0), Rule(0.05, 30.0), 60.0),
    "loss_up": Kind(Rule(0.01, 60.0), Rule(0.05, 30.0), 60.0),
    "variation_down": Kind(Rule(30.0, 120.0), None, 60.0),
    "variation_up": Kind(Rule(30.0, 120.0), None, 60.0),
    "round_trip": Kind(Rule(100.0, 300.0), Rule(300.0, 60.0), 60.0),
    "dscp_down": Kind(Rule(1, 10.0), None, 900.0),
    "dscp_up": Kind(Rule(1, 10.0), None, 900.0),
    "agent": Kind(Rule(1, 60.0), None, 5.0),
    "kiosk": Kind(Rule(1, 30.0), None, 30.0),
}


class Change(NamedTuple):
    """What became of a signal: "open", "worse" or "clear". ``value`` is what was measured."""

    what: str
    kind: str
    level: str
    value: float
    seconds: float  # how long it lasted, for "clear"


def signals(figures: Figures | None, agent: bool | None, kiosk_failed: bool) -> dict[str, float]:
    """What is measured of each kind; kinds of which nothing is known are left out. ``agent`` is
    None for a point that never had one."""
    found: dict[str, float] = {"kiosk": float(kiosk_failed)}
    if agent is not None:
        found["agent"] = float(not agent)
    if figures is None or figures.reachable is None:
        return found
    found["lost"] = float(not figures.reachable)
    if not figures.reachable:
        return found
    found["loss_down"], found["loss_up"] = figures.down_loss, figures.up_loss
    if figures.down_variation is not None and figures.up_variation is not None:
        found["variation_down"] = figures.down_variation
        found["variation_up"] = figures.up_variation
    if figures.round_trip is not None:
        found["round_trip"] = figures.round_trip
    downs = [m.down != m.sent for m in figures.marks.values() if m.down is not None]
    ups = [m.up != m.sent for m in figures.marks.values() if m.up is not None]
    if downs:
        found["dscp_down"] = float(any(downs))
    if ups:
        found["dscp_up"] = float(any(ups))
    return found


@dataclass(slots=True)
class _Signal:
    warn_since: float | None = None
    bad_since: float | None = None
    gone_since: float | None = None
    opened: float | None = None
    level: str = ""


@dataclass(slots=True)
class PointIncidents:
    """The incidents of one point."""

    _signals: dict[str, _Signal] = field(default_factory=dict)

    def restore(self, kind: str, level: str, now: float) -> None:
        """An incident that was open when this process began."""
        self._signals[kind] = _Signal(opened=now, level=level)

    def step(self, measured: dict[str, float], now: float) -> list[Change]:
        """Take in what is measured now. A kind that is not measured stays as it is: who does
        not know does not say that it is over."""
        changes: list[Change] = []
        for kind, value in measured.items():
            rules = KINDS[kind]
            signal = self._signals.setdefault(kind, _Signal())
            signal.warn_since = _since(rules.warn, value, signal.warn_since, now)
            signal.bad_since = _since(rules.bad, value, signal.bad_since, now)
            level = ""
            if rules.warn and signal.warn_since is not None:
                level = "warn" if now - signal.warn_since >= rules.warn.hold else ""
            if rules.bad and signal.bad_since is not None:
                level = "bad" if now - signal.bad_since >= rules.bad.hold else level
            present = signal.warn_since is not None or signal.bad_since is not None
            if signal.opened is None:
                if level:
                    signal.opened, signal.level, signal.gone_since = now, level, None
                    changes.append(Change("open", kind, level, value, 0.0))
            elif present:
                signal.gone_since = None
                if level == "bad" and signal.level == "warn":
                    signal.level = "bad"
                    changes.append(Change("worse", kind, level, value, now - signal.opened))
            else:
                if signal.gone_since is None:
                    signal.gone_since = now
                if now - signal.gone_since >= rules.clear:
                    lasted = signal.gone_since - signal.opened
                    changes.append(Change("clear", kind, signal.level, value, max(lasted, 0.0)))
                    signal.opened, signal.level = None, ""
        return changes

    @property
    def watching(self) -> list[str]:
        """Kinds whose signal is there and that are no incident yet."""
        return [
            kind
            for kind, s in self._signals.items()
            if s.opened is None and (s.warn_since is not None or s.bad_since is not None)
        ]


def _since(rule: Rule | None, value: float, before: float | None, now: float) -> float | None:
    if rule is None or value < rule.limit:
        return None
    return now if before is None else before
