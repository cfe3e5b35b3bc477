"""How important a slot is, and up to which height a picture makes sense in it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.conference.plan import CONTENT, PREVIEW, PROGRAMME, THUMBNAIL

IMPORTANCE = {PROGRAMME: 0, CONTENT: 1, PREVIEW: 2}
FIRST_THUMBNAIL = 10  # thumbnails come after all others, in the order of the panes
ENLARGED = 1.35  # times that a picture may be enlarged before a larger layer is worth it


def importance_of(slot: str, pane: int = 0) -> int:
    """The place of a slot where a line does not carry everything; 0 is served first. ``pane`` is
    the place in the order of the panes of who stands in a thumbnail slot."""
    if slot.startswith(THUMBNAIL):
        return FIRST_THUMBNAIL + pane
    return IMPORTANCE.get(slot, 0)


def height_for(size: int, heights: Sequence[int]) -> int:
    """Lines of the smallest layer that is good enough for a picture that is shown in ``size``
    lines, the largest where none is; 0 where nothing is known. ``heights`` go up."""
    fitting = (height for height in heights if height * ENLARGED >= size)
    return next(fitting, heights[-1] if heights else 0)
