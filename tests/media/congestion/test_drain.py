"""What a backlog that comes out at once says of the line."""

from __future__ import annotations

import pytest

from bridge.media.congestion.drain import BELIEVED, Drain

SIZE = 1200


def sent(drain: Drain, arrivals: list[tuple[float, float]]) -> None:
    for sent_at, arrival in arrivals:
        drain.add(sent_at, arrival, SIZE)


def evenly(start: float, count: int, every: float, late: float) -> list[tuple[float, float]]:
    return [(start + n * every, start + n * every + late) for n in range(count)]


def test_what_a_process_takes_in_at_once_was_carried() -> None:
    drain = Drain()
    sent(drain, evenly(0, 50, 0.01, 0.02))
    assert drain.proven() == 0.0
    # It stops for 0.3 s and reads a packet in a millisecond then.
    sent(drain, [(0.5 + n * 0.01, 0.82 + n * 0.001) for n in range(30)])
    assert drain.proven() == pytest.approx(SIZE * 8 / 0.001, rel=0.2)
    later = evenly(0.9, round(BELIEVED / 0.01) + 5, 0.01, 0.02)
    sent(drain, later)
    assert drain.proven() == 0.0, "that was long ago"


@pytest.mark.parametrize("rate", [100_000, 600_000])
def test_a_thin_line_empties_its_queue_at_its_own_rate(rate: float) -> None:
    drain = Drain()
    free = 0.0
    arrivals = []
    for n in range(200):  # twice the rate for a second, then half of it
        every = SIZE * 8 / rate
        at = n * every / 2 if n < 100 else 50 * every + (n - 100) * every * 2
        free = max(free, at) + every
        arrivals.append((at, free))
    sent(drain, arrivals)
    assert drain.proven() <= 1.05 * rate


def test_a_few_packets_prove_nothing() -> None:
    drain = Drain()
    sent(drain, [(0.0, 0.1), (0.05, 0.1), (0.1, 0.1)])
    assert drain.proven() == 0.0


def test_other_clocks_and_lies_are_no_proof() -> None:
    drain = Drain()
    sent(drain, [(0.0, 1e9), (0.1, -1e9), (0.2, 1e9), (0.3, 0.0)])
    assert drain.proven() == 0.0
