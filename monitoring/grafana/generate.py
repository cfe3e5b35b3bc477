"""Generate the committed dashboards, in Vietnamese and English from one source:

    python -m monitoring.grafana.generate            writes monitoring/grafana/dashboards
    python -m monitoring.grafana.generate --check    says whether they are up to date (exit 1: no)

Needs the Grafana Foundation SDK, a tool of developers; admins take the committed files.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from monitoring.grafana import (
    bridge_board,
    conferences_board,
    lines_board,
    overview_board,
    point_board,
    system_board,
)
from monitoring.grafana.panels import Language
from monitoring.grafana.render import document, uid_of

FOLDER = Path(__file__).parent / "dashboards"
LANGUAGES: tuple[Language, ...] = ("vi", "en")

OVERVIEW, POINT = overview_board.BOARD, point_board.BOARD
DASHBOARDS = (
    OVERVIEW,
    POINT,
    conferences_board.BOARD,
    bridge_board.BOARD,
    lines_board.BOARD,
    system_board.BOARD,
)


def files() -> dict[Path, str]:
    """Text of every dashboard's file, by path."""
    return {
        FOLDER / language / f"{uid_of(board, language)}.json": document(board, language, POINT)
        for board in DASHBOARDS
        for language in LANGUAGES
    }


def main(arguments: Sequence[str]) -> int:
    stale = [p for p, text in files().items() if not p.exists() or p.read_text("utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            print(f"{path} is not what monitoring.grafana.generate makes; run it.", file=sys.stderr)
        return 1 if stale else 0
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    print(f"{len(files())} dashboards, {len(stale)} of them new or changed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
