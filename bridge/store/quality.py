"""The history of lines: one row a minute, point, class and direction; older ones thinned out to
ten minutes and then to hours, and forgotten in the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.store import tables as t
from bridge.store.database import NotSaved, first_line

DAY = 86_400
TEN_MINUTES, HOUR = 600, 3600
TEN_MINUTES_DAYS = 90  # days of rows of ten minutes; hours after that
COUNTED = ("packets", "lost", "bursts", "reordered", "duplicated", "outage")
AVERAGED = ("variation_p50", "round_trip_p50", "delay", "mos")
WORST = ("variation_p95", "variation_p99", "round_trip_p95")
CHUNK = 20_000  # rows thinned out in one transaction

Row = Mapping[str, Any]


def merged(rows: Sequence[Row], at: int, span: int) -> dict[str, Any]:
    """Rows of one point, class and direction as a single longer one: counts add up, middle
    values are averaged by packets, and of percentiles the worst is kept, so that a bad minute
    stays visible. Pure."""
    result = dict(rows[0]) | {"at": at, "span": span}
    for name in COUNTED:
        result[name] = sum(row[name] for row in rows)
    for name in AVERAGED:
        known = [(row[name], row["packets"] or 1) for row in rows if row[name] is not None]
        weight = sum(packets for _, packets in known)
        result[name] = sum(value * packets for value, packets in known) / weight if known else None
    for name in WORST:
        result[name] = max((row[name] for row in rows if row[name] is not None), default=None)
    marks = [row["dscp"] for row in rows if row["dscp"] is not None]
    result["dscp"] = marks[-1] if marks else None
    return result


def thinned(rows: Iterable[Row], span: int) -> list[dict[str, Any]]:
    """Rows as rows of ``span`` seconds. Pure."""
    groups: dict[tuple[str, str, str, int], list[Row]] = defaultdict(list)
    for row in rows:
        start = row["at"] // span * span
        groups[row["point"], row["kind"], row["direction"], start].append(row)
    return [merged(found, key[3], span) for key, found in groups.items()]


class QualityStore:
    """The quality table."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, rows: Sequence[Row]) -> None:
        """Save the rows of a minute together. A minute that is there already (the clock was set
        back) keeps its first rows. Raises `NotSaved`."""
        if not rows:
            return
        try:
            async with self._engine.begin() as connection:
                await connection.execute(sa.insert(t.quality), [dict(row) for row in rows])
        except IntegrityError:
            return
        except (SQLAlchemyError, OSError) as error:
            raise NotSaved(first_line(error)) from None

    async def read(
        self, point: str, start: int, end: int, *, span: int = 0, kind: str = ""
    ) -> list[dict[str, Any]]:
        """Rows of a point from ``start`` to ``end`` (UTC seconds, the end not included), in
        order; brought to a greater ``span`` where one is given."""
        c = t.quality.c
        query = (
            sa.select(t.quality)
            .where(c.point == point, c.at >= start, c.at < end)
            .order_by(c.at, c.kind, c.direction)
        )
        if kind:
            query = query.where(c.kind == kind)
        async with self._engine.connect() as connection:
            rows = [dict(row._mapping) for row in await connection.execute(query)]
        if span > t_minute(rows):
            rows = sorted(thinned(rows, span), key=lambda r: (r["at"], r["kind"], r["direction"]))
        return rows

    async def by_hours(
        self, start: int, end: int
    ) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """What a report of all lines needs, added up by the database: (name, hour, direction,
        packets, lost), (name, hour, seconds watched), and of spans with an outage (name, at,
        span, seconds). One class that comes back is enough for a line to be up."""
        c = t.quality.c
        inside = sa.and_(c.at >= start, c.at < end)
        hour = (c.at - c.at % HOUR).label("hour")
        counted = (
            sa.select(c.point, hour, c.direction, sa.func.sum(c.packets), sa.func.sum(c.lost))
            .where(inside)
            .group_by(c.point, hour, c.direction)
        )
        spans = (
            sa.select(c.point, c.at, c.span, sa.func.min(c.outage).label("outage"))
            .where(inside)
            .group_by(c.point, c.at, c.span)
            .subquery()
        )
        span_hour = (spans.c.at - spans.c.at % HOUR).label("hour")
        watched = sa.select(spans.c.point, span_hour, sa.func.sum(spans.c.span)).group_by(
            spans.c.point, span_hour
        )
        outages = sa.select(spans).where(spans.c.outage > 0)
        async with self._engine.connect() as connection:
            found = [
                [tuple(row) for row in await connection.execute(query)]
                for query in (counted, watched, outages)
            ]
        return found[0], found[1], found[2]

    async def thin_out(self, now: float, minutes_days: int, keep_days: int) -> int:
        """Make older rows fewer and forget the oldest; how many rows went. In small
        transactions, so that nobody waits for long."""
        today = int(now) // DAY * DAY
        gone = await self._coarsen(60, TEN_MINUTES, today - minutes_days * DAY)
        gone += await self._coarsen(
            TEN_MINUTES, HOUR, today - max(minutes_days, TEN_MINUTES_DAYS) * DAY
        )
        async with self._engine.begin() as connection:
            result = await connection.execute(
                sa.delete(t.quality).where(t.quality.c.at < today - keep_days * DAY)
            )
            return gone + result.rowcount

    async def _coarsen(self, before: int, after: int, until: int) -> int:
        c = t.quality.c
        gone = 0
        while True:
            async with self._engine.begin() as connection:
                first = await connection.scalar(
                    sa.select(sa.func.min(c.at)).where(c.span == before, c.at < until)
                )
                if first is None:
                    return gone
                start = first // after * after
                end = min(start + DAY, until)
                # As much of a day as fits: whole spans only.
                count = await connection.scalar(
                    sa.select(sa.func.count()).where(c.span == before, c.at >= start, c.at < end)
                )
                if (count or 0) > CHUNK:
                    end = start + max(after, DAY * CHUNK // (count or 1) // after * after)
                where = sa.and_(c.span == before, c.at >= start, c.at < end)
                found = await connection.execute(sa.select(t.quality).where(where).order_by(c.at))
                rows = [dict(row._mapping) for row in found]
                await connection.execute(sa.delete(t.quality).where(where))
                new = thinned(rows, after)
                await connection.execute(sa.insert(t.quality), new)
                gone += len(rows) - len(new)


def t_minute(rows: Sequence[Row]) -> int:
    """The longest span among rows."""
    return max((row["span"] for row in rows), default=0)
