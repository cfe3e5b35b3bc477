"""Files on their way in: a scanner, LibreOffice and the disk are played by the test."""

from __future__ import annotations

import asyncio
import hashlib
import io
import stat
import struct
import sys
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.papers import office, taking_in, virus_scan
from bridge.papers.confined import NO_NAMESPACE
from bridge.papers.taking_in import Found, Intake, RefusedPaperError
from tests.papers.support import pdf, picture


async def pieces(data: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def intake(folder: Path, program: str | None = None, scanner: Path | None = None) -> Intake:
    return Intake(
        folder,
        lambda sha256: folder / sha256[:2] / sha256,
        office_program=lambda: program,
        scanner=lambda: scanner,
    )


async def taken(made: Intake, data: bytes) -> Found:
    return await made.take(pieces(data), len(data))


async def refused(made: Intake, data: bytes) -> str:
    with pytest.raises(RefusedPaperError) as error:
        await taken(made, data)
    return error.value.key


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def document() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<w:document/>")
    return out.getvalue()


def program(folder: Path, body: str) -> str:
    """A stand-in for LibreOffice: it gets the same words."""
    path = folder / "soffice"
    path.write_text(f"#!{sys.executable}\nimport sys, pathlib, os, socket, time\n{body}\n", "utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


async def test_a_file_is_kept_by_what_is_in_it(tmp_path: Path) -> None:
    data, made = pdf(3), intake(tmp_path)
    found = await taken(made, data)
    sha256 = hashlib.sha256(data).hexdigest()
    assert found == Found("pdf", 3, len(data), sha256, sha256, False, False)
    assert await taken(made, data) == found
    assert files(tmp_path) == {tmp_path / sha256[:2] / sha256}
    assert (tmp_path / sha256[:2] / sha256).read_bytes() == data


async def test_what_is_refused_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = intake(tmp_path)
    assert await refused(made, b"") == "papers.empty"
    assert await refused(made, b"nothing that is known") == "papers.damaged"
    assert await refused(made, document()) == "papers.no_office"
    monkeypatch.setattr(taking_in, "LARGEST", 5000)
    assert await refused(made, b"x" * 5001) == "papers.too_large"
    with pytest.raises(RefusedPaperError, match="too_large"):  # it did not say how large it is
        await made.take(pieces(b"x" * 6000), None)
    monkeypatch.setattr(taking_in, "SPARE", 1 << 60)
    assert await refused(made, pdf()) == "papers.no_space"
    assert files(tmp_path) == set()


async def test_a_file_that_is_broken_off_leaves_nothing(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"%PDF-"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await intake(tmp_path).take(broken(), None)
    assert files(tmp_path) == set()


async def test_documents_are_converted_out_of_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in writes a PDF only where it has no network, no environment and its own home."""
    monkeypatch.setenv("DATABASE_SECRET", "x")
    ready = tmp_path / "ready.pdf"
    ready.write_bytes(pdf(2))
    body = f"""
ready = pathlib.Path({str(ready)!r})
into = pathlib.Path(sys.argv[sys.argv.index('--outdir') + 1])
source = pathlib.Path(sys.argv[-1])
assert source.suffix == '.docx' and source.read_bytes().startswith(b'PK')
assert 'DATABASE_SECRET' not in os.environ and str(into) == os.environ['HOME']
assert [name for _, name in socket.if_nameindex()] in ([], ['lo'])
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
    try:
        probe.connect(('127.0.0.1', 9))
    except OSError:
        (into / 'document.pdf').write_bytes(ready.read_bytes())
"""
    data = document()
    found = await taken(intake(tmp_path / "papers", program(tmp_path, body)), data)
    assert (found.kind, found.pages) == ("pdf", 2)
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert found.drawn == hashlib.sha256(ready.read_bytes()).hexdigest()
    assert len(files(tmp_path / "papers")) == 2


@pytest.mark.parametrize(
    "body",
    ["sys.exit(1)", "pass", "while True: pass", "bytearray(1 << 40)", "os.abort()"],
    ids=["error", "nothing made", "endless", "memory", "crash"],
)
async def test_a_document_that_does_not_become_a_pdf(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    monkeypatch.setattr(office, "SECONDS", 1.0)
    made = intake(tmp_path / "papers", program(tmp_path, body))
    assert await refused(made, document()) == "papers.office_failed"
    assert files(tmp_path / "papers") == set()


async def test_a_kernel_without_namespaces_converts_nothing(tmp_path: Path) -> None:
    made = intake(tmp_path / "papers", program(tmp_path, f"sys.exit({NO_NAMESPACE})"))
    assert await refused(made, document()) == "papers.no_namespace"


async def clamd(path: Path, answer: bytes) -> asyncio.Server:
    """What speaks like clamd, and finds what it is told to find."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(10) == b"zINSTREAM\0"
        received = b""
        while length := struct.unpack(">I", await reader.readexactly(4))[0]:
            received += await reader.readexactly(length)
        writer.write(answer + b" %d\0" % len(received) if answer == b"echo" else answer + b"\0")
        writer.close()

    return await asyncio.start_unix_server(serve, path)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b"stream: OK", ""),
        (b"stream: Eicar-Signature FOUND", "papers.virus"),
        (b"INSTREAM size limit exceeded. ERROR", "papers.not_scanned"),
        (b"", "papers.not_scanned"),
    ],
)
async def test_nothing_passes_the_scanner_unseen(
    tmp_path: Path, answer: bytes, outcome: str
) -> None:
    socket = tmp_path / "clamd.ctl"
    made = intake(tmp_path / "papers", scanner=socket)
    async with await clamd(socket, answer):
        assert virus_scan.scanner([socket]) == socket
        if outcome:
            assert await refused(made, picture()) == outcome
            assert files(tmp_path / "papers") == set()
        else:
            assert (await taken(made, picture())).scanned


async def test_a_scanner_that_is_away_is_no_reason_to_pass(tmp_path: Path) -> None:
    made = intake(tmp_path / "papers", scanner=tmp_path / "gone")
    assert await refused(made, picture()) == "papers.not_scanned"
    assert virus_scan.scanner([tmp_path / "gone"]) is None
