"""What is drawn on the pages that a conference is shown becomes papers of it."""

from __future__ import annotations

import msgspec

from bridge.accounts.auth import Denied
from bridge.papers.taking_in import RefusedPaperError
from bridge.server.api.paper_files import STATUS, PaperView, view
from bridge.server.api.routes import Call, Route


class KeptStrokes(msgspec.Struct, frozen=True, kw_only=True):
    """The papers that have the pages which were drawn on, with what was drawn."""

    papers: list[PaperView]


async def keep_strokes(call: Call) -> KeptStrokes:
    """Keep what is drawn on pages now: of each paper those pages as a PDF, which is a paper, too;
    asked for again, another version of it."""
    conference = call.param("id")
    if conference not in call.services.conductor.states:
        raise Denied(404, "refusal.unknown_conference", id=conference[:120])
    try:
        kept = await call.services.papers.keep_strokes(conference, call.actor)
    except RefusedPaperError as error:
        await call.note("strokes keep", conference, error.key)
        raise Denied(STATUS.get(error.key, 422), error.key, **error.arguments) from None
    except OSError as error:
        raise Denied(507, "papers.not_kept", reason=error.strerror or "") from None
    await call.note("strokes keep", conference)
    return KeptStrokes(papers=[view(paper) for paper in kept])


ROUTES = [
    Route(
        "POST",
        "/api/v1/conferences/{id}/strokes",
        keep_strokes,
        "direct",
        "Keep what is drawn on papers as papers",
        answer=KeptStrokes,
    ),
]
