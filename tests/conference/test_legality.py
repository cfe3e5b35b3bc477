"""Every command, in every phase, from everybody."""

from __future__ import annotations

import pytest

from bridge.conference import commands as c
from bridge.conference import state_machine
from bridge.conference.legality import TABLE
from bridge.conference.model import Refusal, canonical
from tests.conference.support import ACTORS, SAMPLES, Run, live


def phases() -> dict[str, Run]:
    trial, running, over = Run(), live(), live()
    over.ok(c.End())
    return {"open": trial, "live": running, "ended": over}


@pytest.mark.parametrize("phase", ["open", "live", "ended"])
@pytest.mark.parametrize("kind", list(TABLE), ids=lambda k: k.__struct_config__.tag)
def test_every_command_from_everybody(phase: str, kind: type[c.Command]) -> None:
    """Allowed, or refused with a reason and the state unchanged."""
    rule = TABLE[kind]
    for actor in ACTORS:
        run = phases()[phase]
        command = SAMPLES[kind]
        before = canonical(run.state)
        outcome = run.do(command, actor)
        own = actor.kind == "point" and rule.own and getattr(command, "point", "") == actor.name
        operator = actor.kind == "user" and rule.operator and actor.role in ("admin", "operator")
        inner = actor.kind in ("system", "scheduler")
        if not (own or operator or inner):
            assert outcome == Refusal(key="refusal.not_allowed"), (phase, actor)
        elif phase == "ended":
            assert outcome == Refusal(key="refusal.ended")
        elif phase not in rule.phases:
            early = "refusal.not_started" if phase == "open" else "refusal.already_started"
            assert outcome == Refusal(key=early)
        elif actor.name == "minh" and rule.directs and phase == "live":
            assert outcome == Refusal(key="refusal.other_director", arguments={"user": "lan"})
        if isinstance(outcome, Refusal):
            assert canonical(run.state) == before


def test_the_table_is_whole() -> None:
    assert set(TABLE) == set(c.Command.__args__)
    assert set(state_machine._DECIDE) == set(TABLE)
