"""Minutes as PDF: the page that Decree 30/2020/NĐ-CP (annex I) lays down, in a font that has every
Vietnamese letter. Pure but for the fonts' files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.reports.minutes.sheet import Block, Grid, Paragraph, Sheet, Signer, readable

if TYPE_CHECKING:
    from fpdf import FPDF

FONTS = Path(__file__).parent / "fonts"
FAMILY = "Termes"
LEFT, RIGHT, TOP, BOTTOM = 30.0, 18.0, 20.0, 20.0  # margins, mm
WIDTH = 210.0 - LEFT - RIGHT
ISSUER, GAP = 62.0, 2.0  # the left part of the head, mm
SIGNING = 62.0  # mm that the places to sign take: they are not torn apart
SIZE, SMALL = 13, 11  # points
CODE = 22.0  # side of the QR code, mm


def as_pdf(sheet: Sheet) -> bytes:
    """The octets of the file."""
    pdf = _paper(sheet)
    _head(pdf, sheet)
    for block in sheet.blocks:
        _block(pdf, block)
    _end(pdf, sheet)
    return bytes(pdf.output())


def _paper(sheet: Sheet) -> FPDF:
    # Imported with the first minutes: a start is to be short.
    from fpdf import FPDF  # noqa: PLC0415

    class Page(FPDF):
        def header(self) -> None:
            """The page's number, in the middle above all pages but the first."""
            if self.page_no() > 1:
                self.set_font(FAMILY, "", SIZE)
                self.set_y(10)
                self.cell(0, 6, str(self.page_no()), align="C")
                self.set_y(TOP)

    pdf = Page(orientation="portrait", format="A4")
    pdf.set_margins(LEFT, TOP, RIGHT)
    pdf.set_auto_page_break(auto=True, margin=BOTTOM)
    pdf.set_creation_date(datetime.fromtimestamp(sheet.at, UTC))
    for style, name in (("", "regular"), ("B", "bold"), ("I", "italic"), ("BI", "bolditalic")):
        pdf.add_font(FAMILY, style, FONTS / f"texgyretermes-{name}.otf")
    pdf.set_title(readable(sheet.title))
    pdf.set_lang("vi")
    pdf.add_page()
    return pdf


def _centred(pdf: FPDF, x: float, width: float, text: str, style: str, size: float) -> None:
    """Lines in the middle of a column that begins at ``x``."""
    if text:
        pdf.set_font(FAMILY, style, size)
        pdf.set_x(x)
        pdf.multi_cell(width, size * 0.45, readable(text), align="C", new_x="LEFT", new_y="NEXT")


def _rule(pdf: FPDF, x: float, width: float, length: float) -> None:
    """A line below what was written, in the middle of a column."""
    y = pdf.get_y() + 1
    middle = x + width / 2
    pdf.line(middle - length / 2, y, middle + length / 2, y)
    pdf.set_y(y + 1)


def _head(pdf: FPDF, sheet: Sheet) -> None:
    """Issuer and number on the left; the nation, its motto, place and date on the right."""
    top, right = pdf.get_y(), LEFT + ISSUER + GAP
    _centred(pdf, LEFT, ISSUER, sheet.superior, "", 12)
    _centred(pdf, LEFT, ISSUER, sheet.agency, "B", 12)
    _rule(pdf, LEFT, ISSUER, ISSUER / 3)
    _centred(pdf, LEFT, ISSUER, sheet.number, "", SIZE)
    below = pdf.get_y()
    pdf.set_y(top)
    width = WIDTH - ISSUER - GAP
    _centred(pdf, right, width, sheet.nation, "B", 12)
    _centred(pdf, right, width, sheet.motto, "B", SIZE)
    _rule(pdf, right, width, pdf.get_string_width(sheet.motto))
    _centred(pdf, right, width, sheet.dated, "I", SIZE)
    pdf.set_y(max(below, pdf.get_y()) + 8)
    _centred(pdf, LEFT, WIDTH, sheet.kind, "B", 14)
    _centred(pdf, LEFT, WIDTH, sheet.summary, "B", 14)
    _rule(pdf, LEFT, WIDTH, WIDTH / 5)
    pdf.ln(4)


