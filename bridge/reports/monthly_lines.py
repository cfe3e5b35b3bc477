"""The monthly report of lines: how long each was up, how it was in conferences, and its worst
hours. The figures for the carrier. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from bridge.base.i18n import Sentence, text
from bridge.conference import events as e
from bridge.conference.report import LEVELS, PointRow
from bridge.lines.history import HOUR, Measured
from bridge.reports.csv_table import as_csv
from bridge.reports.length import length
from bridge.reports.pdf import Paper
from bridge.reports.picture_minutes import pictures_text

WORST_HOURS = 5
NOTEWORTHY = 0.005  # loss of an hour that is worth a line
COLUMNS = (
    "point",
    "availability",
    "outage",
    "maintenance",
    "loss_up",
    "loss_down",
    "conference",
    "good_up",
    "good_down",
    "pictures",
    "worst",
)
WIDTHS = (34, 19, 19, 19, 17, 17, 20, 18, 18, 36, 60)  # relative; landscape A4


class Hour(msgspec.Struct, frozen=True, kw_only=True):
    """An hour in which a line was bad; ``outage`` in seconds, losses 0–1."""

    at: int
    outage: float
    loss_up: float
    loss_down: float


class LineRow(msgspec.Struct, frozen=True, kw_only=True):
    """One point's line. Seconds; shares 0–1, None where nothing was measured. ``watched`` is
    without maintenance; ``up`` and ``down`` are seconds in conferences by level."""

    point: str
    name: Sentence
    watched: float
    outage: float
    availability: float | None
    maintenance: float
    loss_up: float | None
    loss_down: float | None
    conference: float
    up: dict[str, float]
    down: dict[str, float]
    good_up: float | None
    good_down: float | None
    worst: tuple[Hour, ...]
    pictures: dict[str, float] = {}
    """Seconds in conferences by picture of the programme, as in a conference's report."""


class LinesReport(msgspec.Struct, frozen=True, kw_only=True):
    """All lines from ``start`` to ``end`` (UTC seconds)."""

    month: str
    start: float
    end: float
    zone: str
    rows: tuple[LineRow, ...]


Interval = tuple[float, float]


def maintenance_of(
    recorded: Iterable[e.Recorded], start: float, end: float
) -> dict[str, list[Interval]]:
    """When points were in maintenance, from the log of the stream "network"."""
    found: dict[str, list[Interval]] = defaultdict(list)
    open_: dict[str, tuple[float, float | None]] = {}

    def close(point: str, at: float) -> None:
        since, until = open_.pop(point)
        last = min(at, until) if until is not None else at
        begin, finish = max(since, start), min(last, end)
        if finish > begin:
            found[point].append((begin, finish))

    for item in recorded:
        if not isinstance(item.event, e.MaintenanceSet):
            continue
        if item.event.point in open_:
            close(item.event.point, item.at)
        if item.event.on:
            open_[item.event.point] = (item.at, item.event.until)
    for point in list(open_):
        close(point, end)
    return dict(found)


