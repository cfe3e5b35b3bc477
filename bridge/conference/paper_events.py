"""Events of papers: those that conferences have and show, and what becomes of their files (in the
stream "papers")."""

from __future__ import annotations

from typing import Literal

from bridge.conference.model import Paper, SeenBy, Showing
from bridge.conference.stream_events import Struct


class PaperAttached(Struct, frozen=True, kw_only=True, tag="paper_attached"):
    """A conference has a paper, or another version of one that it had."""

    paper: Paper


class PaperWithdrawn(Struct, frozen=True, kw_only=True, tag="paper_withdrawn"):
    """A conference has a paper no longer."""

    paper: str


class PageShown(Struct, frozen=True, kw_only=True, tag="page_shown"):
    """A page is shown to everybody: as of `Showing`. The presenter is the event's actor."""

    paper: str
    version: int
    page: int
    zoom: float = 1.0
    x: float = 0.5
    y: float = 0.5


class StrokesKept(Struct, frozen=True, kw_only=True, tag="strokes_kept"):
    """What was drawn on ``pages`` of a paper is kept: they are, with it, the paper ``kept``, whose
    file has this SHA-256."""

    paper: str
    version: int
    pages: tuple[int, ...]
    kept: str
    sha256: str


def showing(event: PageShown) -> Showing:
    """What is shown from an event on."""
    return Showing(
        paper=event.paper,
        version=event.version,
        page=event.page,
        zoom=event.zoom,
        x=event.x,
        y=event.y,
    )


class PaperPutAway(Struct, frozen=True, kw_only=True, tag="paper_put_away"):
    """No paper is shown any more."""

    paper: str


# --- of papers' files, in the stream "papers" ------------------------------------------------


class PaperKept(Struct, frozen=True, kw_only=True, tag="paper_kept"):
    """A version of a paper was taken in. ``of`` is its conference, or the template of which every
    conference has it; ``sha256`` and ``octets`` are of the file that was brought, ``drawn`` the
    SHA-256 of the file that its pages are drawn from (of what it was converted to). ``scripts``: it
    has scripts, which are never run; ``scanned``: a scanner for viruses has found nothing. Who sees
    it is as in `PaperRuled`."""

    paper: str
    version: int
    of: str
    title: str
    kind: Literal["pdf", "picture"]
    pages: int
    octets: int
    sha256: str
    drawn: str
    scripts: bool = False
    scanned: bool = False
    points: tuple[str, ...] = ()
    seen_by: SeenBy = "watch"
    until: float | None = None
    collect: bool = True


class PaperRuled(Struct, frozen=True, kw_only=True, tag="paper_ruled"):
    """Who sees a paper: rooms of ``points`` (none: all of its conference) and people with the right
    ``seen_by``, until ``until`` (UTC seconds; None: for good). With ``collect`` rooms see it no
    longer than the conference lasts."""

    paper: str
    points: tuple[str, ...]
    seen_by: SeenBy
    until: float | None
    collect: bool


class PaperRemoved(Struct, frozen=True, kw_only=True, tag="paper_removed"):
    """A paper was deleted in all its versions, and their files that no other paper has."""

    paper: str
    sha256: str


PaperEvent = (
    PaperAttached
    | PaperWithdrawn
    | PageShown
    | PaperPutAway
    | StrokesKept
    | PaperKept
    | PaperRuled
    | PaperRemoved
)
