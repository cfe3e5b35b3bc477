"""Conferences are lowered in steps before they are refused, and keep what they were promised."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.control.admission import ladder
from bridge.control.admission.ladder import Step
from bridge.control.admission.link_tree import Tree
from bridge.control.admission.planning import Load, Meeting, plan_meeting, promises, taken_by
from tests.control.admission.support import MEDIA, star, trees, wider


def test_every_step_takes_less_than_the_one_before_and_the_last_is_the_sound() -> None:
    needs = [sum(ladder.down(MEDIA, 11, step)) for step in Step]
    assert needs == sorted(needs, reverse=True)
    assert len(set(needs)) == len(needs)
    assert needs == [4770, 3770, 2120, 620, 270, 120]
    sent = [sum(ladder.up(MEDIA, step)) for step in Step]
    assert sent == sorted(sent, reverse=True)
    assert (sent[0], sent[-1]) == (40 + 150 + 500 + 1500 + 1500, 40)


@pytest.mark.parametrize(
    ("budget", "step"),
    [
        (4770, Step.FULL),
        (4769, Step.MEDIUM),
        (3769, Step.NO_THUMBNAILS),
        (2119, Step.NO_CONTENT),
        (619, Step.LOWEST),
        (269, Step.SOUND),
        (120, Step.SOUND),
    ],
)
def test_a_thin_line_is_lowered_step_by_step_and_nobody_else(budget: int, step: Step) -> None:
    names = [f"p{n}" for n in range(12)]
    tree = star(**{**dict.fromkeys(names, 50_000), "p3": budget})
    promise = plan_meeting(tree, MEDIA, Meeting("m", tuple(names)))
    assert promise.down["p3"] == step
    assert {promise.down[n] for n in names if n != "p3"} == {Step.FULL}
    assert promise.refused == ""
    assert promise.loads["to-p3"].down <= budget


def test_a_line_without_room_for_the_sound_is_named() -> None:
    promise = plan_meeting(star(a=50_000, b=119), MEDIA, Meeting("m", ("a", "b")))
    assert promise.refused == "to-b"


def test_those_behind_one_link_are_lowered_together() -> None:
    ways = {f"p{n}": (f"to-{n}", "shared") for n in range(10)}
    tree = Tree({**{f"to-{n}": 100_000 for n in range(10)}, "shared": 3000}, ways)
    promise = plan_meeting(tree, MEDIA, Meeting("m", tuple(ways)))
    assert set(promise.down.values()) == {Step.LOWEST}
    assert promise.loads["shared"].down == 10 * 270


def test_a_link_is_named_with_what_is_lowered_behind_it_and_not_behind_another() -> None:
    ways = {"a": ("to-a", "trunk"), "b": ("to-b", "trunk"), "c": ("to-c", "trunk")}
    tree = Tree({"to-a": 269, "to-b": 3769, "to-c": 50_000, "trunk": 50_000}, ways)
    found = plan_meeting(tree, MEDIA, Meeting("m", ("a", "b", "c"))).at_least
    assert found["to-a"] == Step.SOUND
    assert found["to-c"] == found["trunk"] == Step.FULL


def test_on_the_way_up_one_is_on_air_and_the_others_are_small() -> None:
    tree = star(a=50_000, b=50_000, c=50_000)
    promise = plan_meeting(tree, MEDIA, Meeting("m", ("a", "b", "c"), frozenset({"c"})))
    assert promise.loads["trunk"].up == 2 * 190 + 3500
    assert promise.loads["to-c"].up == 0, "an observer sends nothing"


@st.composite
def meetings(draw: st.DrawFn) -> tuple[Tree, Meeting, Meeting]:
    tree = draw(trees(10))
    names = sorted(tree.ways)
    cut = draw(st.integers(0, len(names)))
    return tree, Meeting("one", tuple(names[:cut])), Meeting("two", tuple(names[cut:]))


@given(meetings())
def test_no_link_is_promised_more_than_it_carries(case: tuple[Tree, Meeting, Meeting]) -> None:
    tree, one, two = case
    made = promises(tree, MEDIA, [one, two], {})
    accepted = [promise for promise in made.values() if not promise.refused]
    if len(accepted) < len(made):
        return
    for link, load in taken_by(accepted).items():
        assert load.down <= tree.budgets[link]
        assert load.up <= tree.budgets[link]


@given(meetings())
def test_a_second_conference_never_takes_what_the_first_was_promised(
    case: tuple[Tree, Meeting, Meeting],
) -> None:
    tree, one, two = case
    alone = promises(tree, MEDIA, [one], {})
    if alone["one"].refused:
        return  # nothing was promised
    assert promises(tree, MEDIA, [one, two], alone)["one"] == alone["one"]
    assert promises(tree, MEDIA, [two, one], alone)["one"] == alone["one"]


def test_a_point_that_is_added_is_planned_with_what_the_others_leave() -> None:
    ways = dict.fromkeys("abcd", ("l",))
    tree = Tree({"l": 2 * 620 + 2 * 270}, ways)
    first = promises(tree, MEDIA, [Meeting("one", ("a",))], {})
    both = promises(tree, MEDIA, [Meeting("one", ("a",)), Meeting("two", ("b", "c"))], first)
    grown = [Meeting("one", ("a", "d")), Meeting("two", ("b", "c"))]
    after = promises(tree, MEDIA, grown, both)
    assert after["two"] == both["two"]
    assert sum(load.down for load in taken_by(after.values()).values()) <= tree.budgets["l"]


@given(trees(), st.data())
def test_a_wider_link_never_lowers_the_worst_further(tree: Tree, data: st.DataObject) -> None:
    meeting = Meeting("m", tuple(sorted(tree.ways)))
    link = data.draw(st.sampled_from(sorted(tree.budgets)))
    before = plan_meeting(tree, MEDIA, meeting)
    after = plan_meeting(wider(tree, link, 700), MEDIA, meeting)
    assert not (after.refused and not before.refused)
    if not before.refused:
        assert max(after.down.values()) <= max(before.down.values())


@given(trees(), st.integers(0, 3000))
def test_what_is_taken_never_makes_a_plan_better(tree: Tree, amount: int) -> None:
    meeting = Meeting("m", tuple(sorted(tree.ways)))
    before = plan_meeting(tree, MEDIA, meeting)
    taken = dict.fromkeys(tree.budgets, Load(amount, amount))
    after = plan_meeting(tree, MEDIA, meeting, taken)
    if before.refused:
        assert after.refused
    elif not after.refused:
        assert max(after.down.values()) >= max(before.down.values())
