"""The tree of links as budgets and ways. Pure; kbit/s, per direction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from config.needs import budget, path_to_root
from config.schema import Topology

OWN = "@"  # before a point: the limit that was measured for it alone


@dataclass(frozen=True, slots=True)
class Tree:
    """The links of the network. ``budgets`` is what each link gives to conferences; ``ways`` are
    the links from a point up to the bridge, nearest first. A point whose line was measured to carry
    less than the file says has that as a link of its own (`OWN` + point)."""

    budgets: Mapping[str, int]
    ways: Mapping[str, tuple[str, ...]]

    def links_of(self, points: Iterable[str]) -> dict[str, list[str]]:
        """The points behind each link, those of links nearest to points first."""
        depth: dict[str, int] = {}
        behind: dict[str, list[str]] = {}
        for point in points:
            way = self.ways[point]
            for height, link in enumerate(way):
                behind.setdefault(link, []).append(point)
                depth[link] = max(depth.get(link, 0), len(way) - height)
        return dict(sorted(behind.items(), key=lambda item: (-depth[item[0]], item[0])))


def tree_of(topology: Topology, measured: Mapping[str, int] | None = None) -> Tree:
    """The tree of a topology. ``measured`` is what the line of a point was found to carry, where
    that is less than the file says."""
    links = {link.id: link for link in topology.links}
    budgets = {ident: budget(link) for ident, link in links.items()}
    ways: dict[str, tuple[str, ...]] = {}
    for point in topology.points:
        way = tuple(link.id for link in path_to_root(links[point.link], links))
        limit = (measured or {}).get(point.id)
        if limit is not None:
            budgets[OWN + point.id] = limit
            way = (OWN + point.id, *way)
        ways[point.id] = way
    return Tree(budgets, ways)
