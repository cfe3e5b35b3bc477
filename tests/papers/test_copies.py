"""Papers' files in a PostgreSQL that two machines share: each finds what the other took in."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.papers.copies import Copies
from bridge.store import shared_files as shared_module
from bridge.store.database import NotSaved, engine_of, migrate
from bridge.store.shared_files import SharedFiles, shared_files
from tests import databases

DATA = bytes(range(256)) * 40  # of ten pieces and a rest, by the size below
NAME = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
async def engine(postgres: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AsyncEngine]:
    monkeypatch.setattr(shared_module, "PIECE", 1000)
    made = engine_of(await asyncio.to_thread(databases.new_database, postgres), Path())
    await migrate(made)
    yield made
    await made.dispose()


def machine(folder: Path, engine: AsyncEngine) -> Copies:
    return Copies(lambda sha256: folder / sha256[:2] / sha256, shared_files(engine))


def put(folder: Path, data: bytes) -> Path:
    name = hashlib.sha256(data).hexdigest()
    path = folder / name[:2] / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.mark.live
async def test_a_second_machine_reads_what_the_first_took_in(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    put(first, DATA)
    one, other = machine(first, engine), machine(second, engine)
    await one.keep([NAME, NAME])
    await one.keep([NAME])  # the same paper is brought again
    paths = await asyncio.gather(*(other.file(NAME) for _ in range(5)))
    assert {path.read_bytes() for path in paths} == {DATA}
    assert [path.stat().st_mode & 0o777 for path in second.rglob("*") if path.is_file()] == [0o600]
    await one.remove(NAME)
    assert not (await one.file(NAME)).exists(), "deleted here and in the database"
    assert not any(path.is_file() for path in first.rglob("*"))


@pytest.mark.live
async def test_what_an_earlier_version_kept_on_its_disk_is_shared(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    put(tmp_path / "first", DATA)
    missing = "ab" * 32
    await machine(tmp_path / "first", engine).share([missing, NAME])
    assert (await machine(tmp_path / "second", engine).file(NAME)).read_bytes() == DATA


@pytest.mark.live
async def test_a_file_that_is_not_what_its_name_says_is_none(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    """Rows that somebody changed: nothing of them is shown."""
    false = "ab" * 32
    path = tmp_path / "false"
    path.write_bytes(DATA)
    await SharedFiles(engine).put(false, path)
    copies = machine(tmp_path / "second", engine)
    assert not (await copies.file(false)).exists()
    assert not any(path.is_file() for path in (tmp_path / "second").rglob("*"))


async def test_a_database_that_is_away_keeps_nothing_and_says_so(tmp_path: Path) -> None:
    engine = engine_of(f"postgresql://nobody@/none?host={tmp_path}", tmp_path)
    copies = machine(tmp_path / "here", engine)
    path = put(tmp_path / "here", DATA)
    with pytest.raises(NotSaved):
        await copies.keep([NAME])
    assert await copies.file(NAME) == path, "what is on this disk is shown all the same"
    path.unlink()
    assert not (await copies.file(NAME)).exists()
    await engine.dispose()


async def test_a_bridge_with_a_file_for_a_database_keeps_papers_on_its_disk(
    tmp_path: Path,
) -> None:
    engine = engine_of("", tmp_path)
    assert shared_files(engine) is None
    await engine.dispose()
