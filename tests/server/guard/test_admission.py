"""Strangers fill what is theirs; rooms, agents and people come in all the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.server.guard.admission import MOST, Admission, Limits, limits

SMALL = Limits(total=10, strangers=6, stranger=3, known=5)


def test_one_stranger_takes_little() -> None:
    door = Admission(SMALL)
    assert [door.admit("s", known=False) for _ in range(5)] == [True] * 3 + [False] * 2
    assert door.refused == {"address": 2}
    door.leave("s", known=False)
    assert door.admit("s", known=False)


def test_all_strangers_leave_room_for_those_who_may_come_in() -> None:
    door = Admission(SMALL)
    taken = [door.admit(f"s{n}", known=False) for n in range(9)]
    assert sum(taken) == 6
    assert [door.admit("room", known=True) for _ in range(5)] == [True] * 4 + [False]
    assert door.refused == {"strangers": 3, "total": 1}


def test_limits_follow_the_descriptors() -> None:
    for descriptors in (64, 1024, 4096, 1 << 20):
        found = limits(descriptors)
        assert found.total <= MOST
        assert found.stranger <= found.strangers < found.total
        assert found.known <= found.total
    assert limits(1024).total == 768


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.booleans())))
def test_what_came_in_and_left_is_forgotten(steps: list[tuple[str, bool, bool]]) -> None:
    door = Admission(SMALL)
    inside: list[tuple[str, bool]] = []
    for address, known, leave in steps:
        if leave and inside:
            gone = inside.pop()
            door.leave(gone[0], known=gone[1])
        elif door.admit(address, known=known):
            inside.append((address, known))
        assert door.total == len(inside) <= SMALL.total
        assert sum(not known for _, known in inside) <= SMALL.strangers
    for address, known in inside:
        door.leave(address, known=known)
    assert door.total == 0
    assert not door._open
