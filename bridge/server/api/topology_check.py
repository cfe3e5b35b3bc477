"""Checking a topology that somebody pasted, as work for a process of its own
(`bridge.base.limited`)."""

from __future__ import annotations

from typing import Any

from bridge.base.limited import OverLimitError, limited
from config.loader import ConfigError, loads
from config.schema import Topology
from config.yaml_tree import Problem

SECONDS = 10.0  # of CPU; one of 500 points takes less than two
MEMORY = 1 << 30  # octets


def answer(request: dict[str, str]) -> dict[str, Any]:
    """The checked topology, or the problems of its text; `bridge.base.limited` calls this."""
    try:
        return {"topology": loads(request["text"], "topology").model_dump(mode="json")}
    except ConfigError as error:
        return {"problems": [[p.line, p.column, p.path, p.sentence] for p in error.problems]}


async def check(text: str) -> Topology:
    """The topology that a text describes. Raises `ConfigError` for a text with problems, and for
    one that takes too long to read."""
    try:
        found = await limited(__name__, {"text": text}, seconds=SECONDS, memory=MEMORY)
    except OverLimitError:
        sentence = (
            "This text takes too long to check. A topology has at most 500 points, and every key "
            "of it only once."
        )
        raise ConfigError("topology", [Problem(1, 1, "", sentence)]) from None
    if "problems" in found:
        problems = [Problem(*item) for item in found["problems"]]
        raise ConfigError("topology", problems)
    return Topology.model_validate(found["topology"])
