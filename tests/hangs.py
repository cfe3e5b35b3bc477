"""A test that takes longer than its limit fails, and says where every task and thread was."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import traceback
from types import FrameType
from typing import Protocol

import pytest

AGAIN = 60.0  # seconds


class Settings(Protocol):
    """What pytest-timeout hands over of its settings."""

    timeout: float  # seconds


def tasks() -> list[str]:
    """Where every task of the running event loop waits, innermost frame last."""
    try:
        found = asyncio.all_tasks()
    except RuntimeError:
        return []
    texts = []
    for task in found:
        lines = [f"task {task.get_name()}, {task.get_coro()!r}\n"]
        for frame in task.get_stack():
            lines += traceback.format_stack(frame, 1)
        texts.append("".join(lines))
    return texts


def threads() -> list[str]:
    """The stack of every thread, innermost frame last."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    return [
        f"thread {names.get(ident, ident)}\n{''.join(traceback.format_stack(frame))}"
        for ident, frame in sys._current_frames().items()
    ]


@pytest.hookimpl
def pytest_timeout_set_timer(item: pytest.Item, settings: Settings) -> bool:
    """Arm the alarm of a test, in place of pytest-timeout's own, which knows no tasks."""

    def expired(_number: int, _frame: FrameType | None) -> None:
        said = "\n".join([*tasks(), *threads()])
        pytest.fail(f"{item.nodeid} hangs: no end after {settings.timeout:g} s\n{said}", False)

    signal.signal(signal.SIGALRM, expired)
    # Again and again: an exception may end in a task that nobody awaits.
    signal.setitimer(signal.ITIMER_REAL, settings.timeout, AGAIN)
    return True


@pytest.hookimpl
def pytest_timeout_cancel_timer(item: pytest.Item) -> bool:
    """The test has ended."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    return True
