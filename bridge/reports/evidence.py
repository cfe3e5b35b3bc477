"""An evidence pack: a recording with everything that is to be believed with it, as a `.zip` that is
made while it is sent. What is in it is checked with `sha256sum -c` and `openssl`, and all of it by
`bridge.proof.evidence_check`."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from bridge.proof.evidence_check import SUMS

CHUNK = 1 << 18  # octets that are read at a time


class Checked(NamedTuple):
    """A file as it is on the disk: its SHA-256 in hexadecimal, and its size in octets."""

    sha256: str
    octets: int


class _Sink(io.RawIOBase):
    """Keeps what is written until it is taken. It cannot be sought in, so that the `zipfile` module
    writes sizes and checksums behind the contents (APPNOTE.TXT section 4.3.9)."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._waiting.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self._waiting)
        self._waiting.clear()
        return taken


def check(path: Path) -> Checked:
    """Read a file through. Raises OSError."""
    with path.open("rb") as file:
        return Checked(hashlib.file_digest(file, "sha256").hexdigest(), file.tell())


def sums(digests: dict[str, str]) -> str:
    """Checksums by file name, as `sha256sum` writes them."""
    return "".join(f"{digest}  {name}\n" for name, digest in digests.items())


def pack(
    folder: str,
    video: Path,
    sha256: str,
    texts: Sequence[tuple[str, bytes]],
    signatures: Sequence[tuple[str, Callable[[bytes], bytes]]],
    made: datetime,
) -> Iterator[bytes]:
    """The octets of a pack, whose files stand in ``folder``: a recording whose checksum is
    ``sha256``, small files by name, the checksums of all, and ``signatures`` of these by file
    name (one that is b"" is left out). Not more than a few hundred kB are held. Raises OSError
    where the recording cannot be read, ValueError where it is not what it was."""
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in texts}
    listed = sums({video.name: sha256} | digests).encode()
    signed = [(name, sign(listed)) for name, sign in signatures]
    small = [*texts, (SUMS, listed), *((name, data) for name, data in signed if data)]
    sink = _Sink()
    digest = hashlib.sha256()
    with zipfile.ZipFile(sink, "w") as out:
        for name, data in small:
            info = zipfile.ZipInfo(f"{folder}/{name}", made.timetuple()[:6])
            out.writestr(info, data, zipfile.ZIP_DEFLATED)
            yield sink.take()
        info = zipfile.ZipInfo(f"{folder}/{video.name}", made.timetuple()[:6])
        with (
            video.open("rb") as file,
            out.open(info, "w", force_zip64=True) as into,
        ):
            while data := file.read(CHUNK):
                digest.update(data)
                into.write(data)
                yield sink.take()
        if digest.hexdigest() != sha256:
            raise ValueError("the recording has changed while it was read")
    yield sink.take()
