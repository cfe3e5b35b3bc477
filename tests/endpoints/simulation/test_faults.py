"""The words in which a fault is put into a simulated room."""

from __future__ import annotations

import pytest

from endpoints.netem.impairment import Impaired, Profile
from endpoints.simulation.faults import Fault

POINT = "khoan-du"


def test_what_is_not_named_is_well() -> None:
    fault = Fault.of(POINT, {"point": POINT})
    assert fault == Fault(line=Impaired.none(POINT))
    assert (fault.missing, fault.kiosk, dict(fault.machine), fault.agent) == (
        frozenset(),
        "headless",
        {},
        True,
    )


def test_every_word() -> None:
    fault = Fault.of(
        POINT,
        {
            "impair": "loss-down=5%,strip-up",
            "missing": ["camera"],
            "kiosk": "failed",
            "machine": {"disk": 0.99},
            "agent": False,
        },
    )
    assert fault.line == Impaired(POINT, Profile(loss=0.05), Profile(), frozenset({"up"}))
    assert fault.missing == {"camera"}
    assert (fault.kiosk, fault.machine, fault.agent) == ("failed", {"disk": 0.99}, False)


def test_an_impairment_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="known are"):
        Fault.of(POINT, {"impair": "noise=5%"})
