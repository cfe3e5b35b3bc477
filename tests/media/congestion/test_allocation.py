"""Who gets what of a budget: the table of docs/architecture.md, and what always holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.media.congestion.allocation import Demand, Step, allocate, hunger, steps_of

Q = (Step("q", -1, 150_000, 180, 15),)
H = (Step("h", 1, 330_000, 360, 15), Step("h", -1, 500_000, 360, 30))
F = (Step("f", 1, 1_000_000, 720, 15), Step("f", -1, 1_500_000, 720, 30))
CAMERA = (*Q, *H, *F)
SCREEN = (Step("", 0, 400_000, 0, 8), Step("", -1, 900_000, 0, 30))
VOICE = 50_000


def demands(thumbnails: int = 2, *, may_pause: bool = True) -> list[Demand]:
    return [
        Demand("programme", 0, may_pause, CAMERA),
        Demand("content", 1, may_pause, SCREEN),
        Demand("preview", 2, may_pause, CAMERA),
        *(Demand(f"thumb:{n}", 3 + n, may_pause, Q) for n in range(thumbnails)),
    ]


def names(budget: float, **options: bool) -> dict[str, str]:
    result = allocate(demands(**options), budget=budget, sound=VOICE, shown={})
    return {
        slot: "-" if step is None else f"{step.rid}{step.temporal if step.temporal >= 0 else ''}"
        for slot, step in result.steps.items()
    }


@pytest.mark.parametrize(
    ("kbit", "programme", "content", "preview", "thumbnails"),
    [
        (100, "-", "-", "-", "--"),  # sound only
        (300, "q", "-", "-", "--"),  # the programme's lowest layer
        (700, "q", "0", "-", "--"),  # shared content readable
        (900, "h1", "0", "-", "--"),  # programme up
        (1700, "f1", "0", "q", "--"),
        (2200, "f", "0", "q", "--"),  # preview
        (2800, "f", "", "q", "q-"),  # thumbnails
        (6000, "f", "", "f", "qq"),
        (0, "f", "", "f", "qq"),  # nothing known: no limit
    ],
)
def test_the_order_in_which_a_meeting_needs_it(
    kbit: int, programme: str, content: str, preview: str, thumbnails: str
) -> None:
    got = names(kbit * 1000)
    assert got["programme"] == programme
    assert got["content"] == content
    assert got["preview"] == preview
    assert got["thumb:0"] + got["thumb:1"] == thumbnails


def test_thumbnails_are_served_in_the_order_of_panes() -> None:
    cheap = [Demand("programme", 0, True, Q), *demands(4)[3:]]
    got = allocate(cheap, budget=620_000, sound=VOICE, shown={}).steps
    assert [slot for slot, step in got.items() if step is not None] == [
        "programme",
        "thumb:0",
        "thumb:1",
    ]


@pytest.mark.parametrize(
    ("kbit", "more"),
    [(60, 90_000), (80, 90_000), (120, 130_000), (200, 0), (6000, 0)],
)
def test_who_sees_next_to_nothing_of_the_programme_is_hungry(kbit: int, more: int) -> None:
    """Told is what its next step would take in all: of nothing, of four frames a second, of all."""
    slow = (Step("q", 0, 40_000, 180, 4), Step("q", -1, 80_000, 180, 15))
    wanted = [Demand("programme", 0, True, (*slow, *H)), Demand("thumb:1", 3, True, Q)]
    result = allocate(wanted, budget=1000 * kbit, sound=VOICE, shown={})
    assert hunger(wanted, result) == more
    assert hunger(wanted[1:], result) == 0, "small pictures are no reason to fill a line"


def test_what_may_not_pause_keeps_its_lowest_layer() -> None:
    got = names(60_000, may_pause=False)
    assert got["programme"] == "q"
    assert got["thumb:1"] == "q"


def test_what_is_shown_is_kept_more_easily_than_it_is_gained() -> None:
    only = [Demand("programme", 0, True, CAMERA)]
    budget = VOICE + 500_000 * 0.95
    fresh = allocate(only, budget=budget, sound=VOICE, shown={}).steps["programme"]
    kept = allocate(only, budget=budget, sound=VOICE, shown={"programme": H[1]}).steps["programme"]
    assert fresh == H[0]
    assert kept == H[1]


def test_only_so_many_slots_rise_at_once() -> None:
    shown: dict[str, Step | None] = {"programme": Q[0], "thumb:0": None, "thumb:1": None}
    wants = [d for d in demands() if d.slot in shown]
    got = allocate(wants, budget=900_000, sound=VOICE, shown=shown, rises=1).steps
    assert got["programme"] == H[1]
    assert got["thumb:0"] is None
    still = allocate(wants, budget=900_000, sound=VOICE, shown=shown, rises=0).steps
    assert still == shown


STEPS = st.lists(st.integers(20_000, 2_000_000), min_size=1, max_size=6).map(
    lambda rates: tuple(Step(str(n), -1, float(r)) for n, r in enumerate(sorted(set(rates))))
)


@given(
    st.lists(st.tuples(st.integers(0, 9), STEPS), max_size=12),
    st.integers(1, 5_000_000),
    st.integers(0, 200_000),
    st.booleans(),
)
def test_the_budget_holds_and_importance_decides(
    wants: list[tuple[int, tuple[Step, ...]]], budget: int, sound: int, again: bool
) -> None:
    slots = [
        Demand(f"s{n}", importance, True, steps) for n, (importance, steps) in enumerate(wants)
    ]
    shown: dict[str, Step | None] = {d.slot: d.steps[-1] for d in slots} if again else {}
    result = allocate(slots, budget=float(budget), sound=float(sound), shown=shown)
    spent = sum(step.bitrate for step in result.steps.values() if step is not None)
    # What is shown may stay on while it fits with the margin that keeps it.
    assert spent * 0.9 <= max(0, budget - sound) + 1
    assert set(result.steps) == {d.slot for d in slots}
    first = min(slots, key=lambda d: d.importance, default=None)
    if first is not None and first.steps[0].bitrate * 1.1 <= budget - sound:
        assert result.steps[first.slot] is not None, "the most important pauses last"


def test_higher_layers_are_offered_only_where_they_move() -> None:
    slow = Step("h", 0, 200_000, 360, 7.5)
    assert steps_of([Q, (slow, *H)]) == (*Q, *H)
    assert steps_of([(slow, *H)]) == (slow, *H)


def test_ten_frames_a_second_are_ten_as_they_are_measured() -> None:
    """A step that comes and goes with a tenth of a frame would change the layer each time."""
    half = Step("h", 1, 240_000, 360, 9.4)
    assert steps_of([Q, (half, H[1])]) == (*Q, half, H[1])


def test_the_highest_layer_is_offered_at_half_its_frames_only_where_those_are_fifteen() -> None:
    slow = Step("f", 1, 380_000, 720, 10)
    assert steps_of([Q, H, (slow, F[1])]) == (*Q, *H, F[1])
    assert steps_of([Q, H, F]) == CAMERA
