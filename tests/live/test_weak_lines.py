"""A real browser's room behind the kernel's own narrow line, with and without the policy for it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.paths import ROOT

LIMIT = 900.0  # seconds; only the end of a hang
NARROW, LOSSY = 0, 5  # rows of the benchmark
STARVED = 0.1  # of the sound made up on a line that loses nothing
FULL = 0.2  # seconds queued before a line that is full: the token bucket holds 0.3


def _skip() -> str:
    missing = [name for name in ("ip", "tc", "iptables") if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} is missing"
    return "" if os.geteuid() == 0 else "network namespaces need root"


pytestmark = [
    pytest.mark.first,
    pytest.mark.browser,
    pytest.mark.skipif(bool(_skip()), reason=_skip() or "fine"),
]


async def measured(folder: Path, *rows: int) -> dict[str, dict[str, Any]]:
    """The figures of the benchmark's rows, by variant and name."""
    path = folder / "figures.json"
    arguments = [text for row in rows for text in ("--row", str(row))]
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.weak_lines", "--json", str(path), *arguments),
        cwd=ROOT,
    )
    try:
        async with asyncio.timeout(LIMIT):
            assert await child.wait() == 0
    finally:
        if child.returncode is None:
            child.send_signal(signal.SIGINT)  # it removes its namespaces
            await child.wait()
    found: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8"))
    return found


async def test_600_kbit_down_keeps_the_sound_that_was_lost_before(tmp_path: Path) -> None:
    """3 Mbit/s meet a line of 600 kbit/s. Without the policy the line stays full and a quarter of
    the sound is made up; with it the room is sent what the line carries, sound first. How many
    pictures that leaves depends on the machine, which encodes for two browsers: see the table."""
    found = await measured(tmp_path, NARROW)
    (without,) = found["without"].values()
    (aware,) = found["with"].values()
    if without["queue"] < FULL:
        pytest.skip("this machine was too busy to send more than the line carries")
    assert aware["room"]["concealed"] < without["room"]["concealed"]
    assert aware["queue"] < without["queue"]


async def test_a_line_that_loses_a_third_is_understood(tmp_path: Path) -> None:
    """30 % of all packets are lost both ways. Sound is sent again with later packets, in either
    direction, so that most of it is whole; without that a fifth and more is made up."""
    found = await measured(tmp_path, LOSSY)
    (without,) = found["without"].values()
    (aware,) = found["with"].values()
    # What a busy machine makes up by itself is known from before the line lost anything.
    machine = {"without": without["base"]["concealed"], "with": aware["base"]["concealed"]}
    if max(machine.values()) > STARVED:
        pytest.skip("this machine was too busy to bring sound over a line that loses nothing")
    # The bridge repeats as often as it takes; browsers repeat one frame, and busy ones are late.
    for heard, share in (("room", 0.5), ("others", 0.85)):
        lost = without[heard]["concealed"] - machine["without"]
        assert aware[heard]["concealed"] - machine["with"] < lost * share, (heard, found)
