"""A child is begun anew where a signal ended it, and only there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.paths import ROOT
from tests.waiting import HANG

# Prints its number and does what it reads: ends with a code, or waits for a signal.
CHILD = """
import itertools, logging, os, signal, sys
from bridge.app.restarter import stay

class Between(logging.Handler):
    def emit(self, record):  # said when a child has died and the next one is not there yet
        os.kill(os.getpid(), signal.SIGTERM)

if "told" in sys.argv:
    logging.getLogger("control").addHandler(Between())
count = itertools.count()
stay(lambda: next(count) * float(sys.argv[1]))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print(os.getpid(), flush=True)
line = sys.stdin.readline()
sys.exit(int(line))
"""


def started(apart: float, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(apart), *more],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    """Children die an hour apart."""
    with started(3600.0) as made:
        yield made
        made.kill()


def child_of(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def test_one_that_was_killed_is_begun_anew_and_its_code_is_the_last(
    process: subprocess.Popen[str],
) -> None:
    children = []
    for _ in range(7):
        children.append(child_of(process))
        os.kill(children[-1], signal.SIGKILL)
    last = child_of(process)
    assert len({*children, last, process.pid}) == 9
    process.communicate("3\n", timeout=HANG)
    assert process.returncode == 3


def test_a_signal_to_end_is_passed_on(process: subprocess.Popen[str]) -> None:
    child_of(process)
    process.terminate()
    assert process.wait(HANG) == 7


def test_a_signal_between_two_children_begins_no_other() -> None:
    with started(3600.0, "told") as process:
        os.kill(child_of(process), signal.SIGKILL)
        try:
            assert process.wait(HANG) == 128 + signal.SIGKILL
        finally:
            process.kill()


def test_a_child_ends_with_the_process_that_waits(process: subprocess.Popen[str]) -> None:
    child_of(process)
    process.kill()
    assert process.stdout is not None
    assert process.stdout.read() == "", "its end of the pipe is closed"


def test_what_dies_all_the_time_is_left_to_whoever_started_it() -> None:
    with started(1.0) as process:
        for _ in range(5):
            os.kill(child_of(process), signal.SIGKILL)
        assert process.wait(HANG) == 128 + signal.SIGKILL
