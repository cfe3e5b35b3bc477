"""The agenda: one action begins an item; whatever is done to the list, numbers stay."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.apply import replay
from bridge.conference.decisions.agenda import following
from bridge.conference.model import MAX_ITEMS, SYSTEM, Refusal
from bridge.conference.report import report
from bridge.conference.state_machine import due
from bridge.conference.typed import parse
from bridge.recordings.chapters import chapters
from tests.conference.support import Run, live


def entry(
    title: str, number: int = 0, point: str | None = None, minutes: int | None = None
) -> c.AgendaEntry:
    return c.AgendaEntry(number=number, title=title, point=point, minutes=minutes)


@pytest.fixture
def run() -> Run:
    """A conference that runs, with three items; b speaks to the second one for ten minutes."""
    made = live()
    items = (entry("Khai mạc"), entry("Báo cáo", point="b", minutes=10), entry("Kết luận"))
    made.ok(c.SetAgenda(items=items))
    return made


def test_one_action_brings_the_speaker_on_air_and_starts_the_clock(run: Run) -> None:
    run.ok(c.NextItem())
    assert run.state.item is not None
    assert run.state.item.number == 1
    events = run.ok(c.NextItem())
    assert [e.kind_of(event) for event in events] == ["item_begun", "floor_granted"]
    state = run.state
    assert state.item is not None
    assert (state.item.number, state.item.since) == (2, run.now)
    assert state.on_air == "b"
    assert state.floor is not None
    assert state.floor.limit == 600
    run.ok(c.NextItem())
    assert run.do(c.NextItem()) == Refusal(key="refusal.agenda_done")
    run.ok(c.NextItem(number=1))
    assert run.do(c.NextItem(number=9)) == Refusal(
        key="refusal.unknown_item", arguments={"number": "9"}
    )
    assert replay(run.log) == run.state


def test_time_over_is_said_once(run: Run) -> None:
    run.ok(c.NextItem(number=2))
    begun = run.now
    said = []
    while (at := due(run.state)) is not None and at <= begun + 700:
        run.now = at
        said += [e.kind_of(event) for event in run.ok(c.Tick(), SYSTEM)]
    assert said.count("item_over") == 1
    assert run.state.item is not None
    assert run.state.item.over
    run.ok(c.NextItem())
    assert run.state.item is not None
    assert not run.state.item.over


def test_a_clock_that_is_set_changes_no_time_of_an_item(run: Run) -> None:
    run.ok(c.NextItem(number=2))
    before = due(run.state)
    assert before is not None
    run.ok(c.StepClock(seconds=3600.0), SYSTEM)
    assert due(run.state) == before + 3600.0


def test_items_are_changed_and_moved_while_one_runs(run: Run) -> None:
    run.ok(c.NextItem())
    items = (entry("Kết luận", 3), entry("Mới"), entry("Khai mạc, sửa", 1))
    run.ok(c.SetAgenda(items=items))
    assert [item.number for item in run.state.agenda] == [3, 4, 1]
    assert run.state.item is not None
    assert run.state.item.number == 1
    run.ok(c.AddItem(title="Cuối", point="b"))
    assert run.state.agenda[-1].number == 5
    assert following(run.state) == run.state.agenda[-1]
    without = (entry("Kết luận", 3),)
    assert run.do(c.SetAgenda(items=without)) == Refusal(key="refusal.item_runs")
    twice = (entry("a", 1), entry("b", 1))
    assert run.do(c.SetAgenda(items=twice)) == Refusal(key="refusal.item_twice")
    unknown = run.do(c.SetAgenda(items=(entry("x", 1, point="nobody"),)))
    assert isinstance(unknown, Refusal)
    assert unknown.key == "refusal.unknown_point"
    assert run.do(c.SetAgenda(items=(entry("x", 77), entry("y", 1)))) == Refusal(
        key="refusal.unknown_item", arguments={"number": "77"}
    )


def test_a_speaker_who_is_away_is_said_and_nothing_begins(run: Run) -> None:
    run.ok(c.PointDown(point="b", reason="lost"), SYSTEM)
    found = run.do(c.NextItem(number=2))
    assert isinstance(found, Refusal)
    assert found.key == "refusal.point_absent"
    assert run.state.item is None


def test_an_agenda_has_an_end(run: Run) -> None:
    for number in range(MAX_ITEMS - 3):
        run.ok(c.AddItem(title=str(number)))
    found = run.do(c.AddItem(title="more"))
    assert isinstance(found, Refusal)
    assert found.key == "refusal.agenda_full"
    many = [{"title": "x"}] * 10_000
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"type": "agenda", "items": many}, type=c.SetAgenda)


@pytest.mark.parametrize(
    "title",
    [
        "",
        " ",
        "a\nb",
        "a\n",
        "\x1b[2J",
        "a\u202eb",
        "\u2066x",
        "x" * 301,
        "a\x00",
        "\u200fx",
        "a\u2028b",
    ],
)
def test_titles_that_cannot_be_read_are_refused(title: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"type": "add_item", "title": title}, type=c.AddItem)
    from config.template_schema import Item

    with pytest.raises(ValueError, match="title"):
        Item.model_validate({"title": title})


@pytest.mark.parametrize("title", ["<img src=x onerror=alert(1)>", "=HYPERLINK(1)", "Điểm “ba” 🙂"])
def test_titles_of_other_kinds_are_words(title: str, run: Run) -> None:
    run.ok(c.AddItem(title=title))
    run.ok(c.NextItem(number=4))
    assert run.state.agenda[-1].title == title
    from bridge.reports.conference import Document

    made = Document(report(run.log, run.now + 5), {}, "vi", "Asia/Ho_Chi_Minh")
    rows = [line for line in made.csv().splitlines() if title[:4] in line]
    assert rows
    assert not any(row.lstrip('"')[:1] in "=+-@" for row in rows)


def test_times_of_items_are_in_the_report_and_chapters_in_the_recording(run: Run) -> None:
    run.ok(c.NextItem())
    first = run.now
    run.now += 120
    run.ok(c.NextItem())
    run.now += 60
    run.ok(c.NextItem(number=1))
    run.now += 30
    run.ok(c.End())
    rows = report(run.log, run.now).items
    assert [(row.title, row.seconds) for row in rows] == [("Khai mạc", 150.0), ("Báo cáo", 60.0)]
    assert rows[0].began_at == first
    titles = [title for _, title in chapters(run.log, str, "vi")]
    assert titles[-3:] == ["Khai mạc", "Báo cáo", "Khai mạc"], "no chapter twice at one moment"


@given(st.lists(st.sampled_from(["next", "add", "turn", "drop"]), max_size=30))
def test_numbers_are_never_given_twice(steps: list[str]) -> None:
    run = Run()
    titles: dict[int, str] = {}
    for count, step in enumerate(steps):
        agenda = run.state.agenda
        entries = [entry(i.title, i.number) for i in agenda]
        match step:
            case "next":
                run.do(c.NextItem())
            case "add":
                run.do(c.AddItem(title=f"item {count}"))
            case "turn":
                run.do(c.SetAgenda(items=tuple(reversed(entries))))
            case _:
                run.do(c.SetAgenda(items=tuple(entries[:-1])))
        for item in run.state.agenda:
            assert titles.setdefault(item.number, item.title) == item.title
    assert replay(run.log) == run.state


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("item next", c.NextItem()),
        ("item 3", c.NextItem(number=3)),
        ("item add Báo cáo thu ngân sách", c.AddItem(title="Báo cáo thu ngân sách")),
        ("item add 15 @b Báo cáo", c.AddItem(title="Báo cáo", point="b", minutes=15)),
        ("item add @2 Báo cáo", c.AddItem(title="Báo cáo", point="b")),
        ("item add 2026", c.AddItem(title="2026")),
        ("item", None),
        ("item add", None),
        ("item add 999 Dài", None),
        ("item next now", None),
    ],
)
def test_typed(text: str, command: c.Asked | None) -> None:
    found = parse(text, ("a", "b"))
    if command is None:
        assert isinstance(found, Refusal)
    else:
        assert found == command
