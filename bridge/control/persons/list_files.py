"""Lists of persons as people bring them: CSV or XLSX, told apart by what is in them."""

from __future__ import annotations

import base64

from bridge.base.limited import OverLimitError, limited
from bridge.conference.attendance import MAX_PERSONS
from bridge.control.persons.list_rows import ListError, csv_rows

LARGEST = 2 << 20  # octets of a file
SECONDS = 15.0  # of the processor
MEMORY = 1 << 30  # octets of address space, most of which libraries only reserve
ARCHIVE = b"PK\x03\x04"
OTHERS = (b"\xd0\xcf\x11\xe0", b"%PDF", b"{\\rtf", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf")
"""Beginnings of what is neither: the old XLS among them."""


async def rows_of(octets: bytes) -> list[list[str]]:
    """The rows of a file. Raises `ListError`; OSError where no process can be started."""
    if len(octets) > LARGEST:
        raise ListError("persons.file_large")
    if octets.startswith(OTHERS):
        raise ListError("persons.file_kind")
    if not octets.startswith(ARCHIVE):
        return csv_rows(octets)
    request = {"octets": base64.b64encode(octets).decode()}
    try:
        told = await limited(
            "bridge.control.persons.workbook", request, seconds=SECONDS, memory=MEMORY
        )
    except OverLimitError:
        raise ListError("persons.file_large") from None
    if "problem" in told:
        raise ListError(told["problem"], arguments={"most": str(MAX_PERSONS)})
    rows: list[list[str]] = told["rows"]
    return rows
