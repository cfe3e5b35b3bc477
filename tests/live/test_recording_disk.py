"""A programme process on a disk of its own that is full, turns read-only, or is unmounted: each is
said, costs that recording, and the next one works."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.programme import finishing
from bridge.programme import orders as o
from bridge.programme.jobs import Job
from bridge.programme.part import SUFFIX
from tests.live.test_recording_soak import eventually_connected
from tests.paths import ROOT
from tests.programme.test_service import Tap, Told
from tests.waiting import HANG

SIZE = "32k"  # of the disk
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk of its own: root")


class Disk:
    """The disk of a process, in its own mount namespace."""

    def __init__(self, process: asyncio.subprocess.Process, path: Path) -> None:
        self._process = process
        self._path = path

    @property
    def outside(self) -> Path:
        """The disk as others see it."""
        return Path(f"/proc/{self._process.pid}/root{self._path}")

    def run(self, *command: str) -> None:
        """Let the disk be remounted or unmounted."""
        enter = ["nsenter", "--target", str(self._process.pid), "--mount"]
        subprocess.run([*enter, *command, str(self._path)], check=True, timeout=HANG)


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[tuple[Told, Disk]]:
    """A programme process that is shown pictures all the time, and its disk."""
    disk, control, tap = folder / "disk", folder / "c.sock", folder / "t.rtp"
    disk.mkdir()
    process = await asyncio.create_subprocess_exec(
        *("unshare", "--mount", "sh", "-c"),
        f'mount -t tmpfs -o size={SIZE} tmpfs "{disk}" && exec "$@"',
        *("sh", sys.executable, "-m", "bridge.programme"),
        *("--control", str(control), "--tap", str(tap)),
        cwd=ROOT,
        stderr=asyncio.subprocess.DEVNULL,
    )
    reader, writer = await eventually_connected(control)
    sending = Tap(tap)

    async def feed() -> None:
        while True:
            with contextlib.suppress(OSError):  # its queue is full
                sending.show(3)
            await asyncio.sleep(0.05)

    feeding = asyncio.create_task(feed())
    try:
        yield Told(reader, writer), Disk(process, disk)
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
        sending.close()
        writer.close()
        process.kill()
        await process.wait()


@ROOT_ONLY
async def test_disks_that_fail_end_their_recording_and_nothing_else(tmp_path: Path) -> None:
    async with serving(tmp_path) as (told, disk):
        folder = tmp_path / "disk"
        told.write(folder / "r1", free=1)
        await told.news(writing=True)
        assert (await told.news(writing=False)).problem == "space"
        [part] = (disk.outside / "r1").glob("*" + SUFFIX)
        assert finishing.scan(part).clusters, "what was written before plays"
        with pytest.raises(OSError, match="space"):
            finishing.finish(Job(folder=str(part.parent), file="r.mkv", title=""))
        assert [path.name for path in part.parent.iterdir()] == [part.name]
        part.unlink()
        disk.run("mount", "-o", "remount,ro")
        told.write(folder / "r2", free=1)
        assert (await told.news(writing=False)).problem == "folder"
        disk.run("mount", "-o", "remount,rw")
        told.write(folder / "r3", free=1)
        assert await told.news(writing=True) == o.Writing(recording="r3", writing=True)
        disk.run("umount", "--lazy")
        assert (await told.news(writing=False)).problem == "folder"
        told.write(tmp_path / "r4", free=1)
        assert await told.news(writing=True) == o.Writing(recording="r4", writing=True)
