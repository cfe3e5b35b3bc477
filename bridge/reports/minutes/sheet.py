"""What stands in minutes, apart from how it is drawn: the parts of an administrative document
(Decree 30/2020/NĐ-CP, article 8) and its content as blocks. Pure."""

from __future__ import annotations

import unicodedata
from typing import Literal, NamedTuple


class Paragraph(NamedTuple):
    """A paragraph of the content. ``label`` stands bold before it; a "heading" is bold as a whole,
    an "item" begins with a dash, a "loose" one has words too long to be spread over a line."""

    text: str
    kind: Literal["body", "loose", "heading", "item"] = "body"
    label: str = ""


class Grid(NamedTuple):
    """A table; ``widths`` are relative."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[int, ...]


Block = Paragraph | Grid


class Signer(NamedTuple):
    """A place to sign: as what, how (in brackets below), and by whom ("": to be filled in)."""

    title: str
    manner: str
    name: str


class Sheet(NamedTuple):
    """A document. ``superior`` may be empty; ``at`` (UTC seconds) is when what it tells was true:
    the same log gives the same file."""

    title: str
    superior: str
    agency: str
    number: str
    nation: str
    motto: str
    dated: str
    kind: str
    summary: str
    blocks: tuple[Block, ...]
    secretary: Signer
    chair: Signer
    recipients_title: str
    recipients: tuple[str, ...]
    at: float
    check: tuple[str, str] = ("", "")
    """The address where signatures are checked, and the words beside its QR code; "": none."""


def readable(text: str) -> str:
    """A text as it may stand in a document: one line, without controls, and without what turns the
    direction of writing around."""
    return "".join(
        " " if letter in "\n\r\t\u2028\u2029" else letter
        for letter in text
        if letter in "\n\r\t" or unicodedata.category(letter)[0] != "C"
    )
