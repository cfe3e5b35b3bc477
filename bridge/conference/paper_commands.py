"""Commands about the papers of a conference."""

from __future__ import annotations

from typing import Annotated

import msgspec

from bridge.conference.model import MAX_PAGES, MAX_ZOOM, Paper, Point, Struct

Page = Annotated[int, msgspec.Meta(ge=1, le=MAX_PAGES)]
Part = Annotated[float, msgspec.Meta(ge=0, le=1)]
PaperId = Annotated[str, msgspec.Meta(min_length=1, max_length=140)]


class ShowPage(Struct, frozen=True, kw_only=True, tag="show_page"):
    """Show everybody a page of a paper; without ``paper`` of the one that is shown. A point shows
    pages itself (``point``) while it is the chair or has the floor. ``zoom`` 1 is the whole page;
    ``x`` and ``y`` are the middle of what is shown, as parts of its width and height."""

    page: Page
    paper: PaperId | None = None
    zoom: Annotated[float, msgspec.Meta(ge=1, le=MAX_ZOOM)] = 1.0
    x: Part = 0.5
    y: Part = 0.5
    point: Point | None = None


class PutAway(Struct, frozen=True, kw_only=True, tag="put_away"):
    """Show no paper any more."""

    point: Point | None = None


class AttachPaper(Struct, frozen=True, kw_only=True, tag="attach_paper"):
    """A paper, or another version of it, is ready for the conference."""

    newest: Paper


class WithdrawPaper(Struct, frozen=True, kw_only=True, tag="withdraw_paper"):
    """A paper is not for the conference any more: it was deleted, or its time is over."""

    paper: PaperId


class KeepStrokes(Struct, frozen=True, kw_only=True, tag="keep_strokes"):
    """What was drawn on pages of a paper was kept, as in `StrokesKept`."""

    paper: PaperId
    version: int
    pages: tuple[int, ...]
    kept: PaperId
    sha256: str


Asked = ShowPage | PutAway
Fact = AttachPaper | WithdrawPaper | KeepStrokes
