"""Signed minutes in a backup: files of the state folder that the log names by their checksum, in
lines of pieces behind the rows.

Files are named by what is in them, so a backup can bring no other one than it says, and restoring
replaces none: what is missing comes back, whatever else is there stays.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.base.files import private_file
from bridge.conference.events import MinutesSigned
from bridge.proof.pdf_check import MAX_PDF
from bridge.store.shared_files import shared_files
from bridge.store.tables import events

MINUTES = "minutes"
PIECE = 1 << 20  # octets of a file in a line, less than a row may have
UNKNOWN = "The backup has files that this version does not know."
_NAME = re.compile(rf"{MINUTES}/([0-9a-f]{{64}})\.pdf")


def is_piece(item: Any) -> bool:
    """Whether a line is a piece of a file, and no row."""
    return isinstance(item, dict) and "file" in item


def lines_of(state: Path) -> Iterator[dict[str, str]]:
    """The files of a state folder as lines. One that is gone meanwhile, or cannot be read, is left
    out: the rows say that it was there."""
    for path in sorted((state / MINUTES).glob("*.pdf")):
        name = f"{MINUTES}/{path.name}"
        try:
            data = path.read_bytes()
        except OSError:
            continue
        found = _NAME.fullmatch(name)
        if found is None or hashlib.sha256(data).hexdigest() != found[1]:
            continue  # none that was brought, or damaged
        for begin in range(0, max(1, len(data)), PIECE):
            piece = base64.b64encode(data[begin : begin + PIECE]).decode()
            yield {"file": name, "piece": piece}


async def bring_missing(engine: AsyncEngine, state: Path) -> None:
    """Bring signed minutes that came to another host out of the database, where it has them. One
    that it has not is left out."""
    shared = shared_files(engine)
    if shared is None:
        return
    signed = str(MinutesSigned.__struct_config__.tag)
    query = sa.select(events.c.body).where(events.c.kind == signed)
    async with engine.connect() as connection:
        bodies = list((await connection.execute(query)).scalars())
    for body in bodies:
        sha256 = json.loads(body)["sha256"]
        path = state / MINUTES / f"{sha256}.pdf"
        if not path.is_file():
            await shared.get(sha256, path)


class FileCheck:
    """Looks at the pieces of a backup's files in their order. Each file is as its name says, or
    `feed` or `end` says what is wrong, as a sentence; "": nothing is."""

    def __init__(self) -> None:
        self._name, self._wanted = "", ""
        self._digest, self._octets = hashlib.sha256(), 0
        self._done: set[str] = set()

    def feed(self, item: dict[str, Any]) -> str:
        name, piece = item.get("file"), item.get("piece")
        found = _NAME.fullmatch(name) if isinstance(name, str) else None
        if found is None or set(item) != {"file", "piece"} or not isinstance(piece, str):
            return UNKNOWN
        try:
            data = base64.b64decode(piece, validate=True)
        except ValueError:
            return UNKNOWN
        if found[0] != self._name:
            problem = self.end()
            if problem or found[0] in self._done:
                return problem or _damaged(found[0])
            self._name, self._wanted, self._digest = found[0], found[1], hashlib.sha256()
            self._octets = 0
        self._octets += len(data)
        self._digest.update(data)
        return "" if self._octets <= MAX_PDF else _damaged(self._name)

    def end(self) -> str:
        """There are no more pieces of the last file."""
        if not self._name:
            return ""
        if self._digest.hexdigest() != self._wanted:
            return _damaged(self._name)
        self._done.add(self._name)
        self._name = ""
        return ""


def _damaged(name: str) -> str:
    return f"The backup is damaged: the file {name} is not what its name says."


def put_back(lines: Iterable[bytes], state: Path) -> int:
    """Write the files that are missing in a state folder, out of the lines of a backup that was
    checked; returns how many. Raises OSError."""
    written, name, data = 0, "", bytearray()
    for line in lines:
        item = json.loads(line)
        if not is_piece(item):
            continue
        if item["file"] != name:
            written += _put(state, name, data)
            name, data = item["file"], bytearray()
        data += base64.b64decode(item["piece"])
    return written + _put(state, name, data)


def _put(state: Path, name: str, data: bytearray) -> int:
    path = state / name
    if not name or path.is_file():
        return 0
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with private_file(path) as out:
        out.write(data)
    return 1
