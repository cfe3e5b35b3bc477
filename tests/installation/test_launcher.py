"""What the launcher decides; that it does so is in tests/live/test_installation.py."""

from __future__ import annotations

import pytest

from endpoints.agent import update
from installation import launcher
from installation.launcher import Adopt, Ending, Leave, Running, Start, decide

OLD, NEW = Running("old"), Running("new", trial=True)


@pytest.mark.parametrize(
    ("running", "how", "code", "staged", "step"),
    [
        (OLD, "ended", launcher.EXIT_STAGED, "new", Start(NEW)),
        (OLD, "ended", launcher.EXIT_STAGED, "", Leave(launcher.EXIT_STAGED)),
        (OLD, "ended", launcher.EXIT_STAGED, "old", Leave(launcher.EXIT_STAGED)),
        (OLD, "ended", 3, "new", Leave(3)),  # a revoked key is the service's to know
        (OLD, "ended", 0, "", Leave(1)),
        (OLD, "ended", -9, "", Leave(1)),
        (OLD, "stopped", 0, "", Leave(0)),
        (OLD, "stopped", -15, "", Leave(0)),
        (NEW, "confirmed", 0, "new", Adopt()),
        (NEW, "stopped", 0, "new", Leave(0)),
    ],
)
def test_decisions(
    running: Running, how: Ending, code: int, staged: str, step: Start | Adopt | Leave
) -> None:
    assert decide(running, how, code, "old", staged, 90) == step


@pytest.mark.parametrize(("how", "why"), [("ended", "code 7"), ("late", "within 90 s")])
def test_a_release_that_does_not_answer_is_left(how: Ending, why: str) -> None:
    step = decide(NEW, how, 7, "old", "new", 90)
    assert isinstance(step, Start)
    assert step.running == OLD
    assert why in step.failed
    assert decide(NEW, how, 7, "", "new", 90) == Leave(launcher.EXIT_NO_RELEASE)


def test_agent_and_launcher_agree() -> None:
    """They may be of different releases: what they have agreed upon never changes."""
    for name in ("EXIT_STAGED", "HOME", "CONFIRM", "RELEASES", "STAGED", "FAILED"):
        assert getattr(update, name) == getattr(launcher, name)
    assert launcher.EXIT_STAGED == 10
    assert (launcher.HOME, launcher.CONFIRM) == ("DIEM_CAU_AGENT_HOME", "DIEM_CAU_CONFIRM")
