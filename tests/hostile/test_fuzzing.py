"""Any octets, everywhere a stranger or a member can send some: nothing is ever raised."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hostile import fuzz_targets
from tests.paths import ROOT

CRASHES = ROOT / "tests" / "hostile" / "crashes"
SECONDS = 120  # of coverage-guided fuzzing a target: twelve minutes in all


def mutated(target: str) -> st.SearchStrategy[bytes]:
    """Genuine input of a target with some octets changed, or cut, or none of it at all."""
    change = st.lists(st.tuples(st.integers(0, 4095), st.integers(0, 255)), max_size=8)

    def apply(seed: bytes, changes: list[tuple[int, int]], cut: int) -> bytes:
        data = bytearray(seed)
        for at, value in changes:
            if data:
                data[at % len(data)] = value
        return bytes(data[: max(0, len(data) - cut)])

    cut = st.one_of(st.just(0), st.integers(0, 200))
    genuine = st.builds(apply, st.sampled_from(fuzz_targets.seeds(target)), change, cut)
    return st.one_of(genuine, st.binary(max_size=300))


def try_until(target: str, deadline: float, examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(mutated(target))
    def search(data: bytes) -> None:
        if time.monotonic() < deadline:
            fuzz_targets.TARGETS[target](data)

    search()


@pytest.mark.parametrize("target", fuzz_targets.TARGETS)
def test_nothing_is_raised(target: str) -> None:
    try_until(target, float("inf"), 300)


@pytest.mark.parametrize("path", sorted(CRASHES.glob("*/*")), ids=lambda path: path.name)
def test_what_once_ended_a_target_ends_it_no_more(path: Path) -> None:
    fuzz_targets.TARGETS[path.parent.name](path.read_bytes())


@pytest.mark.soak
@pytest.mark.timeout(SECONDS * 4)
@pytest.mark.parametrize("target", fuzz_targets.TARGETS)
def test_twelve_minutes_guided_by_coverage(tmp_path: Path, target: str) -> None:
    """With atheris where it has a wheel, otherwise with hypothesis for as long."""
    if importlib.util.find_spec("atheris") is None:
        try_until(target, time.monotonic() + SECONDS, 1_000_000)
        return
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "tests.hostile.fuzz"),
            *(target, str(SECONDS), str(tmp_path)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    print(ended.stderr[-2000:])
    found = [path.read_bytes().hex() for path in tmp_path.iterdir() if path.is_file()]
    assert ended.returncode == 0, found
