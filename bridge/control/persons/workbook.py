"""The rows of a spreadsheet's first sheet (XLSX), read in a process with limits on time and memory
(`bridge.base.limited`): a small archive can unpack to any size."""

from __future__ import annotations

import base64
import io
import os
import zipfile
from typing import Any

from bridge.control.persons.list_rows import MAX_COLUMNS, MAX_ROWS

MAX_UNPACKED = 24 << 20  # octets of all parts together: a list of some hundred rows has 100 kB
MAX_PARTS = 500


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """``rows`` of the file ``octets`` (Base64) as text, or why there are none (``problem``)."""
    octets = base64.b64decode(request["octets"])
    # numpy comes with the reader; each of its threads would reserve memory that nobody uses.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            parts = archive.infolist()
            if any(part.flag_bits & 1 for part in parts):
                return {"problem": "persons.file_kind"}
            # A part that unpacks to more than it says is an error of the reader's (zipfile).
            if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
                return {"problem": "persons.file_large"}
        return _rows(octets)
    except MemoryError:
        return {"problem": "persons.file_large"}
    except Exception:  # whatever a damaged file makes the reader do
        return {"problem": "persons.file_kind"}


def _rows(octets: bytes) -> dict[str, Any]:
    from openpyxl import load_workbook  # noqa: PLC0415  (half a second, in this process only)

    # Formulas are read as what they came to when the file was saved; nothing is worked out.
    book = load_workbook(io.BytesIO(octets), read_only=True, data_only=True, keep_links=False)
    sheet = book.worksheets[0]
    rows = []
    for cells in sheet.iter_rows(max_row=MAX_ROWS + 1, max_col=MAX_COLUMNS, values_only=True):
        row = ["" if cell is None else str(cell) for cell in cells]
        while len(row) > 1 and not row[-1]:
            row.pop()
        rows.append(row)
    while rows and not any(rows[-1]):
        rows.pop()
    return {"problem": "persons.too_many_rows"} if len(rows) > MAX_ROWS else {"rows": rows}
