"""A pause of ours is nobody's silence."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.media.attention import AWAY, Attention
from bridge.media.core import CONSENT_TIMEOUT
from tests.media.support import pair


def test_attention_begins_anew_after_a_pause() -> None:
    attention = Attention()
    assert attention.since(100.0) == 100.0
    assert attention.since(100.0 + AWAY) == 100.0
    assert attention.since(100.1 + 3 * AWAY) == 100.1 + 3 * AWAY


@given(st.lists(st.floats(0.0, 30.0), min_size=1, max_size=40))
def test_it_never_lies_in_the_future_and_never_goes_back(steps: list[float]) -> None:
    attention, now, before = Attention(), 50.0, 0.0
    for step in steps:
        now += step
        since = attention.since(now)
        assert before <= since <= now
        if step > AWAY:
            assert since == now
        before = since


def test_a_worker_that_did_not_run_takes_nobody_for_gone() -> None:
    b, a, r = pair()
    b.now += 3 * CONSENT_TIMEOUT  # not scheduled: no tick, nothing read
    b.core.tick(b.now, 0.0)
    assert "vanished" not in b.states("a") + b.states("r")
    for peer in (a, r):  # what waited in the socket
        b.core.receive(peer.peer.check(), peer.address, 0, b.now)
    b.settle()
    b.run(CONSENT_TIMEOUT - 0.5)
    assert "vanished" not in b.states("a") + b.states("r")
    b.run(2.0)
    assert b.states("a")[-1] == "vanished", "and silence is still silence"
