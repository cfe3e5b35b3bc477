"""Papers for tests, made here: PDFs by hand and by fpdf2, pictures by Pillow."""

from __future__ import annotations

import io
from datetime import UTC, datetime

from fpdf import FPDF
from PIL import Image

COLOURS = ((200, 30, 30), (30, 160, 30), (30, 60, 200), (200, 160, 30))


def pdf(pages: int = 3) -> bytes:
    """A PDF whose pages are full of a colour each, with their number on them."""
    document = FPDF(unit="pt", format=(400, 300))
    document.set_auto_page_break(False)
    document.set_creation_date(datetime(2026, 11, 26, tzinfo=UTC))  # the same each time
    for number in range(pages):
        document.add_page()
        document.set_fill_color(*COLOURS[number % len(COLOURS)])
        document.rect(0, 0, 400, 300, style="F")
        document.set_font("helvetica", size=24)
        document.text(20, 40, str(number + 1))
    return bytes(document.output())


def picture(form: str = "PNG", size: tuple[int, int] = (320, 200)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, COLOURS[0]).save(out, form)
    return out.getvalue()


def colour(data: bytes) -> tuple[int, int, int]:
    """The colour in the middle of a picture."""
    with Image.open(io.BytesIO(data)) as image:
        found = image.convert("RGB").getpixel((image.width // 2, image.height * 3 // 4))
    assert isinstance(found, tuple)
    red, green, blue = found
    return int(red), int(green), int(blue)


def near(found: tuple[int, int, int], wanted: tuple[int, int, int]) -> bool:
    """Whether it is the colour of a page, as far as a compressed picture keeps it."""
    return all(abs(a - b) < 24 for a, b in zip(found, wanted, strict=True))


def written_pdf(objects: list[bytes]) -> bytes:
    """A PDF of objects, the first of which is its catalogue (ISO 32000-2 section 7.5)."""
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for place in places:
        out += b"%010d 00000 n \n" % place
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\n" % (len(objects) + 1)
    out += b"startxref\n%d\n%%%%EOF\n" % start
    return bytes(out)
