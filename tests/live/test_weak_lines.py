"""A real browser's room behind the kernel's own narrow line, with and without the policy for it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from typing import Any

import pytest

from benchmarks.weak_room.expected import ROWS
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


Found = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """The figures of the benchmark's two rows by variant and name, both taken in one meeting."""
    path = tmp_path_factory.mktemp("weak") / "figures.json"
    rows = [text for row in (NARROW, LOSSY) for text in ("--row", str(row))]
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.weak_lines", "--json", str(path), *rows], cwd=ROOT
    )
    try:
        assert child.wait(LIMIT) == 0
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGINT)  # it removes its namespaces
            child.wait()
    figures: Found = json.loads(path.read_text("utf-8"))
    return figures


def of_row(found: Found, row: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A row's figures without the policy and with it."""
    name = ROWS[row].name
    return found["without"][name], found["with"][name]


def test_600_kbit_down_keeps_the_sound_that_was_lost_before(found: Found) -> None:
    """3 Mbit/s meet a line of 600 kbit/s. Without the policy the line stays full and a quarter of
    the sound is made up; with it the room is sent what the line carries, sound first. How many
    pictures that leaves depends on the machine, which encodes for two browsers: see the table."""
    without, aware = of_row(found, NARROW)
    if without["queue"] < FULL:
        pytest.skip("this machine was too busy to send more than the line carries")
    assert aware["room"]["concealed"] < without["room"]["concealed"]
    assert aware["queue"] < without["queue"]


def test_a_line_that_loses_a_third_is_understood(found: Found) -> None:
    """30 % of all packets are lost both ways. Sound is sent again with later packets, in either
    direction, so that most of it is whole; without that a fifth and more is made up."""
    without, aware = of_row(found, LOSSY)
    # What a busy machine makes up by itself is known from before the line lost anything.
    machine = {"without": without["base"]["concealed"], "with": aware["base"]["concealed"]}
    if max(machine.values()) > STARVED:
        pytest.skip("this machine was too busy to bring sound over a line that loses nothing")
    # The bridge repeats as often as it takes; browsers repeat one frame, and busy ones are late.
    for heard, share in (("room", 0.5), ("others", 0.85)):
        lost = without[heard]["concealed"] - machine["without"]
        assert aware[heard]["concealed"] - machine["with"] < lost * share, (heard, found)
