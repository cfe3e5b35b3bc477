"""Logs of every process: JSON for the journal, readable on a terminal, with the ids of
conference, point and command in the context.

No log above *debug* holds an address, a token, a password or a person's name. Call sites say none,
and `redacted` takes out what a library, an exception or a peer's text brings in all the same.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REPEAT_WINDOW = 60.0  # seconds
FREE_REPEATS = 3  # lines alike in a window that are all said
REPEATS_KNOWN = 500  # kinds of lines that are told apart
LEVEL = "DIEM_CAU_LOG_LEVEL"  # of the environment: DEBUG, INFO, WARNING or ERROR

FOUR = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\d)(?::\d+)?")  # 192.0.2.1:5004
SIX = re.compile(r"(?<![\w:.])\[?([0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)(?:%\w+)?\]?(?::\d+)?")
TOKEN = re.compile(
    # token_urlsafe: long, of capitals, small letters and others; hexadecimal: of ICE, of keys
    r"(?<![\w-])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])(?=[\w-]*[\d_-])[\w-]{22,}(?![\w-])"
    r"|(?<![\w-])[0-9a-f]{24,}(?![\w-])"
)
SECRET = re.compile(r"(?i)(ice-pwd|ice-ufrag|password|authorization|token|key)(\s*[:=]\s*)(\S+)")
PERSON = re.compile(r"\buser:[a-z][a-z0-9._-]*")


def redacted(text: str) -> str:
    """A text without addresses, tokens, passwords and names of accounts."""
    text = SECRET.sub(lambda m: f"{m[1]}{m[2]}[secret]", text)
    text = PERSON.sub("user:[name]", text)
    text = TOKEN.sub("[token]", text)
    return SIX.sub(_six, FOUR.sub("[address]", text))


def _six(found: re.Match[str]) -> str:
    """What looks like an IPv6 address and is one; times of day are none."""
    candidate = found[1].rstrip(".")
    try:
        address = ipaddress.IPv6Address(candidate)
    except ValueError:
        return found[0]
    rest = found[0][found[0].index(candidate) + len(candidate) :]
    return found[0] if address.is_unspecified else "[address]" + ("." if rest == "." else "")


def _redact(_logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    if event.get("level", method) == "debug":
        return event
    for key, value in event.items():
        if isinstance(value, str) and key not in ("timestamp", "level", "logger"):
            event[key] = redacted(value)
        elif not isinstance(value, bool | int | float | None) and not key.startswith("_"):
            event[key] = redacted(str(value))
    return event


class Repeats(logging.Filter):
    """Passes three alike warnings or errors a minute; the first after that says how many were
    dropped: what a stranger can cause as often as he likes must not fill a disk. ``clock`` is
    monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._seen: dict[tuple[str, str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        key = (record.name, str(record.msg), kind)
        now = self._clock()
        since, count = self._seen.pop(key, (now, 0))
        if now - since >= REPEAT_WINDOW:
            if count > FREE_REPEATS:
                record.msg = f"{record.msg} (and {count - FREE_REPEATS} more like it before)"
            since, count = now, 0
        self._seen[key] = (since, count + 1)
        while len(self._seen) > REPEATS_KNOWN:
            del self._seen[next(iter(self._seen))]
        return count < FREE_REPEATS


def _level() -> int:
    named = logging.getLevelNamesMapping().get(os.environ.get(LEVEL, "INFO").upper())
    return named if named is not None else logging.INFO


def configure(stream: TextIO | None = None, *, process: str = "") -> None:
    """Send all logs of this process to ``stream`` (standard error), each with the name of the
    ``process``. Once a process; a second call replaces the first."""
    out = stream if stream is not None else sys.stderr
    people = out.isatty()

    def name(_logger: Any, _method: str, event: EventDict) -> EventDict:
        """Not a context variable: a thread has a context of its own."""
        if process:
            event.setdefault("process", process)
        return event

    shared: list[Processor] = [
        name,
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _redact,
    ]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(
            colors=True, exception_formatter=structlog.dev.plain_traceback
        )
        if people
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    handler.addFilter(Repeats(time.monotonic))
    root = logging.getLogger()
    for before in list(root.handlers):
        root.removeHandler(before)
    root.addHandler(handler)
    root.setLevel(_level())
    logging.captureWarnings(True)  # else they stand between the lines as plain text


@contextlib.contextmanager
def context(**ids: Any) -> Iterator[None]:
    """Everything logged inside (also by what it calls and awaits) has these ids; None and ""
    are left out."""
    known = {name: str(value) for name, value in ids.items() if value}
    with structlog.contextvars.bound_contextvars(**known):
        yield
