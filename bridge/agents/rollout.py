"""An update of agents, one after the other: who gets it, in which order, and how each ended. Pure.

The first that fails ends the rollout: a bundle that does not run on one room PC would most likely
not run on the others either.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import msgspec

Phase = Literal["waiting", "preparing", "trying", "done", "skipped", "failed", "went_back"]
ENDED: frozenset[Phase] = frozenset({"done", "skipped", "failed", "went_back"})
BAD: frozenset[Phase] = frozenset({"failed", "went_back"})

# Why a point was skipped, or what went wrong; the keys of sentences begin with "rollout.".
Reason = Literal[
    "",
    "absent",  # its agent is not connected
    "up_to_date",
    "in_conference",
    "stopped",  # another one failed
    "refused",  # the agent could not or would not; `detail` says why
    "no_answer",  # it did not say that it has the release
    "not_back",  # it did not come back after it began to try
    "tried",  # it is back with the release before; `detail` says why
]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One point's part in an update. ``before`` is the release that it had, ``detail`` what its
    agent says."""

    point: str
    before: str = ""
    phase: Phase = "waiting"
    reason: Reason = ""
    detail: str = ""


class Rollout(msgspec.Struct, frozen=True, kw_only=True):
    """An update of several points, in order. ``release`` is what everybody is to have."""

    release: str
    steps: tuple[Step, ...]

    @property
    def next(self) -> Step | None:
        """Whose turn it is; None: it is over."""
        return next((step for step in self.steps if step.phase not in ENDED), None)


def plan(release: str, points: Sequence[str], present: Mapping[str, str]) -> Rollout:
    """Begin a rollout. ``present`` has the releases of the agents that are connected."""
    return Rollout(release=release, steps=tuple(_begin(p, present, release) for p in points))


def _begin(point: str, present: Mapping[str, str], release: str) -> Step:
    if point not in present:
        return Step(point=point, phase="skipped", reason="absent")
    if present[point] == release:
        return Step(point=point, before=release, phase="skipped", reason="up_to_date")
    return Step(point=point, before=present[point])


def put(rollout: Rollout, step: Step) -> Rollout:
    """Take a point's step in. Where it went wrong, nobody comes after it."""
    stop = step.phase in BAD
    steps: list[Step] = []
    for old in rollout.steps:
        if old.point == step.point:
            steps.append(step)
        elif stop and old.phase == "waiting":
            steps.append(msgspec.structs.replace(old, phase="skipped", reason="stopped"))
        else:
            steps.append(old)
    return Rollout(release=rollout.release, steps=tuple(steps))


def begun(step: Step, busy: Collection[str]) -> Step:
    """A point's turn has come; ``busy`` are the points that are in a conference."""
    if step.point in busy:
        return msgspec.structs.replace(step, phase="skipped", reason="in_conference")
    return msgspec.structs.replace(step, phase="preparing")


def prepared(step: Step, ok: bool | None, detail: str) -> Step:
    """The agent has the release and begins to try it (True), does not (False), or did not
    answer (None)."""
    if ok is None:
        return msgspec.structs.replace(step, phase="failed", reason="no_answer")
    if not ok:
        return msgspec.structs.replace(step, phase="failed", reason="refused", detail=detail)
    return msgspec.structs.replace(step, phase="trying")


def tried(step: Step, wanted: str, back: str | None, detail: str) -> Step:
    """The agent came back with a release, or did not come back (None)."""
    if back is None:
        return msgspec.structs.replace(step, phase="failed", reason="not_back")
    if back == wanted:
        return msgspec.structs.replace(step, phase="done")
    return msgspec.structs.replace(step, phase="went_back", reason="tried", detail=detail)
