"""Both kinds of database for tests: SQLite in a folder, PostgreSQL in a cluster of its own."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.store.database import engine_of, migrate
from tests.waiting import HANG


@functools.cache
def _migrated() -> Path:
    """A SQLite database with all tables and no row; made once per process."""
    folder = Path(tempfile.mkdtemp(prefix="diem-cau-db-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)

    async def make() -> None:
        engine = engine_of("", folder)
        await migrate(engine)
        await engine.dispose()

    thread = threading.Thread(target=asyncio.run, args=(make(),))
    thread.start()  # the caller's own event loop may be running
    thread.join()
    (made,) = folder.iterdir()
    return made


def put_migrated(folder: Path) -> None:
    """Copy a migrated, empty SQLite database into a state folder that has none."""
    template = _migrated()
    if not (folder / template.name).exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(template, folder / template.name)


def postgres_bin() -> Path | None:
    """Debian's newest PostgreSQL, or the one on the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


@contextlib.contextmanager
def cluster() -> Iterator[str]:
    """A PostgreSQL server on a Unix socket in a temporary folder; yields its URL without the
    database's name. PostgreSQL refuses to run as root, so there it runs as "postgres"."""
    binaries = postgres_bin()
    if binaries is None:
        if os.environ.get("CI") == "true":
            pytest.fail("PostgreSQL is missing: apt-get install postgresql")
        pytest.skip("PostgreSQL is missing: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="diem-cau-pg-"))
    prefix: list[str] = []
    user = pwd.getpwuid(os.getuid()).pw_name
    if os.getuid() == 0:
        user = "postgres"
        shutil.chown(folder, user)
        prefix = ["runuser", "-u", user, "--"]

    def run(*arguments: str) -> None:
        subprocess.run(
            [*prefix, *arguments],
            check=True,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=120,
        )

    data = folder / "data"
    try:
        run(
            str(binaries / "initdb"),
            "-D",
            str(data),
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--no-sync",
        )
        options = f"-c listen_addresses='' -k {folder} -c max_connections=60"
        run(
            str(binaries / "pg_ctl"),
            "-D",
            str(data),
            "-w",
            "-o",
            options,
            "-l",
            str(folder / "log"),
            "start",
        )
        try:
            yield f"postgresql://postgres@/{{name}}?host={folder}"
        finally:
            run(str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def control(url: str, *arguments: str) -> None:
    """pg_ctl on a cluster: ``stop -m immediate``, ``start``."""
    binaries = postgres_bin()
    assert binaries is not None
    folder = Path(url.partition("host=")[2])
    prefix = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    options = f"-c listen_addresses='' -k {folder} -c max_connections=60"
    subprocess.run(
        [
            *prefix,
            str(binaries / "pg_ctl"),
            "-D",
            str(folder / "data"),
            "-w",
            "-o",
            options,
            "-l",
            str(folder / "log"),
            *arguments,
        ],
        check=True,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=HANG,
    )


def process_of(url: str) -> int:
    """The server of a cluster, by its process id."""
    folder = Path(url.partition("host=")[2])
    return int((folder / "data" / "postmaster.pid").read_text("utf-8").splitlines()[0])


def new_database(url: str) -> str:
    """A fresh, empty database in a cluster; returns its URL."""
    name = f"test_{secrets.token_hex(6)}"
    host = url.partition("host=")[2]
    binaries = postgres_bin()
    assert binaries is not None
    subprocess.run(
        [str(binaries / "createdb"), "-h", host, "-U", "postgres", name], check=True, timeout=HANG
    )
    return url.format(name=name)
