"""Files that strangers made: each is refused with a sentence, or shown as far as it can be."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bridge.base.i18n import known
from bridge.papers import page_work
from bridge.papers.page_work import packed
from tests.papers.support import pdf, picture, written_pdf

PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] /Contents 4 0 R >>"
CATALOGUE = b"<< /Type /Catalog /Pages 2 0 R >>"
ONE_PAGE = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
EMPTY = b"<< /Length 0 >>\nstream\n\nendstream"


def stream(data: bytes, more: bytes = b"") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), more, data)


def encrypted() -> bytes:
    """Locked with a password that nobody knows (ISO 32000-2 section 7.6.4, revision 3)."""
    key = b"<" + b"11" * 32 + b">"
    body = written_pdf([CATALOGUE, ONE_PAGE, PAGE, EMPTY])
    lock = b"<< /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O %s /U %s >>" % (key, key)
    return body.replace(b"/Root 1 0 R", b"/Root 1 0 R /ID [<00><00>] /Encrypt " + lock)


def with_script() -> bytes:
    script = b"<< /Names [(x) << /S /JavaScript /JS (app.alert\\(1\\)) >>] >>"
    catalogue = b"<< /Type /Catalog /Pages 2 0 R /Names << /JavaScript 5 0 R >> >>"
    return written_pdf([catalogue, ONE_PAGE, PAGE, EMPTY, script])


def many_pages(count: int) -> bytes:
    """One page, which stands in the paper ``count`` times."""
    kids = b"3 0 R " * count
    tree = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, count)
    return written_pdf([CATALOGUE, tree, PAGE, EMPTY])


def circle() -> bytes:
    """A tree of pages that contains itself."""
    return written_pdf([CATALOGUE, b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>"])


def huge_page() -> bytes:
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 1e9 1e9] /Contents 4 0 R >>"
    return written_pdf([CATALOGUE, ONE_PAGE, page, EMPTY])


def thin_page() -> bytes:
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 14000 0.001] /Contents 4 0 R >>"
    return written_pdf([CATALOGUE, ONE_PAGE, page, EMPTY])


def packed_often() -> bytes:
    """A drawing of 64 MB that was compressed twice to some hundred octets."""
    data = zlib.compress(zlib.compress(b" " * (64 << 20), 9), 9)
    body = stream(data, b"/Filter [/FlateDecode /FlateDecode]")
    return written_pdf([CATALOGUE, ONE_PAGE, PAGE, body])


def picture_bomb() -> bytes:
    """A PNG that says it has 60,000 × 60,000 pixels."""
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + head
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", len(head))
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
        + b"\0\0\0\0IEND\xaeB`\x82"
    )


def answer(tmp_path: Path, data: bytes | Callable[[], bytes]) -> Any:
    path = tmp_path / "paper"
    path.write_bytes(data() if callable(data) else data)
    return page_work.answer({"path": str(path)})


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (encrypted, "papers.encrypted"),
        (b"%PDF-1.7\nthis is none", "papers.damaged"),
        (lambda: pdf(1)[: len(pdf(1)) // 3], "papers.damaged"),
        (circle, "papers.damaged"),
        (lambda: many_pages(100_000), "papers.too_many_pages"),
        (b"MZ\x90\x00 a program", "papers.damaged"),
        (b"<html><script>alert(1)</script>", "papers.damaged"),
        (b"PK\x03\x04 no archive", "papers.damaged"),
        (lambda: picture()[:60], "papers.damaged"),
        (picture_bomb, "papers.damaged"),
        (b"\0" * 5000, "papers.damaged"),
    ],
)
def test_what_cannot_be_shown_is_refused(
    tmp_path: Path, data: bytes | Callable[[], bytes], problem: str
) -> None:
    found = answer(tmp_path, data)
    wanted = {problem, "papers.page_failed"} if problem == "papers.damaged" else {problem}
    assert found["problem"] in wanted
    assert known(found["problem"])


@pytest.mark.parametrize("data", [huge_page, thin_page, packed_often])
def test_odd_pages_are_drawn_within_bounds_or_refused(
    tmp_path: Path, data: Callable[[], bytes]
) -> None:
    found = answer(tmp_path, data)
    if "problem" in found:
        assert known(found["problem"])
        return
    _, drawn = page_work._Drawer().draw(str(tmp_path / "paper"), 1, page_work.LARGEST)
    with Image.open(io.BytesIO(drawn)) as image:
        assert image.width * image.height <= page_work.MAX_PIXELS * 1.01


def test_scripts_are_told_and_not_run(tmp_path: Path) -> None:
    assert answer(tmp_path, with_script()) == {"kind": "pdf", "pages": 1, "scripts": True}
    assert answer(tmp_path, pdf(2)) == {"kind": "pdf", "pages": 2, "scripts": False}


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"])
def test_pictures_are_papers(tmp_path: Path, form: str) -> None:
    assert answer(tmp_path, picture(form)) == {"kind": "picture", "pages": 1, "scripts": False}


def test_letters_stay_as_they_are_and_photographs_stay_small() -> None:
    letters = Image.new("RGB", (400, 300), "white")
    letters.paste((0, 0, 0), (50, 50, 90, 200))
    with Image.open(io.BytesIO(packed(letters))) as back:
        assert back.convert("RGB").tobytes() == letters.tobytes()
    photograph = Image.effect_noise((800, 600), 80).convert("RGB")
    photograph = Image.merge("RGB", [photograph.getchannel(0), *photograph.split()[:2]])
    assert len(packed(photograph)) < 800 * 600 * 3


def test_a_page_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "paper"
    path.write_bytes(pdf(2))
    told, drawn = page_work._Drawer().draw(str(path), 3, 320)
    assert (told["problem"], drawn) == ("papers.page_failed", b"")
    told, drawn = page_work._Drawer().draw(str(tmp_path / "gone"), 1, 320)
    assert (told["problem"], drawn) == ("papers.file_gone", b"")
