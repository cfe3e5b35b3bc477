"""What a programme process tells of a folder in which it cannot record; each costs that recording
and nothing else. The process is a task of the test."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.programme import orders as o
from bridge.programme.part import SUFFIX
from bridge.programme.service import Service, problem_of
from tests.programme.support import picture_packets, vp8_frames
from tests.waiting import HANG, eventually

FREE = 1 << 20


class Told:
    """The control process of a service."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def order(self, order: o.Order) -> None:
        self._writer.write(o.encoder.encode(order) + b"\n")

    def write(self, folder: Path, free: int = FREE) -> None:
        self.order(o.Write(recording=folder.name, folder=str(folder), codec="vp8", free=free))

    async def news(self, *, writing: bool) -> o.Writing:
        """The next news that says so."""
        async with asyncio.timeout(HANG):
            while True:
                found = o.news_decoder.decode(await self._reader.readline())
                if isinstance(found, o.Writing) and found.writing == writing:
                    return found


class Tap:
    """Sends pictures as the media worker does."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._number = self._sequence_number = 0

    def show(self, count: int = 5) -> None:
        frames = vp8_frames(60)
        for _ in range(count):
            for packet in picture_packets(
                frames[self._number % 60], self._number, self._sequence_number
            ):
                self._socket.sendto(packet, self._path)
                self._sequence_number += 1
            self._number += 1

    def close(self) -> None:
        self._socket.close()


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[tuple[Told, Tap]]:
    control, tap = folder / "c.sock", folder / "t.rtp"
    service = Service(control, tap, 60.0)
    running = asyncio.create_task(service.run())
    await eventually(control.exists)
    reader, writer = await asyncio.open_unix_connection(str(control))
    sending = Tap(tap)
    try:
        yield Told(reader, writer), sending
    finally:
        sending.close()
        writer.write(o.encoder.encode(o.Shutdown()) + b"\n")
        async with asyncio.timeout(HANG):
            await running
        writer.close()


async def recorded(told: Told, tap: Tap, folder: Path) -> None:
    """Recording works here."""
    told.write(folder)
    tap.show()
    assert await told.news(writing=True) == o.Writing(recording=folder.name, writing=True)


async def test_a_folder_that_is_missing_or_a_file_is_said_and_the_next_one_works(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").touch()
    async with serving(tmp_path) as (told, tap):
        for folder in (tmp_path / "gone" / "r1", tmp_path / "file" / "r1", tmp_path / "file"):
            told.write(folder)
            assert (await told.news(writing=False)).problem == "folder"
        assert not (tmp_path / "gone").exists(), "nothing is made where a disk should be"
        await recorded(told, tap, tmp_path / "r2")


async def test_too_little_space_is_said_before_anything_is_written(tmp_path: Path) -> None:
    async with serving(tmp_path) as (told, tap):
        told.write(tmp_path / "r1", free=1 << 60)
        assert (await told.news(writing=False)).problem == "space"
        assert not list((tmp_path / "r1").iterdir())
        await recorded(told, tap, tmp_path / "r2")


async def test_a_folder_that_goes_away_ends_its_recording(tmp_path: Path) -> None:
    async with serving(tmp_path) as (told, tap):
        await recorded(told, tap, tmp_path / "r1")
        shutil.rmtree(tmp_path / "r1")
        assert (await told.news(writing=False)).problem == "folder"
        await recorded(told, tap, tmp_path / "r2")


@pytest.mark.parametrize(
    ("number", "problem"), [(errno.ENOSPC, "space"), (errno.EROFS, "folder"), (errno.EIO, "failed")]
)
async def test_a_disk_that_fails_while_writing_ends_its_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, problem: str
) -> None:
    async with serving(tmp_path) as (told, tap):
        await recorded(told, tap, tmp_path / "r1")
        whole = os.write

        def write(descriptor: int, data: bytes) -> int:
            if os.readlink(f"/proc/self/fd/{descriptor}").endswith(SUFFIX):
                raise OSError(number, os.strerror(number))
            return whole(descriptor, data)

        monkeypatch.setattr(os, "write", write)
        assert (await told.news(writing=False)).problem == problem
        monkeypatch.setattr(os, "write", whole)
        await recorded(told, tap, tmp_path / "r2")


@pytest.mark.parametrize(
    ("number", "problem"),
    [
        (errno.EDQUOT, "space"),
        (errno.ENOENT, "folder"),
        (errno.EACCES, "folder"),
        (errno.ESTALE, "folder"),
        (errno.ENOTCONN, "folder"),
        (errno.EMFILE, "failed"),
        (None, "failed"),
    ],
)
def test_what_people_are_told_of_an_error(number: int | None, problem: str) -> None:
    error = OSError() if number is None else OSError(number, "x")
    assert problem_of(error) == problem


async def test_segments_are_made_and_taken_away_beside_a_recording(tmp_path: Path) -> None:
    """A folder that cannot be written costs who watches, and not the recording."""
    folder = tmp_path / "p.hls"
    async with serving(tmp_path) as (told, tap):
        await recorded(told, tap, tmp_path / "r1")
        (tmp_path / "file").touch()
        told.order(o.Package(folder=str(tmp_path / "file" / "x"), codec="vp8"))
        told.order(o.Package(folder=str(folder), codec="vp8"))
        await eventually((folder / "index.m3u8").exists)
        await eventually(lambda: bool(list(folder.glob("*.m4s"))))
        told.order(o.Unpack())
        await eventually(lambda: not list(folder.glob("*.m4s")))
        told.order(o.Hello(version=o.VERSION))
        tap.show()
        told.order(o.Rest())
        assert (await told.news(writing=False)).problem == ""
