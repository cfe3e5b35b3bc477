"""Sentences for people, from the catalogues that the pages use too (bridge/web/common)."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import msgspec

FOLDER = Path(__file__).parent.parent / "web" / "common"


class Sentence(msgspec.Struct, frozen=True, kw_only=True):
    """A full sentence for people, in Vietnamese and English."""

    vi: str
    en: str

    def text(self, language: str) -> str:
        """In "vi" or "en"."""
        return self.vi if language == "vi" else self.en


@functools.cache
def catalogue(language: str) -> dict[str, str]:
    """All sentences of a language by key."""
    loaded: dict[str, str] = json.loads((FOLDER / f"{language}.json").read_text("utf-8"))
    return loaded


def text(language: str, key: str, **arguments: str | Sentence) -> str:
    """The sentence ``key`` with ``{name}`` places filled. Raises KeyError for unknown keys."""
    spoken = {
        name: value if isinstance(value, str) else value.text(language)
        for name, value in arguments.items()
    }
    return catalogue(language)[key].format(**spoken)


def sentence(key: str, **arguments: str | Sentence) -> Sentence:
    return Sentence(vi=text("vi", key, **arguments), en=text("en", key, **arguments))


def known(key: str) -> bool:
    return key in catalogue("en")
