"""`drain`: another host leads and this one's rooms come over to it, or one media worker is emptied,
both without a gap."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.common import File, errors, load_or_exit, state_folder
from bridge.cli.remote import ask

if TYPE_CHECKING:
    from bridge.app.handing_over import Note

LOOK = 0.5  # seconds between looks at how far it is
LEADING = 15.0  # seconds until another host must lead
MOVING = 60.0  # seconds that moves to other workers may take


def drain(
    file: File,
    worker: Annotated[
        str | None, typer.Option(help="empty this media worker only, by its number")
    ] = None,
    back: Annotated[
        bool, typer.Option(help="with --worker: let it hold conferences again")
    ] = False,
) -> None:
    """Let another host of bridge.hosts lead, with the running conferences: rooms build their new
    connection while the old one plays. Ends when nobody is left on this host, which can be upgraded
    then. Exits with 1 where no other host is ready."""
    if worker is None:
        _drain_host(file)
    elif back:
        ask(file, "POST", f"/api/v1/workers/{worker}/reopen")
        typer.echo(f"Worker {worker} may hold conferences again.")
    else:
        _drain_worker(file, worker)


def _drain_host(file: Path) -> None:
    from bridge.app.handing_over import HOLD, read_note  # noqa: PLC0415 - it reads the worker's words

    state = state_folder(file, load_or_exit(file))
    begun = json.loads(ask(file, "POST", "/api/v1/drain"))
    count = begun["connections"]
    typer.echo(f"Handing over to {' or '.join(begun['hosts'])}: {_connections(count)}.")
    said = ""
    until = time.monotonic() + LEADING + HOLD
    while time.monotonic() < until:
        note = read_note(state)
        if note is not None:
            line = _progress(note)
            if line != said:
                typer.echo(line)
                said = line
            if note.done:
                if note.left:
                    errors.print(f"{_connections(note.left)} did not come over in time.")
                    raise typer.Exit(1)
                typer.echo("Nobody is left here: this host can be upgraded now.")
                return
        time.sleep(LOOK)
    errors.print(
        "No other host has told that it leads. Look at its journal (journalctl -u diem-cau).",
        soft_wrap=True,
    )
    raise typer.Exit(1)


def _progress(note: Note) -> str:
    if not note.leader:
        return "Waiting until another host leads …"
    return f"{note.leader} leads; {_connections(note.left)} left here."


def _drain_worker(file: Path, worker: str) -> None:
    found = json.loads(ask(file, "POST", f"/api/v1/workers/{worker}/drain"))
    said = ""
    until = time.monotonic() + MOVING
    while time.monotonic() < until:
        left = _of(found, worker)["connections"]
        line = f"{_connections(left)} left on worker {worker}"
        if line != said:
            typer.echo(line)
            said = line
        if not left:
            typer.echo(f"Worker {worker} is empty. Let it hold conferences again with --back.")
            return
        time.sleep(LOOK)
        found = json.loads(ask(file, "GET", "/api/v1/workers"))
    errors.print(f"Worker {worker} still holds connections after {MOVING:.0f} s.")
    raise typer.Exit(1)


def _of(found: dict[str, Any], worker: str) -> dict[str, Any]:
    one: dict[str, Any]
    (one,) = [one for one in found["workers"] if one["id"] == worker]
    return one


def _connections(count: int) -> str:
    return f"{count} connection{'' if count == 1 else 's'}"
