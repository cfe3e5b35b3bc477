"""The stored history of a point's line: what its probes and its media measured, row by row."""

from __future__ import annotations

import msgspec

from bridge.accounts.auth import Denied
from bridge.server.api.points import own_point
from bridge.server.api.routes import Call, Route
from monitoring.quality.line_state import Row

DAY = 86_400
MOST_ROWS = 20_000  # of one answer
LONGEST = 400 * DAY  # seconds of history in one question


class QualityRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a line's history as JSON: a `Row` without its point, which is in the path."""

    at: int
    span: int
    kind: str
    direction: str
    packets: int
    lost: int
    bursts: int
    reordered: int
    duplicated: int
    variation_p50: float | None
    variation_p95: float | None
    variation_p99: float | None
    round_trip_p50: float | None
    round_trip_p95: float | None
    delay: float | None
    dscp: int | None
    outage: float
    mos: float | None

    @classmethod
    def of(cls, row: Row) -> QualityRow:
        return cls(**{name: getattr(row, name) for name in cls.__struct_fields__})


async def show_quality(call: Call) -> list[QualityRow]:
    """The history of a line: ``from`` and ``to`` in UTC seconds (the last hour where left out),
    ``span`` in seconds to thin it out, ``kind`` for one class."""
    ident = own_point(call)
    end = call.number("to", int(call.services.conductor.now()) + 60)
    start = call.number("from", end - 3660)
    if start > end or end - start > LONGEST:
        raise Denied(422, "api.bad_number", name="from")
    span = call.number("span", 0)
    # Long stretches come thinned out: nobody can look at half a million minutes.
    needed = (end - start) / MOST_ROWS * 6
    span = max(span, 60 if needed <= 60 else 600 if needed <= 600 else 3600)
    kind = call.request.query.get("kind", "")
    rows = await call.services.health.history(ident, start, end, span=span, kind=kind[:16])
    return [QualityRow.of(row) for row in rows]


ROUTES = [
    Route(
        "GET",
        "/api/v1/points/{id}/quality",
        show_quality,
        "own_points",
        "The history of a point's line",
        answer=list[QualityRow],
        query=("from", "to", "span", "kind"),
    ),
]
