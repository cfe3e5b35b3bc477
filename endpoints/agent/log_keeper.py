"""The last lines of the agent's log, which the bridge may ask for."""

from __future__ import annotations

import collections
import logging

from bridge.base import logs

LINES = 400
SENT = 30_000  # characters


class LogKeeper(logging.Handler):
    """Keeps the last `LINES` lines of the log, redacted like the log itself."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: collections.deque[str] = collections.deque(maxlen=LINES)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        self.lines.append(text if record.levelno <= logging.DEBUG else logs.redacted(text))

    def text(self) -> str:
        """What is kept, at most its last `SENT` characters."""
        return "\n".join(self.lines)[-SENT:]
