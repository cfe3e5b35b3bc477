"""How functions are compiled. With NUMBA_DISABLE_JIT=1 they are not: they run as Python, slowly,
under any debugger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import config, njit

F = TypeVar("F", bound=Callable[..., Any])

IN_PYTHON: bool = config.DISABLE_JIT  # type: ignore[attr-defined]

# A wrong index is an IndexError and not a write somewhere; it costs some nanoseconds a packet.
_OPTIONS: dict[str, Any] = {"boundscheck": True, "error_model": "numpy"}


def compiled(function: F) -> F:
    """A function that other compiled functions call."""
    # Python does not call it: without a way in from there it is compiled in half the time.
    options = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, **_OPTIONS}
    made: F = njit(**options)(function)
    return made


def entry(function: F) -> F:
    """A function that Python calls. It is kept on disk, with all that it calls in it. Other
    threads of Python run meanwhile: one of them may wait for the network for long."""
    made: F = njit(cache=True, nogil=True, **_OPTIONS)(function)
    return made
