"""The catalogues: both languages have the same keys and places, and code names no others."""

from __future__ import annotations

import re
import string
from pathlib import Path

from bridge import texts

ROOT = Path(__file__).parent.parent.parent


def places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def test_the_languages_agree() -> None:
    vi, en = texts.catalogue("vi"), texts.catalogue("en")
    assert vi.keys() == en.keys()
    for key in vi:
        assert places(vi[key]) == places(en[key]), key
        assert vi[key].strip()
        assert en[key].strip()


def test_code_names_only_keys_that_exist() -> None:
    known = texts.catalogue("vi")
    families = {key.partition(".")[0] for key in known}
    pattern = re.compile(r"[\"'`]((?:" + "|".join(families) + r")\.[a-z_.]+[a-z_])[\"'`]")
    files = [*ROOT.glob("bridge/**/*.py"), *ROOT.glob("bridge/web/**/*.js")]
    files += ROOT.glob("bridge/web/**/*.html")
    named = {key for file in files for key in pattern.findall(file.read_text("utf-8"))}
    named -= {key for key in named if key.startswith(("state.js", "protocol.js"))}
    unknown = {key for key in named if key not in known and not key.endswith((".js", ".py"))}
    assert unknown == set()
    assert len(named) > 30


def test_pages_load_nothing_from_elsewhere() -> None:
    for file in ROOT.glob("bridge/web/**/*"):
        if file.suffix in (".js", ".html", ".css"):
            text = file.read_text("utf-8")
            assert not re.search(r"https?://", text), file
            assert "innerHTML" not in text, file
            assert not re.search(r"\sstyle=|\son[a-z]+=", text), file
