"""Why a control process cannot start."""

from __future__ import annotations


class StartError(Exception):
    """The control process cannot start; the text says why and what to do. ``code`` is the
    process's exit code."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code
