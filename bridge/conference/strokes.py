"""What is drawn over the pages of papers while they are shown: strokes of a pen and of a marker.
They are no events of the log; those that are kept become a paper. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

import msgspec

from bridge.conference import commands as c
from bridge.conference.decisions import papers
from bridge.conference.legality import refusal
from bridge.conference.model import Actor, Refusal, State

SCALE = 10_000  # a place on a page is two numbers, each this many parts of its width or height
MAX_POINTS = 120  # places of a stroke; a longer one is drawn in pieces
MAX_PAGE_POINTS = 3000  # places on a page: 30 kB, four seconds of a line of 64 kbit/s
MAX_PAGE_STROKES = 200
MAX_STROKES = 2000  # of a conference
PEN, MARKER = 0.004, 0.022  # how broad a stroke is, in widths of the page

Part = Annotated[int, msgspec.Meta(ge=0, le=SCALE)]


class Stroke(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line through places on a page. ``places`` are x and y in turn, each in parts of `SCALE` of
    the width and height of the page as it is shown. ``tool``: a pen (thin, opaque) or a marker
    (broad, what is under it stays legible)."""

    tool: Literal["pen", "marker"]
    places: Annotated[tuple[Part, ...], msgspec.Meta(min_length=2, max_length=2 * MAX_POINTS)]


class Leaf(NamedTuple):
    """A page of a version of a paper."""

    paper: str
    version: int
    page: int


def shown(state: State) -> Leaf | None:
    """The page that everybody is shown."""
    showing = state.showing
    if showing is None:
        return None
    return Leaf(showing.paper, showing.version, showing.page)


def not_drawn_by(state: State, actor: Actor, leaf: Leaf) -> Refusal | None:
    """Why somebody may not point at, or draw on, a page now; None where they may: those who turn
    pages, on the page that is shown."""
    point = actor.name if actor.kind == "point" else None
    refused = refusal(state, c.ShowPage(page=1, point=point), actor)
    if refused is not None:
        return refused
    if not papers.presents(state, actor):
        return Refusal(key="refusal.not_presenting")
    if shown(state) != leaf:
        return Refusal(key="strokes.page_turned")
    paper = state.papers.get(leaf.paper)
    if paper is None or (point is not None and not paper.for_point(point)):
        return Refusal(key="refusal.unknown_paper", arguments={"paper": leaf.paper})
    return None


class Sheets:
    """The strokes of one conference, page by page, in the order in which they were drawn."""

    def __init__(self) -> None:
        self._pages: dict[Leaf, list[Stroke]] = {}

    def of(self, leaf: Leaf) -> tuple[Stroke, ...]:
        return tuple(self._pages.get(leaf, ()))

    def __iter__(self) -> Iterator[Leaf]:
        """The pages that have strokes."""
        return iter(sorted(self._pages))

    def draw(self, leaf: Leaf, stroke: Stroke) -> Refusal | None:
        """Add a stroke; why it is one too many."""
        if len(stroke.places) % 2:
            return Refusal(key="strokes.unpaired")
        drawn = self._pages.get(leaf, [])
        places = sum(len(each.places) for each in (*drawn, stroke)) // 2
        if places > MAX_PAGE_POINTS or len(drawn) >= MAX_PAGE_STROKES:
            return Refusal(key="strokes.page_full")
        if sum(map(len, self._pages.values())) >= MAX_STROKES:
            return Refusal(key="strokes.full")
        self._pages.setdefault(leaf, []).append(stroke)
        return None

    def erase(self, leaf: Leaf, *, all_of_it: bool) -> int:
        """Take the last stroke of a page away, or all; returns how many are left."""
        drawn = self._pages.get(leaf, [])
        del drawn[0 if all_of_it else -1 :]
        if not drawn:
            self._pages.pop(leaf, None)
        return len(drawn)

    def keep_of(self, state: State) -> None:
        """Forget what is drawn on papers that the conference has no longer, or in another
        version."""
        for leaf in list(self._pages):
            paper = state.papers.get(leaf.paper)
            if paper is None or paper.version != leaf.version:
                del self._pages[leaf]
