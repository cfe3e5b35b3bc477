"""`minutes`: minutes of conferences of the running bridge, as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlencode

import typer

from bridge.base.files import write_private
from bridge.cli.common import EXIT_BAD_INPUT, File, check_language, errors
from bridge.cli.remote import PLAIN, ask

minutes_app = typer.Typer(no_args_is_help=True, help="Minutes of conferences.")


@minutes_app.command("draft")
def draft(
    conference: Annotated[str, typer.Argument(help="id of a conference")],
    out: Annotated[Path, typer.Argument(help="file to write, .docx or .pdf")],
    file: File,
    number: Annotated[str, typer.Option(help="the number that the registry gave")] = "",
    language: Annotated[str, typer.Option("--language", "-l", help="vi or en")] = "vi",
) -> None:
    """Draft the minutes of a conference from its log."""
    check_language(language)
    kind = out.suffix.lower()
    if kind not in (".docx", ".pdf"):
        errors.print(f"{out}: minutes are written as .docx or .pdf. Name such a file.", **PLAIN)
        raise typer.Exit(EXIT_BAD_INPUT)
    query = urlencode({"language": language, "number": number})
    path = f"/api/v1/conferences/{quote(conference, safe='')}/minutes{kind}?{query}"
    data = ask(file, "GET", path)
    try:
        write_private(out, data)
    except OSError as error:
        errors.print(f"{out} cannot be written: {error.strerror}.", **PLAIN)
        raise typer.Exit(1) from None
    typer.echo(f"{out}: {len(data)} octets")
