"""The operator's guides list the keys that the console has."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.web.key_list import GUIDES, bindings, renewed


@pytest.mark.parametrize("language", GUIDES)
def test_the_guides_list_the_keys_of_the_console(language: str) -> None:
    guide = GUIDES[language]
    assert guide.read_text("utf-8") == renewed(guide, language), (
        "the keys have changed: run python -m tests.web.key_list"
    )


def test_the_list_has_every_binding_of_the_table() -> None:
    found = {action: keys for keys, action in bindings()}
    assert found["take"] == "Enter"
    assert found["mute_all"] == "⇧M"
    assert len(found) > 20


def test_a_guide_without_a_place_for_the_list_is_told(tmp_path: Path) -> None:
    guide = tmp_path / "guide.md"
    guide.write_text("# Keys\n", "utf-8")
    with pytest.raises(ValueError, match="0 places"):
        renewed(guide, "en")