def _block(pdf: FPDF, block: Block) -> None:
    if isinstance(block, Grid):
        _grid(pdf, block)
    else:
        _paragraph(pdf, block)


def _paragraph(pdf: FPDF, block: Paragraph) -> None:
    bold = "B" if block.kind == "heading" else ""
    mark = "– " if block.kind == "item" else ""
    align = "L" if block.kind == "loose" else "J"
    with (
        pdf.text_columns(text_align=align, line_height=1.2) as columns,
        columns.paragraph(first_line_indent=10, bottom_margin=2) as paragraph,
    ):
        if block.label:
            pdf.set_font(FAMILY, "B", SIZE)
            paragraph.write(f"{block.label}: " if block.text else f"{block.label}:")
        pdf.set_font(FAMILY, bold, SIZE)
        if block.text:
            paragraph.write(mark + readable(block.text))


def _grid(pdf: FPDF, block: Grid) -> None:
    pdf.set_font(FAMILY, "", SMALL)
    with pdf.table(
        align="LEFT",
        width=WIDTH,
        col_widths=block.widths,
        line_height=5,
        text_align="LEFT",
        padding=(0.8, 1, 0.8, 1),
    ) as table:
        for cells in (block.header, *block.rows):
            row = table.row()
            for cell in cells:
                row.cell(readable(cell))
    pdf.ln(3)


def _end(pdf: FPDF, sheet: Sheet) -> None:
    """The places to sign, then who receives it."""
    if pdf.get_y() + SIGNING + 8 * len(sheet.recipients) > pdf.h - BOTTOM:
        pdf.add_page()
    pdf.ln(6)
    half, top = WIDTH / 2, pdf.get_y()
    _signer(pdf, LEFT, half, sheet.secretary)
    below = pdf.get_y()
    pdf.set_y(top)
    _signer(pdf, LEFT + half, half, sheet.chair)
    pdf.set_y(max(below, pdf.get_y()) + 6)
    _code(pdf, sheet)
    pdf.set_font(FAMILY, "BI", 12)
    pdf.cell(0, 5.5, sheet.recipients_title, new_x="LMARGIN", new_y="NEXT")
    pdf.set_font(FAMILY, "", 11)
    for place, name in enumerate(sheet.recipients, 1):
        stop = "." if place == len(sheet.recipients) else ";"
        options: dict[str, Any] = {"new_x": "LMARGIN", "new_y": "NEXT", "align": "L"}
        pdf.multi_cell(WIDTH / 2, 5, readable(f"- {name}{stop}"), **options)


def _code(pdf: FPDF, sheet: Sheet) -> None:
    """The QR code that leads to where signatures are checked, on the right."""
    address, words = sheet.check
    if not address:
        return
    import segno  # noqa: PLC0415

    rows = segno.make(address, error="m", micro=False).matrix
    top, size = pdf.get_y(), CODE / len(rows)
    left = LEFT + WIDTH - CODE
    pdf.set_fill_color(0)
    for down, row in enumerate(rows):
        for along, dark in enumerate(row):
            if dark:
                pdf.rect(left + along * size, top + down * size, size, size, style="F")
    pdf.set_xy(LEFT + WIDTH / 2, top)
    pdf.set_font(FAMILY, "I", 9)
    pdf.multi_cell(WIDTH / 2 - CODE - 2, 4, readable(words), align="R", new_x="LMARGIN")
    pdf.set_y(top)


def _signer(pdf: FPDF, x: float, width: float, signer: Signer) -> None:
    _centred(pdf, x, width, signer.title, "B", SIZE)
    _centred(pdf, x, width, signer.manner, "I", 12)
    pdf.ln(24)
    _centred(pdf, x, width, signer.name, "B", SIZE)
