"""Who is gone is told by unanswered questions, not by a clock: a process that was held up for two
seconds takes nobody for gone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.base.liveness import UNANSWERED, Liveness, keep_asking

EVERY = 1.0


class World:
    """Simulated time with a peer that answers at once, and a process that may be held up: then what
    the peer said waits and is read when the process yields."""

    def __init__(self, *, holds: dict[int, float] | None = None, dies_at: float = 1e9) -> None:
        self.now = 0.0
        self.gone_at: float | None = None
        self.liveness = Liveness()
        self._holds = holds or {}
        self._dies_at = dies_at
        self._waiting = False  # an answer is in the socket
        self._steps = 0

    async def sleep(self, seconds: float) -> None:
        if seconds:
            self._steps += 1
            self.now += seconds + self._holds.get(self._steps, 0.0)
            # Held up: the timer is due at the very moment at which the socket is readable.
            if self._steps not in self._holds:
                self._read()
        else:
            self._read()
        if self.now > 60:
            raise TimeoutError

    def _read(self) -> None:
        if self._waiting:
            self._waiting = False
            self.liveness.heard()

    async def ping(self) -> None:
        self._waiting = self.now < self._dies_at

    def gone(self) -> None:
        self.gone_at = self.now

    async def run(self) -> None:
        try:
            await keep_asking(self.liveness, self.ping, self.gone, EVERY, self.sleep)
        except TimeoutError:
            return


@given(st.dictionaries(st.integers(1, 50), st.floats(0.1, 20.0), max_size=20))
async def test_nobody_is_gone_because_we_were_held_up(holds: dict[int, float]) -> None:
    world = World(holds=holds)
    await world.run()
    assert world.gone_at is None


@pytest.mark.parametrize("dies_at", [0.0, 3.2, 7.9])
async def test_who_is_gone_is_noticed_within_three_intervals(dies_at: float) -> None:
    world = World(dies_at=dies_at)
    await world.run()
    assert world.gone_at is not None
    assert world.gone_at - dies_at <= (UNANSWERED + 1) * EVERY


async def test_a_closing_connection_ends_the_asking() -> None:
    async def broken() -> None:
        raise ConnectionResetError

    async def sleep(_: float) -> None:
        return

    calls: list[None] = []
    await keep_asking(Liveness(), broken, lambda: calls.append(None), EVERY, sleep)
    assert calls == []
