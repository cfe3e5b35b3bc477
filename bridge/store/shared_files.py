"""Files by the checksum of what is in them, in a PostgreSQL that several machines share. Each
machine that needs one has a copy on its disk, from which it is read at any place.

A file is rows of `PIECE` octets, so that neither this process nor the driver ever holds more of it
than that. Rows and not PostgreSQL's large objects: those have no name, and a transaction that names
them leaves them behind where it fails after.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.store.database import NotSaved, first_line
from bridge.store.tables import paper_pieces

PIECE = 1 << 20  # octets


class SharedFiles:
    """The files of a database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def put(self, sha256: str, path: Path) -> None:
        """Keep a file, whole or not at all. Raises `NotSaved`."""
        from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415 - SQLite has none

        try:
            async with self._engine.begin() as connection:
                if await connection.scalar(_piece(sha256, 0, paper_pieces.c.number)) is not None:
                    return  # its octets need not come here to know that
                number = 0
                with path.open("rb") as file:
                    while piece := await asyncio.to_thread(file.read, PIECE):
                        row = {"sha256": sha256, "number": number, "octets": piece}
                        await connection.execute(
                            insert(paper_pieces).values(row).on_conflict_do_nothing()
                        )
                        number += 1
        except (SQLAlchemyError, OSError) as error:
            raise NotSaved(first_line(error)) from None

    async def get(self, sha256: str, path: Path) -> bool:
        """Bring a file to the disk; whether it is there, and is what its name says. What is left
        half is left nowhere, not even by a power cut. Raises `NotSaved`."""
        coming = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        await asyncio.to_thread(path.parent.mkdir, mode=0o700, parents=True, exist_ok=True)
        digest, number = hashlib.sha256(), 0
        try:
            with coming.open("xb") as file:
                coming.chmod(0o600)
                async with self._engine.connect() as connection:
                    while piece := await connection.scalar(_piece(sha256, number)):
                        await asyncio.to_thread(file.write, piece)
                        await asyncio.to_thread(digest.update, piece)
                        number += 1
                file.flush()
                await asyncio.to_thread(os.fsync, file.fileno())
            if digest.hexdigest() != sha256:
                return False
            coming.replace(path)
        except (SQLAlchemyError, OSError) as error:
            raise NotSaved(first_line(error)) from None
        finally:
            coming.unlink(missing_ok=True)
        return True

    async def remove(self, sha256: str) -> None:
        """Delete a file. Raises `NotSaved`."""
        try:
            async with self._engine.begin() as connection:
                await connection.execute(
                    sa.delete(paper_pieces).where(paper_pieces.c.sha256 == sha256)
                )
        except (SQLAlchemyError, OSError) as error:
            raise NotSaved(first_line(error)) from None


def _piece(
    sha256: str, number: int, column: sa.Column[Any] = paper_pieces.c.octets
) -> sa.Select[Any]:
    return sa.select(column).where(paper_pieces.c.sha256 == sha256, paper_pieces.c.number == number)


def shared_files(engine: AsyncEngine) -> SharedFiles | None:
    """Those of a database that several machines may share; None where it is a file beside the
    state."""
    return SharedFiles(engine) if engine.dialect.name == "postgresql" else None
