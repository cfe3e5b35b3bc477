"""`minutes`: minutes of conferences, drafted by the running bridge, signed on this machine."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlencode

import typer

from bridge.base.files import write_private
from bridge.base.i18n import text
from bridge.cli.common import EXIT_BAD_INPUT, File, check_language, errors, load_or_exit
from bridge.cli.remote import PLAIN, ask, document
from bridge.proof.pdf_signing import (
    NotSignedError,
    Token,
    Wish,
    read_secret_line,
    signed_with_file,
    signed_with_token,
)

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


@minutes_app.command("sign")
def sign(
    pdf: Annotated[Path, typer.Argument(help="the PDF to sign", exists=True, dir_okay=False)],
    out: Annotated[Path, typer.Argument(help="file to write")],
    p12: Annotated[
        Path | None, typer.Option(help="a PKCS#12 file with key and certificate")
    ] = None,
    library: Annotated[
        str, typer.Option(help="the PKCS#11 library of a token, instead of a PKCS#12 file")
    ] = "",
    token: Annotated[str, typer.Option(help="the token's label")] = "",
    key: Annotated[str, typer.Option(help="label of the key on the token")] = "",
    certificate: Annotated[
        Path | None,
        typer.Option(help="certificates (PEM, the signer's first), not on the token"),
    ] = None,
    secret_file: Annotated[
        Path | None,
        typer.Option(help="file whose first line is the passphrase or PIN; asked for without"),
    ] = None,
    reason: Annotated[str, typer.Option(help="why it is signed, said in the signature")] = "",
    place: Annotated[str, typer.Option(help="where it is signed, said in the signature")] = "",
    stamp: Annotated[
        str, typer.Option(help="address of a time-stamping authority (RFC 3161)")
    ] = "",
    no_stamp: Annotated[
        bool, typer.Option("--no-stamp", help="without a time stamp, whatever the topology names")
    ] = False,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", "-f", envvar="DIEM_CAU_FILE", help="a topology that names an authority"
        ),
    ] = None,
) -> None:
    """Sign a PDF (PAdES), behind whoever has signed it before."""
    if (p12 is None) == (not library) or (library and not (token and key)):
        errors.print(
            "Name a PKCS#12 file (--p12), or a token: --library, --token and --key.", **PLAIN
        )
        raise typer.Exit(EXIT_BAD_INPUT)
    try:
        secret = read_secret_line(secret_file) if secret_file is not None else _asked(p12)
        wish = Wish(reason, place, "" if no_stamp else stamp or _authority(file))
        data = pdf.read_bytes()
        if p12 is not None:
            signed = signed_with_file(data, p12.read_bytes(), secret, wish)
        else:
            own = certificate.read_bytes() if certificate is not None else b""
            signed = signed_with_token(data, Token(library, token, secret, key, own), wish)
        write_private(out, signed)
    except NotSignedError as error:
        for language in ("vi", "en"):
            errors.print(text(language, error.key, **error.arguments), **PLAIN)
        raise typer.Exit(1) from None
    except OSError as error:
        errors.print(f"{error.filename}: {error.strerror}.", **PLAIN)
        raise typer.Exit(1) from None
    typer.echo(f"{out}: {len(signed)} octets, SHA-256 {hashlib.sha256(signed).hexdigest()}")


@minutes_app.command("bring")
def bring(
    conference: Annotated[str, typer.Argument(help="id of a conference")],
    pdf: Annotated[Path, typer.Argument(help="its signed minutes", exists=True, dir_okay=False)],
    file: File,
    language: Annotated[str, typer.Option("--language", "-l", help="vi or en")] = "vi",
) -> None:
    """Bring signed minutes back to the running bridge, which keeps them if they are right."""
    check_language(language)
    path = f"/api/v1/conferences/{quote(conference, safe='')}/minutes"
    judged = document(file, "POST", path, data=pdf.read_bytes())
    for found in judged["findings"]:
        typer.echo(found["said"][language])
    typer.echo(f"SHA-256 {judged['sha256']}")


def _authority(file: Path | None) -> str:
    """The time-stamping authority that the topology names; "" where there is none."""
    return (load_or_exit(file).bridge.minutes.stamp or "") if file is not None else ""


def _asked(p12: Path | None) -> str:
    """The secret, typed unseen."""
    what = "PIN" if p12 is None else "Passphrase"
    answer: str = typer.prompt(what, hide_input=True, default="", show_default=False, err=True)
    return answer
