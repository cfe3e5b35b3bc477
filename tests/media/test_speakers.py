"""Loudness selection."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.media import speakers

KEYS = st.sampled_from("abcdefgh")


@given(
    st.dictionaries(KEYS, st.floats(0, 127)),
    st.lists(KEYS, max_size=2, unique=True),
    st.lists(KEYS, max_size=4, unique=True),
    st.integers(1, 4),
)
def test_select(levels: dict[str, float], floor: list[str], heard: list[str], slots: int) -> None:
    chosen = speakers.select(levels=levels, floor=floor, heard=heard, slots=slots)
    assert len(chosen) == len(set(chosen)) <= slots + 1
    assert set(chosen) <= set(levels)
    present = [key for key in floor if key in levels][: slots + 1]
    assert chosen[: len(present)] == present
    again = speakers.select(levels=levels, floor=floor, heard=chosen, slots=slots)
    assert set(again) == set(chosen), "who is heard stays while levels do"


@given(
    st.lists(st.one_of(st.none(), KEYS), min_size=1, max_size=4).filter(
        lambda keys: len([k for k in keys if k]) == len({k for k in keys if k})
    ),
    st.lists(KEYS, max_size=5, unique=True),
    st.one_of(st.none(), KEYS),
)
def test_assign(current: list[str | None], wanted: list[str], own: str | None) -> None:
    result = speakers.assign(current, wanted, own)
    assert len(result) == len(current)
    carried = [key for key in result if key is not None]
    assert len(carried) == len(set(carried))
    assert own not in carried
    assert set(carried) == set([k for k in wanted if k != own][: len(current)])
    for before, after in zip(current, result, strict=True):
        if before in carried:
            assert after == before, "who is in a slot stays in it"


def test_a_pause_between_words_keeps_the_slot() -> None:
    level = 20.0
    for _ in range(10):  # 200 ms of silence
        level = speakers.smooth(level, 127)
    chosen = speakers.select(levels={"a": level, "b": 52.0}, floor=[], heard=["a"], slots=1)
    assert chosen[0] == "a"
