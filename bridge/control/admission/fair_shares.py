"""Max-min fair shares over the tree of links, the more important first. Pure; kbit/s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bridge.control.admission.link_tree import Tree

LEAST = 1e-6  # kbit/s; less than that is nothing
SPARE = 10_000_000.0  # kbit/s; more than any line, so that what is left over is shared as well


def fair_shares(tree: Tree, needs: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """What each point may be sent. ``needs`` has for each point what it needs, the most important
    first (sound, the programme's lowest layer, …); every list is as long. Nobody gets the second
    before all behind the same link have got the first, as far as a link carries it; what is left
    over in the end is shared evenly, too. No link ever carries more than its budget."""
    room = {link: float(budget) for link, budget in tree.budgets.items()}
    shares = dict.fromkeys(needs, 0.0)
    tiers = max((len(amounts) for amounts in needs.values()), default=0)
    for tier in range(tiers):
        wanted = {p: float(amounts[tier]) for p, amounts in needs.items() if tier < len(amounts)}
        _fill(tree, wanted, room, shares)
    _fill(tree, dict.fromkeys(needs, SPARE), room, shares)
    return shares


def _fill(
    tree: Tree, wanted: dict[str, float], room: dict[str, float], shares: dict[str, float]
) -> None:
    """Progressive filling: everybody's share rises at one pace; who has what it wants stops, and
    so do all behind a link that is full. Each round ends at least one of the two."""
    rising = {point: amount for point, amount in wanted.items() if amount > LEAST}
    behind = {link: set(points) for link, points in tree.links_of(rising).items()}
    while rising:
        pace = min(rising.values())
        for link, points in behind.items():
            if points:
                pace = min(pace, max(0.0, room[link]) / len(points))
        for link, points in behind.items():
            room[link] -= pace * len(points)
        for point in rising:
            shares[point] += pace
            rising[point] -= pace
        full = {link for link, points in behind.items() if points and room[link] <= LEAST}
        stopped = {
            point
            for point, left in rising.items()
            if left <= LEAST or not full.isdisjoint(tree.ways[point])
        }
        if not stopped:  # rounding has left less than can be shared
            return
        for point in stopped:
            del rising[point]
            for link in tree.ways[point]:
                behind[link].discard(point)
