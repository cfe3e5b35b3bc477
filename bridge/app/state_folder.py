"""The state folder: its owner's only, and one control process's at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from bridge.app.errors import StartError
from bridge.store import backup
from bridge.store.backups import Backups
from bridge.store.database import DamagedError
from bridge.store.integrity import MARK, verify
from bridge.store.leading.term import Term
from bridge.store.sealed import MIN_SECRET
from config.schema import Topology

LOCK = "serve.lock"
OWNER_ONLY = 0o700
EXIT_DAMAGED = 2


def prepare(folder: Path) -> None:
    """Make the folder where it is missing, and keep others out of it. Raises `StartError`."""
    try:
        folder.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o077:
            with contextlib.suppress(PermissionError):  # another owner's: his to decide
                folder.chmod(OWNER_ONLY)
    except OSError as error:
        raise StartError(f"The folder {folder} cannot be used: {error.strerror}.") from None


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the folder as the one control process of it, until the end; the system lets go of it
    when the process ends, however it ends. Nothing else is written before. Raises `StartError`
    with the process that holds it."""
    prepare(folder)
    path = folder / LOCK
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StartError(f"The folder {folder} cannot be written: {error.strerror}.") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            raise StartError(
                f"The state folder {folder} belongs to process {holder}, which runs. End it first "
                f"(kill {holder}, or systemctl stop diem-cau), or give this bridge another "
                "bridge.state."
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def free(folder: Path) -> bool:
    """Whether no control process holds the folder."""
    try:
        with held(folder):
            return True
    except StartError:
        return False


def look_at_database(folder: Path, url: str, backups: Path, topology: Path | None) -> None:
    """Refuse to start on a database that has lost something. Nothing is written. ``backups`` is
    where backups lie. Raises `StartError` with the command that restores the newest one."""
    if url and not url.startswith("sqlite"):
        return  # a server looks after its files itself
    try:
        verify(folder)
    except DamagedError as error:
        raise StartError(damaged(str(error), folder, backups, topology), EXIT_DAMAGED) from None


def damaged(what: str, folder: Path, backups: Path, topology: Path | None) -> str:
    """What is wrong with the database, and what to do."""
    found = backup.files(backups)
    file = topology if topology is not None else "FILE"
    if found:
        way = (
            f"The newest backup is {found[-1]}. Restore it: python bridge.py restore {found[-1]} "
            f"--file {file} (the database is kept beside the new one)."
        )
    else:
        way = (
            f"There is no backup in {backups}. Bring one and restore it: python bridge.py restore "
            f"BACKUP --file {file}."
        )
    return (
        f"{what} Nothing was written. {way} If the database is as you want it, delete "
        f"{folder / MARK} and start again."
    )


def make_backups(
    topology: Topology, state: Path, folder: Path, term: Term | None = None
) -> Backups:
    """The backups that a topology asks for; ``folder`` is what its paths refer to, ``term`` that of
    a leader among several hosts. Raises `StartError` where their secret cannot be read."""
    config = topology.bridge.backup
    secret = read_secret(folder / config.secret, "bridge.backup.secret") if config.secret else ""
    return Backups(
        topology.bridge.database,
        state,
        state / config.folder,
        hours=config.every_hours,
        keep=config.keep,
        secret=secret,
        term=term,
    )


def read_secret(path: Path, setting: str) -> str:
    """A secret from a file of its own. Raises `StartError`."""
    try:
        secret = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise StartError(f"The secret {path} ({setting}) cannot be read.") from None
    if len(secret) < MIN_SECRET:
        raise StartError(f"The secret in {path} has less than {MIN_SECRET} characters.")
    return secret
