"""The metrics of a point's line."""

from __future__ import annotations

from bridge.base.i18n import Sentence
from bridge.lines.board import Board, PointView, StepView
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
