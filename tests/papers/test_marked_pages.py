"""Pages with what was drawn on them, as a PDF that anything opens."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pytest
from PIL import Image

from bridge.papers.marked_pages import answer
from tests.papers.support import COLOURS, near, pdf, picture

# From the left edge to the right one, a quarter from the top.
LINE = {"tool": "pen", "places": [0, 2500, 10_000, 2500]}
BROAD = {"tool": "marker", "places": [0, 7500, 10_000, 7500]}
DOT = {"tool": "pen", "places": [5000, 5000]}
RED = (214, 30, 30)


def drawn(folder: Path, data: bytes, pages: list[Any]) -> list[Image.Image]:
    """The pages of the PDF that is made of a file."""
    (folder / "paper").write_bytes(data)
    request = {"path": str(folder / "paper"), "into": str(folder / "made"), "pages": pages}
    assert answer(request) == {}
    made = pdfium.PdfDocument(folder / "made")
    return [page.render(scale=6).to_pil().convert("RGB") for page in made]


def at(image: Image.Image, x: float, y: float) -> tuple[int, int, int]:
    found = image.getpixel((int(image.width * x), int(image.height * y)))
    assert isinstance(found, tuple)
    return int(found[0]), int(found[1]), int(found[2])


def turned(data: bytes, by: int) -> bytes:
    """A PDF whose pages are shown turned, and cut."""
    document = pdfium.PdfDocument(data)
    for page in document:
        page.set_rotation(by)
        page.set_cropbox(40, 30, 360, 270)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


@pytest.mark.parametrize("by", [0, 90, 180, 270])
def test_strokes_are_where_they_were_drawn_however_a_page_is_turned(
    tmp_path: Path, by: int
) -> None:
    (page,) = drawn(tmp_path, turned(pdf(3), by), [[2, [LINE, BROAD, DOT]]])
    for x in (0.1, 0.6, 0.9):
        assert near(at(page, x, 0.25), RED)
        assert near(at(page, x, 0.4), COLOURS[1]), "the page itself is there"
    assert near(at(page, 0.5, 0.5), RED), "a stroke of one place is a dot"
    highlighted, under = at(page, 0.9, 0.75), COLOURS[1]
    assert not near(highlighted, under)
    assert not near(highlighted, (255, 214, 0)), "what is under a marker stays legible"


def test_a_picture_with_strokes_becomes_a_page(tmp_path: Path) -> None:
    (page,) = drawn(tmp_path, picture(), [[1, [LINE]]])
    assert near(at(page, 0.5, 0.6), COLOURS[0])
    assert page.width / page.height == pytest.approx(1.6, rel=0.02)


def test_a_picture_is_kept_as_it_was_shown(tmp_path: Path) -> None:
    """What is transparent in it is white, whatever colour is hidden there."""
    out = io.BytesIO()
    Image.new("RGBA", (320, 200), (0, 0, 0, 0)).save(out, "PNG")
    (page,) = drawn(tmp_path, out.getvalue(), [[1, [LINE]]])
    assert near(at(page, 0.5, 0.6), (255, 255, 255))


def test_only_pages_with_strokes_are_there(tmp_path: Path) -> None:
    pages = drawn(tmp_path, pdf(40), [[2, [LINE]], [40, [DOT]]])
    second, last = pages
    assert near(at(second, 0.9, 0.9), COLOURS[1])
    assert near(at(last, 0.9, 0.9), COLOURS[3])


def test_a_file_that_is_gone_or_damaged_is_said(tmp_path: Path) -> None:
    request = {"path": str(tmp_path / "no"), "into": str(tmp_path / "made"), "pages": [[1, []]]}
    assert answer(request) == {"problem": "papers.damaged"}
    (tmp_path / "no").write_bytes(b"%PDF-1.7\nnonsense")
    assert answer(request) == {"problem": "papers.damaged"}
    (tmp_path / "no").write_bytes(pdf(1))
    assert answer({**request, "pages": [[7, []]]}) == {"problem": "papers.damaged"}
