"""When a worker's core is to be ticked: seldom in silence, soon where something is to be done."""

from __future__ import annotations

from bridge.media.core import LEVEL_INTERVAL, QUIET_INTERVAL
from bridge.media.due import SOON, next_tick, pressing
from tests.media.support import pair, video


def test_silence_is_ticked_seldom() -> None:
    b, _, _ = pair()
    b.run(2.0)
    due = b.core.next_level
    while b.core.next_level == due:  # until that has just been
        b.run(0.01)
    assert not pressing(b.core)
    wait = next_tick(b.core, b.now) - b.now
    assert LEVEL_INTERVAL < wait <= QUIET_INTERVAL


def test_levels_are_worked_out_often_while_somebody_sends() -> None:
    b, a, _ = pair()
    for number in range(1, 40):
        b.send(a, video(number, key=number == 1))
        b.run(0.02)
        wait = next_tick(b.core, b.now) - b.now
        # The first of them finds a worker that has heard nobody yet.
        assert number * 0.02 < QUIET_INTERVAL or wait < LEVEL_INTERVAL + 0.001


def test_a_loss_is_repaired_soon() -> None:
    b, a, _ = pair()
    b.send(a, video(1, key=True))
    b.send(a, video(2, key=True))
    b.run(2.0)
    assert not pressing(b.core)
    b.send(a, video(4))
    assert pressing(b.core)
    b.run(0.01)
    assert next_tick(b.core, b.now) == b.now + SOON, "until the packet has come or is given up"


def test_a_key_frame_that_is_wanted_is_asked_for_soon() -> None:
    b, a, _ = pair()
    b.send(a, video(1, key=True))
    b.run(1.2)
    b.route("r", "programme", None)
    b.route("r", "programme", "a")
    assert pressing(b.core)
