"""A list of persons out of the rows of a file: which column is which, and what is wrong with which
row. Pure."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bridge.conference.attendance import MAX_PERSONS, Details, PersonError, details
from bridge.conference.voting import MAX_WEIGHT

MAX_COLUMNS = 30
MAX_CELL = 1000  # characters
MAX_ROWS = MAX_PERSONS + 100  # empty ones and the header among them
MAX_PROBLEMS = 20  # that are told of one file: whoever repairs it sees the next ones then

COLUMNS = {
    "name": ("ho va ten", "ho ten", "ten", "dai bieu", "name", "full name"),
    "agency": ("don vi", "co quan", "co quan don vi", "don vi cong tac", "agency", "organisation"),
    "position": ("chuc vu", "chuc danh", "position", "title"),
    "point": ("diem cau", "ma diem cau", "point", "site"),
    "weight": ("so phieu", "phieu", "weight", "votes"),
}
"""What columns are called in their first row, without accents."""


class Entry(NamedTuple):
    """A person as a list has it."""

    point: str
    details: Details
    weight: int = 1


class RowProblem(NamedTuple):
    """What is wrong with a row (the first one is 1): a key of the catalogue, its arguments."""

    row: int
    key: str
    arguments: Mapping[str, str]


class ListError(Exception):
    """A file is not taken: one sentence about the whole, or some about its ``rows``."""

    def __init__(
        self, key: str, rows: Sequence[RowProblem] = (), arguments: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(key)
        self.key = key
        self.rows = tuple(rows)
        self.arguments = dict(arguments or {})


def plain_word(text: str) -> str:
    """A heading or a point's name to be compared: without accents, marks and capitals."""
    apart = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    letters = (c if c.isalnum() else " " for c in apart if not unicodedata.combining(c))
    return " ".join("".join(letters).split())


def text_of(octets: bytes) -> str:
    """The text of a file that a spreadsheet wrote: UTF-8 or UTF-16, with their marks or without,
    otherwise Windows' Vietnamese. Raises `ListError`."""
    try:
        if octets.startswith((b"\xff\xfe", b"\xfe\xff")):
            return octets.decode("utf-16")
        if octets[1:2] == b"\0" or octets[:1] == b"\0":  # UTF-16 of a Latin letter without a mark
            return octets.decode("utf-16-le" if octets[1:2] == b"\0" else "utf-16-be")
        return octets.decode("utf-8-sig")
    except UnicodeError:
        pass
    try:
        return unicodedata.normalize("NFC", octets.decode("cp1258"))
    except UnicodeError:
        raise ListError("persons.file_encoding") from None


def csv_rows(octets: bytes) -> list[list[str]]:
    """The rows of a CSV file, whatever stands between its columns. Raises `ListError`."""
    text = text_of(octets)
    if "\0" in text:
        raise ListError("persons.file_kind")
    first = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            rows.append(row)
            if len(rows) > MAX_ROWS:
                raise ListError("persons.too_many_rows", arguments={"most": str(MAX_PERSONS)})
    except csv.Error:
        raise ListError("persons.file_kind") from None
    return rows


def entries(
    rows: Sequence[Sequence[str]], points: Mapping[str, str], point: str = ""
) -> list[Entry]:
    """The persons of a list. ``points`` are the ids of points by what they may be called
    (`plain_word`); ``point`` is where everybody sits whose row does not say. Raises `ListError`:
    nothing is taken of a list with a row that cannot be."""
    head, body = _head(rows)
    found: list[Entry] = []
    wrong: list[RowProblem] = []
    seen: dict[tuple[str, Details], int] = {}
    for number, row in body:
        try:
            entry = _entry(dict(zip(head, row, strict=False)), points, point)
            at = seen.setdefault((entry.point, entry.details), number)
            if at != number:
                raise PersonError("persons.twice", row=str(at))
            found.append(entry)
        except PersonError as error:
            wrong.append(RowProblem(number, error.key, error.arguments))
    if wrong:
        arguments = {"count": str(len(wrong))}
        raise ListError("persons.bad_rows", wrong[:MAX_PROBLEMS], arguments)
    if not found:
        raise ListError("persons.empty_list")
    if len(found) > MAX_PERSONS:
        raise ListError("persons.too_many_rows", arguments={"most": str(MAX_PERSONS)})
    return found


def _head(rows: Sequence[Sequence[str]]) -> tuple[list[str], list[tuple[int, Sequence[str]]]]:
    """What each column is, and the rows below with their numbers. A title may stand above."""
    for place, row in enumerate(rows[:10]):
        head = [_column(cell) for cell in row[:MAX_COLUMNS]]
        named = [column for column in head if column]
        if "name" not in named:
            continue
        if len(set(named)) != len(named):
            raise ListError("persons.column_twice")
        body = [(number, cells) for number, cells in enumerate(rows, 1) if number > place + 1]
        return head, [(number, cells) for number, cells in body if any(c.strip() for c in cells)]
    raise ListError("persons.no_columns")


def _column(cell: str) -> str:
    word = plain_word(cell[:MAX_CELL])
    return next((column for column, words in COLUMNS.items() if word in words), "")


def _entry(cells: Mapping[str, str], points: Mapping[str, str], point: str) -> Entry:
    for cell in cells.values():
        if len(cell) > MAX_CELL:
            raise PersonError("persons.too_long", field="name", most=str(MAX_CELL))
    said = cells.get("point", "").strip()
    where = points.get(plain_word(said), "") if said else point
    if not where:
        key = "persons.unknown_point" if said else "persons.no_point"
        raise PersonError(key, **({"point": said[:100]} if said else {}))
    votes = cells.get("weight", "").strip() or "1"
    votes = votes.removesuffix(".0")  # as spreadsheets keep whole numbers
    if not (votes.isascii() and votes.isdecimal() and 1 <= int(votes[:6]) <= MAX_WEIGHT):
        raise PersonError("persons.bad_weight", most=str(MAX_WEIGHT))
    named = details(cells.get("name", ""), cells.get("agency", ""), cells.get("position", ""))
    return Entry(where, named, int(votes))
