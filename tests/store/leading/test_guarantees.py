"""On which servers several hosts may rely, by table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridge.store.leading.guarantees import (
    CLOSED,
    COPY,
    Facts,
    Seen,
    outdated,
    problem_of,
    read_only,
    warning_of,
)
from bridge.store.leading.seen_database import FILE, read_seen, write_seen

GOOD = Facts(150004, "on", "on", "on", "", False, "off", 7, "00000002")


@pytest.mark.parametrize(
    ("change", "several", "word"),
    [
        ({}, False, ""),
        ({}, True, ""),
        ({"version": 140000, "commits": "remote_apply"}, True, ""),
        ({"version": 130010}, False, "14 or newer"),
        ({"commits": "off"}, False, "synchronous_commit"),
        ({"fsync": "off"}, False, "fsync"),
        ({"pages": "off"}, False, "full_page_writes"),
        ({"commits": "local"}, False, ""),  # there is no copy to wait for
        ({"commits": "local"}, True, "copy"),
        ({"commits": "local", "copies": "b"}, False, "copy"),
        ({"commits": "remote_write", "copies": "b"}, False, "copy"),
    ],
)
def test_what_is_refused(change: dict[str, Any], several: bool, word: str) -> None:
    said = problem_of(GOOD._replace(**change), several)
    assert word in said
    assert bool(word) == bool(said)


def test_what_is_told() -> None:
    assert "one machine only" in warning_of(GOOD, several=False)
    assert "takes its place" in warning_of(GOOD, several=True)
    assert warning_of(GOOD._replace(copies="b"), several=True) == ""


def test_what_cannot_be_written_to() -> None:
    assert read_only(GOOD) == ""
    assert read_only(GOOD._replace(copy=True, timeline="")) == COPY
    assert read_only(GOOD._replace(closed="on")) == CLOSED


@pytest.mark.parametrize(
    ("seen", "old"),
    [
        (Seen(), False),
        (Seen(7, 1), False),
        (Seen(7, 2), False),
        (Seen(7, 3), True),
        (Seen(8, 3), False),  # another database
    ],
)
def test_which_server_is_one_of_before(seen: Seen, old: bool) -> None:
    assert bool(outdated(GOOD, seen)) == old


def test_the_database_that_was_known_last_is_kept(tmp_path: Path) -> None:
    assert read_seen(tmp_path) == Seen()
    write_seen(tmp_path, Seen())
    assert not (tmp_path / FILE).exists()
    write_seen(tmp_path, GOOD.seen)
    assert read_seen(tmp_path) == Seen(7, 2)
    for bad in ("", "[]", "{}", '{"system": "x", "timeline": 1}', "\xff"):
        (tmp_path / FILE).write_text(bad, "latin-1")
        assert read_seen(tmp_path) == Seen()
