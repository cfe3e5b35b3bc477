"""What one process has started ends with it, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.base.end_with_parent import at_the_end
from tests.paths import ROOT
from tests.waiting import HANG

# Both processes hold the output: it ends with the last one.
CHILD = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(print("told to end", flush=True)))
print("waits", flush=True)
while True:
    signal.pause()
"""
PARENT = """
import signal, subprocess, sys
from bridge.base.end_with_parent import told_with_us
subprocess.Popen(told_with_us([sys.executable, "-c", sys.argv[1]]))
signal.pause()
"""
LATE = """
import os, sys
from bridge.base.end_with_parent import end_with
end_with(os.getpid())
print("goes on")
"""
HOLDER = """
import signal, sys
from bridge.base.end_with_parent import at_the_end
with at_the_end(["sh", "-c", 'echo ended > "$0"', sys.argv[1]], 0):
    print("waits", flush=True)
    signal.pause()
"""


def started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_was_started_is_told_to_end(number: signal.Signals) -> None:
    with started(PARENT, CHILD) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "waits\n"
        parent.send_signal(number)
        assert parent.communicate(timeout=HANG)[0] == "told to end\n"


def test_whose_parent_is_gone_already_does_not_begin() -> None:
    with started(LATE) as late:
        assert late.communicate(timeout=HANG)[0] == ""


def test_a_command_runs_where_the_process_is_killed_within_the_block(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with started(HOLDER, str(pipe)) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "waits\n"
        holder.kill()
    assert pipe.read_text("ascii") == "ended\n"


def test_a_command_runs_at_the_end_of_a_block(tmp_path: Path) -> None:
    over = tmp_path / "over"
    with at_the_end(["touch", str(over)], HANG):
        assert not over.exists()
    assert over.exists()
    with pytest.raises(ValueError, match="x"), at_the_end(["rm", str(over)], HANG):
        raise ValueError("x")
    assert not over.exists()
