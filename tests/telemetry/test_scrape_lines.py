"""The metrics of a point's line."""

from __future__ import annotations

from bridge.base.i18n import Sentence
from bridge.lines.board import Board, PointView, StepView
from bridge.lines.capacity import carried
from bridge.media import messages as m
from monitoring.quality.readiness_rules import StepFound
from tests.control_support import Bridge
from tests.telemetry.support import POINT, snapshot


async def test_capacity_is_what_arrived(watched: Bridge) -> None:
    step = StepView(down=1600.0, up=800.0, down_loss=0.5, up_loss=0.0, down_delay=0, up_delay=0)
    better = StepView(down=1200.0, up=400.0, down_loss=0.0, up_loss=0.0, down_delay=0, up_delay=0)
    watched.process.readiness.board = Board(
        points=(
            PointView(
                point=POINT,
                name=Sentence(vi="", en=""),
                level="good",
                checks=(),
                capacity=(better, step),
            ),
            PointView(
                point="gone", name=Sentence(vi="", en=""), level="good", checks=(), capacity=(step,)
            ),
        )
    )
    found = snapshot(watched)
    assert found.value("line_capacity_bytes_per_second", POINT, "down") == 150_000
    assert found.value("line_capacity_bytes_per_second", POINT, "up") == 100_000


def step(rate: int, down_loss: float, up_loss: float = 0.0) -> StepFound:
    return StepFound(
        share=1.0,
        down=rate,
        up=rate // 2,
        down_loss=down_loss,
        up_loss=up_loss,
        down_delay=0,
        up_delay=0,
    )


def test_what_a_line_carries_is_its_best_step_where_the_last_did_not_come_through() -> None:
    assert carried([step(400, 0), step(700, 0.01), step(1000, 0.02)]) is None
    assert carried([step(400, 0), step(700, 0.01), step(1000, 0.3)]) == 700
    assert carried([step(400, 0.5), step(700, 0.6)]) == 200
    assert carried([step(400, 0), step(700, 0, 0.5)]) == 200, "the way up counts as well"
    assert carried([]) is None


async def test_what_links_give_and_what_is_paused_are_figures(watched: Bridge) -> None:
    session = watched.control.sessions.of_point(POINT)
    if session is None:
        await watched.join(POINT)
        session = watched.control.sessions.of_point(POINT)
    assert session is not None
    programme = m.SlotRate(name="programme", kind="video", source=None, paused="line")
    rate = m.TransportRate(
        transport=session.transport,
        estimate=80_000,
        bound=0,
        used=40_000,
        loss=0,
        slots=(programme,),
        red=2,
        received=16_000,
    )
    watched.control.reconciler.on_event(m.Bandwidth(transports=(rate,)))
    found = snapshot(watched)
    assert found.value("media_starved", POINT) == 1
    assert found.value("media_paused_slots", POINT) == 1
    assert found.value("media_used_bytes_per_second", POINT, "down") == 5000
    assert found.value("media_used_bytes_per_second", POINT, "up") == 2000
    assert found.value("media_redundancy_frames", POINT, "down") == 2
    assert found.value("line_found_bytes_per_second", POINT) == 10_000
    assert found.value("line_planned_bytes_per_second", POINT) == 25_000 * 125
