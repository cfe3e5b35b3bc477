"""Figures of a line on which all is well."""

from __future__ import annotations

from monitoring.quality.line_state import Figures, Mark

GOOD = Figures(
    reachable=True,
    silent=0.1,
    up="good",
    down="good",
    up_loss=0.0,
    down_loss=0.0,
    up_variation=2.0,
    down_variation=2.0,
    round_trip=20.0,
    offset=0.0,
    uncertainty=5.0,
    up_mos=4.4,
    down_mos=4.4,
    marks={"ef": Mark(46, 46, 46)},
    restarts=0,
)
