"""Minutes as DOCX, to be edited before they are signed: the same parts as the PDF. Pure."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bridge.reports.minutes.as_pdf import BOTTOM, CODE, ISSUER, LEFT, RIGHT, TOP, WIDTH
from bridge.reports.minutes.sheet import Grid, Paragraph, Sheet, Signer, readable

if TYPE_CHECKING:
    from docx.document import Document as Written

FONT = "Times New Roman"
MOMENT = (1980, 1, 1, 0, 0, 0)  # of every part of the file: a date would make equal ones differ


def as_docx(sheet: Sheet) -> bytes:
    """The octets of the file."""
    return _Docx(sheet).octets()


class _Docx:
    def __init__(self, sheet: Sheet) -> None:
        # Imported with the first minutes: a start is to be short.
        import docx  # noqa: PLC0415
        from docx.enum.text import WD_ALIGN_PARAGRAPH  # noqa: PLC0415
        from docx.shared import Mm, Pt  # noqa: PLC0415

        self._sheet = sheet
        self._align = WD_ALIGN_PARAGRAPH
        self._mm, self._pt = Mm, Pt
        self._document: Written = docx.Document()

    def octets(self) -> bytes:
        sheet = self._sheet
        self._page()
        self._head()
        for block in sheet.blocks:
            if isinstance(block, Grid):
                self._grid(block)
            else:
                self._paragraph(block)
        self._end()
        out = io.BytesIO()
        self._document.save(out)
        return _dateless(out.getvalue())

    # --- the page ---------------------------------------------------------------------------

    def _page(self) -> None:
        document, sheet = self._document, self._sheet
        section = document.sections[0]
        section.page_width, section.page_height = self._mm(210), self._mm(297)
        section.left_margin, section.right_margin = self._mm(LEFT), self._mm(RIGHT)
        section.top_margin, section.bottom_margin = self._mm(TOP), self._mm(BOTTOM)
        section.header_distance = self._mm(10)
        section.different_first_page_header_footer = True
        number = section.header.paragraphs[0]
        number.alignment = self._align.CENTER
        self._field(number, "PAGE")
        normal: Any = document.styles["Normal"]
        normal.font.name, normal.font.size = FONT, self._pt(13)
        fonts = normal.element.get_or_add_rPr().get_or_add_rFonts()
        for script in ("w:eastAsia", "w:cs"):
            fonts.set(_qualified(script), FONT)
        normal.paragraph_format.space_after = self._pt(0)
        made = datetime.fromtimestamp(sheet.at, UTC).replace(tzinfo=None)
        properties = document.core_properties
        properties.title, properties.author = _bounded(sheet.title), _bounded(sheet.agency)
        properties.language = "vi"
        properties.created = properties.modified = made
        properties.comments = ""

    def _field(self, paragraph: Any, name: str) -> None:
        """A field that the word processor fills in, as w:fldSimple (ECMA-376-1, 17.16.19)."""
        from docx.oxml import OxmlElement  # noqa: PLC0415

        field: Any = OxmlElement("w:fldSimple")
        field.set(_qualified("w:instr"), name)
        paragraph._p.append(field)

    def _write(
        self, paragraph: Any, text: str, size: float, *, bold: bool = False, italic: bool = False
    ) -> None:
        run = paragraph.add_run(readable(text))
        run.bold, run.italic, run.font.size = bold, italic, self._pt(size)

    def _centred(self, cell: Any, text: str, size: float, **style: bool) -> None:
        """A line in the middle of a cell; its first paragraph is there already."""
        if not text:
            return
        first = cell.paragraphs[0]
        paragraph = first if not first.runs else cell.add_paragraph()
        paragraph.alignment = self._align.CENTER
        self._write(paragraph, text, size, **style)

    def _columns(self, left: float, right: float) -> tuple[Any, Any]:
        """Two columns without lines; widths in mm."""
        table = self._document.add_table(rows=1, cols=2)
        table.autofit = False
        cells = table.rows[0].cells
        cells[0].width, cells[1].width = self._mm(left), self._mm(right)
        return cells[0], cells[1]

    # --- the parts --------------------------------------------------------------------------

    def _head(self) -> None:
        sheet = self._sheet
        left, right = self._columns(ISSUER, WIDTH - ISSUER)
        self._centred(left, sheet.superior, 12)
        self._centred(left, sheet.agency, 12, bold=True)
        self._centred(left, "─" * 8, 8)
        self._centred(left, sheet.number, 13)
        self._centred(right, sheet.nation, 12, bold=True)
        self._centred(right, sheet.motto, 13, bold=True)
        self._centred(right, "─" * 26, 8)
        self._centred(right, sheet.dated, 13, italic=True)
        for text in ("", sheet.kind, sheet.summary):
            paragraph = self._document.add_paragraph()
            paragraph.alignment = self._align.CENTER
            self._write(paragraph, text, 14, bold=True)
        rule = self._document.add_paragraph()
        rule.alignment = self._align.CENTER
        self._write(rule, "─" * 12, 8)

    def _paragraph(self, block: Paragraph) -> None:
        paragraph = self._document.add_paragraph()
        shape = paragraph.paragraph_format
        shape.first_line_indent, shape.space_after = self._mm(10), self._pt(6)
        heading = block.kind == "heading"
        shape.keep_with_next = heading
        paragraph.alignment = (
            self._align.LEFT if block.kind in ("heading", "loose") else self._align.JUSTIFY
        )
        if block.label:
            label = f"{block.label}: " if block.text else f"{block.label}:"
            self._write(paragraph, label, 13, bold=True)
        mark = "– " if block.kind == "item" else ""
        self._write(paragraph, mark + block.text, 13, bold=heading)

    def _grid(self, block: Grid) -> None:
        table = self._document.add_table(rows=0, cols=len(block.header))
        table.style = "Table Grid"
        whole = sum(block.widths)
        for place, cells in enumerate((block.header, *block.rows)):
            row = table.add_row()
            for cell, text, width in zip(row.cells, cells, block.widths, strict=True):
                cell.width = self._mm(WIDTH * width / whole)
                self._write(cell.paragraphs[0], text, 11, bold=place == 0)
        self._document.add_paragraph()

    def _end(self) -> None:
        sheet = self._sheet
        left, right = self._columns(WIDTH / 2, WIDTH / 2)
        for cell, signer in ((left, sheet.secretary), (right, sheet.chair)):
            self._signer(cell, signer)
        self._code()
        paragraph = self._document.add_paragraph()
        self._write(paragraph, sheet.recipients_title, 12, bold=True, italic=True)
        for place, name in enumerate(sheet.recipients, 1):
            stop = "." if place == len(sheet.recipients) else ";"
            self._write(self._document.add_paragraph(), f"- {name}{stop}", 11)

    def _code(self) -> None:
        """The QR code that leads to where signatures are checked."""
        address, words = self._sheet.check
        if not address:
            return
        import segno  # noqa: PLC0415

        picture = io.BytesIO()
        segno.make(address, error="m", micro=False).save(picture, kind="png", scale=8, border=1)
        paragraph = self._document.add_paragraph()
        paragraph.alignment = self._align.RIGHT
        self._write(paragraph, f"{words} ", 9, italic=True)
        paragraph.add_run().add_picture(io.BytesIO(picture.getvalue()), width=self._mm(CODE))

    def _signer(self, cell: Any, signer: Signer) -> None:
        self._centred(cell, signer.title, 13, bold=True)
        self._centred(cell, signer.manner, 12, italic=True)
        for _ in range(4):
            cell.add_paragraph()
        self._centred(cell, signer.name, 13, bold=True)


def _qualified(name: str) -> str:
    from docx.oxml.ns import qn  # noqa: PLC0415

    return qn(name)


def _dateless(data: bytes) -> bytes:
    """The same parts, without the moment when they were written."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as read,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as written,
    ):
        for part in read.infolist():
            written.writestr(
                zipfile.ZipInfo(part.filename, MOMENT), read.read(part), zipfile.ZIP_DEFLATED
            )
    return out.getvalue()


def _bounded(text: str) -> str:
    """A property of the document, which has at most 255 characters."""
    return readable(text)[:255]
