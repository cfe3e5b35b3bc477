"""Lists out of CSV files: how text is written in them, which column is which, what is wrong."""

from __future__ import annotations

import codecs
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.base.i18n import catalogue
from bridge.conference.attendance import MAX_PERSONS, Details
from bridge.control.persons.list_rows import (
    MAX_PROBLEMS,
    Entry,
    ListError,
    csv_rows,
    entries,
    plain_word,
)

POINTS = {"khoan du": "khoan-du", "xa khoan du": "khoan-du", "xa dong tam": "dong-tam"}
TEXT = (
    "Họ và tên;Đơn vị;Chức vụ;Điểm cầu;Số phiếu\r\n"
    "Nguyễn Thị Bưởi;UBND xã Khoan Dụ;Chủ tịch;Xã Khoan Dụ;2\r\n"
    ";;;;\r\n"
    "Đinh Công Sơn;UBND xã Đồng Tâm;Phó Chủ tịch;xã đồng tâm;\r\n"
)
FOUND = [
    Entry("khoan-du", Details("Nguyễn Thị Bưởi", "UBND xã Khoan Dụ", "Chủ tịch"), 2),
    Entry("dong-tam", Details("Đinh Công Sơn", "UBND xã Đồng Tâm", "Phó Chủ tịch"), 1),
]


def windows(text: str) -> bytes:
    """As Windows' Vietnamese has it: vowels composed, tones behind them."""
    tones = "\u0300\u0301\u0303\u0309\u0323"
    out = []
    for letter in text:
        try:
            out.append(letter.encode("cp1258"))
        except UnicodeError:
            import unicodedata

            parts = unicodedata.normalize("NFD", letter)
            tone = next(mark for mark in parts if mark in tones)
            base = unicodedata.normalize("NFC", parts.replace(tone, ""))
            out.append(base.encode("cp1258") + tone.encode("cp1258"))
    return b"".join(out)


@pytest.mark.parametrize(
    "octets",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        TEXT.encode("utf-16"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        windows(TEXT),
        TEXT.replace(";", ",").encode(),
        TEXT.replace(";", "\t").replace("\r\n", "\n").encode(),
        ("Danh sách đại biểu;;;;\n" + TEXT).encode(),
    ],
    ids=["utf8", "bom", "utf16", "be-bom", "le", "be", "cp1258", "comma", "tab", "title"],
)
def test_a_list_is_read_however_it_was_written(octets: bytes) -> None:
    assert entries(csv_rows(octets), POINTS) == FOUND


def test_the_point_may_be_that_of_the_file() -> None:
    rows = [["Name", "Votes"], ["An", "3.0"], ["Bình", ""]]
    assert entries(rows, POINTS, "dong-tam") == [
        Entry("dong-tam", Details("An"), 3),
        Entry("dong-tam", Details("Bình"), 1),
    ]


@pytest.mark.parametrize(
    ("row", "key"),
    [
        (["", "UBND", "khoan-du", "1"], "persons.no_name"),
        (["<b>An", "", "khoan-du", "1"], "persons.markup"),
        (["=1+1", "", "khoan-du", "1"], "persons.formula"),
        (["An", "=cmd|x", "khoan-du", "1"], "persons.formula"),
        (["An\u202e", "", "khoan-du", "1"], "persons.unreadable"),
        (["An", "", "hà nội", "1"], "persons.unknown_point"),
        (["An", "", "", "1"], "persons.no_point"),
        (["An", "", "khoan-du", "0"], "persons.bad_weight"),
        (["An", "", "khoan-du", "1001"], "persons.bad_weight"),
        (["An", "", "khoan-du", "-1"], "persons.bad_weight"),
        (["An", "", "khoan-du", "²"], "persons.bad_weight"),
        (["An", "", "khoan-du", "9" * 900], "persons.bad_weight"),
        (["A" * 2000, "", "khoan-du", "1"], "persons.too_long"),
        (["Đủ", "", "khoan-du", "1"], "persons.twice"),
    ],
)
def test_one_bad_row_and_nobody_is_taken(row: list[str], key: str) -> None:
    rows = [["Name", "Agency", "Point", "Votes"], ["Đủ", "", "khoan-du", "1"], row]
    with pytest.raises(ListError) as refused:
        entries(rows, POINTS)
    [wrong] = refused.value.rows
    assert (wrong.row, wrong.key) == (3, key)
    assert {key, refused.value.key} <= catalogue("vi").keys()


@pytest.mark.parametrize(
    ("octets", "key"),
    [
        (b"", "persons.no_columns"),
        (b"An,Khoan Du\nBinh,Khoan Du", "persons.no_columns"),
        (b"Name,Name,Point\nAn,An,khoan-du", "persons.column_twice"),
        (b"Name,Point\n", "persons.empty_list"),
        (b'Name,Point\n"An,khoan-du', "persons.file_kind"),
        (b"Name\nAn\0\0", "persons.file_kind"),
        (b"\xff\xfeN\0a", "persons.file_kind"),
        (b"Name,Point\nA\xd2\xff\x81n\xe0,khoan-du\n" * 2, None),
        (b"Name\nA\x81\xd2\xff\xfen\n\xe0\x8f", None),  # Windows' Vietnamese has nearly every octet
        (b"Name,Point\n" + b"An,khoan-du\n" * (MAX_PERSONS + 200), "persons.too_many_rows"),
    ],
)
def test_what_is_no_list_gets_a_sentence(octets: bytes, key: str | None) -> None:
    with pytest.raises(ListError) as refused:
        entries(csv_rows(octets), POINTS)
    if key is not None:
        assert refused.value.key == key
    assert refused.value.key in catalogue("en")


def test_so_many_problems_are_told() -> None:
    rows = [["Name", "Point"], *([f"{n}", "khoan-du"] for n in range(50))]
    with pytest.raises(ListError) as refused:
        entries(rows, POINTS)
    assert len(refused.value.rows) == MAX_PROBLEMS
    assert refused.value.arguments == {"count": "50"}


def test_words_are_compared_without_accents() -> None:
    assert plain_word("  Họ và TÊN: ") == plain_word("Ho va ten")
    assert plain_word("ĐIỂM-CẦU") == "diem cau"


@given(st.binary(max_size=400))
def test_any_octets_are_a_list_or_refused(octets: bytes) -> None:
    with contextlib.suppress(ListError):  # and nothing else
        assert entries(csv_rows(octets), POINTS, "khoan-du")
