"""What looks into files that strangers made, and draws their pages. It runs in processes of its
own, with bounds on time and memory, and opens nothing but the file that it is told.

`answer` inspects one file (`bridge.base.limited_work` calls it). ``python -m
bridge.papers.page_work`` draws pages: a line of JSON in, a line of JSON and the octets of a picture
out. PDFium is built without a JavaScript engine here, so no script of a paper is ever run.
"""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_raw
from PIL import Image, ImageOps, UnidentifiedImageError

from bridge.conference.model import MAX_PAGES
from bridge.papers.page_bounds import MEMORY, SECONDS
from bridge.papers.paper_error import PaperError

PICTURES = ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP")
HEAD = 1024  # octets in which a PDF's header has to be (ISO 32000-2, annex C)
MAX_PIXELS = 16_000_000  # of a page's picture: 64 MB while it is drawn
MAX_SOURCE_PIXELS = 120_000_000  # of a picture that is brought: a scan of A2 at 600 dpi
MAX_FRAMES = 200  # pictures in one file (TIFF)
FEW_COLOURS = 2048  # letters and lines have fewer, photographs more
QUALITY = 85  # of a page with photographs
OPEN_FILES = 3  # papers kept open from page to page
SMALLEST, LARGEST = 120, 3840  # pixels across


class Unusable(PaperError):
    """The file cannot be shown as a paper."""


class PdfPaper:
    """A PDF. It is read from the disk piece by piece, as its pages need it."""

    kind = "pdf"

    def __init__(self, path: Path) -> None:
        try:
            self.document = pdfium.PdfDocument(path)
        except pdfium.PdfiumError as error:
            locked = error.err_code in (
                pdfium_raw.FPDF_ERR_PASSWORD,
                pdfium_raw.FPDF_ERR_SECURITY,
            )
            raise Unusable("papers.encrypted" if locked else "papers.damaged") from None
        self.pages = len(self.document)
        self.scripts = pdfium_raw.FPDFDoc_GetJavaScriptActionCount(self.document) > 0
        if pdfium_raw.FPDF_GetFormType(self.document) == pdfium_raw.FORMTYPE_ACRO_FORM:
            self.document.init_forms()  # what was filled in is drawn

    def draw(self, page: int, width: int) -> Image.Image:
        try:
            loaded = self.document[page - 1]
        except pdfium.PdfiumError:
            raise Unusable("papers.page_failed", page=str(page)) from None
        try:
            across, down = loaded.get_size()
            if not (across > 0 and down > 0):
                raise Unusable("papers.page_failed", page=str(page))
            scale = width / across
            if across * down * scale * scale > MAX_PIXELS:
                scale = (MAX_PIXELS / (across * down)) ** 0.5
            if min(across, down) * scale < 1:
                raise Unusable("papers.page_failed", page=str(page))
            drawn: Image.Image = loaded.render(scale=scale).to_pil()
            return drawn.convert("RGB")
        except pdfium.PdfiumError:
            raise Unusable("papers.page_failed", page=str(page)) from None
        finally:
            loaded.close()

    def close(self) -> None:
        self.document.close()


class PicturePaper:
    """A picture, or several of them in one file."""

    kind = "picture"
    scripts = False

    def __init__(self, path: Path) -> None:
        try:
            self._image = Image.open(path, formats=PICTURES)
            self.pages = 1 if self._image.format == "GIF" else getattr(self._image, "n_frames", 1)
            if self._image.width * self._image.height > MAX_SOURCE_PIXELS:
                raise Unusable("papers.too_heavy")
        except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError):
            raise Unusable("papers.damaged") from None
        if self.pages > MAX_FRAMES:
            raise Unusable("papers.too_many_pages", pages=str(self.pages), most=str(MAX_FRAMES))

    def draw(self, page: int, width: int) -> Image.Image:
        try:
            self._image.seek(page - 1)
            if self._image.width * self._image.height > MAX_SOURCE_PIXELS:
                raise Unusable("papers.page_failed", page=str(page))
            if self._image.format == "JPEG" and page == 1:
                self._image.draft("RGB", (width, width))
            frame = ImageOps.exif_transpose(self._image).convert("RGBA")
        except (OSError, ValueError, EOFError, SyntaxError):
            raise Unusable("papers.page_failed", page=str(page)) from None
        white = Image.new("RGBA", frame.size, "white")
        flat = Image.alpha_composite(white, frame).convert("RGB")
        scale = min(width / flat.width, (MAX_PIXELS / (flat.width * flat.height)) ** 0.5)
        if scale >= 1:
            return flat
        size = (max(1, round(flat.width * scale)), max(1, round(flat.height * scale)))
        return flat.resize(size, Image.Resampling.LANCZOS)

    def close(self) -> None:
        self._image.close()


def opened(path: Path) -> PdfPaper | PicturePaper:
    """Open a file by what is in it, whatever it is called."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    return PdfPaper(path) if b"%PDF-" in head else PicturePaper(path)


def packed(image: Image.Image) -> bytes:
    """A page's picture: letters and lines as they are, photographs with what nobody sees left
    out."""
    out = io.BytesIO()
    if image.getcolors(FEW_COLOURS) is not None:
        image.save(out, "WEBP", lossless=True, method=2)
    else:
        image.save(out, "WEBP", quality=QUALITY, method=2, use_sharp_yuv=True)
    return out.getvalue()


def answer(request: Any) -> Any:
    """Inspect a file: its kind, pages and whether it has scripts; or the ``problem`` with it."""
    warnings.simplefilter("ignore")
    try:
        paper = opened(Path(request["path"]))
        if paper.pages > MAX_PAGES:
            raise Unusable("papers.too_many_pages", pages=str(paper.pages), most=str(MAX_PAGES))
        paper.draw(1, SMALLEST)
    except Unusable as error:
        return {"problem": error.key, "arguments": error.arguments}
    except MemoryError:
        return {"problem": "papers.too_heavy", "arguments": {}}
    return {"kind": paper.kind, "pages": paper.pages, "scripts": paper.scripts}


class _Drawer:
    """Draws pages; the files used last stay open."""

    def __init__(self) -> None:
        self._open: dict[str, PdfPaper | PicturePaper] = {}

    def draw(self, path: str, page: int, width: int) -> tuple[dict[str, Any], bytes]:
        try:
            paper = self._open.pop(path, None) or opened(Path(path))
            self._open[path] = paper
            while len(self._open) > OPEN_FILES:
                self._open.pop(next(iter(self._open))).close()
            if not 1 <= page <= paper.pages:
                raise Unusable("papers.page_failed", page=str(page))
            image = paper.draw(page, max(SMALLEST, min(LARGEST, width)))
            return {"width": image.width, "height": image.height}, packed(image)
        except Unusable as error:
            return {"problem": error.key, "arguments": error.arguments}, b""
        except OSError:
            return {"problem": "papers.file_gone", "arguments": {}}, b""


def main() -> None:
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # it writes no file
    os.nice(5)  # a conference goes first
    drawer = _Drawer()
    out = sys.stdout.buffer
    for line in sys.stdin:
        asked = json.loads(line)
        # Whoever needs more is ended by the kernel, which asks nobody.
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        told, picture = drawer.draw(asked["path"], asked["page"], asked["width"])
        signal.setitimer(signal.ITIMER_PROF, 0)
        out.write(json.dumps({**told, "octets": len(picture)}).encode() + b"\n" + picture)
        out.flush()


if __name__ == "__main__":
    main()
