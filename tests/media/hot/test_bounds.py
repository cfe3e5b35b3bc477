"""Bounds checks are compiled into what the product runs: a wrong index is an IndexError, not memory
of somebody else. So all tests of the compiled path run under them."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.media.hot import compiling, world
from tests.media.compiled import arrive, depart


@pytest.fixture(autouse=True, scope="module")
def path() -> str:
    """It is about the compiled path alone."""
    return "compiled"


def test_the_check_is_an_option_of_every_compiled_function() -> None:
    if compiling.IN_PYTHON:
        pytest.skip("nothing is compiled here")
    entries: list[Any] = [arrive, depart]
    for entry in entries:
        assert entry.targetoptions["boundscheck"] is True


def test_a_count_beyond_the_table_is_an_index_error() -> None:
    """Of the datagrams of a turn: one more than the table has, where the kernel would never go."""
    made = world.make()
    arrive(made, world.DATAGRAMS, 0.0)
    with pytest.raises(IndexError):
        arrive(made, world.DATAGRAMS + 1, 0.0)


def test_a_row_beyond_the_table_is_an_index_error() -> None:
    """Of receivers that wait for their turn: a row that no transport can have."""
    made = world.make()
    w = made[0]
    w["ready"] = 1
    w["receivers"][0] = world.TRANSPORTS
    with pytest.raises(IndexError):
        depart(made, False)
