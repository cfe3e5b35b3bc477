"""`person`: delegates of the conferences of the bridge that runs on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlencode

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bridge.base.files import write_private
from bridge.cli.common import File, errors
from bridge.cli.remote import PLAIN, WIDTH, ask, document

person_app = typer.Typer(no_args_is_help=True, help="Delegates of conferences.")
Of = Annotated[str, typer.Argument(help="id of a conference or template")]


@person_app.command("list")
def show_list(of: Of, file: File) -> None:
    """List the delegates of a conference or template, by point."""
    found = document(file, "GET", f"/api/v1/persons?{urlencode({'of': of})}")
    table = Table("id", "point", "name", "position", "agency", "votes", "present")
    for person in found["persons"]:
        names = [escape(person[field]) for field in ("name", "position", "agency")]
        there = "yes" if person["present"] else ""
        table.add_row(person["id"], person["point"], *names, str(person["weight"]), there)
    Console(width=WIDTH).print(table)
    if found["forgotten"]:
        typer.echo(f"The names of {found['forgotten']} delegates were removed.")


@person_app.command("import")
def take(
    of: Of,
    table: Annotated[Path, typer.Argument(help="a CSV or XLSX file with a list")],
    file: File,
    point: Annotated[str, typer.Option(help="where those sit whose row does not say")] = "",
) -> None:
    """Put the delegates of a file on a list: all of them, or none and what is wrong."""
    try:
        data = table.read_bytes()
    except OSError as error:
        errors.print(f"{table} cannot be read: {error.strerror}. Check its name.", **PLAIN)
        raise typer.Exit(1) from None
    query = urlencode({"of": of, "point": point} if point else {"of": of})
    answer = document(file, "POST", f"/api/v1/persons/import?{query}", data=data)
    typer.echo(f"{answer['persons']} delegates are on the list of {of}.")


@person_app.command("links")
def links(
    of: Of,
    out: Annotated[Path, typer.Argument(help="PDF to write")],
    file: File,
    language: Annotated[str, typer.Option("--language", "-l", help="vi or en")] = "vi",
) -> None:
    """Make links for the telephones of delegates who have none, as cards to be printed."""
    query = urlencode({"of": of, "language": language})
    data = ask(file, "POST", f"/api/v1/persons/links?{query}", body={})
    try:
        write_private(out, data)
    except OSError as error:
        errors.print(f"{out} cannot be written: {error.strerror}.", **PLAIN)
        raise typer.Exit(1) from None
    typer.echo(f"{out}: whoever has a card votes for its delegate. Print it, then delete it.")


@person_app.command("forget")
def forget(
    of: Annotated[str, typer.Argument(help="id of a conference that is over")],
    file: File,
    yes: Annotated[bool, typer.Option("--yes", help="without being asked")] = False,
) -> None:
    """Remove what the delegates of a conference are called, before its time."""
    if not yes:
        typer.confirm(f"Remove the names of all delegates of {of} for good?", abort=True)
    ask(file, "DELETE", f"/api/v1/persons?of={quote(of, safe='')}")
    typer.echo(f"The delegates of {of} are forgotten; the log has their number only.")
