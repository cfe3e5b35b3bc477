"""A PostgreSQL of our own for a demo or a benchmark, in a folder that is thrown away."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from bridge.app.errors import StartError
from bridge.base.end_with_parent import at_the_end

OWNER = "postgres"  # who runs it where we are root, which PostgreSQL refuses; Debian makes this one
TIMEOUT = 120.0  # seconds for a step, on a slow disk too
DEBIAN = Path("/usr/lib/postgresql")
MISSING = (
    "Two hosts need PostgreSQL, and it is not installed here. Install it: "
    "apt-get install postgresql. Then start this again."
)
CONNECTIONS = 60
# As hosts rely on: PostgreSQL waits for the disk before it says that something is saved.
SETTINGS: Mapping[str, str] = {"listen_addresses": "", "max_connections": str(CONNECTIONS)}


def binaries(debian: Path = DEBIAN) -> Path | None:
    """Where Debian's newest PostgreSQL has its programs, or the one on the path; None: nowhere."""
    found = sorted(debian.glob("*/bin/initdb"), key=lambda path: _version(path.parent.parent.name))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def _version(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.split(".") if part.isdecimal())


@contextlib.contextmanager
def own_postgres() -> Iterator[str]:
    """Run a server on a Unix socket; the address of a fresh, empty database. Raises `StartError`
    with what to do where there is none, or it does not start."""
    programs = binaries()
    if programs is None:
        raise StartError(MISSING)
    folder = Path(tempfile.mkdtemp(prefix="diem-cau-pg-"))
    try:
        prefix: list[str] = []
        if os.getuid() == 0:
            try:
                pwd.getpwnam(OWNER)
            except KeyError:
                raise StartError(
                    f"PostgreSQL does not run as root, and there is no user {OWNER} here. Start "
                    "this as an ordinary user, or: adduser --system --group postgres."
                ) from None
            shutil.chown(folder, OWNER, OWNER)
            prefix = ["runuser", "-u", OWNER, "--"]
        data = folder / "data"

        def run(program: str, *arguments: str) -> None:
            _run([*prefix, str(programs / program), *arguments], folder / "log")

        run("initdb", "-D", str(data), "-A", "trust", "-U", OWNER, "-E", "UTF8", "--no-sync")
        options = " ".join(f"-c {name}='{value}'" for name, value in SETTINGS.items())
        control = ("-D", str(data), "-w", "-l", str(folder / "log"))
        with at_the_end([*prefix, *stopping(programs, data)], TIMEOUT):
            run("pg_ctl", *control, "-o", f"{options} -k {folder}", "start")
            run("createdb", "-h", str(folder), "-U", OWNER, "diem_cau")
            yield f"postgresql://{OWNER}@/diem_cau?host={folder}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def stopping(programs: Path, data: Path) -> list[str]:
    """What ends the server of a folder at once."""
    return [str(programs / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop"]


def _run(command: list[str], log: Path) -> None:
    try:
        done = subprocess.run(
            command,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StartError(f"PostgreSQL could not be started: {error}.") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        with contextlib.suppress(OSError):
            said = said or log.read_text("utf-8", "replace")[-500:]
        raise StartError(f"PostgreSQL could not be started: {said or command[0]}")
