"""Messages about what somebody points at, and draws, on the page of a paper that all are shown.
They are of the moment: the log has none of them."""

from __future__ import annotations

from typing import Annotated

import msgspec

from bridge.conference.paper_commands import Page, PaperId
from bridge.conference.strokes import Part, Stroke

Version = Annotated[int, msgspec.Meta(ge=1, le=10_000)]


class _Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of those of a page. They name the page that they are about, so that one which comes
    after it was turned changes nothing."""

    paper: PaperId
    version: Version
    page: Page


class PointAt(_Struct, frozen=True, kw_only=True, tag="point_at"):
    """Whoever presents points at a place, in parts of `SCALE`; None: at nothing any more. Of many
    that come at once the others get the newest."""

    at: tuple[Part, Part] | None


class Draw(_Struct, frozen=True, kw_only=True, tag="draw"):
    """Whoever presents has drawn a stroke."""

    stroke: Stroke


class Erase(_Struct, frozen=True, kw_only=True, tag="erase"):
    """Take the last stroke of the page away, or all of them."""

    whole: bool = False


class Pointer(_Struct, frozen=True, kw_only=True, tag="pointer"):
    """Where whoever presents points; None: nowhere. Of several only the newest is sent."""

    at: tuple[int, int] | None


class Strokes(_Struct, frozen=True, kw_only=True, tag="strokes"):
    """What is drawn on a page: ``strokes`` are those from number ``start`` (0 is the first) on.
    Forget what you have from there on."""

    start: int
    strokes: tuple[Stroke, ...]


OfPresenter = PointAt | Draw | Erase
OfStrokes = Pointer | Strokes
