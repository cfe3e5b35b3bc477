"""The list of the console's keys in the operator's guides, from the table that the console uses.

`python -m tests.web.key_list` writes it into the guides; a test holds that it is current.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from bridge.base import i18n
from tests.paths import ROOT
from tests.web.tools import FOLDER, node

GUIDES = {"vi": ROOT / "docs/vi/dieu-khien.md", "en": ROOT / "docs/en/operator.md"}
HEADERS = {"vi": "| phím | việc |", "en": "| key | |"}
PLACE = re.compile(r"(?<=<!-- keys -->\n\n).*?(?=\n<!-- /keys -->)", re.DOTALL)


def bindings() -> list[tuple[str, str]]:
    """How the keys of each binding are written, and its action; in the order of the table."""
    result = subprocess.run(
        [node(), str(FOLDER / "key_list.js")],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return [(keys, action) for keys, action in json.loads(result.stdout)]


def table(language: str) -> str:
    """The list as a table in Markdown."""
    rows = [
        f"| **{keys}** | {i18n.text(language, f'shortcut.{action}')} |"
        for keys, action in bindings()
    ]
    return "\n".join([HEADERS[language], "|---|---|", *rows, ""])


def renewed(guide: Path, language: str) -> str:
    """A guide with the present list. Raises ValueError where it has no place for one."""
    text, count = PLACE.subn(lambda _: table(language), guide.read_text("utf-8"))
    if count != 1:
        raise ValueError(f"{guide} has {count} places for the list of keys")
    return text


if __name__ == "__main__":
    for spoken, path in GUIDES.items():
        path.write_text(renewed(path, spoken), "utf-8")
