"""Which worker a viewer goes to."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from bridge.audience import fleet
from bridge.audience.placement import NEAR, Load, place
from config import audience_schema

WORKERS = ("1", "2", "3")


def fill(viewers: int, room: int = 960, workers: tuple[str, ...] = WORKERS) -> Counter[str]:
    """Let viewers of one conference come, one after the other."""
    there: Counter[str] = Counter()
    for _ in range(viewers):
        loads = [Load(name, there[name], room, relayed=there[name] > 0) for name in workers]
        found = place(loads)
        if found is not None:
            there[found] += 1
    return there


def test_a_small_audience_stays_on_one_worker() -> None:
    assert fill(NEAR) == {"1": NEAR}


def test_a_large_one_is_spread() -> None:
    there = fill(900)
    assert max(there.values()) - min(there.values()) <= NEAR + 1


def test_without_a_worker_there_is_no_place() -> None:
    assert place([]) is None


def test_who_is_full_gets_nobody() -> None:
    assert place([Load("1", 960, 960, relayed=True), Load("2", 959, 960)]) == "2"
    assert place([Load("1", 960, 960), Load("2", 960, 960)]) is None


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=6), st.integers(1, 20))
def test_nobody_is_turned_away_while_there_is_room(
    found: list[tuple[int, bool]], room: int
) -> None:
    loads = [Load(str(i), viewers, room, relayed) for i, (viewers, relayed) in enumerate(found)]
    chosen = place(loads)
    free = {load.name for load in loads if load.viewers < room}
    assert (chosen is None) == (not free)
    assert chosen is None or chosen in free


def test_a_topology_allows_what_a_worker_holds() -> None:
    assert audience_schema.MAX_OF_WORKER == fleet.ROOM
