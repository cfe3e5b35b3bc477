"""A conference's report as CSV and as PDF, in either language. Pure but for the font's file."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from bridge.base.i18n import text
from bridge.conference.report import PointRow, Report, commonest
from bridge.control.views import why
from bridge.reports.csv_table import as_csv
from bridge.reports.length import length
from bridge.reports.pdf import Paper
from bridge.reports.picture_minutes import pictures_text
from bridge.reports.vote_lines import vote_lines

COLUMNS = (
    "point",
    "expected",
    "joined",
    "left",
    "present",
    "drops",
    "turns",
    "floor",
    "up",
    "down",
    "pictures",
)
WIDTHS = (46, 18, 22, 22, 24, 52, 16, 24, 20, 20, 40)  # relative; landscape A4


class SignedHead(Protocol):
    """The signed head of the log, as far as a report names it."""

    @property
    def events(self) -> int: ...

    @property
    def head(self) -> str: ...

    @property
    def key(self) -> str: ...

    @property
    def signature(self) -> str: ...


class Document:
    """A conference's report as a file; ``names`` are the points' names in ``language`` ("vi" or
    "en"). ``proof`` is the signed head of its log; None: it is not signed."""

    def __init__(
        self,
        report: Report,
        names: dict[str, str],
        language: str,
        zone: str,
        proof: SignedHead | None = None,
    ) -> None:
        self._proof = proof
        self._report = report
        self._names = names
        self._language = language
        self._zone = ZoneInfo(zone)

    def _t(self, key: str, **arguments: str) -> str:
        return text(self._language, key, **arguments)

    def _time(self, at: float | None, pattern: str = "%H:%M:%S") -> str:
        if at is None:
            return ""
        return datetime.fromtimestamp(at, UTC).astimezone(self._zone).strftime(pattern)

    def _reason(self, reason: str) -> str:
        sentence = why(reason)
        return "" if sentence is None else sentence.text(self._language)

    def _cells(self, row: PointRow) -> list[str]:
        drops = "; ".join(
            f"{self._time(gap.at)}–{self._time(gap.until)} {self._reason(gap.reason)}"
            for gap in row.interruptions
        )
        if row.joined_at is None:
            drops = self._reason(row.call_problem) or self._t("report.never_came")
        return [
            self._names.get(row.point, row.point) + (" ★" if row.chair else ""),
            self._t("report.yes") if row.expected else self._t("report.no"),
            self._time(row.joined_at),
            self._time(row.left_at),
            length(row.present_seconds),
            drops,
            str(row.turns),
            length(row.floor_seconds),
            self._t(f"quality.{commonest(row.up)}"),
            self._t(f"quality.{commonest(row.down)}"),
            pictures_text(self._language, row.pictures),
        ]

    def facts(self) -> list[tuple[str, str]]:
        """The lines above the table."""
        report = self._report
        day = "%d/%m/%Y %H:%M:%S"
        planned = ""
        if report.planned_start is not None:
            planned = self._time(report.planned_start, "%d/%m/%Y %H:%M")
        came = sum(1 for row in report.points if row.expected and row.joined_at is not None)
        expected = sum(1 for row in report.points if row.expected)
        return [
            (self._t("report.planned"), planned or self._t("report.not_planned")),
            (self._t("report.opened"), self._time(report.opened_at, day)),
            (self._t("report.started"), self._time(report.started_at, day) or "–"),
            (self._t("report.ended"), self._time(report.ended_at, day) or "–"),
            (self._t("report.attendance"), f"{came}/{expected}"),
            (self._t("report.directors"), ", ".join(report.directors) or "–"),
            (self._t("report.recording"), self._t(f"report.recording_{report.recording}")),
            *self._audience(),
        ]

    def _audience(self) -> list[tuple[str, str]]:
        """How many watched, where somebody did."""
        report = self._report
        if not report.audience_peak:
            return []
        minutes = f"{report.audience_minutes:.0f}"
        words = self._t("report.audience_of", peak=str(report.audience_peak), minutes=minutes)
        return [(self._t("report.audience"), words)]

    def items(self) -> list[tuple[str, str]]:
        """Items of the agenda that were dealt with, each with its time."""
        found = []
        for number, item in enumerate(self._report.items, 1):
            speaker = f" ({self._names.get(item.point, item.point)})" if item.point else ""
            planned = "–" if item.minutes is None else length(item.minutes * 60)
            times = self._t(
                "report.item_time",
                began=self._time(item.began_at),
                length=length(item.seconds),
                minutes=planned,
            )
            found.append((f"{number}. {item.title}{speaker}", times))
        return found

    def decisions(self) -> list[tuple[str, str]]:
        """What was decided, each with the item it belongs to."""
        return [
            (f"{row.number}. {row.title}" if row.title else f"{row.number}.", row.text)
            for row in self._report.decisions
        ]

    def members(self) -> list[tuple[str, str]]:
        """Points of other bridges, each with when it came and how long it was there."""
        found = []
        for row in self._report.members:
            label = f"{self._names.get(row.point, row.point)}: {row.name.text(self._language)}"
            came = self._t("report.never_came")
            if row.joined_at is not None:
                came = self._t(
                    "report.member",
                    joined=self._time(row.joined_at),
                    present=length(row.present_seconds),
                )
            found.append((label, came))
        return found

    def proof(self) -> list[tuple[str, str]]:
        """What the log can be checked with."""
        proof = self._proof
        if proof is None:
            return [(self._t("report.proof_head"), self._t("report.proof_none"))]
        return [
            (self._t("report.proof_head"), f"{proof.head} ({proof.events})"),
            (self._t("report.proof_signature"), proof.signature),
            (self._t("report.proof_key"), proof.key),
        ]

    def papers(self) -> list[tuple[str, str]]:
        """The papers, each with the checksum of its file."""
        return [
            (
                self._t("report.paper", title=row.title, version=str(row.version)),
                self._t(
                    "report.paper_facts",
                    pages=str(row.pages),
                    shown=length(row.shown_seconds),
                    sha256=row.sha256,
                ),
            )
            for row in self._report.papers
        ]

    def votes(self) -> list[tuple[str, str]]:
        """Votes, each with its result and who chose what."""
        return vote_lines(self._language, self._report.votes, self._names)

    def csv(self) -> str:
        """One line a point, with a header; behind them points of other bridges, the items of the
        agenda, the votes, the papers, and what the log can be checked with."""
        header = [self._t(f"report.column_{name}") for name in COLUMNS]
        rest = [""] * (len(COLUMNS) - 2)
        below = (
            *self.members(),
            *self.items(),
            *self.decisions(),
            *self.votes(),
            *self.papers(),
            *self.proof(),
        )
        others = [[label, value, *rest] for label, value in below]
        return as_csv(header, [*(self._cells(row) for row in self._report.points), *others])

    def pdf(self, owner: str) -> bytes:
        """The page for the file; ``owner`` stands at its head."""
        shown = self._report.title.text(self._language)
        paper = Paper(
            title=shown,
            owner=owner,
            heading=f"{self._t('report.title')}: {shown}",
            at=self._report.until,
        )
        paper.facts(self.facts())
        paper.table(
            WIDTHS,
            [self._t(f"report.column_{name}") for name in COLUMNS],
            (
                [cell.replace("★", "*") for cell in self._cells(item)]
                for item in self._report.points
            ),
        )
        if self._report.members:
            lines = [f"{label}: {value}" for label, value in self.members()]
            paper.text("\n".join([f"{self._t('report.members')}:", *lines]))
        if self._report.items:
            lines = [f"{label}: {value}" for label, value in self.items()]
            paper.text("\n".join([f"{self._t('report.items')}:", *lines]))
        if self._report.decisions:
            lines = [f"{label}: {value}" for label, value in self.decisions()]
            paper.text("\n".join([f"{self._t('report.decisions')}:", *lines]))
        below = (*self.votes(), *self.papers(), *self.proof())
        paper.text("\n".join(f"{label}: {value}" for label, value in below))
        return paper.output()
