"""The topology file and the exit codes, as all commands of the bridge handle them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape

from config.loader import ConfigError, load
from config.schema import Topology

EXIT_BAD_INPUT = 2
LANGUAGES = ("vi", "en")
errors = Console(stderr=True, highlight=False)

File = Annotated[
    Path, typer.Option("--file", "-f", envvar="DIEM_CAU_FILE", help="the topology file")
]


def load_or_exit(path: Path) -> Topology:
    """Load a topology; print every problem and exit with 2 where it has any."""
    try:
        return load(path)
    except ConfigError as error:
        for problem in error.problems:
            errors.print(escape(problem.format(error.file)), soft_wrap=True)
        raise typer.Exit(EXIT_BAD_INPUT) from None


def check_language(language: str, code: int = EXIT_BAD_INPUT) -> None:
    """Exit with ``code`` where the product does not speak a language."""
    if language not in LANGUAGES:
        errors.print(f"{language!r} is no language of this program. Use vi or en.", markup=False)
        raise typer.Exit(code)


def moment(at: float, zone: str) -> str:
    """A moment (UTC seconds) on the bridge's wall clock, with its zone. Pure."""
    local = datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone))
    offset = local.strftime("%z")
    return f"{local:%Y-%m-%d %H:%M} {zone} (UTC{offset[:3]}:{offset[3:]})"


def state_folder(file: Path, topology: Topology) -> Path:
    return file.resolve().parent / topology.bridge.state
