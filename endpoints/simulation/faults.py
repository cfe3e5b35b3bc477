"""The faults that the demo and the tests put into a simulated room. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from endpoints.netem.impairment import Impaired, parse


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a simulated room; by default nothing is.

    ``missing`` are devices (camera, microphone, speaker) that are not there, ``kiosk`` is the
    state of the kiosk that the agent reports, ``machine`` replaces figures of the room PC, and
    ``agent`` False stops the agent.
    """

    line: Impaired
    missing: frozenset[str] = frozenset()
    kiosk: str = "headless"
    machine: Mapping[str, Any] = field(default_factory=dict)
    agent: bool = True

    @staticmethod
    def of(point: str, document: Mapping[str, Any]) -> Fault:
        """Read a fault of this point out of JSON; what the document does not name is well. Its
        ``impair`` is as in `endpoints.netem.impairment.parse`, without the point. Raises
        ValueError."""
        impair = document.get("impair", "")
        return Fault(
            line=parse(f"{point}:{impair}") if impair else Impaired.none(point),
            missing=frozenset(document.get("missing", ())),
            kiosk=document.get("kiosk", "headless"),
            machine=document.get("machine", {}),
            agent=document.get("agent", True),
        )
