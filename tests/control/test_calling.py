"""Points that are away are called until they come."""

from __future__ import annotations

import itertools

from bridge.conference import commands as c
from bridge.conference.model import SYSTEM
from bridge.control.calling import FIRST, LONGEST, Calls
from tests.conference.support import Run


def test_points_are_called_until_they_come() -> None:
    run = Run(present=("a",), connect={"d": "none"})
    calls = Calls()
    reasons = {"b": "call.no_media"}
    assert calls.step([run.state], reasons, 0.0) == []
    now, nudges = 0.0, []
    for _ in range(2000):
        now += 0.5
        nudges += [(now, *nudge) for nudge in calls.step([run.state], reasons, now)]
    of_b = [(at, reason, note) for at, point, reason, note in nudges if point == "b"]
    assert of_b[0] == (FIRST, "call.no_media", False)
    assert of_b[1][1:] == ("call.no_media", True)
    gaps = [later[0] - earlier[0] for earlier, later in itertools.pairwise(of_b)]
    assert gaps == sorted(gaps)
    assert gaps[-1] == LONGEST, "tries go on"
    assert {point for _, point, *_ in nudges} == {"b", "c"}, "d is not called, a is in"
    run.ok(c.PointUp(point="b"), SYSTEM)
    assert [n[0] for n in calls.step([run.state], reasons, now + 100)] == ["c"]
    assert calls.step([], reasons, now + 200) == []
