"""What is drawn on pages: who may, how much, and what becomes of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.conference import commands as c
from bridge.conference.model import SYSTEM, Actor, Paper, State
from bridge.conference.strokes import (
    MAX_PAGE_POINTS,
    MAX_PAGE_STROKES,
    MAX_POINTS,
    MAX_STROKES,
    Leaf,
    Sheets,
    Stroke,
    not_drawn_by,
    shown,
)
from tests.conference.support import LAN, MINH, Run, live, point

LEAF = Leaf("x-p1", 1, 2)
SHORT = Stroke(tool="pen", places=(1, 2, 3, 4))
LONG = Stroke(tool="marker", places=(5, 6) * MAX_POINTS)
PLAN = Paper(id="x-p1", version=1, title="Plan", pages=5, octets=9, sha256="ab")


def presented(paper: Paper = PLAN) -> Run:
    run = live()
    run.do(c.AttachPaper(newest=paper), SYSTEM)
    run.do(c.ShowPage(paper="x-p1", page=2), LAN)
    return run


def refused(state: State, actor: Actor, leaf: Leaf = LEAF) -> str:
    found = not_drawn_by(state, actor, leaf)
    return found.key if found is not None else ""


def test_whoever_presents_draws_on_the_page_that_is_shown() -> None:
    run = presented()
    assert shown(run.state) == LEAF
    chair, other = point("a"), point("b")
    assert run.state.chair == "a"
    assert [refused(run.state, who) for who in (LAN, chair)] == ["", ""]
    assert refused(run.state, other) == "refusal.not_presenting"
    viewer = Actor(kind="user", name="xem", role="viewer")
    assert refused(run.state, viewer) == "refusal.not_allowed"
    for leaf in (Leaf("x-p1", 1, 3), Leaf("x-p1", 2, 2), Leaf("x-p2", 1, 2)):
        assert refused(run.state, LAN, leaf) == "strokes.page_turned"
    run.do(c.Grant(point="b"), LAN)
    assert refused(run.state, other) == ""
    run.do(c.Direct(take_over=True), MINH)
    assert refused(run.state, LAN) == "refusal.other_director"
    run.do(c.PutAway(), MINH)
    assert refused(run.state, MINH) == "strokes.page_turned"
    run.do(c.End(), MINH)
    assert refused(run.state, MINH) == "refusal.ended"


def test_a_room_draws_on_no_paper_that_is_not_for_it() -> None:
    hidden = Paper(
        id="x-p1", version=1, title="Plan", pages=5, octets=9, sha256="ab", points=("b",)
    )
    assert refused(presented(hidden).state, point("a")) == "refusal.unknown_paper"


def test_strokes_of_a_page_are_in_their_order_and_are_undone() -> None:
    sheets = Sheets()
    assert sheets.erase(LEAF, all_of_it=False) == 0
    for stroke in (SHORT, LONG, SHORT):
        assert sheets.draw(LEAF, stroke) is None
    assert sheets.erase(LEAF, all_of_it=False) == 2
    assert sheets.of(LEAF) == (SHORT, LONG)
    assert list(sheets) == [LEAF]
    assert sheets.erase(LEAF, all_of_it=True) == 0
    assert (list(sheets), sheets.of(LEAF)) == ([], ())


def test_there_is_a_bound_for_everything() -> None:
    sheets = Sheets()
    found = sheets.draw(LEAF, Stroke(tool="pen", places=(1, 2, 3)))
    assert found is not None
    assert found.key == "strokes.unpaired"
    for _ in range(MAX_PAGE_POINTS // MAX_POINTS):
        assert sheets.draw(LEAF, LONG) is None
    found = sheets.draw(LEAF, SHORT)
    assert found is not None
    assert found.key == "strokes.page_full"
    sheets, drawn = Sheets(), 0
    for page in range(1, 100):
        for number in range(MAX_PAGE_STROKES + 1):
            found = sheets.draw(Leaf("x-p1", 1, page), SHORT)
            if found is not None:
                full = number == MAX_PAGE_STROKES
                assert found.key == ("strokes.page_full" if full else "strokes.full")
                break
            drawn += 1
    assert drawn == MAX_STROKES


def test_another_version_of_a_paper_has_none_of_what_was_drawn_before() -> None:
    run, sheets = presented(), Sheets()
    sheets.draw(LEAF, SHORT)
    sheets.keep_of(run.state)
    assert sheets.of(LEAF) == (SHORT,)
    newer = Paper(id="x-p1", version=2, title="Plan", pages=5, octets=9, sha256="cd")
    run.do(c.AttachPaper(newest=newer), SYSTEM)
    sheets.keep_of(run.state)
    assert list(sheets) == []


@given(st.lists(st.tuples(st.sampled_from(["draw", "undo", "clear"]), st.integers(1, 3))))
def test_what_pages_are_told_adds_up_to_what_is_drawn(steps: list[tuple[str, int]]) -> None:
    """Who applies each message (keep those before ``start``, then add) has what the sheets have."""
    sheets, seen = Sheets(), dict[int, list[Stroke]]()
    for number, (step, page) in enumerate(steps):
        leaf = Leaf("x-p1", 1, page)
        if step == "draw":
            sheets.draw(leaf, Stroke(tool="pen", places=(number, 0)))
            start = len(sheets.of(leaf)) - 1
        else:
            start = sheets.erase(leaf, all_of_it=step == "clear")
        seen[page] = [*seen.get(page, [])[:start], *sheets.of(leaf)[start:]]
        assert tuple(seen[page]) == sheets.of(leaf)
