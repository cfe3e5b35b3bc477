"""Processes that end with the one that started them, however that ended.

``python -m bridge.base.end_with_parent PARENT COMMAND…`` is a command that is told to end (SIGTERM)
when the process ``PARENT``, which started it, is gone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence

PR_SET_PDEATHSIG = 1  # prctl(2)
# Its input is a pipe that nobody writes to: it closes with the process at the other end.
AT_THE_END = 'cat >/dev/null; exec "$@"'


def end_with(parent: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Let the system send this process a signal when its parent is gone. A program that takes its
    place (exec) gets it, too, unless it is another user's."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it ended in between
        os._exit(1)


def told_with_us(command: Sequence[str]) -> list[str]:
    """What starts a command that is told to end with this process; to be run in the folder of this
    program."""
    return [sys.executable, "-m", "bridge.base.end_with_parent", str(os.getpid()), *command]


@contextlib.contextmanager
def at_the_end(command: Sequence[str], patience: float) -> Iterator[None]:
    """Run a command at the end of a block, or with this process where that ends before: for what
    is started by one process and runs on in another one. Whether it succeeds is not looked at; it
    is waited for ``patience`` seconds at most."""
    with subprocess.Popen(
        ["sh", "-c", AT_THE_END, "sh", *command],
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # no Ctrl-C reaches it
    ) as waiting:
        try:
            yield
        finally:
            assert waiting.stdin is not None
            waiting.stdin.close()
            try:
                waiting.wait(patience)
            except subprocess.TimeoutExpired:
                waiting.kill()


if __name__ == "__main__":
    end_with(int(sys.argv[1]), signal.SIGTERM)
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - what our own program asks for
