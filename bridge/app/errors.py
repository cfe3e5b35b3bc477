"""Why a control process cannot start."""

from __future__ import annotations


class StartError(Exception):
    """The control process cannot start; the text says why and what to do."""
