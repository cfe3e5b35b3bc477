"""Two PostgreSQL servers on 127.0.0.1, one a streaming copy of the other that every commit waits
for; each may be killed, stopped, promoted, lose its disk and be made a copy again."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bridge.base.end_with_parent import at_the_end
from bridge.demo.hosts.own_postgres import TIMEOUT, stopping
from bridge.demo.hosts.own_postgres import binaries as programs
from bridge.demo.point_processes import LOOPBACK
from bridge.demo.ports import free_port

SETTINGS = {
    "max_connections": "60",
    "shared_buffers": "16MB",
    "wal_keep_size": "256MB",
    "wal_log_hints": "on",  # so that pg_rewind may be used
    "checkpoint_timeout": "5min",
    "wal_receiver_timeout": "5s",
    "wal_retrieve_retry_interval": "200ms",
}


class Server:
    """One PostgreSQL in a folder, on a port that stays the same."""

    def __init__(self, name: str, folder: Path, binaries: Path) -> None:
        self.name = name
        self.port = free_port(LOOPBACK, socket.SOCK_STREAM)
        self.data = folder / name
        self._folder, self._binaries = folder, binaries
        self._prefix = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []

    def run(self, program: str, *arguments: str, timeout: float = 60) -> str:
        """A program of PostgreSQL's, as its user; what it prints."""
        done = subprocess.run(
            [*self._prefix, str(self._binaries / program), *arguments],
            check=True,
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=timeout,
        )
        return done.stdout.decode()

    def sql(self, text: str, database: str = "postgres") -> str:
        """What a statement answers, without decoration."""
        where = ("-h", str(self._folder), "-p", str(self.port), "-U", "postgres", database)
        return self.run("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", *where, "-c", text).strip()

    def start(self) -> None:
        options = f"-k {self._folder} -p {self.port} -c listen_addresses=127.0.0.1"
        log = str(self._folder / f"{self.name}.log")
        # pg_ctl's child must not hold our pipe open.
        subprocess.run(
            [
                *self._prefix,
                str(self._binaries / "pg_ctl"),
                *("-D", str(self.data), "-w", "-o", options, "-l", log, "start"),
            ],
            check=True,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
        )

    def stop(self, mode: str = "immediate") -> None:
        """End it, where it runs: ``immediate`` is a power cut, ``fast`` a planned end."""
        if self.runs():
            self.run("pg_ctl", "-D", str(self.data), "-w", "-m", mode, "stop")

    def stops_with_us(self) -> contextlib.AbstractContextManager[None]:
        """It is ended with this process, should that end before it."""
        return at_the_end([*self._prefix, *stopping(self._binaries, self.data)], TIMEOUT)

    def runs(self) -> bool:
        try:
            os.kill(self.process, 0)
        except (OSError, ValueError, IndexError):
            return False
        return True

    @property
    def process(self) -> int:
        """The server's main process."""
        return int((self.data / "postmaster.pid").read_text("utf-8").splitlines()[0])

    def family(self) -> list[int]:
        """Its main process and all children."""
        main = self.process
        children = Path(f"/proc/{main}/task/{main}/children").read_text("ascii").split()
        return [main, *map(int, children)]

    def signal(self, number: int) -> None:
        """Send a signal to every process of it."""
        for process in self.family():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def kill(self) -> None:
        """Kill all its processes at once, as a power cut does."""
        family = self.family()
        for process in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        _gone(family)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def promote(self) -> None:
        """Make a copy a server of its own, which waits for no copy: there is none for now."""
        self.run("pg_ctl", "-D", str(self.data), "-w", "promote")
        self.wait_for_copies("")

    def lose_disk(self) -> None:
        """All its files vanish under it, and what runs of it dies."""
        family = self.family()
        shutil.rmtree(self.data, ignore_errors=True)
        for process in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        _gone(family)
        shutil.rmtree(self.data, ignore_errors=True)

    def wait_for_copies(self, names: str) -> None:
        """Let commits wait for copies of these names; "": for none."""
        self.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        self.sql("SELECT pg_reload_conf()")

    def become_copy_of(self, other: Server) -> None:
        """Throw away what is here, and follow another server, whose commits wait for this one."""
        shutil.rmtree(self.data, ignore_errors=True)
        source = f"host=127.0.0.1 port={other.port} user=postgres application_name={self.name}"
        self.run(
            "pg_basebackup",
            *("-d", source, "-D", str(self.data), "-R", "-X", "stream", "-c", "fast", "--no-sync"),
        )
        self.start()


def _gone(processes: list[int]) -> None:
    """Wait for the end of processes that were killed: a server that begins sooner is told that
    its memory is in use."""
    while any(Path(f"/proc/{process}").exists() for process in processes):
        time.sleep(0.01)


class Pair:
    """Both servers. ``primary`` is written to, ``copy`` follows it."""

    def __init__(self, one: Server, other: Server) -> None:
        self.primary, self.copy = one, other

    @property
    def both(self) -> tuple[Server, Server]:
        return self.primary, self.copy

    def url(self, name: str = "postgres", ports: dict[str, int] | None = None) -> str:
        """The address of a database on both; ``ports`` where others stand before theirs."""
        ports = ports or {}
        where = sorted((s.name, ports.get(s.name, s.port)) for s in self.both)
        hosts = ",".join(f"127.0.0.1:{port}" for _, port in where)
        return f"postgresql://postgres@{hosts}/{name}"

    def together(self) -> None:
        """Make the second a copy of the first, and let commits wait for it."""
        self.copy.become_copy_of(self.primary)
        self.primary.wait_for_copies(self.copy.name)

    def fail_over(self) -> None:
        """The copy takes the place of the primary, which has ended."""
        self.copy.promote()
        self.primary, self.copy = self.copy, self.primary


@contextlib.contextmanager
def pair() -> Iterator[Pair]:
    """Two servers, replicated synchronously. Raises FileNotFoundError where there is no
    PostgreSQL."""
    binaries = programs()
    if binaries is None:
        raise FileNotFoundError("PostgreSQL is missing: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="diem-cau-pair-"))
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
    one, other = Server("a", folder, binaries), Server("b", folder, binaries)
    made = Pair(one, other)
    with one.stops_with_us(), other.stops_with_us():
        try:
            one.run(
                "initdb",
                *("-D", str(one.data), "-A", "trust", "-U", "postgres", "-E", "UTF8", "-N"),
            )
            with (one.data / "postgresql.conf").open("a", encoding="utf-8") as file:
                file.writelines(f"{name} = '{value}'\n" for name, value in SETTINGS.items())
            one.start()
            made.together()
            yield made
        finally:
            for server in (one, other):
                with contextlib.suppress(Exception):
                    server.signal(signal.SIGCONT)
                with contextlib.suppress(Exception):
                    server.stop()
                with contextlib.suppress(Exception):
                    server.kill()
            shutil.rmtree(folder, ignore_errors=True)
