"""A host of two is lost with everything on it: a room's page in a real browser, a simulated point
and its agent are with the other one, and see each other. No moment is compared with a bound."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.conference.model import PointId
from endpoints.simulation.points import simulated_peer
from tests import databases
from tests.live.browsers import chromium, open_room, sees
from tests.live.served import Served
from tests.live.support import simulated_points
from tests.live.test_hosts import children_of, opened, two_hosts
from tests.paths import ROOT
from tests.waiting import HANG, eventually

pytestmark = pytest.mark.browser

ROOM, POINT, OTHER = "khoan-du", "chi-ne", "hoi-truong"
PICTURES = """async () => {
  const found = [...((await room.media.pc?.getStats()) ?? new Map()).values()];
  const pictures = found.filter((s) => s.type === "inbound-rtp" && s.kind === "video");
  return pictures.filter((s) => s.framesDecoded > 3).length;
}"""


def lose(host: Served) -> None:
    """Kill all processes of a host, its media worker too."""
    assert host.process is not None
    (control,) = children_of(host.process.pid)
    for process in (host.process.pid, control, *children_of(control)):
        with contextlib.suppress(ProcessLookupError):  # some children are there for a while only
            os.kill(process, signal.SIGKILL)


async def test_rooms_points_and_agents_follow_the_host_that_leads(
    tmp_path: Path, postgres: str
) -> None:
    async with two_hosts(tmp_path, databases.new_database(postgres)) as (a, b):
        numbers = {p.id: n for n, p in enumerate(a.topology.points, 1)}
        peer = simulated_peer(
            a.url,
            POINT,
            a.keys[PointId(POINT)],
            numbers[POINT],
            light=True,
            names={n: p for p, n in numbers.items()},
        )
        running = asyncio.create_task(peer.run())

        def seen() -> set[str]:
            return {report["point"] for report in peer.observations.reports()}

        try:
            async with (
                simulated_points(a, [OTHER], light=True),  # type: ignore[arg-type]
                chromium(numbers[ROOM]) as browser,
            ):
                page = await open_room(browser, a, ROOM)  # type: ignore[arg-type]
                conference = await opened(a)
                await a.until_present(conference, 3)
                others = {point: numbers[point] for point in (POINT, OTHER)}
                await sees(page, others)
                await eventually(lambda: {ROOM, OTHER} <= seen())
                await page.evaluate("globalThis.loaded = 'once'; globalThis.before = room.media.pc")
                lose(a)
                await b.healthy()
                await b.until_present(conference, 3)
                # Until it has come over it shows its last pictures.
                await page.wait_for_function("() => room.media.pc && room.media.pc !== before")
                await page.wait_for_function(f"async () => (await ({PICTURES})()) >= 2")
                await sees(page, others)
                assert await page.evaluate("loaded") == "once", "it was not loaded anew"
                assert page.url.startswith(a.url)
                assert await page.evaluate("room.connection.environment.hosts.followed") == b.url
                assert not page.problems  # type: ignore[attr-defined]
                await eventually(lambda: {ROOM, OTHER} <= seen())
                async with asyncio.timeout(HANG):  # each look is a call: no busy loop
                    while not (await b.call("GET", f"/points/{OTHER}"))["agent"]:
                        pass
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def test_the_demo_with_two_hosts_verifies_everything_before_and_after(
    tmp_path: Path, postgres: str
) -> None:
    """``postgres`` skips this where there is none; the demo has one of its own."""
    report = tmp_path / "r.json"
    line = ("demo", "--hosts", "2", "--points", "3", "--seconds", "2", "--no-browser")
    done = subprocess.run(
        [sys.executable, "bridge.py", *line, "--report", str(report)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=8 * HANG,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(report.read_text("utf-8"))
    assert found["ok"]
    for half in (found, found["before"]):
        assert half["pictures"] == half["sounds"] == {"expected": 6, "verified": 6}
    assert all(seconds > 0 for seconds in found["lost"].values())
    assert "The host b leads," in done.stdout


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for temporary files of whoever it is: PostgreSQL runs as another user, to whom
    pytest's are closed."""
    with tempfile.TemporaryDirectory(prefix="diem-cau-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o755)
        yield Path(made)


async def test_the_demo_takes_its_hosts_and_their_database_along_when_it_is_killed(
    folder: Path, postgres: str
) -> None:
    demo = await asyncio.create_subprocess_exec(
        *(sys.executable, "bridge.py", "demo", "--hosts", "2", "--points", "2", "--no-browser"),
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )

    def left() -> int:
        """How many processes have a file of the demo in their command lines."""
        lines = [command_line(path) for path in Path("/proc").glob("[0-9]*")]
        return sum(str(folder).encode() in line for line in lines)

    assert demo.stdout is not None
    try:
        async with asyncio.timeout(4 * HANG):  # its two hosts start one after the other
            async for line in demo.stdout:
                if b"waits:" in line:
                    break
            else:
                pytest.fail("the demo has ended by itself")
        # Two hosts of two processes, a media worker, the database.
        await eventually(lambda: left() >= 6)
    finally:
        with contextlib.suppress(ProcessLookupError):
            demo.kill()
        await demo.wait()
    await eventually(lambda: not left())


def command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""  # it has ended
