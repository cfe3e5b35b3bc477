"""Titles out of names of files."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.papers.titles import MAX_TITLE, UNTITLED, title_of


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Kế hoạch 2027.pdf", "Kế hoạch 2027.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\lan\\họp.pdf", "họp.pdf"),
        ("<img src=x onerror=alert(1)>.pdf", "<img src=x onerror=alert(1)>.pdf"),  # text, as it is
        ("bao\u202ecod.fdp", "baocod.fdp"),
        ("zero\u200bwidth\x00.pdf", "zerowidth.pdf"),
        ("  much \u00a0 space\t.pdf ", "much space.pdf"),
        ("..", UNTITLED),
        ("", UNTITLED),
        ("dir/", UNTITLED),
    ],
)
def test_a_title_reads_as_it_is_shown(name: str, title: str) -> None:
    assert title_of(name) == title


@given(st.text(max_size=400))
def test_any_name_becomes_a_title(name: str) -> None:
    title = title_of(name)
    assert 1 <= len(title) <= MAX_TITLE
    assert not any(unicodedata.category(char)[0] == "C" for char in title)
    assert "/" not in title
    assert "\\" not in title
