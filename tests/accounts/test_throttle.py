"""How long a guesser waits."""

from __future__ import annotations

from bridge.accounts.throttle import FREE, LONGEST_WAIT, Throttle


def test_waits_grow_and_are_forgotten() -> None:
    throttle = Throttle()
    now = 0.0
    waits = []
    for _ in range(20):
        throttle.failed("lan", "::1", now)
        waits.append(throttle.wait("lan", "::2", now))
        now += waits[-1]
    assert waits[: FREE - 1] == [0] * (FREE - 1)
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT
    assert throttle.wait("minh", "::2", now) == 0
    throttle.succeeded("lan")
    assert throttle.wait("lan", "::2", now) == 0
    throttle.failed("lan", "::1", now + 10_000)
    assert throttle.wait("lan", "::1", now + 10_000) == 0
