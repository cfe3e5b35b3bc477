"""A conference's report as CSV and as PDF, in either language. Pure but for the font's file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import ttf_opensans
from fpdf import FPDF
from fpdf.enums import TableCellFillMode

from bridge.conference.report import PointRow, Report, as_csv, commonest
from bridge.texts import text
from bridge.views import why

FONTS = Path(str(ttf_opensans.__file__)).parent / "ttf"
COLUMNS = (
    "point", "expected", "joined", "left", "present", "drops", "turns", "floor", "up", "down",
)  # fmt: skip
WIDTHS = (46, 18, 22, 22, 24, 62, 16, 24, 20, 20)  # relative; landscape A4


class Document:
    """``names`` are the points' names in ``language`` ("vi" or "en")."""

    def __init__(self, report: Report, names: dict[str, str], language: str, zone: str) -> None:
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

    @staticmethod
    def _span(seconds: float) -> str:
        whole = round(seconds)
        return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"

    def _reason(self, reason: str) -> str:
        sentence = why(reason)
        return "" if sentence is None else (sentence.vi if self._language == "vi" else sentence.en)

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
            self._span(row.present_seconds),
            drops,
            str(row.turns),
            self._span(row.floor_seconds),
            self._t(f"quality.{commonest(row.up)}"),
            self._t(f"quality.{commonest(row.down)}"),
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
        ]

    def csv(self) -> str:
        """One line a point, with a header."""
        header = [self._t(f"report.column_{name}") for name in COLUMNS]
        return as_csv(header, [self._cells(row) for row in self._report.points])

    def pdf(self, owner: str) -> bytes:
        """The page for the file; ``owner`` stands at its head."""
        pdf = FPDF(orientation="landscape", format="A4")
        pdf.set_creation_date(datetime.fromtimestamp(self._report.until, UTC))
        pdf.add_font("OpenSans", "", FONTS / "OpenSans-Regular.ttf")
        pdf.add_font("OpenSans", "B", FONTS / "OpenSans-Bold.ttf")
        title = self._report.title
        pdf.set_title(title.vi if self._language == "vi" else title.en)
        pdf.add_page()
        pdf.set_font("OpenSans", "", 9)
        pdf.cell(0, 6, owner, new_x="LMARGIN", new_y="NEXT")
        pdf.set_font("OpenSans", "B", 16)
        pdf.cell(
            0, 10, self._t("report.title") + ": " + (
                title.vi if self._language == "vi" else title.en
            ),
            new_x="LMARGIN", new_y="NEXT",
        )  # fmt: skip
        pdf.set_font("OpenSans", "", 10)
        for label, value in self.facts():
            pdf.cell(60, 6, label)
            pdf.cell(0, 6, value, new_x="LMARGIN", new_y="NEXT")
        pdf.ln(3)
        pdf.set_font("OpenSans", "", 8)
        with pdf.table(
            col_widths=WIDTHS, cell_fill_color=242, cell_fill_mode=TableCellFillMode.ROWS,
            line_height=5, text_align="LEFT",
        ) as table:  # fmt: skip
            head = table.row()
            for name in COLUMNS:
                head.cell(self._t(f"report.column_{name}"))
            for item in self._report.points:
                row = table.row()
                for cell in self._cells(item):
                    row.cell(cell.replace("★", "*"))
        return bytes(pdf.output())
