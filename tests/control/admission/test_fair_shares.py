"""Shares are never more than a link carries, max-min fair, and the important comes first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.control.admission.fair_shares import fair_shares
from bridge.control.admission.link_tree import OWN, Tree, tree_of
from config.loader import load
from tests.control.admission.support import star, trees, wider
from tests.paths import ROOT

LITTLE = 0.01  # kbit/s that rounding may make of it


def carried(tree: Tree, shares: dict[str, float]) -> dict[str, float]:
    return {
        link: sum(share for point, share in shares.items() if link in tree.ways[point])
        for link in tree.budgets
    }


@st.composite
def cases(draw: st.DrawFn) -> tuple[Tree, dict[str, list[float]]]:
    tree = draw(trees())
    tier = st.integers(0, 3000).map(float)
    return tree, {p: draw(st.lists(tier, min_size=3, max_size=3)) for p in tree.ways}


@given(cases())
def test_no_link_ever_carries_more_than_its_budget(
    case: tuple[Tree, dict[str, list[float]]],
) -> None:
    tree, needs = case
    shares = fair_shares(tree, needs)
    assert set(shares) == set(needs)
    assert all(share >= 0 for share in shares.values())
    for link, load_ in carried(tree, shares).items():
        assert load_ <= tree.budgets[link] + LITTLE


@given(trees(), st.integers(1, 3000))
def test_who_gets_less_is_behind_a_full_link_where_nobody_gets_more(
    tree: Tree, amount: int
) -> None:
    """The definition of max-min fairness: a bottleneck for everybody (Bertsekas and Gallager)."""
    shares = fair_shares(tree, {p: [float(amount)] for p in tree.ways})
    loads = carried(tree, shares)
    for point, share in shares.items():
        assert any(
            loads[link] >= tree.budgets[link] - LITTLE
            and all(share >= shares[p] - LITTLE for p in tree.ways if link in tree.ways[p])
            for link in tree.ways[point]
        ), "what is left over is shared as well, so everybody has a bottleneck"


@given(cases(), st.data())
def test_a_wider_link_lets_nobody_at_the_bottom_fall(
    case: tuple[Tree, dict[str, list[float]]], data: st.DataObject
) -> None:
    """Of what points need: what is left over may be less, because another one's need goes first."""
    tree, needs = case
    link = data.draw(st.sampled_from(sorted(tree.budgets)))
    check_the_bottom(tree, {p: n[:1] for p, n in needs.items()}, link)


def check_the_bottom(tree: Tree, amounts: dict[str, list[float]], link: str) -> None:
    before = fair_shares(tree, amounts)
    after = fair_shares(wider(tree, link, 500), amounts)

    def least(shares: dict[str, float]) -> float:
        return min(min(shares[p], need[0]) for p, need in amounts.items())

    assert least(after) >= least(before) - LITTLE


def test_what_one_needs_goes_before_what_is_left_over_for_another() -> None:
    """A wider link lets the second have what it needs, and so leaves the first less beyond its own
    need."""
    tree = Tree({"shared": 2, "own": 1}, {"a": ("shared",), "b": ("own", "shared")})
    amounts = {"a": [0.0], "b": [2.0]}
    check_the_bottom(tree, amounts, "own")
    assert fair_shares(tree, amounts) == pytest.approx({"a": 1.0, "b": 1.0})
    assert fair_shares(wider(tree, "own", 500), amounts) == pytest.approx({"a": 0.0, "b": 2.0})


def test_sound_comes_before_anybodys_picture() -> None:
    tree = Tree({"l": 300}, {"a": ("l",), "b": ("l",)})
    assert fair_shares(tree, {"a": [120, 1000], "b": [120, 10]}) == {"a": 170.0, "b": 130.0}
    assert fair_shares(tree, {"a": [200, 0], "b": [120, 500]}) == {"a": 180.0, "b": 120.0}


def test_what_a_thin_line_cannot_take_the_others_get() -> None:
    tree = Tree({"to-a": 100, "l": 1000}, {"a": ("to-a", "l"), "b": ("l",), "c": ("l",)})
    assert fair_shares(tree, {p: [900.0] for p in "abc"}) == {"a": 100.0, "b": 450.0, "c": 450.0}


def test_everybody_alone_gets_the_whole_line() -> None:
    shares = fair_shares(star(a=600, b=5000), {"a": [40.0], "b": [40.0]})
    assert shares == pytest.approx({"a": 600, "b": 5000})


def test_a_tree_has_every_link_on_the_way_and_what_was_measured() -> None:
    topology = load(ROOT / "config" / "lac-thuy.yaml")
    tree = tree_of(topology, {"yen-bong": 2000})
    assert tree.ways["yen-bong"] == (f"{OWN}yen-bong", "yen-bong", "khoan-du", "huyen")
    assert tree.budgets[f"{OWN}yen-bong"] == 2000
    assert tree.budgets["khoan-du"] == 25_000
    assert tree.ways["khoan-du"] == ("khoan-du", "huyen")
    assert list(tree.links_of(["khoan-du", "yen-bong"])) == [
        f"{OWN}yen-bong",
        "yen-bong",
        "khoan-du",
        "huyen",
    ]
