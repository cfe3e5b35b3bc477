"""Who is let in to watch, by which code, and who has to leave."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bridge.audience import admittance
from bridge.audience.admittance import Admission
from bridge.conference.model import Admits, Phase, State
from tests.conference.support import live

KEY = bytes(range(32))
STATE = live().state


def with_audience(admits: Admits, *, phase: Phase = "live", number: int = 1) -> State:
    return replace(STATE, audience=admits, phase=phase, audience_code=number)


@pytest.mark.parametrize(
    ("admits", "account", "code", "kind", "refusal"),
    [
        ("nobody", True, True, "", "watch.closed"),
        ("nobody", False, False, "", "watch.closed"),
        ("accounts", True, False, "accounts", ""),
        ("accounts", False, True, "", "watch.needs_accounts"),
        ("code", False, True, "code", ""),
        ("code", False, False, "", "watch.needs_code"),
        ("code", True, False, "accounts", ""),
        ("anybody", False, False, "anybody", ""),
        ("anybody", True, False, "accounts", ""),
    ],
)
def test_who_is_admitted(
    admits: Admits, account: bool, code: bool, kind: str, refusal: str
) -> None:
    found = admittance.admission(with_audience(admits), account=account, code=code)
    assert found == Admission(kind, refusal)  # type: ignore[arg-type]


def test_what_is_closed_is_not_told_from_what_does_not_exist() -> None:
    closed = admittance.admission(with_audience("nobody"), account=False, code=False)
    assert admittance.admission(None, account=True, code=False) == closed


@pytest.mark.parametrize(
    ("state", "kind", "mark", "why"),
    [
        (None, "anybody", "", "ended"),
        (with_audience("anybody", phase="ended"), "anybody", "", "ended"),
        (with_audience("anybody", phase="open"), "anybody", "", "ended"),
        (with_audience("nobody"), "accounts", "l", "withdrawn"),
        (with_audience("accounts"), "accounts", "l", ""),
        (with_audience("accounts"), "anybody", "", "withdrawn"),
        (with_audience("accounts"), "code", "1", "withdrawn"),
        (with_audience("code"), "anybody", "", "withdrawn"),
        (with_audience("code", number=2), "code", "2", ""),
        (with_audience("code", number=2), "code", "1", "code"),
        (with_audience("anybody", number=2), "code", "1", ""),
    ],
)
def test_who_has_to_leave(state: State | None, kind: admittance.Kind, mark: str, why: str) -> None:
    assert admittance.leaves(state, kind, mark) == why


@given(st.text(max_size=40), st.integers(0, 1000))
def test_a_code_is_short_and_stays_the_same(conference: str, number: int) -> None:
    code = admittance.code_of(KEY, conference, number)
    assert len(code) == admittance.LENGTH
    assert set(code) <= set(admittance.ALPHABET)
    assert code == admittance.code_of(KEY, conference, number)
    assert admittance.fits(admittance.written(code), code)
    assert admittance.fits(f" {code.lower()} ", code)


def test_another_conference_number_or_bridge_has_another_code() -> None:
    codes = [
        admittance.code_of(KEY, "a", 1),
        admittance.code_of(KEY, "a", 2),
        admittance.code_of(KEY, "b", 1),
        admittance.code_of(bytes(32), "a", 1),
    ]
    assert len(set(codes)) == 4


@given(st.text(max_size=2000))
def test_whatever_is_given_is_no_code_by_chance(given_: str) -> None:
    assert not admittance.fits(given_, admittance.code_of(KEY, "a", 1))
