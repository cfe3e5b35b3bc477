"""Documents of word processors, spreadsheets and slides become PDF, by LibreOffice where it is
installed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import zipfile
from pathlib import Path

from bridge.papers.confined import NO_NAMESPACE
from bridge.papers.paper_error import PaperError

PROGRAMS = ("soffice", "libreoffice")
SECONDS = 60.0  # of processor time for a document
MEMORY = 4 << 30  # octets of address space; LibreOffice alone takes one
ROOT = Path(__file__).parent.parent.parent
PARTS = {  # a member of the archive that only this kind has (ECMA-376; OpenDocument 1.3)
    "word/document.xml": "docx",
    "xl/workbook.xml": "xlsx",
    "ppt/presentation.xml": "pptx",
}
MIMETYPES = {
    b"application/vnd.oasis.opendocument.text": "odt",
    b"application/vnd.oasis.opendocument.spreadsheet": "ods",
    b"application/vnd.oasis.opendocument.presentation": "odp",
}


class NotConvertedError(PaperError):
    """A document did not become a PDF."""


def program() -> str | None:
    """LibreOffice; None where it is not installed."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


def kind_of(path: Path) -> str:
    """The ending of an office document by what is in it, "" where it is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if "mimetype" in names:
                with archive.open("mimetype") as member:
                    return MIMETYPES.get(member.read(100).strip(), "")
    except (OSError, ValueError, NotImplementedError, RuntimeError, zipfile.BadZipFile):
        return ""
    return next((ending for part, ending in PARTS.items() if part in names), "")


async def to_pdf(source: Path, ending: str, into: Path, office: str) -> None:
    """Convert a document to a PDF at ``into``. Raises `NotConvertedError`, OSError."""
    with tempfile.TemporaryDirectory(dir=into.parent, prefix="office-") as name:
        folder = Path(name)
        document = folder / f"document.{ending}"
        await asyncio.to_thread(shutil.copyfile, source, document)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bridge.papers.confined", str(SECONDS), str(MEMORY), office),
            *("--headless", "--norestore", "--safe-mode"),
            f"-env:UserInstallation=file://{folder / 'profile'}",
            *("--convert-to", "pdf", "--outdir", str(folder), str(document)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=ROOT,
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder)},
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(4 * SECONDS):  # the processor's time counts
                code = await process.wait()
        except TimeoutError:
            raise NotConvertedError("papers.office_failed") from None
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)  # with all that it has started
            await process.wait()
        made = folder / "document.pdf"
        if code == NO_NAMESPACE:
            raise NotConvertedError("papers.no_namespace")
        if code or not made.is_file():
            raise NotConvertedError("papers.office_failed")
        made.replace(into)
