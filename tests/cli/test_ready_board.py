"""The printed board: words and shapes beside colours, one line for a point that is away."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from bridge.cli.ready import WIDTH, lines_of, summary_of, table_of
from monitoring.quality.readiness_rules import CHECKS


def check(name: str, level: str) -> dict[str, Any]:
    both = {"vi": f"{name} {level}", "en": f"{name} {level}"}
    return {"name": name, "level": level, "title": both, "reason": both, "step": None}


def point(name: str, level: str, **levels: str) -> dict[str, Any]:
    checks = [check(n, levels.get(n, "pass")) for n in CHECKS]
    return {"point": name, "name": {"vi": name, "en": name}, "level": level, "checks": checks}


AWAY = point(
    "away", "fail", **dict.fromkeys(CHECKS, "unknown") | {"reach": "fail", "kiosk": "fail"}
)
BOARD: dict[str, Any] = {
    "title": None,
    "seconds": 12.0,
    "level": "fail",
    "points": [
        point("well", "pass"),
        AWAY,
        point("lossy", "warn", loss_up="warn", clock="unknown"),
        point("new", "unknown", agent="unknown", clock="unknown"),
    ],
}


def printed(language: str) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=WIDTH, color_system=None).print(table_of(BOARD, language))
    return out.getvalue().splitlines()


def test_a_point_that_is_away_takes_one_line_and_one_that_says_what_follows() -> None:
    shown, hidden = lines_of([c for c in AWAY["checks"] if c["level"] != "pass"])
    assert [c["name"] for c in shown] == ["reach"]
    assert hidden == len(CHECKS) - 1
    lines = [line for line in printed("vi") if "reach" in line or "chưa đo được" in line]
    assert len(lines) == 3, "reach, what follows from it, and the clock beside the loss"


def test_what_is_only_not_known_stands_alone_or_behind_a_real_fault() -> None:
    lossy = [c for c in BOARD["points"][2]["checks"] if c["level"] != "pass"]
    assert [c["name"] for c in lines_of(lossy)[0]] == ["loss_up"]
    new = [c for c in BOARD["points"][3]["checks"] if c["level"] != "pass"]
    assert [c["name"] for c in lines_of(new)[0]] == ["agent", "clock"]


def test_every_level_is_a_shape_and_a_word_without_colours_too() -> None:
    vi = "\n".join(printed("vi"))
    assert "✔ Đạt well" in vi
    assert "✖ Không đạt away" in vi
    assert "▲ Cần chú ý lossy" in vi
    assert "? Chưa rõ new" in vi


def test_the_summary_counts_the_worst_first() -> None:
    line = summary_of(BOARD, "vi")
    assert line.startswith("CHƯA SẴN SÀNG")
    assert line.endswith("✖ Không đạt: 1 · ▲ Cần chú ý: 1 · ? Chưa rõ: 1 · ✔ Đạt: 1")
