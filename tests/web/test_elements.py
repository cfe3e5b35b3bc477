"""A page has every element that its modules look for, also those shared with other pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.paths import ROOT

WEB = ROOT / "bridge" / "web"
PAGES = sorted(WEB.glob("*/index.html"))
SCRIPT = re.compile(r'<script[^>]*\bsrc="/web/([^"]+)"')
IMPORT = re.compile(r'^(?:import|export)\b(?:[^;"]*?\bfrom\s+|\s+)"(\.[^"]+)"', re.MULTILINE)
ASKED = re.compile(r'\b(?:byId|elementOf)\("([^"]+)"')
IDENT = re.compile(r'\bid="([^"]+)"')


def modules(script: Path) -> set[Path]:
    """A module, and all that it imports."""
    found: set[Path] = set()
    waiting = [script.resolve()]
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            imported = IMPORT.findall(module.read_text("utf-8"))
            waiting += [(module.parent / path).resolve() for path in imported]
    return found


def test_there_are_pages() -> None:
    assert {"console", "desk", "room"} <= {page.parent.name for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.parent.name))
def test_a_page_has_what_its_modules_look_for(page: Path) -> None:
    text = page.read_text("utf-8")
    there = set(IDENT.findall(text))
    used = set().union(*(modules(WEB / script) for script in SCRIPT.findall(text)))
    assert used, "a page has a script"
    missing = {
        (element, module.relative_to(WEB).as_posix())
        for module in used
        for element in ASKED.findall(module.read_text("utf-8"))
        if element not in there
    }
    assert missing == set()
