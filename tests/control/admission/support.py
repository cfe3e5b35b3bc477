"""Trees of links, made by hand and at random."""

from __future__ import annotations

from hypothesis import strategies as st

from bridge.control.admission.link_tree import Tree
from config.schema import Layer, Media

MEDIA = Media(
    layers=[
        Layer(rid="q", height=180, bitrate=150, frame_rate=15),
        Layer(rid="h", height=360, bitrate=500),
        Layer(rid="f", height=720, bitrate=1500),
    ]
)


def star(**budgets: int) -> Tree:
    """A point behind a link of its own each, all behind a wide trunk."""
    ways = {name: (f"to-{name}", "trunk") for name in budgets}
    return Tree({**{f"to-{n}": b for n, b in budgets.items()}, "trunk": 1_000_000}, ways)


@st.composite
def trees(draw: st.DrawFn, most: int = 7) -> Tree:
    """A tree of up to five links with points anywhere in it."""
    parents: dict[str, str | None] = {"l0": None}
    for n in range(1, draw(st.integers(1, 5))):
        parents[f"l{n}"] = draw(st.sampled_from(sorted(parents)))
    budgets = {link: draw(st.integers(0, 12_000)) for link in parents}
    ways = {}
    for n in range(draw(st.integers(1, most))):
        link: str | None = draw(st.sampled_from(sorted(parents)))
        way: list[str] = []
        while link is not None:
            way.append(link)
            link = parents[link]
        ways[f"p{n}"] = tuple(way)
    return Tree(budgets, ways)


def wider(tree: Tree, link: str, by: int) -> Tree:
    return Tree({**tree.budgets, link: tree.budgets[link] + by}, tree.ways)
