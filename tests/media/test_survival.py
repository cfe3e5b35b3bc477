"""How much speech survives a lossy way up and a lossy way down, in simulated time: frames that
reach the receiver in their own packet or repeated in a later one."""

from __future__ import annotations

import random

import pytest

from bridge.media import red
from endpoints.netem.impairment import Impairment, Profile
from tests.media.support import SLOT_OPUS_PT, SLOT_RED_PT, payload_of, sound
from tests.media.test_redundancy import heard, lose, redundant, room

FRAMES = 3000  # a minute
FIRST = 1000


def surviving(up: Profile, down: Profile, *, sent: int, repeats: bool = True) -> float:
    """The share of frames that the receiver has; ``sent`` earlier frames are in every packet of the
    sender. Packets of pictures share the line: eight come between two of sound on the way down."""
    b = room(receiver=repeats)
    a = b.peers["a"]
    lines = Impairment(up, 1), Impairment(down, 2)
    rng = random.Random(3)
    frames: set[bytes] = set()
    b.send(a, redundant(FIRST, ()))
    taken = 0
    for number in range(FIRST + 1, FIRST + FRAMES):
        if number % 100 == 0:  # and so that it does not count as vanished
            lose(b, down.loss)
        b.run(0.02, step=0.02)
        for _ in range(rng.randrange(8)):
            lines[0].offer(b.now, 1000)
        if lines[0].offer(b.now, 100):
            b.send(a, redundant(number, tuple(range(1, sent + 1))))
        for packet in heard(b, taken):
            for _ in range(rng.randrange(16)):
                lines[1].offer(b.now, 1000)
            if not lines[1].offer(b.now, 100):
                continue
            payload = payload_of(packet)
            if packet[1] & 0x7F != SLOT_RED_PT:
                frames.add(payload)
                continue
            parsed = red.parse(payload, SLOT_OPUS_PT)
            assert parsed is not None
            frames.add(parsed.frame)
            frames.update(block.frame for block in parsed.earlier)
        taken = len(b.peers["r"].received)
    wanted = {sound(number) for number in range(FIRST + 1, FIRST + FRAMES)}
    return len(frames & wanted) / len(wanted)


@pytest.mark.parametrize(
    ("up", "down", "sent", "lost"),
    [
        # The room hears: a good way up, its own way down.
        (Profile(), Profile(loss=0.05), 1, 0.01),
        (Profile(), Profile(loss=0.3), 1, 0.04),
        (Profile(), Profile(loss=0.5), 1, 0.09),
        (Profile(), Profile(loss=0.2, burst=4), 1, 0.05),
        # The others hear the room: one earlier frame, as browsers send it, and two or three, as
        # rooms' pages do by the loss.
        (Profile(loss=0.3), Profile(), 1, 0.10),
        (Profile(loss=0.3), Profile(), 2, 0.035),
        (Profile(loss=0.5), Profile(), 2, 0.14),
        (Profile(loss=0.2, burst=4), Profile(), 2, 0.05),
        (Profile(loss=0.3), Profile(), 3, 0.015),
        (Profile(loss=0.5), Profile(), 3, 0.08),
        (Profile(loss=0.2, burst=4), Profile(), 3, 0.035),
    ],
)
def test_what_is_left_of_speech(up: Profile, down: Profile, sent: int, lost: float) -> None:
    """Without forward error correction, which would win about as much again as another frame."""
    share = 1 - surviving(up, down, sent=sent)
    without = up.loss or down.loss
    print(f"{share:.1%} of the frames lost, of {without:.0%} of the packets")
    assert share < lost
    assert share < without / 2


def test_without_repetition_the_lines_loss_is_what_is_lost() -> None:
    share = 1 - surviving(Profile(), Profile(loss=0.3), sent=0, repeats=False)
    assert 0.27 < share < 0.33
