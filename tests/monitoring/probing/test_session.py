from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from endpoints.netem.impairment import Profile
from endpoints.reflector.engine import Reflector
from monitoring.probing import timestamps
from monitoring.statistics import wilson
from tests.monitoring.probing.line import ERROR, SENDER, START, Line, line

KEY = b"k" * 32
LOSSES = (0.0, 0.005, 0.01, 0.05, 0.20)
SECONDS = 1200.0


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("direction", ["down", "up", "both"])
def test_loss_is_what_the_hop_lost_and_in_its_direction(loss: float, direction: str) -> None:
    bad = Profile(loss=loss, delay=0.02, jitter=0.01)
    good = Profile(delay=0.02, jitter=0.01)
    found = line(
        bad if direction != "up" else good, bad if direction != "down" else good, seed=12, key=KEY
    )
    found.run(SECONDS)
    found.run(5, sending=False)
    found.probe.settle(found.now)
    down, up = found.probe.down, found.probe.up
    # Exactly what the hop dropped, but for the packets after the last reply.
    assert 0 <= found.down.lost - down.lost <= found.down.offered - down.expected
    assert 0 <= found.up.lost - up.lost <= found.up.offered - up.expected
    assert down.expected >= SECONDS * 5 - 20
    truth = {"down": (loss, 0.0), "up": (0.0, loss), "both": (loss, loss)}[direction]
    for total, share in zip((down, up), truth, strict=True):
        low, high = wilson(total.lost, total.expected)
        assert low <= share <= high
        assert (total.lost > 0) == (share > 0)


@settings(max_examples=60, deadline=None)
@example(down=0.125, up=0.375, burst=2.0, reorder=0.0, duplicate=0.09375, seed=63, first=0)
@given(
    down=st.floats(0, 0.4),
    up=st.floats(0, 0.4),
    burst=st.floats(1, 8),
    reorder=st.floats(0, 0.1),
    duplicate=st.floats(0, 0.1),
    seed=st.integers(0, 1000),
    first=st.sampled_from([0, 2**32 - 30, 2**31 - 5]),
)
def test_any_line_is_counted_about_right(
    down: float, up: float, burst: float, reorder: float, duplicate: float, seed: int, first: int
) -> None:
    """Losses with reordering, duplicates and a sequence that wraps: never more than a few off,
    never negative, never the other way round."""
    found = line(
        Profile(loss=down, burst=burst, delay=0.05, reorder=reorder, duplicate=duplicate),
        Profile(loss=up, burst=burst, delay=0.05, reorder=reorder, duplicate=duplicate),
        seed=seed,
        first=first,
    )
    found.run(120)
    found.run(3, sending=False)
    found.probe.settle(found.now)
    p = found.probe
    assert p.restarts == 0
    slack = 6 + found.down.offered * (0.02 + duplicate * (up + 0.05))
    if p.outage is None:
        assert abs(p.down.lost - found.down.lost) <= slack
        assert abs(p.up.lost - found.up.lost) <= slack
    assert p.down.lost <= p.down.expected
    assert p.up.lost <= p.up.expected


@pytest.mark.parametrize("seed", range(3))
def test_packets_doubled_down_whose_second_replies_were_lost_hide_no_loss(seed: int) -> None:
    found = line(Profile(loss=0.125, burst=2, duplicate=0.1), Profile(loss=0.375), seed=seed)
    found.run(120)
    found.run(3, sending=False)
    found.probe.settle(found.now)
    assert abs(found.probe.down.lost - found.down.lost) <= 12
    assert abs(found.probe.up.lost - found.up.lost) <= 8


def test_reordered_and_doubled_packets_are_told_apart_by_direction() -> None:
    found = line(Profile(delay=0.3, reorder=0.1, duplicate=0.1), Profile(delay=0.02), interval=0.05)
    found.run(60)
    assert found.probe.down.reordered > 50
    assert found.probe.down.duplicated > 50
    assert found.probe.up.duplicated == 0
    assert found.probe.up.reordered == 0
    assert found.probe.down.lost <= 1
    other = line(Profile(delay=0.02), Profile(delay=0.3, reorder=0.1, duplicate=0.1), interval=0.05)
    other.run(60)
    assert other.probe.up.reordered > 50
    assert other.probe.up.duplicated > 50
    assert (other.probe.down.reordered, other.probe.down.duplicated) == (0, 0)


def test_bursts_are_counted_where_they_happen() -> None:
    found = line(Profile(loss=0.1, burst=6), Profile(), seed=5)
    found.run(300)
    assert found.probe.down.bursts > 10
    assert found.probe.up.bursts == 0


def test_delay_and_variation_are_right_and_apart() -> None:
    found = line(Profile(delay=0.030, jitter=0.020), Profile(delay=0.010))
    found.run(60)
    delays = found.probe.delays(found.now, 60)
    assert delays is not None
    assert delays.down is not None
    assert delays.up is not None
    assert delays.up == pytest.approx(10, abs=0.1)
    assert 38 < delays.down < 42
    assert 0.8 < delays.variation_down[0] / 10 < 1.2
    assert delays.variation_down[2] > 18
    assert delays.variation_up[2] < 0.1
    assert 40 <= delays.round_trip[0] <= 60


