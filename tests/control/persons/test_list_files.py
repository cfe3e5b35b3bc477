"""Lists out of spreadsheets: read with bounds, in a process of their own."""

from __future__ import annotations

import base64
import io
import zipfile

import openpyxl
import pytest

from bridge.control.persons import workbook
from bridge.control.persons.list_files import LARGEST, rows_of
from bridge.control.persons.list_rows import MAX_ROWS, ListError, entries
from tests.control.persons.test_list_rows import FOUND, POINTS


def xlsx(rows: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


LIST = xlsx(
    [
        ["Họ và tên", "Đơn vị", "Chức vụ", "Điểm cầu", "Số phiếu"],
        ["Nguyễn Thị Bưởi", "UBND xã Khoan Dụ", "Chủ tịch", "Xã Khoan Dụ", 2],
        [None, None, None, None, None],
        ["Đinh Công Sơn", "UBND xã Đồng Tâm", "Phó Chủ tịch", "Xã Đồng Tâm", None],
    ]
)


def answer(octets: bytes) -> dict[str, object]:
    return workbook.answer({"octets": base64.b64encode(octets).decode()})


async def test_a_spreadsheet_is_read_in_its_own_process() -> None:
    assert entries(await rows_of(LIST), POINTS) == FOUND


def test_a_formula_is_no_name_but_what_it_came_to() -> None:
    told = answer(xlsx([["Name"], ['=CONCATENATE("A","n")'], ["'=1+1"]]))
    assert told == {"rows": [["Name"], [""], ["'=1+1"]]}, (
        "it was never worked out: nothing is there"
    )


def bomb() -> bytes:
    """A part that says that it is large."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", bytes(workbook.MAX_UNPACKED + 1))
    return out.getvalue()


def lying() -> bytes:
    """The same, with sizes that say that it is small."""
    octets, size = bomb(), workbook.MAX_UNPACKED + 1
    small = octets.replace(size.to_bytes(4, "little"), (100).to_bytes(4, "little"))
    assert small != octets
    return small


def many() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(workbook.MAX_PARTS + 1):
            archive.writestr(str(number), b"")
    return out.getvalue()


@pytest.mark.parametrize(
    ("octets", "key"),
    [
        (bomb(), "persons.file_large"),
        (lying(), "persons.file_kind"),
        (many(), "persons.file_large"),
        (LIST[:2000], "persons.file_kind"),
        (b"PK\x03\x04" + bytes(100), "persons.file_kind"),
        (xlsx([["Name"]] * (MAX_ROWS + 1)), "persons.too_many_rows"),
    ],
    ids=["bomb", "lying", "parts", "cut", "nothing", "rows"],
)
def test_what_cannot_be_read_says_so(octets: bytes, key: str) -> None:
    assert answer(octets) == {"problem": key}


@pytest.mark.parametrize(
    ("octets", "key"),
    [
        (bytes(LARGEST + 1), "persons.file_large"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "persons.file_kind"),
        (b"%PDF-1.7", "persons.file_kind"),
    ],
)
async def test_what_is_no_list_is_not_even_looked_at(octets: bytes, key: str) -> None:
    with pytest.raises(ListError) as refused:
        await rows_of(octets)
    assert refused.value.key == key
