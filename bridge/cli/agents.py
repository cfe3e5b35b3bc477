"""`agents`: which releases the rooms' agents are, and their updates. `bundle`: what they are
updated from."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bridge.cli.common import (
    EXIT_BAD_INPUT,
    File,
    check_language,
    errors,
    load_or_exit,
    state_folder,
)
from bridge.cli.remote import NO_BUNDLE, document
from bridge.server.bundle import BUNDLE, INSTALLED
from installation.manifest import NotABundle, release_name
from installation.release import read_manifest, sha256_of

agents_app = typer.Typer(no_args_is_help=True, help="The agents of the rooms' PCs.")
bundle_app = typer.Typer(no_args_is_help=True, help="The bundle from which agents are installed.")
POLL = 1.0  # seconds
BAD = ("failed", "went_back")


@agents_app.command("list")
def show(file: File) -> None:
    """List the releases of the agents, and which one the bridge has for them."""
    state = document(file, "GET", "/api/v1/agents")
    table = Table("point", "release")
    for agent in state["agents"]:
        table.add_row(agent["point"], agent["release"] or "not connected")
    Console().print(table)
    typer.echo(f"the bridge has: {state['offered'] or 'no bundle (bridge.py bundle use FILE)'}")


@agents_app.command("update")
def update(
    file: File,
    point: Annotated[list[str] | None, typer.Argument(help="points; all where left out")] = None,
    language: Annotated[str, typer.Option(help="vi or en")] = "en",
) -> None:
    """Update agents to the bridge's bundle, one by one; the first that fails ends it. Points in a
    conference are left out. Exit code 1 where one failed."""
    check_language(language)
    body = {"points": point or []}
    state = document(file, "POST", "/api/v1/agents/update", body)
    said: dict[str, str] = {}
    while True:
        for step in state["update"]:
            if said.get(step["point"]) != step["phase"] and step["phase"] != "waiting":
                said[step["point"]] = step["phase"]
                typer.echo(_line(step, language))
        if not state["running"]:
            break
        time.sleep(POLL)
        state = document(file, "GET", "/api/v1/agents")
    raise typer.Exit(1 if any(step["phase"] in BAD for step in state["update"]) else 0)


def _line(step: dict[str, Any], language: str) -> str:
    reason = f": {step['reason'][language]}" if step["reason"] else ""
    return f"{step['point']}  {step['phase'].replace('_', ' ')}{reason}"


@bundle_app.command("use")
def use(
    file: File,
    source: Annotated[Path, typer.Argument(help="what make bundle has made", exists=True)],
) -> None:
    """Give the bridge a bundle for the rooms' PCs; it may run meanwhile."""
    state = state_folder(file, load_or_exit(file))
    target = state / BUNDLE
    try:
        name = _name(source)
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = target.with_suffix(".new")
        shutil.copyfile(source, temporary)
        temporary.replace(target)
    except NotABundle as error:
        errors.print(f"{error} A bundle is made by: make bundle", soft_wrap=True, markup=False)
        raise typer.Exit(EXIT_BAD_INPUT) from None
    except OSError as error:
        errors.print(f"{target} cannot be written: {error.strerror}.", markup=False)
        raise typer.Exit(1) from None
    typer.echo(f"{name} is what the rooms' PCs get from now on")


@bundle_app.command("show")
def show_bundle(file: File) -> None:
    """Say which bundle the bridge has for the rooms' PCs."""
    for path in (state_folder(file, load_or_exit(file)) / BUNDLE, INSTALLED):
        try:
            typer.echo(f"{_name(path)}  {path}")
        except (NotABundle, OSError):
            continue
        return
    errors.print(NO_BUNDLE, soft_wrap=True)
    raise typer.Exit(1)


def _name(path: Path) -> str:
    return release_name(read_manifest(path).version, sha256_of(path))
