"""A disk that is full or turns read-only, a database that is held or hangs, and a process that
stands still."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeVar

import aiohttp
import pytest

from bridge.store.database import SQLITE
from tests import databases
from tests.live.served import Served
from tests.live.test_demo import children_of, workers_of
from tests.waiting import HANG

SIZE = "8m"  # of the disk
STOPPED = 3.0  # seconds; what ten lead to is in docs/reliability.md
HOLD = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""
NUMBERS = """
import sqlite3, sys
rows = sqlite3.connect(sys.argv[1]).execute(
    "SELECT seq FROM events WHERE conference <> 'network' ORDER BY seq"
)
print(*(row[0] for row in rows))
"""
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk of its own: root")


class SmallDisk(Served):
    """A bridge whose state lies on a disk of its own, in a mount namespace of its own."""

    mounting = "mount -t tmpfs -o size={size},mode=700 tmpfs {state}"

    @property
    def start_line(self) -> list[str]:
        image = self.path.with_name("disk.img")
        mount = self.mounting.format(state=self.state, size=SIZE, image=image)
        start = shlex.join(super().start_line)
        script = f"mkdir -p {self.state}; {mount} && exec {start}"
        return ["unshare", "--mount", "sh", "-c", script]

    @property
    def disk(self) -> Path:
        assert self.process is not None
        return Path(f"/proc/{self.process.pid}/root{self.state}")

    def fill(self) -> None:
        filler = (self.disk / "filler").open("wb", buffering=0)
        with filler, contextlib.suppress(OSError):
            while True:
                filler.write(bytes(4096))

    def inside(self, code: str) -> subprocess.Popen[bytes]:
        """Python beside the process, which sees its disk; ``sys.argv[1]`` is the database."""
        assert self.process is not None
        enter = ["nsenter", "--target", str(self.process.pid), "--mount"]
        return subprocess.Popen(
            [*enter, sys.executable, "-c", code, self.state / SQLITE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )


class FailingDisk(SmallDisk):
    """The same on a file system that turns read-only at its first fault; it is checked and mounted
    again with the next start."""

    mounting = (
        "test -e {image} && e2fsck -p {image} >&2; "
        "test -e {image} || {{ truncate -s 64M {image} && mkfs.ext4 -q {image}; }}; "
        "mount -o loop {image} {state}"
    )

    async def fail(self) -> None:
        """Do what the kernel does at a fault of the disk (errors=remount-ro)."""
        assert self.process is not None
        enter = ["nsenter", "--target", str(self.process.pid), "--mount"]
        abort = [*enter, "mount", "-o", "remount,abort", str(self.state)]
        await asyncio.to_thread(subprocess.run, abort, check=True)


Disk = TypeVar("Disk", bound=Served)


@contextlib.asynccontextmanager
async def serving(made: Disk) -> AsyncIterator[Disk]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=HANG)) as made.http:
        await made.start()
        try:
            yield made
        finally:
            await made.stop()


async def refused(bridge: Served, conference: str) -> str:
    """Direct until it is refused; the refusal."""
    async with asyncio.timeout(HANG):
        number = 0
        while True:
            number += 1
            try:
                await bridge.command(conference, {"type": "banner", "text": f"{number} " * 60})
            except RuntimeError as error:
                return str(error)


async def until_taken(bridge: Served, conference: str) -> int:
    async with asyncio.timeout(HANG):
        while True:
            with contextlib.suppress(RuntimeError):
                return await bridge.command(conference, {"type": "banner", "text": "again"})
            await asyncio.sleep(0.1)


@ROOT_ONLY
async def test_a_disk_that_fills_or_hangs_refuses_and_recovers(tmp_path: Path) -> None:
    """Commands are refused with a sentence (507), pages are served, and nothing is lost."""
    async with serving(SmallDisk(tmp_path)) as bridge:
        opened = await bridge.call("POST", "/conferences", {"template": "giao-ban", "start": True})
        conference = opened["conference"]
        await asyncio.to_thread(bridge.fill)
        assert (await refused(bridge, conference)).startswith("507")
        assert (await bridge.state_of(conference))["seq"] > 0, "it is still read"
        (bridge.disk / "filler").unlink()
        await until_taken(bridge, conference)
        with bridge.inside(HOLD) as other:  # a database that hangs: somebody else holds it
            assert other.stdout is not None
            await asyncio.to_thread(other.stdout.readline)
            assert (await refused(bridge, conference)).startswith("507")
            other.kill()
        last = await until_taken(bridge, conference)
        reader = bridge.inside(NUMBERS)
        out, _ = await asyncio.to_thread(reader.communicate)
        numbers = [int(word) for word in out.split()]
        assert numbers == list(range(1, len(numbers) + 1))
        assert numbers[-1] >= last


@ROOT_ONLY
async def test_a_disk_that_turns_read_only_refuses_and_is_whole_after_a_repair(
    tmp_path: Path,
) -> None:
    """As a full one; and what was acknowledged before is there when it was checked and mounted."""
    async with serving(FailingDisk(tmp_path)) as bridge:
        opened = await bridge.call("POST", "/conferences", {"template": "giao-ban", "start": True})
        conference = opened["conference"]
        last = await until_taken(bridge, conference)
        await bridge.fail()
        assert (await refused(bridge, conference)).startswith("507")
        assert (await bridge.state_of(conference))["seq"] >= last, "it is still read"
        await bridge.stop()
        await bridge.start()
        assert (await bridge.state_of(conference))["seq"] >= last
        after = await bridge.command(conference, {"type": "banner", "text": "after the repair"})
        banners = await bridge.events_since(conference, last, "banner")
        assert [line["seq"] for line in banners] == [after]


async def test_a_postgresql_that_hangs_refuses_and_recovers(tmp_path: Path, postgres: str) -> None:
    """All its processes stand still, and its connections stay open."""
    url = databases.new_database(postgres)
    async with serving(Served(tmp_path, url)) as bridge:
        opened = await bridge.call("POST", "/conferences", {"template": "giao-ban", "start": True})
        conference = opened["conference"]
        last = await until_taken(bridge, conference)
        server = databases.process_of(postgres)
        begun = time.monotonic()
        os.kill(server, signal.SIGSTOP)  # first: then it makes no other
        stopped = [server, *children_of(server)]
        for process in stopped[1:]:
            os.kill(process, signal.SIGSTOP)
        try:
            assert (await refused(bridge, conference)).startswith("507")
            print(f"\nrefused after {time.monotonic() - begun:.1f} s")
            assert (await bridge.state_of(conference))["seq"] >= last, "it is still read"
        finally:
            for process in stopped:
                os.kill(process, signal.SIGCONT)
        begun = time.monotonic()
        async with asyncio.timeout(HANG):
            while await until_taken(bridge, conference) < last:
                pass
        print(f"taken again after {time.monotonic() - begun:.1f} s")


@ROOT_ONLY
async def test_processes_that_stand_still_go_on(tmp_path: Path) -> None:
    """SIGSTOP for a while, and SIGCONT: the same processes go on, and the conference, too."""
    async with serving(SmallDisk(tmp_path)) as bridge:
        assert bridge.process is not None
        opened = await bridge.call("POST", "/conferences", {"template": "giao-ban", "start": True})
        conference = opened["conference"]
        for process in (bridge.process.pid, workers_of(bridge.process.pid)[0]):
            before = (await bridge.state_of(conference))["seq"]
            os.kill(process, signal.SIGSTOP)
            await asyncio.sleep(float(os.environ.get("DIEMCAU_STOPPED", STOPPED)))
            os.kill(process, signal.SIGCONT)
            begun = time.monotonic()
            await bridge.healthy()
            assert await until_taken(bridge, conference) >= before
            print(f"\nprocess {process} went on after {time.monotonic() - begun:.2f} s")
        assert bridge.process.returncode is None
