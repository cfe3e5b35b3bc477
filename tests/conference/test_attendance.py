"""What may stand in a delegate's name, and what is refused with a sentence."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.base.i18n import catalogue
from bridge.conference.attendance import MAX_NAME, UNREADABLE, Details, PersonError, details


def test_names_are_composed_and_trimmed() -> None:
    apart = unicodedata.normalize("NFD", "  Nguyễn\u00a0 Thị   Bưởi ")
    assert details(apart, "UBND xã Khoan Dụ", "Phó Chủ tịch – phụ trách (KT-XH)") == Details(
        "Nguyễn Thị Bưởi", "UBND xã Khoan Dụ", "Phó Chủ tịch – phụ trách (KT-XH)"
    )


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("", "persons.no_name"),
        ("   ", "persons.no_name"),
        ("123", "persons.no_name"),
        ("<b>An</b>", "persons.markup"),
        ("An <script>", "persons.markup"),
        ('=HYPERLINK("x")', "persons.formula"),
        ("+84 An", "persons.formula"),
        ("-An", "persons.formula"),
        ("@An", "persons.formula"),
        (" =An", "persons.formula"),
        ("An\u202egnart", "persons.unreadable"),
        ("An\u2067x", "persons.unreadable"),
        ("A\u200bn", "persons.unreadable"),
        ("An\x00", "persons.unreadable"),
        ("An\nBình", "persons.unreadable"),
        ("An 🙂", "persons.unreadable"),
        ("An\ud800", "persons.unreadable"),
        ("A" * (MAX_NAME + 1), "persons.too_long"),
        ("A" * 100_000, "persons.too_long"),
    ],
)
def test_what_is_no_name_is_refused(name: str, key: str) -> None:
    for arguments in ((name,), ("An", name)) if key != "persons.no_name" else ((name,),):
        if key == "persons.too_long" and len(arguments) == 2 and len(name) < 150:
            continue  # an agency may be longer
        with pytest.raises(PersonError) as refused:
            details(*arguments)
        assert refused.value.key == key
        assert key in catalogue("vi")


@given(st.text(max_size=200))
def test_what_is_taken_harms_nobody(name: str) -> None:
    try:
        kept = details(name).name
    except PersonError:
        return
    assert kept == unicodedata.normalize("NFC", kept).strip()
    assert kept[0] not in "=+-@"
    assert not set("<>\n\t") & set(kept)
    assert not any(unicodedata.category(letter) in UNREADABLE for letter in kept)
    assert details(kept).name == kept