def lines_report(
    *,
    month: str,
    start: float,
    end: float,
    zone: str,
    names: Mapping[str, Sentence],
    measured: Measured,
    maintenance: Mapping[str, Sequence[Interval]],
    conferences: Iterable[Sequence[PointRow]],
) -> LinesReport:
    """Add a month up. ``names`` are the points, in their order; ``conferences`` the points' rows
    of the reports of the conferences that took place."""
    levels: dict[tuple[str, str], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    pictures: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for conference in conferences:
        for point in conference:
            for picture, seconds in point.pictures.items():
                pictures[point.point][picture] += seconds
            for direction, spent in (("up", point.up), ("down", point.down)):
                for level, seconds in spent.items():
                    levels[point.point, direction][level] += seconds
    counted, watched, outages = (_by_point(kind) for kind in measured)
    rows = tuple(
        _row(
            point,
            name,
            Measured(counted[point], watched[point], outages[point]),
            maintenance.get(point, ()),
            levels,
            pictures[point],
        )
        for point, name in names.items()
    )
    return LinesReport(month=month, start=start, end=end, zone=zone, rows=rows)


def _by_point(items: Sequence[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for item in items:
        found[item.point].append(item)
    return found


def _row(
    point: str,
    name: Sentence,
    measured: Measured,
    maintenance: Sequence[Interval],
    levels: Mapping[tuple[str, str], Mapping[str, float]],
    pictures: Mapping[str, float],
) -> LineRow:
    silenced = sum(until - since for since, until in maintenance)
    watched = sum(
        max(0.0, w.seconds - min(w.seconds, _overlap(w.at, w.at + HOUR, maintenance)))
        for w in measured.watched
    )
    hours: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    outage = 0.0
    for o in measured.outages:
        seconds = max(0.0, o.seconds - _overlap(o.at, o.at + o.span, maintenance))
        outage += seconds
        hours[o.at // HOUR * HOUR]["outage"] += seconds
    totals: dict[str, list[int]] = {"up": [0, 0], "down": [0, 0]}
    for c in measured.counted:
        totals[c.direction][0] += c.packets
        totals[c.direction][1] += c.lost
        if c.packets:
            hours[c.at][c.direction] = c.lost / c.packets
    up, down = (_ordered(levels.get((point, d), {})) for d in ("up", "down"))
    return LineRow(
        point=point,
        name=name,
        watched=round(watched),
        outage=round(outage, 1),
        availability=round(max(0.0, 1 - outage / watched), 6) if watched > 0 else None,
        maintenance=round(silenced),
        loss_up=_share(totals["up"][1], totals["up"][0]),
        loss_down=_share(totals["down"][1], totals["down"][0]),
        conference=round(max(sum(up.values()), sum(down.values()))),
        up=up,
        down=down,
        good_up=_good(up),
        good_down=_good(down),
        worst=_worst(hours),
        pictures={name: round(pictures[name], 1) for name in sorted(pictures)},
    )


def _overlap(start: float, end: float, intervals: Sequence[Interval]) -> float:
    return sum(max(0.0, min(end, until) - max(start, since)) for since, until in intervals)


def _ordered(levels: Mapping[str, float]) -> dict[str, float]:
    return {level: round(levels[level], 1) for level in LEVELS if levels.get(level)}


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 6) if whole else None


def _good(levels: Mapping[str, float]) -> float | None:
    """The share of the time in which something is known."""
    known = sum(seconds for level, seconds in levels.items() if level != "unknown")
    return _share(levels.get("good", 0.0), known)


def _worst(hours: Mapping[int, Mapping[str, float]]) -> tuple[Hour, ...]:
    """The longest outages first, then the greatest losses."""
    found = [
        Hour(
            at=at,
            outage=round(h.get("outage", 0.0), 1),
            loss_up=round(h.get("up", 0.0), 4),
            loss_down=round(h.get("down", 0.0), 4),
        )
        for at, h in hours.items()
        if h.get("outage", 0.0) >= 1 or max(h.get("up", 0.0), h.get("down", 0.0)) >= NOTEWORTHY
    ]
    found.sort(key=lambda h: (-h.outage, -max(h.loss_up, h.loss_down), h.at))
    return tuple(found[:WORST_HOURS])


def month_bounds(month: str, zone: str) -> tuple[float, float]:
    """UTC seconds of the begin and end of a month "YYYY-MM" on the wall clock of a zone. Raises
    ValueError."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}", month):
        raise ValueError(f"{month!r} is not a month like 2026-11")
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=ZoneInfo(zone))
    following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return first.timestamp(), following.timestamp()


def month_of(at: float, zone: str) -> str:
    """The month of a moment."""
    return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone)).strftime("%Y-%m")


class LinesDocument:
    """The report as CSV and PDF; ``language`` is "vi" or "en"."""

    def __init__(self, report: LinesReport, language: str) -> None:
        self._report = report
        self._language = language
        self._zone = ZoneInfo(report.zone)

    def _t(self, key: str, **arguments: str) -> str:
        return text(self._language, key, **arguments)

    def _percent(self, value: float | None, digits: int = 2) -> str:
        if value is None:
            return "–"
        shown = f"{100 * value:.{digits}f} %"
        return shown.replace(".", ",") if self._language == "vi" else shown

    def _hour(self, hour: Hour) -> str:
        at = datetime.fromtimestamp(hour.at, UTC).astimezone(self._zone)
        parts = [at.strftime("%d/%m %Hh")]
        if hour.outage:
            parts.append(self._t("lines.hour_outage", span=length(hour.outage)))
        if hour.loss_up >= NOTEWORTHY:
            parts.append(self._t("lines.hour_up", loss=self._percent(hour.loss_up, 1)))
        if hour.loss_down >= NOTEWORTHY:
            parts.append(self._t("lines.hour_down", loss=self._percent(hour.loss_down, 1)))
        return " ".join(parts)

    def _cells(self, row: LineRow) -> list[str]:
        return [
            row.name.text(self._language),
            self._percent(row.availability, 3),
            length(row.outage),
            length(row.maintenance),
            self._percent(row.loss_up),
            self._percent(row.loss_down),
            length(row.conference),
            self._percent(row.good_up, 1),
            self._percent(row.good_down, 1),
            pictures_text(self._language, row.pictures),
            "; ".join(self._hour(hour) for hour in row.worst),
        ]

    def _header(self) -> list[str]:
        return [self._t(f"lines.column_{name}") for name in COLUMNS]

    def csv(self) -> str:
        """A line a point, with a header."""
        return as_csv(self._header(), [self._cells(row) for row in self._report.rows])

    def pdf(self, owner: str) -> bytes:
        """The page for the file and for the carrier."""
        report = self._report
        heading = f"{self._t('lines.title')} {report.month[5:]}/{report.month[:4]}"
        paper = Paper(title=heading, owner=owner, heading=heading, at=report.end)
        day = "%d/%m/%Y %H:%M"
        paper.facts(
            (
                self._t(f"lines.{name}"),
                datetime.fromtimestamp(at, UTC).astimezone(self._zone).strftime(day),
            )
            for name, at in (("from", report.start), ("until", report.end))
        )
        paper.table(WIDTHS, self._header(), (self._cells(row) for row in report.rows))
        paper.text(self._t("lines.method"))
        return paper.output()
