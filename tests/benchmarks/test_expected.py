"""The figures of the table of weak lines, out of what pages saw."""

from __future__ import annotations

from benchmarks.weak_lines import figures_of, table
from benchmarks.weak_room.expected import ROWS, Figures, Seen, View, misses, view


def seen(at: float, decoded: int, *, freezes: int = 0, frozen: float = 0.0) -> Seen:
    return Seen(at, 360, decoded, freezes, frozen, 48_000 * at, 480 * at, 100 * round(at))


def test_a_view_is_rates_and_shares_of_the_window() -> None:
    found = view([seen(t / 2, round(7.5 * t)) for t in range(21)])
    assert found == View(height=360, rate=15.0, freeze=0.0, concealed=0.01, others=100.0)


def test_the_longest_freeze_is_found_whether_or_not_it_has_ended() -> None:
    ended = [seen(0, 0), seen(0.5, 8), seen(1.0, 9, freezes=1, frozen=0.9), seen(1.5, 16)]
    assert view(ended).freeze == 0.9
    standing = [seen(t / 2, 12) for t in range(11)]
    assert view(standing).freeze == 5.0
    assert view([]) == View()


def figures(room: View, **changes: float) -> Figures:
    well = View(360, 15.0, 0.0, 0.0, 150.0)
    made = {"queue": 0.0, "best_after": 3.0, "key_frames": 1, "seconds": 20.0} | changes
    return Figures(room=room, others=well, base=well, **made)  # type: ignore[arg-type]


def test_what_is_not_reached_is_said() -> None:
    row = ROWS[0]
    assert misses(row, figures(View(360, 12.0, 0.4, 0.002, 100.0))) == []
    missed = misses(row, figures(View(180, 3.0, 2.3, 0.264, 10.0), key_frames=40))
    assert missed == ["180 lines", "3 fps", "freeze 2.3 s", "room 26.4 % made up", "40 key frames"]


def test_the_table_has_both_variants_beside_each_other() -> None:
    poor = figures(View(180, 3.0, 2.3, 0.264, 10.0)).as_json()
    well = figures(View(360, 12.0, 0.4, 0.002, 100.0)).as_json()
    assert figures_of(well) == figures(View(360, 12.0, 0.4, 0.002, 100.0))
    name = ROWS[0].name
    text = table({"without": {name: poor}, "with": {name: well}}, [0, 1])
    _, _, measured, missing = text.splitlines()
    assert measured.startswith("| 600 kbit/s down | room: 180p 3 fps, longest freeze 2.3 s, 26.4 %")
    assert measured.endswith("| — |")
    assert missing == "| 300 kbit/s down | not measured | not measured | not measured |"
