"""Last-N: who stands in the thumbnail slots, and that nobody is moved without need."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.conference import commands as c
from bridge.conference.model import MAX_SPOKE
from bridge.conference.thumbnails import MAX_PAGE, on_page, pages, stand
from tests.conference.support import Run, live, point

MANY = tuple(f"p{number:02}" for number in range(30))


def many(*, present: tuple[str, ...] = MANY) -> Run:
    run = Run(present=present, points=MANY, chair="p00")
    run.ok(c.Start())
    return run


def test_where_the_slots_are_enough_everybody_stands_in_the_order_of_the_points() -> None:
    run = live(present=("a", "b"))
    run.ok(c.Rank(points=("d", "c")))
    assert on_page(run.state, "b", 3, 0) == ("a", "c", "d")
    assert on_page(run.state, None, 48, 7) == ("a", "b", "c", "d")
    assert (pages(run.state, "b", 3), pages(run.state, None, 4), pages(run.state, "b", 0)) == (
        1,
        1,
        1,
    )
    assert on_page(run.state, "b", 0, 0) == ()


def test_first_stands_who_is_fixed_asks_or_spoke_then_who_is_there() -> None:
    run = many(present=tuple(p for p in MANY if p != "p01"))
    run.ok(c.Pin(pane=2, point="p20"))
    run.ok(c.Pin(pane=9, point="p21"))  # beyond the slots: no better than the others
    for name in ("p22", "p23"):
        run.ok(c.Grant(point=name))
    run.ok(c.RequestFloor(point="p24"), point("p24"))
    assert on_page(run.state, "p00", 6, 0) == ("p20", "p24", "p23", "p22", "p02", "p03")
    assert "p01" in on_page(run.state, "p00", 6, 1), "who is not there comes after those who are"


def test_pages_hold_everybody_once() -> None:
    run = many()
    count = pages(run.state, "p05", 8)
    assert count == 4
    seen = [p for page in range(count) for p in on_page(run.state, "p05", 8, page)]
    assert sorted(seen) == sorted(set(MANY) - {"p05"})
    assert on_page(run.state, "p05", 8, MAX_PAGE) == on_page(run.state, "p05", 8, count - 1)


def test_who_spoke_is_remembered_the_last_first_and_only_so_many() -> None:
    run = many()
    for name in (*MANY[:20], "p10"):
        run.ok(c.Grant(point=name))
    assert run.state.spoke[:3] == ("p10", "p19", "p18")
    assert len(run.state.spoke) == MAX_SPOKE
    assert len(set(run.state.spoke)) == MAX_SPOKE


def test_what_was_tried_out_in_the_trial_session_is_forgotten_at_the_start() -> None:
    run = Run()
    run.ok(c.Grant(point="b"))
    run.ok(c.Start())
    assert run.state.spoke == ()


NAMES = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8)


@given(before=NAMES, after=NAMES, count=st.integers(0, 8))
def test_who_stays_keeps_the_slot(before: list[str], after: list[str], count: int) -> None:
    slots = tuple(f"thumb:{n + 1}" for n in range(count))
    old = stand(before, {}, slots)
    new = stand(after, old, slots)
    assert set(new) <= set(slots)
    assert len(set(new.values())) == len(new), "nobody stands twice"
    assert len(new) == min(count, len(after))
    stayed = [slot for slot, name in old.items() if name in after]
    assert all(new[slot] == old[slot] for slot in stayed)
