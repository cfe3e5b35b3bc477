"""How often a receiver's line is looked at: seldom where it carries all by far, at once where
something changes."""

from __future__ import annotations

import pytest

from bridge.media import rtcp
from bridge.media.distribution import AT_EASE, INTERVAL
from bridge.media.layer import LAYER_IDLE
from tests.media.support import pair, video


class Looks:
    """A conference of a source and a receiver; counts looks at the receiver's line."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bench, self.source, self.receiver = pair()
        self.count = 0
        self.number = 0
        distributor = self.bench.core.distributor
        look = distributor.look

        def counted(transport: object, now: float) -> None:
            self.count += transport is self.bench.core.transports["r"]
            look(transport, now)  # type: ignore[arg-type]

        monkeypatch.setattr(distributor, "look", counted)

    def send(self, seconds: float) -> None:
        """Twenty pictures a second."""
        for _ in range(round(seconds * 20)):
            self.number += 1
            self.bench.send(self.source, video(self.number, key=self.number == 1))
            self.run(0.05)

    def run(self, seconds: float) -> None:
        """Let time pass; the receiver is there, and reports nothing of what it gets."""
        for _ in range(max(1, round(seconds / 0.5))):
            self.bench.send_rtcp(self.receiver, rtcp.build_receiver_report(1, ()))
            self.bench.run(min(seconds, 0.5))


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    made = Looks(monkeypatch)
    made.send(4.0)  # the receiver has told nothing for long enough: nothing holds it back
    made.count = 0
    return made


def test_a_line_that_carries_all_is_looked_at_seldom(looks: Looks) -> None:
    looks.send(10 * AT_EASE)
    assert 5 <= looks.count <= 11


def test_a_change_of_routes_is_a_look_at_once(looks: Looks) -> None:
    looks.bench.route("r", "programme", None)
    assert looks.count == 1


def test_a_layer_that_ends_is_a_look_soon(looks: Looks) -> None:
    source = looks.bench.core.transports["a"].sources["camera"]
    assert source.announced
    looks.run(LAYER_IDLE / 2)
    while source.announced:
        looks.run(0.01)
    looks.count = 0
    looks.run(INTERVAL + 0.02)
    assert looks.count >= 1


def test_a_line_that_nothing_is_shown_on_yet_is_looked_at_often(looks: Looks) -> None:
    """Its slot waits for a key frame of another source."""
    bench = looks.bench
    bench.core.transports["r"].slots["programme"].detach()
    looks.run(AT_EASE + 0.02)
    looks.count = 0
    looks.send(2.0)
    assert looks.count >= 6
