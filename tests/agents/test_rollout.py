"""Updates of agents, one by one: the decisions, and what agents are asked."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bridge.agents import rollout as r
from bridge.agents.updates import AlreadyRunning, Offer, Updates
from tests.agents.support import POINT, REPORT, FakeAgent, connect, until
from tests.control_support import Bridge

NEW = "0.1.0+new"
OFFER = Offer(NEW, "ab" * 32, 1000)
PRESENT = {"a": "0.1.0+old", "b": NEW, "c": "0.1.0", "d": "0.1.0"}


def reasons(rollout: r.Rollout) -> dict[str, tuple[str, str]]:
    return {step.point: (step.phase, step.reason) for step in rollout.steps}


def test_who_gets_it_and_who_does_not() -> None:
    rollout = r.plan(NEW, ["a", "b", "c", "x"], PRESENT)
    assert reasons(rollout) == {
        "a": ("waiting", ""),
        "b": ("skipped", "up_to_date"),
        "c": ("waiting", ""),
        "x": ("skipped", "absent"),
    }
    assert rollout.next is not None
    assert rollout.next.point == "a"


def test_one_by_one_to_the_end() -> None:
    rollout = r.plan(NEW, ["a", "c", "d"], PRESENT)
    order: list[str] = []
    while (step := rollout.next) is not None:
        step = r.begun(step, busy={"c"})
        if step.phase == "preparing":
            order.append(step.point)
            step = r.prepared(step, True, "")
            assert step.phase == "trying"
            assert r.put(rollout, step).next == step, "nobody else while one is tried"
            step = r.tried(step, NEW, NEW, "")
        rollout = r.put(rollout, step)
    assert order == ["a", "d"]
    assert reasons(rollout) == {
        "a": ("done", ""),
        "c": ("skipped", "in_conference"),
        "d": ("done", ""),
    }


def test_the_first_failure_ends_it() -> None:
    step = r.Step(point="a", before="0.1.0+old", phase="preparing")
    trying = r.prepared(step, True, "")
    for bad, phase, reason in (
        (r.prepared(step, False, "the disk is full"), "failed", "refused"),
        (r.prepared(step, None, ""), "failed", "no_answer"),
        (r.tried(trying, NEW, None, ""), "failed", "not_back"),
        (r.tried(trying, NEW, "0.1.0+old", "it died"), "went_back", "tried"),
    ):
        rollout = r.put(r.plan(NEW, ["a", "c", "b"], PRESENT), bad)
        assert rollout.next is None
        found = reasons(rollout)
        assert found["a"] == (phase, reason)
        assert found["c"] == ("skipped", "stopped")
        assert found["b"] == ("skipped", "up_to_date")


# --- with agents -----------------------------------------------------------------------------


def updates(bridge: Bridge, busy: set[str] | None = None, back: float = 5.0) -> Updates:
    return Updates(bridge.process.agents, lambda: busy or set(), back_within=back)


async def ended(running: Updates) -> dict[str, tuple[str, str]]:
    await until(lambda: not running.running)
    assert running.rollout is not None
    return reasons(running.rollout)


async def again(bridge: Bridge, release: str, **report: str) -> FakeAgent:
    """The same device comes back, as another release."""
    socket = await bridge.client.ws_connect("/api/v1/agent")
    agent = FakeAgent(socket)
    key = bridge.keys[POINT]  # type: ignore[index]
    hello = {"type": "hello", "version": 1, "point": POINT, "key": key, "agent": release}
    await agent.send(hello)
    await agent.receive("welcome")
    await agent.send(REPORT | report)
    return agent


async def test_an_agent_is_asked_and_comes_back(bridge: Bridge) -> None:
    first = await connect(bridge)
    await first.receive("welcome")
    running = updates(bridge)
    running.begin(OFFER, [POINT])
    asked = await first.receive("update")
    assert (asked["release"], asked["sha256"], asked["size"]) == tuple(OFFER)
    try:
        running.begin(OFFER, [POINT])
        raise AssertionError
    except AlreadyRunning:
        pass
    await first.send({"type": "outcome", "id": asked["id"], "ok": True})
    await first.send({"type": "bye"})
    second = await again(bridge, NEW)
    assert await ended(running) == {POINT: ("done", "")}
    running.begin(OFFER, [POINT])
    assert await ended(running) == {POINT: ("skipped", "up_to_date")}
    await second.socket.close()


async def test_an_agent_that_comes_back_as_it_was(bridge: Bridge) -> None:
    first = await connect(bridge)
    await first.receive("welcome")
    running = updates(bridge)
    running.begin(OFFER, [POINT])
    asked = await first.receive("update")
    await first.send({"type": "outcome", "id": asked["id"], "ok": True})
    await first.socket.close()
    second = await again(bridge, "t", failed=f"{NEW}: it\x1b[2J died")
    assert await ended(running) == {POINT: ("went_back", "tried")}
    assert running.rollout is not None
    assert running.rollout.steps[0].detail == f"{NEW}: it\ufffd[2J died"
    await second.socket.close()


async def test_an_agent_that_refuses_is_gone_or_does_not_return(bridge: Bridge) -> None:
    first = await connect(bridge)
    await first.receive("welcome")
    running = updates(bridge, back=0.05)
    running.begin(OFFER, [POINT, "phu-nghia"])
    asked = await first.receive("update")
    await first.send({"type": "outcome", "id": asked["id"], "ok": False, "detail": "no"})
    assert await ended(running) == {
        POINT: ("failed", "refused"),
        "phu-nghia": ("skipped", "absent"),
    }
    running.begin(OFFER, [POINT])
    asked = await first.receive("update")
    await first.send({"type": "outcome", "id": asked["id"], "ok": True})
    assert await ended(running) == {POINT: ("failed", "not_back")}
    running.begin(OFFER, [POINT])
    await first.receive("update")
    await first.socket.close()
    assert await ended(running) == {POINT: ("failed", "no_answer")}


async def test_nobody_in_a_conference_is_asked(bridge: Bridge, tmp_path: Path) -> None:
    first = await connect(bridge)
    await first.receive("welcome")
    running = updates(bridge, busy={POINT})
    running.begin(OFFER, [POINT])
    assert await ended(running) == {POINT: ("skipped", "in_conference")}
    await running.close()
    await asyncio.sleep(0)
    await first.socket.close()
