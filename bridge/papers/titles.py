"""Titles of papers, out of the names that files were brought under. Pure."""

from __future__ import annotations

import re
import unicodedata

MAX_TITLE = 120  # characters: two lines of a list
UNTITLED = "?"

_PATH = re.compile(r"[/\\]")
# Of control (Cc), format (Cf: among them what turns the direction of writing round), surrogates,
# private use and unassigned code points nothing is kept: a title must read as it is shown.
_REMOVED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def title_of(name: str) -> str:
    """A title out of a file's name: its last part, without what cannot be seen, at most
    `MAX_TITLE` characters of it. Anything else (markup, formulas) is text and stays."""
    last = _PATH.split(name)[-1]
    kept = "".join(
        " " if unicodedata.category(char) == "Zs" else char
        for char in unicodedata.normalize("NFC", last)
        if unicodedata.category(char) not in _REMOVED
    )
    title = " ".join(kept.split())
    if len(title) > MAX_TITLE:
        title = title[: MAX_TITLE - 1].rstrip() + "…"
    return title if title.strip(". ") else UNTITLED
