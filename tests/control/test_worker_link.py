"""The control process's side of a worker: what it does while there is none, and cancellation. Where
the worker is a real process the test is live."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bridge.control import spare_worker, worker_link
from bridge.control.worker_link import WorkerLink
from bridge.media import messages as m
from tests.waiting import HANG, eventually


class FakeWriter:
    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.lines.append(data)


def link(tmp_path: Path, *, spare: bool = False, lost: list[str] | None = None) -> WorkerLink:
    return WorkerLink(
        spare=spare,
        control=tmp_path / "w.sock",
        hosts=["127.0.0.1"],
        port=0,
        with_parent=True,
        on_event=lambda _: None,
        on_down=lambda: lost.append("worker") if lost is not None else None,
    )


async def test_without_a_worker(tmp_path: Path) -> None:
    worker = link(tmp_path)
    assert await worker.stats() is None
    worker.send(m.Close(transport="x"))
    assert worker.pid is None


async def test_a_worker_that_dies_is_no_cancelled_caller(tmp_path: Path) -> None:
    worker: Any = link(tmp_path)
    worker._writer = FakeWriter()
    asking = asyncio.create_task(worker.stats())
    await asyncio.sleep(0)
    for future in worker._requests.values():
        future.cancel()
    assert await asking is None


async def test_a_cancelled_caller_is_cancelled(tmp_path: Path) -> None:
    worker: Any = link(tmp_path)
    worker._writer = FakeWriter()
    asking = asyncio.create_task(worker.stats())
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_a_worker_that_cannot_start_is_tried_again(tmp_path: Path) -> None:
    worker: Any = link(tmp_path)
    worker._hosts = ["192.0.2.77"]  # an address this machine does not have
    running = asyncio.create_task(worker.run())
    await eventually(lambda: worker.starts >= 2)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await worker.shutdown()
    assert not worker.ready.is_set()


async def foreign_worker(tmp_path: Path) -> asyncio.subprocess.Process:
    """A worker that somebody else has started: what a control process finds after a restart."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge.media", "--listen", "127.0.0.1"),
        *("--control", str(tmp_path / "w.sock")),
    )
    await eventually(lambda: listens(tmp_path / "w.sock"))
    return process


def listens(path: Path) -> bool:
    """Whether somebody takes connections there; the file alone is there a moment earlier."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


@pytest.mark.live
@pytest.mark.parametrize("stopped_before", [False, True], ids=["hangs later", "hangs already"])
async def test_an_adopted_worker_that_hangs_is_replaced(
    tmp_path: Path, stopped_before: bool
) -> None:
    """It is ended, though somebody else has started it, and though it may never have answered."""
    process = await foreign_worker(tmp_path)
    worker = link(tmp_path)
    if stopped_before:
        process.send_signal(signal.SIGSTOP)
    running = asyncio.create_task(worker.run())
    try:
        await eventually(lambda: worker.connected)
        if not stopped_before:
            await eventually(worker.ready.is_set)
            process.send_signal(signal.SIGSTOP)
        assert worker.pid == process.pid
        worker.kill()
        await eventually(worker.ready.is_set if stopped_before else lambda: worker.starts)
        await eventually(worker.ready.is_set)
        assert worker.pid not in (None, process.pid)
        assert await process.wait() == -signal.SIGKILL
    finally:
        running.cancel()
        await worker.shutdown()
        await asyncio.gather(running, return_exceptions=True)
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.live
async def test_a_worker_that_is_another_process_s_is_left_alone(tmp_path: Path) -> None:
    """What has not been taken by a worker neither ends it nor starts another beside it."""
    refusals = 0

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal refusals
        await reader.readline()
        refusals += 1
        writer.write(m.encoder.encode(m.Error(command="hello", detail="Process 7.")) + b"\n")
        writer.close()

    server = await asyncio.start_unix_server(refuse, path=tmp_path / "w.sock")
    worker = link(tmp_path)
    running = asyncio.create_task(worker.run())
    await eventually(lambda: refusals >= 2)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    server.close()
    assert worker.starts == 0
    assert not worker.connected


# --- a spare worker ------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def with_spare(
    tmp_path: Path, patch: pytest.MonkeyPatch, lost: list[str]
) -> AsyncIterator[WorkerLink]:
    """A worker and a spare one that is ready. Python forwards: compiled code would take long."""
    patch.setenv("DIEMCAU_HOT_PATH", "python")
    patch.setattr(spare_worker, "SETTLING", 0.0)
    patch.setattr(spare_worker, "RESTART_DELAY", 0.01)
    patch.setattr(spare_worker, "STARTING", 1_000_000)
    patch.setattr(worker_link, "END_TIMEOUT", HANG)
    worker = link(tmp_path, spare=True, lost=lost)
    running = asyncio.create_task(worker.run())
    assert worker.spare is not None
    try:
        await eventually(lambda: worker.ready.is_set() and worker.spare and worker.spare.ready)
        yield worker
    finally:
        pids = [pid for pid in (worker.pid, worker.spare.pid) if pid is not None]
        running.cancel()
        await worker.shutdown()
        await asyncio.gather(running, return_exceptions=True)
        await eventually(lambda: not [p for p in pids if Path(f"/proc/{p}").exists()])


async def killed(worker: WorkerLink) -> None:
    """Kill the active worker, and wait for its successor."""
    before = worker.pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    await eventually(lambda: worker.ready.is_set() and worker.pid not in (None, before))


@pytest.mark.live
async def test_a_spare_worker_takes_the_place_of_one_that_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice, so that what took over is replaced, too. Its inventory tells that media is gone."""
    lost: list[str] = []
    monkeypatch.setattr(spare_worker, "TAKE_OVER_TIMEOUT", HANG)
    async with with_spare(tmp_path, monkeypatch, lost) as worker:
        assert worker.spare is not None
        for _ in range(2):
            await eventually(lambda: worker.ready.is_set() and worker.spare and worker.spare.ready)
            spare = worker.spare.pid
            await killed(worker)
            assert worker.pid == spare
            stats = await worker.stats()
            assert stats is not None
            assert not stats.transports
        assert lost == []


