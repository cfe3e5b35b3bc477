"""The topology file and the exit codes, as all commands of the bridge handle them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from config.loader import ConfigError, load
from config.schema import Topology

EXIT_BAD_INPUT = 2
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


def state_folder(file: Path, topology: Topology) -> Path:
    return file.resolve().parent / topology.bridge.state
