"""A database that has lost something is not started on; one that is whole, is."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.store.database import SQLITE, DamagedError, engine_of, migrate
from bridge.store.integrity import MARK, Mark, forget_mark, read_mark, verify, write_mark
from bridge.store.log import EventLog
from tests.store.test_snapshots import long_log

EVENTS = 3000
PAGE = 4096


async def filled(folder: Path) -> Path:
    """A database with events, as a bridge leaves it that was ended."""
    engine = engine_of("", folder)
    await migrate(engine)
    log = EventLog(engine)
    await log.append(long_log(EVENTS))
    number = await log.last_number()
    await engine.dispose()
    write_mark(folder, number)
    return folder / SQLITE


def sql(*statements: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with sqlite3.connect(path) as connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    return damage


def written(offset: int, data: bytes) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with path.open("r+b") as file:
            file.seek(offset)
            file.write(data)

    return damage


def cut(fraction: float) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.truncate(int(size * fraction) // PAGE * PAGE)

    return damage


def replaced(data: bytes) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_bytes(data)

    return damage


def new(path: Path) -> None:
    path.unlink()
    sql("VACUUM")(path)


def older(path: Path) -> None:
    """Somebody has put the file of yesterday there."""
    sql("DELETE FROM events WHERE seq > 2500", "DELETE FROM sqlite_sequence")(path)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES = {
    "empty": cut(0),
    "cut in the middle": cut(0.5),
    "cut by a page": cut(0.99),
    "gone": Path.unlink,
    "a text": replaced(b"nonsense" * 1000),
    "zeros": replaced(b"\0" * 100_000),
    "a head overwritten": written(0, b"X" * 100),
    "a page of zeros": written(20 * PAGE, b"\0" * PAGE),
    "noise": written(10 * PAGE, bytes(range(256)) * 64),
    "a row is missing": sql("DELETE FROM events WHERE seq = 1500"),
    "the beginning is missing": sql("DELETE FROM events WHERE seq < 1000"),
    "the end is missing": sql("DELETE FROM events WHERE seq > 2995"),
    "all rows are missing": sql("DELETE FROM events"),
    "a table is missing": sql("DROP TABLE events"),
    "an older file": older,
    "a new, empty database": new,
    "a folder": a_folder,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
async def test_a_damaged_database_is_refused_and_left_as_it_is(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """Of these the bridge once ran on with an empty or partly read log, or ended in a traceback."""
    path = await filled(tmp_path)
    damage(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(DamagedError, match=r"^The database .*\.$"):
        verify(tmp_path)
    assert (path.read_bytes() if path.is_file() else b"") == before
    assert not (tmp_path / (SQLITE + "-wal")).exists() or path.exists()


async def test_a_whole_database_is_none(tmp_path: Path) -> None:
    verify(tmp_path)  # the first start
    await filled(tmp_path)
    verify(tmp_path)
    (tmp_path / MARK).unlink()
    verify(tmp_path)


async def test_a_database_of_a_process_that_was_killed_is_whole(tmp_path: Path) -> None:
    """What it wrote last lies in the log beside the file, and is found there."""
    await filled(tmp_path)
    copy = tmp_path / "copy"
    copy.mkdir()
    engine = engine_of("", tmp_path)
    log = EventLog(engine)
    await log.append(
        [r for r in long_log(EVENTS + 50) if r.seq > EVENTS]  # stays in the write-ahead log
    )
    for path in tmp_path.glob("*.*"):
        shutil.copy2(path, copy)
    await engine.dispose()
    write_mark(copy, EVENTS + 50)
    verify(copy)
    (copy / (SQLITE + "-wal")).write_bytes(b"nonsense" * 1000)
    (copy / (SQLITE + "-shm")).unlink()
    with pytest.raises(DamagedError, match="had 3050"):
        verify(copy)


async def test_a_file_that_nobody_has_touched_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a million events reading it all takes longer than everything else of a start."""
    from bridge.store import integrity

    path = await filled(tmp_path)
    said: list[bool] = []
    look = integrity._look

    def spy(connection: sqlite3.Connection, path: Path, mark: Mark, *, whole: bool) -> None:
        said.append(whole)
        look(connection, path, mark, whole=whole)

    monkeypatch.setattr(integrity, "_look", spy)
    verify(tmp_path)
    sql("UPDATE events SET actor = 'x' WHERE seq = 5")(path)
    verify(tmp_path)
    write_mark(tmp_path, -1)
    monkeypatch.setattr(integrity, "_boot", lambda: "another")  # the machine was started again
    verify(tmp_path)
    assert said == [False, True, True]


async def test_marks(tmp_path: Path) -> None:
    assert read_mark(tmp_path).events == 0
    await filled(tmp_path)
    write_mark(tmp_path, -1)
    assert read_mark(tmp_path).events == EVENTS
    (tmp_path / MARK).write_text("nonsense")
    assert read_mark(tmp_path).events == 0
    forget_mark(tmp_path)
    forget_mark(tmp_path)
