"""Reading a topology that somebody pasted, as work for a process of its own
(`bridge.base.limited`)."""

from __future__ import annotations

from typing import Any

from config.loader import ConfigError, loads


def answer(request: dict[str, str]) -> dict[str, Any]:
    """The checked topology, or the problems of its text; `bridge.base.limited_work` calls this."""
    try:
        return {"topology": loads(request["text"], "topology").model_dump(mode="json")}
    except ConfigError as error:
        return {"problems": [[p.line, p.column, p.path, p.sentence] for p in error.problems]}
