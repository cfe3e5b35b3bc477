"""When a recurring conference takes place (RFC 5545 recurrence rules). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from dateutil.rrule import rruleset, rrulestr

MAX_LOOKED_AT = 5000  # occurrences looked at in one question: 13 years of daily ones


@dataclass(frozen=True, slots=True)
class Series:
    """A conference that recurs. ``start`` is local time in ``zone`` without tzinfo; without
    ``rule`` it takes place once. ``exceptions`` are local dates on which it does not; ``moved`` has
    those that take place at another time, by their date, and ``extra`` those beside the rule, each
    with its start and minutes."""

    start: datetime
    minutes: int
    zone: str
    rule: str = ""
    exceptions: frozenset[date] = frozenset()
    moved: tuple[tuple[date, datetime, int], ...] = ()
    extra: tuple[tuple[datetime, int], ...] = ()

    @property
    def single(self) -> list[tuple[datetime, int, date | None]]:
        """Those whose time the rule does not give: start, minutes, and the date that it had by the
        rule. One that was moved and then cancelled takes place at neither time."""
        moved = [(local, minutes, day) for day, local, minutes in self.moved]
        extra = [(local, minutes, None) for local, minutes in self.extra]
        return [*(one for one in moved if one[2] not in self.exceptions), *extra]


@dataclass(frozen=True, slots=True, order=True)
class Occurrence:
    """One conference of a series, UTC seconds; ``local`` is its start on the wall. ``day`` is the
    date that the rule gives it, None for one beside the rule."""

    start: float
    end: float
    local: datetime
    day: date | None = None


def occurrences(series: Series, after: float, before: float) -> list[Occurrence]:
    """Occurrences that end after ``after`` and start before ``before`` (UTC seconds).

    The hour on the wall stays the same. A rule that names the 29th of February skips years
    that lack it, as RFC 5545 section 3.3.10 says."""
    found: list[Occurrence] = []
    moved = {day for day, _, _ in series.moved}
    zone = ZoneInfo(series.zone)
    first = datetime.fromtimestamp(after, UTC).astimezone(zone).replace(tzinfo=None)
    first -= timedelta(minutes=series.minutes)
    for local in islice(_starts(series, first), MAX_LOOKED_AT):
        start = local.replace(tzinfo=zone).timestamp()
        if start >= before:
            break
        end = start + series.minutes * 60
        day = local.date()
        if end > after and day not in series.exceptions and day not in moved:
            found.append(Occurrence(start, end, local, day))
    for local, minutes, of in series.single:
        start = local.replace(tzinfo=zone).timestamp()
        end = start + minutes * 60
        if end > after and start < before:
            found.append(Occurrence(start, end, local, of))
    return sorted(found, key=lambda occurrence: occurrence.start)


def _starts(series: Series, first: datetime) -> Iterator[datetime]:
    if not series.rule:
        yield series.start
        return
    rules = rruleset()
    rules.rrule(rrulestr(series.rule, dtstart=series.start))  # type: ignore[arg-type]
    yield from rules.xafter(first, inc=True)