@pytest.mark.parametrize("ahead", [3600 * 10**9, -3600 * 10**9])
def test_clocks_an_hour_apart_spoil_the_offset_only(ahead: int) -> None:
    found = line(Profile(delay=0.03), Profile(delay=0.01))
    found.clock_ahead = ahead
    found.reflector.set_clock_error(timestamps.ErrorEstimate(False, False, 1.0))
    found.run(30)
    delays = found.probe.delays(found.now, 60)
    assert delays is not None
    assert (delays.down, delays.up) == (None, None)
    assert abs(delays.offset - ahead / 1e6) <= delays.uncertainty + 0.1
    assert delays.round_trip[0] == pytest.approx(40, abs=0.5)
    assert delays.variation_down[2] < 0.5


def test_a_clock_that_steps_does_not_look_like_variation() -> None:
    found = line(Profile(delay=0.03, jitter=0.002), Profile(delay=0.01, jitter=0.002))
    found.run(10)
    found.clock_ahead = 5 * 10**9
    found.run(10)
    found.clock_ahead = -3600 * 10**9
    found.run(10)
    delays = found.probe.delays(found.now, 60)
    assert delays is not None
    assert found.probe.counters["clock_step"] == 2
    assert delays.variation_down[2] < 3
    assert delays.variation_up[2] < 3
    assert found.probe.down.lost == 0


def test_a_point_is_lost_within_five_seconds_and_back_within_five() -> None:
    found = line(Profile(delay=0.02), Profile(delay=0.02))
    assert found.probe.reachable(found.now) is None
    found.run(20)
    assert found.probe.reachable(found.now) is True
    found.down.cut()
    found.run(3.3)
    assert found.probe.reachable(found.now) is False
    found.run(30)
    found.down.restore()
    found.run(0.5)
    assert found.probe.reachable(found.now) is True
    outage = found.probe.outage
    assert outage is not None
    assert outage.direction == "down"
    assert 33 < outage.seconds < 35
    found.run(20)
    assert found.probe.down.lost <= 1  # the outage is one, and no loss


def test_the_direction_of_an_outage_is_known_afterwards() -> None:
    found = line(Profile(delay=0.02), Profile(delay=0.02))
    found.run(10)
    found.up.cut()
    found.run(10)
    found.up.restore()
    found.run(5)
    assert found.probe.outage is not None
    assert found.probe.outage.direction == "up"
    assert found.probe.up.lost <= 1


def test_a_reflector_that_restarts_is_no_loss() -> None:
    found = line(Profile(delay=0.02), Profile(delay=0.02))
    found.run(30)
    found.reflector = Reflector(senders=frozenset({SENDER}), error=ERROR)
    found.run(30)
    assert found.probe.restarts == 1
    assert (found.probe.down.lost, found.probe.up.lost) == (0, 0)
    assert found.probe.down.expected > 280


def test_the_sequence_wraps() -> None:
    found = line(Profile(loss=0.05), Profile(), first=2**32 - 100, seed=9)
    found.run(60)
    found.run(3, sending=False)
    assert found.probe.restarts == 0
    assert found.probe.down.lost == pytest.approx(found.down.lost, abs=2)


def test_a_stateless_reflector_shows_the_round_trip_in_both_directions() -> None:
    found = line(Profile(loss=0.05), Profile(), seed=2)
    found.probe.stateful = False
    found.run(300)
    found.probe.settle(found.now)
    assert found.probe.down.lost == found.probe.up.lost > 40


def _replies(found: Line) -> tuple[bytes, bytes]:
    data = found.probe.packet(START, 0.0, ERROR)
    other = found.probe.packet(START + 1, 0.0, ERROR)
    from endpoints.reflector.engine import Arrival

    replies = []
    for packet in (data, other):
        answer = found.reflector.answer(
            Arrival(packet, SENDER, 1, START + 5, 0, 64), START + 6, 0.0
        )
        assert answer is not None
        replies.append(answer.data)
    return replies[0], replies[1]


@pytest.mark.parametrize("key", [None, KEY])
def test_what_is_no_reply_to_us_moves_nothing(key: bytes | None) -> None:
    found = line(key=key)
    good, _ = _replies(found)
    stranger = line(key=key or None)
    stranger.probe.first = 5
    other, _ = _replies(stranger)
    forged = bytearray(good)
    forged[-1 if key else 30] ^= 1  # the HMAC, or the echoed timestamp
    for data in (b"", b"\0", good[:40], bytes(44), b"\xff" * 112, bytes(forged), bytes(2000)):
        assert not found.probe.received(data, START + 10, 0, 0.1)
    assert not found.probe.received(other, START + 10, 0, 0.1) or key is None
    assert found.probe.received(good, START + 10, 0, 0.1)
    counted = found.probe.up.duplicated
    assert found.probe.received(good, START + 20, 0, 0.2)  # replayed: counted as such
    assert found.probe.up.duplicated == counted + 1
    assert len(found.probe.samples) == 1


def test_replies_that_are_late_by_minutes_are_unknown() -> None:
    found = line()
    good, _ = _replies(found)
    found.probe.settle(20.0)
    assert not found.probe.received(good, START + 20 * 10**9, 0, 20.0)
    assert found.probe.counters["unknown"] == 1


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=300), key=st.sampled_from([None, KEY]))
def test_no_octets_break_a_probe_or_a_reflector(data: bytes, key: bytes | None) -> None:
    from endpoints.reflector.engine import Arrival

    found = line(key=key)
    found.probe.packet(START, 0.0, ERROR)
    found.probe.received(data, START, 0, 0.0)
    answer = found.reflector.answer(Arrival(data, SENDER, 1, START, 0, 64), START, 0.0)
    assert answer is None or len(answer.data) <= len(data)
