"""A readiness board as PDF (biên bản kiểm tra) and CSV, in either language. Pure but for the
font's file."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bridge.base.i18n import Sentence, text
from bridge.lines.board import Board, CheckView
from bridge.reports.csv_table import as_csv
from bridge.reports.pdf import FONT, Paper

WIDTHS = (40, 26, 22, 100, 90)  # relative; landscape A4
COLUMNS = ("point", "check", "level", "reason", "step")


class ReadinessDocument:
    """A readiness board as a file; ``language`` is "vi" or "en"."""

    def __init__(self, board: Board, language: str, zone: str) -> None:
        self._board = board
        self._language = language
        self._zone = ZoneInfo(zone)

    def _t(self, key: str, **arguments: str) -> str:
        return text(self._language, key, **arguments)

    def _s(self, sentence: Sentence | None) -> str:
        return "" if sentence is None else sentence.text(self._language)

    def _time(self, at: float) -> str:
        return datetime.fromtimestamp(at, UTC).astimezone(self._zone).strftime("%d/%m/%Y %H:%M:%S")

    def _rows(self, *, all_checks: bool) -> list[list[str]]:
        rows: list[list[str]] = []
        for point in self._board.points:
            shown = [c for c in point.checks if all_checks or c.level != "pass"]
            if not shown:
                rows.append(
                    [
                        self._s(point.name),
                        "",
                        self._t("ready.level.pass"),
                        self._t("ready.all_passed"),
                        "",
                    ]
                )
            rows += [self._row(self._s(point.name), check) for check in shown]
        return rows

    def _row(self, name: str, check: CheckView) -> list[str]:
        return [
            name,
            self._s(check.title),
            self._t(f"ready.level.{check.level}"),
            self._s(check.reason),
            self._s(check.step),
        ]

    def csv(self) -> str:
        """A line a point and check, with a header."""
        return as_csv(
            [self._t(f"ready.column.{name}") for name in COLUMNS], self._rows(all_checks=True)
        )

    def pdf(self, owner: str) -> bytes:
        """The page for the file: what did not pass, a line a point that is well, and places to
        sign. ``owner`` stands at its head."""
        board = self._board
        ready = sum(1 for point in board.points if point.level == "pass")
        heading = f"{self._t('ready.document')}: {self._s(board.title)}"
        paper = Paper(title=self._t("ready.document"), owner=owner, heading=heading, at=board.at)
        start = self._time(board.start) if board.start is not None else "–"
        paper.facts(
            (
                (self._t("ready.at"), self._time(board.at)),
                (self._t("ready.start"), start),
                (self._t("ready.verdict"), self._t(f"ready.verdict_{board.level}")),
                (self._t("ready.count"), f"{ready}/{len(board.points)}"),
                (self._t("ready.by"), board.by),
            )
        )
        header = [self._t(f"ready.column.{name}") for name in COLUMNS]
        paper.table(WIDTHS, header, self._rows(all_checks=False))
        paper.pdf.ln(8)
        paper.pdf.set_font(FONT, "", 10)
        paper.pdf.cell(140, 6, self._t("ready.sign_technician"))
        paper.pdf.cell(0, 6, self._t("ready.sign_operator"))
        return paper.output()
