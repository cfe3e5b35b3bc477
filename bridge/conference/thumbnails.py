"""Last-N: which points stand in the thumbnail slots of a receiver that has fewer slots than there
are other points. Pure.

A receiver negotiates slots numbered from 1 on, and no slot belongs to a point. On page 0 stand the
points that a meeting is about now; the further pages hold the rest in the order of the panes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bridge.conference.model import State
from bridge.conference.plan import panes

MAX_PAGE = 500  # as many as there can be points


def pages(state: State, receiver: str | None, slots: int) -> int:
    """How many pages the other points fill; 1 where ``slots`` are enough for all, or none."""
    return max(1, -(-len(_others(state, receiver)) // slots)) if slots else 1


def on_page(state: State, receiver: str | None, slots: int, page: int) -> tuple[str, ...]:
    """The points whose thumbnails a receiver gets on a page, at most ``slots`` of them.
    ``receiver`` None is a console; a page that does not exist is the last one."""
    others = _others(state, receiver)
    if len(others) <= slots:
        return others
    first = _foremost(state, others, slots)[:slots]
    page = min(max(page, 0), pages(state, receiver, slots) - 1)
    if page == 0:
        return first
    kept = set(first)
    rest = [point for point in panes(state) if point in set(others) - kept]
    return tuple(rest[(page - 1) * slots : page * slots])


def _others(state: State, receiver: str | None) -> tuple[str, ...]:
    return tuple(point for point in state.points if point != receiver)


def _foremost(state: State, others: tuple[str, ...], slots: int) -> tuple[str, ...]:
    """Those with a fixed pane, who asks for the floor, who spoke last, then who is there and who
    is not, each in the order of the panes."""
    order = panes(state)
    fixed = [point for pane, point in sorted(state.pins.items()) if pane <= slots]
    asking = [request.point for request in state.queue]
    there = [point for point in order if state.seats[point].present]
    known = set(others)
    ranked = (*fixed, *asking, *state.spoke, *there, *order)
    return tuple(dict.fromkeys(point for point in ranked if point in known))


def stand(
    points: Iterable[str], before: Mapping[str, str], slots: tuple[str, ...]
) -> dict[str, str]:
    """Put points into slots: who stands in one already stays there, so that nobody's picture is
    switched without need; the others take the free slots in order. ``before`` and the result are
    points by slot."""
    wanted = tuple(points)
    rest = set(wanted)
    stands: dict[str, str] = {}
    for slot in slots:
        if before.get(slot) in rest:
            stands[slot] = before[slot]
            rest.discard(before[slot])
    waiting = [point for point in wanted if point in rest]
    for slot in slots:
        if not waiting:
            break
        if slot not in stands:
            stands[slot] = waiting.pop(0)
    return stands
