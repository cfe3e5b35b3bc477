"""Takes files in: received piece by piece, looked at by a scanner and by an inspector in a process
of its own, converted where they must be. Nobody sees anything of a file before all of that."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import secrets
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from bridge.base.files import names_to_disk
from bridge.base.limited import OverLimitError, limited
from bridge.conference.strokes import Stroke
from bridge.papers import office, virus_scan
from bridge.papers.page_bounds import MEMORY
from bridge.papers.page_bounds import SECONDS as INSPECTION_SECONDS
from bridge.papers.paper_error import PaperError

LARGEST = 256 << 20  # octets of a paper: a plan of 300 pages has 200 MB
PIECE = 1 << 20  # octets that are written at once
SPARE = 512 << 20  # octets that stay free on the disk for the log of conferences
AT_ONCE = 4  # files that are received at once


class RefusedPaperError(PaperError):
    """A file is not taken in."""


class Found(NamedTuple):
    """A file that was taken in: as in `PaperKept`."""

    kind: str
    pages: int
    octets: int
    sha256: str
    drawn: str
    scripts: bool
    scanned: bool


class Intake:
    """Takes files into a folder. ``place`` says where a file with a checksum lies."""

    def __init__(
        self,
        folder: Path,
        place: Callable[[str], Path],
        *,
        office_program: Callable[[], str | None] = office.program,
        scanner: Callable[[], Path | None] = virus_scan.scanner,
    ) -> None:
        self._incoming = folder / "incoming"
        self._place = place
        self._turns = asyncio.Semaphore(AT_ONCE)
        self.office = office_program
        self.scanner = scanner
        self.arriving: Counter[str] = Counter()
        """Files in their place that no paper has yet, by checksum."""

    def tidy(self) -> None:
        """Forget what was being received when this process ended."""
        shutil.rmtree(self._incoming, ignore_errors=True)

    async def take(self, pieces: AsyncIterator[bytes], announced: int | None) -> Found:
        """Take a file in. ``announced`` is its size where it is known. Raises `RefusedPaperError`,
        OSError; nothing is left of it then."""
        if self._turns.locked():
            raise RefusedPaperError("papers.busy")
        async with self._turns:
            self._incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
            if announced is not None and announced > LARGEST:
                raise RefusedPaperError("papers.too_large", most=str(LARGEST >> 20))
            free = (await asyncio.to_thread(shutil.disk_usage, self._incoming)).free
            if free - (announced or 0) < SPARE:
                raise RefusedPaperError("papers.no_space")
            received = self._incoming / secrets.token_hex(8)
            converted = received.with_suffix(".pdf")
            try:
                octets, sha256 = await _receive(pieces, received)
                return await self._examine(received, converted, octets, sha256)
            finally:
                received.unlink(missing_ok=True)
                converted.unlink(missing_ok=True)

    async def _examine(self, received: Path, converted: Path, octets: int, sha256: str) -> Found:
        if octets == 0:
            raise RefusedPaperError("papers.empty")
        scanned = await self._scan(received)
        shown = received
        ending = await asyncio.to_thread(office.kind_of, received)
        if ending:
            program = self.office()
            if program is None:
                raise RefusedPaperError("papers.no_office")
            try:
                await office.to_pdf(received, ending, converted, program)
            except office.NotConvertedError as error:
                raise RefusedPaperError(error.key) from None
            shown = converted
        seen = await _worked("bridge.papers.page_work", {"path": str(shown)})
        drawn = sha256 if shown is received else await asyncio.to_thread(_checksum, shown)
        self.arriving.update({sha256, drawn})
        for path, checksum in ((received, sha256), (shown, drawn)):
            if path.exists():
                await asyncio.to_thread(_put, path, self._place(checksum))
        return Found(seen["kind"], seen["pages"], octets, sha256, drawn, seen["scripts"], scanned)

    @contextlib.asynccontextmanager
    async def with_strokes(
        self, path: Path, pages: Mapping[int, Sequence[Stroke]]
    ) -> AsyncIterator[Path]:
        """A PDF of some pages of a file, by number, with strokes drawn on them, while it is
        wanted. Raises `RefusedPaperError`, OSError."""
        self._incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = self._incoming / f"{secrets.token_hex(8)}-strokes"
        request = {
            "path": str(path),
            "into": str(made),
            "pages": [(number, msgspec.to_builtins(strokes)) for number, strokes in pages.items()],
        }
        try:
            await _worked("bridge.papers.marked_pages", request)
            yield made
        finally:
            made.unlink(missing_ok=True)

    def arrived(self, found: Found) -> None:
        """A paper has the file now, or does not want it."""
        self.arriving.subtract({found.sha256, found.drawn})

    async def _scan(self, path: Path) -> bool:
        """Whether a scanner has looked at the file, and found nothing."""
        socket = self.scanner()
        if socket is None:
            return False
        try:
            virus = await virus_scan.virus_in(path, socket)
        except virus_scan.ScanFailedError as error:
            raise RefusedPaperError("papers.not_scanned", reason=str(error)) from None
        if virus:
            raise RefusedPaperError("papers.virus", virus=virus)
        return True


async def _worked(module: str, request: dict[str, Any]) -> dict[str, Any]:
    """What a module works out about a file, in a process of its own with bounds. Raises
    `RefusedPaperError`, OSError."""
    try:
        told: dict[str, Any] = await limited(
            module, request, seconds=INSPECTION_SECONDS, memory=MEMORY
        )
    except (OverLimitError, ValueError):
        raise RefusedPaperError("papers.too_heavy") from None
    if told.get("problem"):
        raise RefusedPaperError(told["problem"], **told.get("arguments", {}))
    return told


async def pieces_of(path: Path) -> AsyncIterator[bytes]:
    """A file, piece by piece."""
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece


async def _receive(pieces: AsyncIterator[bytes], path: Path) -> tuple[int, str]:
    """Write a file as it comes; its size and SHA-256. A disk that is slow holds nobody else up."""
    octets, digest, waiting = 0, hashlib.sha256(), bytearray()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        async for piece in pieces:
            octets += len(piece)
            if octets > LARGEST:
                raise RefusedPaperError("papers.too_large", most=str(LARGEST >> 20))
            waiting += piece
            if len(waiting) >= PIECE:
                await asyncio.to_thread(_write, file, digest.update, bytes(waiting))
                waiting.clear()
        await asyncio.to_thread(_write, file, digest.update, bytes(waiting))
        await asyncio.to_thread(os.fsync, file.fileno())
    return octets, digest.hexdigest()


def _write(file: BinaryIO, update: Callable[[bytes], None], data: bytes) -> None:
    update(data)
    file.write(data)
    file.flush()


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _put(path: Path, place: Path) -> None:
    """Bring a file to its place; the same file may be there already."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o600)
    path.replace(place)
    names_to_disk(place.parent)
