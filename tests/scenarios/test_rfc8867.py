"""RFC 8867's test cases with the worker's own code, in simulated time.

What is adaptive here is not an encoder but the choice among the layers of cameras, so a flow is a
receiver that would like more than its path carries. Capacities are the RFC's, phases shorter.
Each case draws its curves (`tests.scenarios.curves`).
"""

from __future__ import annotations

import pytest

from tests.scenarios import cases
from tests.scenarios.curves import IMAGES, svg
from tests.scenarios.world import longest_queue, mean_rate

VOICE = 45_000  # bit/s: what a room has left where others take everything


@pytest.mark.parametrize("name", cases.CASES)
def test_the_curves_are_in_the_docs(name: str) -> None:
    assert (IMAGES / f"rfc8867-{name}.svg").read_text("utf-8").startswith("<svg")


def test_5_1_variable_capacity_single_flow() -> None:
    world = cases.single_flow()
    for start, end, capacity in ((4, 12, 1e6), (17, 22, 2.5e6), (25, 34, 6e5), (38, 44, 1e6)):
        rate = mean_rate(world, "r0", start, end)
        assert 0.35 * capacity < rate < 1.05 * capacity, (start, rate)
    assert longest_queue(world, 26, 34) < 0.25
    assert svg(world, "5.1") == svg(world, "5.1")


def test_5_2_variable_capacity_two_flows() -> None:
    world = cases.two_flows()
    for start, end, capacity in ((4, 10, 4e6), (13, 20, 2e6), (25, 32, 3.5e6), (35, 42, 1e6)):
        rates = [mean_rate(world, name, start, end) for name in world.receivers]
        assert 0.35 * capacity < sum(rates) < 1.05 * capacity, (start, rates)
        assert min(rates) > VOICE


def test_5_3_congested_feedback() -> None:
    """Feedback that comes late because the way back is full does not stop the way there."""
    world = cases.congested_feedback()
    assert mean_rate(world, "r0", 4, 10) > 7e5
    assert mean_rate(world, "r0", 13, 18) < 1.05e6
    assert 1.5e5 < mean_rate(world, "r0", 21, 28) < 5.5e5


def test_5_4_flows_that_start_one_after_another() -> None:
    world = cases.competing_flows()
    rates = [mean_rate(world, name, 24, 36) for name in world.receivers]
    assert 0.4 * 3.5e6 < sum(rates) < 1.05 * 3.5e6, rates
    assert min(rates) > VOICE, rates


def test_5_5_round_trip_times() -> None:
    world = cases.round_trip_times()
    rates = [mean_rate(world, name, 20, 36) for name in world.receivers]
    assert 0.3 * 4e6 < sum(rates) < 1.05 * 4e6, rates
    assert min(rates) > VOICE, rates


def test_5_6_a_long_tcp_flow_leaves_the_meeting_its_sound() -> None:
    world = cases.long_tcp()
    assert mean_rate(world, "r0", 4, 10) > 9e5
    assert mean_rate(world, "r0", 16, 34) > VOICE


def test_5_7_short_tcp_flows_leave_the_meeting_its_sound() -> None:
    world = cases.short_tcp()
    assert mean_rate(world, "r0", 10, 32) > VOICE


def test_5_8_pause_and_resume() -> None:
    world = cases.pause_and_resume()
    assert mean_rate(world, "r0", 14, 22) < 1.5e5, "only sound, and what probes"
    assert sum(mean_rate(world, name, 14, 22) for name in ("r1", "r2")) > 1e6
    assert mean_rate(world, "r0", 32, 38) > 1.2e5, "its picture is back"
