"""What PDF documents share, and the parts of PDF reports: a head, facts, a table. Pure but for the
font's file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from fpdf import FPDF

FONT = "OpenSans"


def new_document(
    title: str, at: float, orientation: Literal["portrait", "landscape"] = "portrait"
) -> FPDF:
    """An A4 document without a page yet, with a font that has every Vietnamese letter. ``at`` (UTC
    seconds) is when it was made: the same document is the same file."""
    # Imported with the first document: it is a quarter of what a start would read.
    import ttf_opensans  # noqa: PLC0415
    from fpdf import FPDF  # noqa: PLC0415

    fonts = Path(str(ttf_opensans.__file__)).parent / "ttf"
    pdf = FPDF(orientation=orientation, format="A4")
    pdf.set_creation_date(datetime.fromtimestamp(at, UTC))
    pdf.add_font(FONT, "", fonts / "OpenSans-Regular.ttf")
    pdf.add_font(FONT, "B", fonts / "OpenSans-Bold.ttf")
    pdf.set_title(title)
    return pdf


class Paper:
    """A landscape A4 page. ``owner`` stands small at its head, ``heading`` large; ``at`` (UTC
    seconds) is when it was made: the same report is the same file."""

    def __init__(self, *, title: str, owner: str, heading: str, at: float) -> None:
        self.pdf = new_document(title, at, "landscape")
        self.pdf.add_page()
        self.pdf.set_font(FONT, "", 9)
        self.pdf.cell(0, 6, owner, new_x="LMARGIN", new_y="NEXT")
        self.pdf.set_font(FONT, "B", 16)
        self.pdf.cell(0, 10, heading, new_x="LMARGIN", new_y="NEXT")

    def facts(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Lines of a label and a value."""
        self.pdf.set_font(FONT, "", 10)
        for label, value in pairs:
            self.pdf.cell(60, 6, label)
            self.pdf.cell(0, 6, value, new_x="LMARGIN", new_y="NEXT")
        self.pdf.ln(3)

    def table(
        self, widths: Sequence[int], header: Sequence[str], rows: Iterable[Sequence[str]]
    ) -> None:
        """``widths`` are relative."""
        from fpdf.enums import TableCellFillMode  # noqa: PLC0415

        self.pdf.set_font(FONT, "", 8)
        with self.pdf.table(
            col_widths=tuple(widths),
            cell_fill_color=242,
            cell_fill_mode=TableCellFillMode.ROWS,
            line_height=5,
            text_align="LEFT",
        ) as table:
            for cells in (header, *rows):
                row = table.row()
                for cell in cells:
                    row.cell(cell)

    def text(self, content: str, size: int = 8) -> None:
        """A paragraph over the width of the page."""
        self.pdf.ln(3)
        self.pdf.set_font(FONT, "", size)
        self.pdf.multi_cell(0, 5, content, new_x="LMARGIN", new_y="NEXT")

    def output(self) -> bytes:
        return bytes(self.pdf.output())
