"""A process that has loaded everything and waits, so that a control process which was killed is
there again without loading it anew."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable
from types import FrameType

from bridge.base.end_with_parent import end_with

MOST, WITHIN = 5, 10.0  # deaths in so many seconds: what dies while it begins is left to others
PASSED_ON = (signal.SIGTERM, signal.SIGINT)

log = logging.getLogger("control")


def stay(clock: Callable[[], float] = time.monotonic) -> None:
    """Return in a child process, and in another one whenever a signal has ended the one before.
    The process that calls stays behind and ends as its last child does: with its exit code, after
    SIGTERM and SIGINT, which are passed on, and where children die too often. To be called before
    there are threads. A child ends with its parent."""
    gc.freeze()  # what is loaded stays one copy for both
    child = 0
    told = False

    def pass_on(number: int, _: FrameType | None) -> None:
        nonlocal told
        told = True
        if child:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, number)

    before = {number: signal.signal(number, pass_on) for number in PASSED_ON}
    deaths: deque[float] = deque(maxlen=MOST)
    parent, code, over = os.getpid(), 0, False
    while True:
        # From here on a signal waits for the next child; one that came before had none to go to.
        signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
        if over or told:
            sys.exit(code if code >= 0 else 128 - code)
        child = os.fork()
        if child == 0:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
            _end_with(parent)
            return
        signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        child = 0
        deaths.append(clock())
        over = code >= 0 or (len(deaths) == MOST and deaths[-1] - deaths[0] < WITHIN)
        if not over and not told:
            log.error("the control process was ended; another one begins", extra={"signal": -code})


def _end_with(parent: int) -> None:
    """Let this process end when its parent does, and be the one that systemd watches."""
    end_with(parent)
    if "WATCHDOG_PID" in os.environ:
        os.environ["WATCHDOG_PID"] = str(os.getpid())
