"""`ready`: the readiness sweep of the bridge that runs on this machine."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from bridge.base.i18n import text
from bridge.cli.common import check_language, errors
from bridge.cli.remote import ask, document

FILE = Path(__file__).parent.parent.parent / "config" / "lac-thuy.yaml"
POLL = 0.5  # seconds
LONGEST = 300.0  # seconds until a sweep counts as stuck
SHORTEST, WIDEST = 3.0, 60.0  # seconds that lines may be watched for
EXIT_NOT_CHECKED = 3  # no bridge, no answer, a file that cannot be read: nothing is known
EXIT_CODES = {"pass": 0, "unknown": 1, "warn": 1, "fail": 2}
COLOURS = {"pass": "green", "unknown": "cyan", "warn": "yellow", "fail": "bold red"}
SHAPES = {"pass": "✔", "unknown": "?", "warn": "▲", "fail": "✖"}  # the least severe first
WIDTH = 160


def ready(
    template: Annotated[
        str, typer.Argument(help="a template's id; all points where left out")
    ] = "",
    file: Annotated[
        Path,
        typer.Option(
            "--file", "-f", envvar="DIEM_CAU_FILE", help="the topology file of the running bridge"
        ),
    ] = FILE,
    as_json: Annotated[bool, typer.Option("--json", help="print the board as JSON")] = False,
    language: Annotated[str, typer.Option(help="vi or en")] = "vi",
    quick: Annotated[
        bool, typer.Option(help="no test calls, no capacity: those of an earlier sweep count")
    ] = False,
    window: Annotated[
        float, typer.Option(help="seconds that lines are watched for, 3 to 60")
    ] = 15.0,
) -> None:
    """Check every point of a conference: exit code 0 ready, 1 with warnings (or things that are
    not known), 2 not ready, 3 not checked: there is no bridge (serve or demo) of this file, or it
    refused. Then standard error says why."""
    check_language(language, EXIT_NOT_CHECKED)
    if not SHORTEST <= window <= WIDEST:
        errors.print(f"Lines are watched for {SHORTEST:g} to {WIDEST:g} seconds, not {window:g}.")
        raise typer.Exit(EXIT_NOT_CHECKED)
    body = {"template": template, "window": window, "full": not quick}
    try:
        board = _sweep(file, body)
    except typer.Exit:  # said already; 1 would mean "with warnings", 2 "not ready"
        raise typer.Exit(EXIT_NOT_CHECKED) from None
    if as_json:
        typer.echo(json.dumps(board, ensure_ascii=False, indent=2))
    else:
        screen = Console(highlight=False, width=WIDTH)
        screen.print(table_of(board, language))
        screen.print(summary_of(board, language), markup=False)
    raise typer.Exit(EXIT_CODES[board["level"]])


def _sweep(file: Path, body: dict[str, Any]) -> dict[str, Any]:
    """Begin a sweep, after one that runs already, and wait for its board."""
    begun = time.monotonic()
    with Progress(console=errors, transient=True, disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("…", total=1.0)
        before: dict[str, Any] | None = None
        while True:
            board: dict[str, Any] = document(file, "GET", "/api/v1/readiness")
            progress.update(bar, completed=board["progress"])
            if not board["running"]:
                if before is None:
                    before = board
                    ask(file, "POST", "/api/v1/readiness", body)
                elif board["at"] != before["at"]:
                    return board
                else:
                    errors.print("The sweep failed. The bridge's log says why.")
                    raise typer.Exit(1)
            if time.monotonic() - begun > LONGEST:
                errors.print("The sweep does not end. The bridge's log says more.")
                raise typer.Exit(1)
            time.sleep(POLL)


def table_of(board: dict[str, Any], language: str) -> Table:
    """What did not pass, with reason and next step. A point that is well takes one line, and so
    does one that cannot be reached: all the rest of it follows from that."""
    title = board["title"][language] if board["title"] else ""
    table = Table(title=escape(title), caption=f"{board['seconds']:.0f} s", show_header=False)
    for point in board["points"]:
        name = f"{_mark(point['level'], language)} {escape(point['name'][language])}"
        failing = [check for check in point["checks"] if check["level"] != "pass"]
        if not failing:
            table.add_row(name, "", "", "")
        shown, hidden = lines_of(failing)
        for check in shown:
            colour = COLOURS[check["level"]]
            table.add_row(
                name,
                f"[{colour}]{SHAPES[check['level']]} {escape(check['title'][language])}[/]",
                escape(check["reason"][language]),
                escape(check["step"][language]) if check["step"] else "",
            )
            name = ""
        if hidden:
            table.add_row("", "", escape(text(language, "ready.more", count=str(hidden))), "")
    return table


def lines_of(failing: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """Of the checks that did not pass those to be shown, and how many are left out: of a point
    that is not reached everything else, elsewhere what is only not known beside a real fault."""
    lost = [c for c in failing if c["name"] == "reach" and c["level"] == "fail"]
    found = lost or [c for c in failing if c["level"] != "unknown"] or failing
    return found, len(failing) - len(found)


def summary_of(board: dict[str, Any], language: str) -> str:
    """How many points are at each level, the worst first, in words."""
    levels = [point["level"] for point in board["points"]]
    parts = [
        f"{SHAPES[level]} {text(language, f'ready.level.{level}')}: {levels.count(level)}"
        for level in reversed(SHAPES)
        if level in levels
    ]
    verdict = text(language, f"ready.verdict_{board['level']}")
    return f"{verdict} {' · '.join(parts)}"


def _mark(level: str, language: str) -> str:
    """A level by shape, word and colour."""
    return f"[{COLOURS[level]}]{SHAPES[level]} {text(language, f'ready.level.{level}')}[/]"
