"""Makes a PDF of the pages of a paper that were drawn on, with what was drawn on them. It runs in a
process of its own, with bounds, as `bridge.papers.page_work` does."""

from __future__ import annotations

import ctypes
import io
import warnings
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_raw
from PIL import Image

from bridge.conference.strokes import MARKER, PEN, SCALE
from bridge.papers.page_work import QUALITY, PdfPaper, Unusable, opened

LONGEST = 2400  # pixels of a picture that is kept with strokes
LOOKS = {"pen": ((214, 30, 30, 255), PEN), "marker": ((255, 214, 0, 110), MARKER)}


def answer(request: Any) -> Any:
    """Write the pages ``pages`` (number, and strokes of `bridge.conference.strokes`) of the file
    ``path`` to the file ``into``. Says what the ``problem`` was, if there was one."""
    warnings.simplefilter("ignore")
    try:
        made = pdfium.PdfDocument.new()
        numbers = [number for number, _ in request["pages"]]
        paper = opened(Path(request["path"]))
        if isinstance(paper, PdfPaper):
            made.import_pages(paper.document, [number - 1 for number in numbers])
        else:
            for number in numbers:
                _add_picture(made, paper.draw(number, LONGEST))
        for page, (_, strokes) in zip(made, request["pages"], strict=True):
            for stroke in strokes:
                _draw(page, stroke["tool"], stroke["places"])
            if not pdfium_raw.FPDFPage_GenerateContent(page):
                return {"problem": "papers.damaged"}
        made.save(request["into"])
    except (Unusable, pdfium.PdfiumError, OSError, ValueError):
        return {"problem": "papers.damaged"}
    except MemoryError:
        return {"problem": "papers.too_heavy"}
    return {}


def _add_picture(made: pdfium.PdfDocument, shown: Image.Image) -> None:
    """Add a page that is a picture, as rooms are shown it."""
    shown.thumbnail((LONGEST, LONGEST))
    packed = io.BytesIO()
    shown.save(packed, "JPEG", quality=QUALITY)
    page = made.new_page(*shown.size)
    placed = pdfium.PdfImage.new(made)
    placed.load_jpeg(packed)
    placed.set_matrix(pdfium.PdfMatrix().scale(*shown.size))
    page.insert_obj(placed)
    page.gen_content()


def _draw(page: pdfium.PdfPage, tool: str, places: list[int]) -> None:
    """Add a stroke to a page, however the page is turned or cut."""
    colour, breadth = LOOKS[tool]
    points = [_on_page(page, *pair) for pair in zip(places[::2], places[1::2], strict=True)]
    path = pdfium_raw.FPDFPageObj_CreateNewPath(*points[0])
    for point in points[1:] or points[:1]:
        pdfium_raw.FPDFPath_LineTo(path, *point)
    pdfium_raw.FPDFPageObj_SetStrokeColor(path, *colour)
    pdfium_raw.FPDFPageObj_SetStrokeWidth(path, page.get_width() * breadth)
    pdfium_raw.FPDFPageObj_SetLineCap(path, pdfium_raw.FPDF_LINECAP_ROUND)
    pdfium_raw.FPDFPageObj_SetLineJoin(path, pdfium_raw.FPDF_LINEJOIN_ROUND)
    pdfium_raw.FPDFPath_SetDrawMode(path, pdfium_raw.FPDF_FILLMODE_NONE, 1)
    pdfium_raw.FPDFPage_InsertObject(page, path)


def _on_page(page: pdfium.PdfPage, x: int, y: int) -> tuple[float, float]:
    """A place in the page's own units (ISO 32000-2 section 8.3.2.3), from one of what is shown."""
    across, up = ctypes.c_double(), ctypes.c_double()
    pdfium_raw.FPDF_DeviceToPage(page, 0, 0, SCALE, SCALE, 0, x, y, across, up)
    return across.value, up.value
