"""Checking a topology that somebody pasted, in a process of its own (`topology_work`)."""

from __future__ import annotations

from bridge.base.limited import OverLimitError, limited
from config.loader import ConfigError
from config.schema import Topology
from config.yaml_tree import Problem

WORK = "bridge.server.api.topology_work"
SECONDS = 10.0  # of CPU; one of 500 points takes less than two
MEMORY = 1 << 30  # octets


async def check(text: str) -> Topology:
    """The topology that a text describes. Raises `ConfigError` for a text with problems, and for
    one that takes too long to read."""
    try:
        found = await limited(WORK, {"text": text}, seconds=SECONDS, memory=MEMORY)
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
