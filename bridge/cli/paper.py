"""`paper`: papers of the bridge that runs on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlencode

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from bridge.cli.common import File, errors, load_or_exit, moment
from bridge.cli.remote import PLAIN, WIDTH, ask, document

paper_app = typer.Typer(no_args_is_help=True, help="Papers of the running bridge's conferences.")


@paper_app.command("add")
def add(
    of: Annotated[str, typer.Argument(help="id of a conference or template")],
    paper: Annotated[Path, typer.Argument(help="a PDF, a picture, an office document")],
    file: File,
    points: Annotated[str, typer.Option(help="rooms that see it, with commas; none: all")] = "",
    seen_by: Annotated[str, typer.Option(help="people: watch, direct or admin")] = "watch",
    keep: Annotated[bool, typer.Option(help="rooms see it after the conference, too")] = False,
    replaces: Annotated[str, typer.Option(help="id of the paper that this is a version of")] = "",
) -> None:
    """Bring a paper; prints its id."""
    try:
        data = paper.read_bytes()
    except OSError as error:
        errors.print(f"{paper} cannot be read: {error.strerror}. Check its name.", **PLAIN)
        raise typer.Exit(1) from None
    values = {"of": of, "name": paper.name, "points": points, "seen_by": seen_by}
    if keep:
        values["keep"] = "1"
    if replaces:
        values["replaces"] = replaces
    answer = document(file, "POST", f"/api/v1/papers?{urlencode(values)}", data=data)
    typer.echo(answer["id"])


@paper_app.command("list")
def show_list(
    file: File, of: Annotated[str, typer.Option(help="of one conference or template")] = ""
) -> None:
    """List papers, newest first, with their checksums."""
    query = f"?{urlencode({'of': of})}" if of else ""
    found = document(file, "GET", f"/api/v1/papers{query}")
    zone = load_or_exit(file).bridge.zone
    table = Table("id", "version", "pages", "title", "came", Column("SHA-256", overflow="fold"))
    for paper in found["papers"]:
        table.add_row(
            *(paper["id"], str(paper["version"]), str(paper["pages"]), escape(paper["title"])),
            *(moment(paper["at"], zone), paper["sha256"]),
        )
    Console(width=WIDTH).print(table)
    if not found["scanner"]:
        typer.echo("Papers are not scanned for viruses: clamd does not run here.")
    if not found["office"]:
        typer.echo("LibreOffice is not installed: PDF and pictures only.")


@paper_app.command("show")
def show_page(
    conference: Annotated[str, typer.Argument(help="id of a running conference")],
    paper: Annotated[str, typer.Argument(help="id of one of its papers")],
    file: File,
    page: Annotated[int, typer.Argument(help="number of the page")] = 1,
) -> None:
    """Show everybody a page of a paper."""
    command = {"type": "show_page", "paper": paper, "page": page}
    path = f"/api/v1/conferences/{quote(conference, safe='')}/commands"
    document(file, "POST", path, {"command": command})


@paper_app.command("away")
def put_away(
    conference: Annotated[str, typer.Argument(help="id of a running conference")], file: File
) -> None:
    """Show no paper any more."""
    path = f"/api/v1/conferences/{quote(conference, safe='')}/commands"
    document(file, "POST", path, {"command": {"type": "put_away"}})


@paper_app.command("remove")
def remove(paper: Annotated[str, typer.Argument(help="id of a paper")], file: File) -> None:
    """Delete a paper in all its versions."""
    ask(file, "DELETE", f"/api/v1/papers/{quote(paper, safe='')}")
