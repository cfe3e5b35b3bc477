"""Delegates' links on paper: a sheet of cards to be cut, one for each, with the code that a
telephone scans. Pure but for the font's file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from bridge.base.i18n import text
from bridge.reports.pdf import FONT, new_document

if TYPE_CHECKING:
    from fpdf import FPDF

MARGIN, WIDTH, HEIGHT = 10.0, 95.0, 69.0  # mm: two beside each other, four below
COLUMNS, ROWS = 2, 4
CODE = 46.0  # side of a code with its margin, mm
QUIET = 4  # modules of that margin (ISO/IEC 18004, section 9.1)


class Card(NamedTuple):
    """What stands on a card. ``rows`` are those of the code, as ``0`` and ``1``."""

    name: str
    about: str
    point: str
    rows: Sequence[str]


def link_cards(cards: Sequence[Card], title: str, language: str, at: float) -> bytes:
    """The octets of a PDF; ``at`` (UTC seconds) is when it was made."""
    pdf = new_document(title, at)
    pdf.set_auto_page_break(False)
    for number, card in enumerate(cards):
        place = number % (COLUMNS * ROWS)
        if place == 0:
            pdf.add_page()
        left = MARGIN + WIDTH * (place % COLUMNS)
        top = MARGIN + HEIGHT * (place // COLUMNS)
        pdf.set_draw_color(160)
        pdf.rect(left, top, WIDTH, HEIGHT)
        _code(pdf, card.rows, left + 1, top + HEIGHT - CODE - 1)
        pdf.set_xy(left + 3, top + 3)
        pdf.set_font(FONT, "B", 11)
        pdf.multi_cell(WIDTH - 6, 5, card.name, max_line_height=5, align="L")
        pdf.set_xy(left + 3, pdf.get_y())
        pdf.set_font(FONT, "", 8)
        pdf.multi_cell(WIDTH - 6, 4, card.about[:110], align="L")
        pdf.set_xy(left + CODE + 2, top + HEIGHT - CODE + 4)
        words = [title, card.point, text(language, "persons.card")]
        pdf.multi_cell(WIDTH - CODE - 4, 4, "\n".join(words), align="L")
    return bytes(pdf.output())


def _code(pdf: FPDF, rows: Sequence[str], left: float, top: float) -> None:
    size = CODE / (len(rows) + 2 * QUIET)
    pdf.set_fill_color(0)
    for down, row in enumerate(rows, QUIET):
        for along, dark in enumerate(row, QUIET):
            if dark == "1":
                pdf.rect(left + along * size, top + down * size, size, size, style="F")