@pytest.mark.live
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["dead", "hanging"])
async def test_a_worker_is_started_where_the_spare_one_cannot_take_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    lost: list[str] = []
    monkeypatch.setattr(spare_worker, "TAKE_OVER_TIMEOUT", 0.2)
    async with with_spare(tmp_path, monkeypatch, lost) as worker:
        assert worker.spare is not None
        assert worker.spare.pid is not None
        spare = worker.spare.pid
        os.kill(spare, how)
        await killed(worker)
        assert worker.pid != spare
        assert lost == ["worker"]
        await eventually(lambda: not Path(f"/proc/{spare}").exists())


@pytest.mark.live
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["dead", "hanging"])
async def test_a_spare_worker_that_is_lost_is_replaced_and_no_conference_notices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    lost: list[str] = []
    monkeypatch.setattr(spare_worker, "INTERVAL", 0.05)
    monkeypatch.setattr(spare_worker, "HANGING_AFTER", 40)
    async with with_spare(tmp_path, monkeypatch, lost) as worker:
        assert worker.spare is not None
        first, active = worker.spare.pid, worker.pid
        assert first is not None
        os.kill(first, how)
        await eventually(
            lambda: worker.spare and worker.spare.ready and worker.spare.pid not in (None, first)
        )
        assert worker.pid == active
        assert lost == []


@pytest.mark.live
async def test_a_spare_worker_ends_with_its_control_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has neither socket nor port, and goes where the line to it ends."""
    async with with_spare(tmp_path, monkeypatch, []) as worker:
        spare: Any = worker.spare
        pid = spare.pid
        names = [os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir()]
        assert sum(name.startswith("socket:") for name in names) <= 1 + 2, names  # and asyncio's
        spare._line.close()
        await eventually(lambda: not Path(f"/proc/{pid}").exists())


async def test_a_spare_worker_that_has_just_been_started_ends_with_who_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control process ends after the start and before the line to it stands."""
    monkeypatch.setattr(spare_worker, "SETTLING", 0.0)
    opening = asyncio.Event()

    async def never(**_: Any) -> None:
        opening.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio, "open_unix_connection", never)
    spare = spare_worker.SpareWorker([sys.executable, "-c", "import time; time.sleep(600)"])
    active = asyncio.Event()
    active.set()
    running = asyncio.create_task(spare.run(active))
    await opening.wait()
    pid = spare.pid
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert pid is not None
    assert not Path(f"/proc/{pid}").exists()
    assert spare.pid is None
