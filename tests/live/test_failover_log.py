"""Leader, standby and database are killed, stopped and cut off, and nothing that was acknowledged
is lost. `python -m benchmarks.failover_log` prints how long each kind takes."""

from __future__ import annotations

import os

import pytest

from benchmarks.failover_log.__main__ import run
from tests import databases


@pytest.mark.parametrize(
    ("rounds", "seed"),
    [
        pytest.param(6, 5, id="slice"),  # both hosts, both servers, three promotions
        pytest.param(300, 1, marks=pytest.mark.soak, id="300"),
    ],
)
async def test_nothing_acknowledged_is_lost(rounds: int, seed: int) -> None:
    if databases.postgres_bin() is None and os.environ.get("CI") != "true":
        pytest.skip("PostgreSQL is missing: apt-get install postgresql")
    found, _, repeated = await run(rounds, seed=seed)
    print(f"\n{rounds} rounds, {repeated} commands sent again: {found}")
    assert found.good, found
    assert found.acknowledged > rounds
