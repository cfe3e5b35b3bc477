"""Microphones: open by the rules, muted, locked."""

from __future__ import annotations

import pytest

from bridge.conference import commands as c
from bridge.conference.model import Rules
from tests.conference.support import live, point


def test_rules_may_leave_microphones_open() -> None:
    run = live(rules=Rules(all_muted=False), observers=("d",))
    assert run.heard() == {"a", "b", "c"}


def test_a_locked_microphone_cannot_be_opened_by_the_room() -> None:
    run = live(rules=Rules(floor="free"))
    run.ok(c.SelfMute(point="b", muted=False), point("b"))
    assert "b" in run.heard()
    run.ok(c.Mute(point="b", lock=True))
    assert run.refused(c.SelfMute(point="b", muted=False), point("b")) == (
        "refusal.locked_microphone"
    )
    assert "b" not in run.heard()
    run.ok(c.Unmute(point="b"))
    assert "b" in run.heard()


def test_a_room_mutes_itself_and_undoes_it() -> None:
    run = live()
    run.ok(c.Unmute(point="b"))
    run.ok(c.SelfMute(point="b", muted=True), point("b"))
    assert "b" not in run.heard()
    run.ok(c.SelfMute(point="b", muted=False), point("b"))
    assert "b" in run.heard()
    assert run.refused(c.SelfMute(point="c", muted=False), point("c")) == "refusal.ask_for_floor"


@pytest.mark.parametrize(
    ("but", "heard"), [("nobody", set()), ("chair", {"a"}), ("speaker", {"c"})]
)
def test_mute_all(but: str, heard: set[str]) -> None:
    run = live(rules=Rules(all_muted=False))
    run.ok(c.Take(point="c"))
    run.ok(c.MuteAll(but=but))  # type: ignore[arg-type]
    assert run.heard() == heard
    assert run.ok(c.MuteAll(but=but)) == ()  # type: ignore[arg-type]
