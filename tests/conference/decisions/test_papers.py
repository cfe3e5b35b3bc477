"""Papers of a conference: attached, shown page by page, put away, withdrawn."""

from __future__ import annotations

import pytest

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.model import SYSTEM, Paper, Refusal
from tests.conference.support import LAN, Run, live, point

PLAN = Paper(id="x-p1", version=1, title="Plan", pages=5, octets=9, sha256="ab")
SECRET = Paper(id="x-p2", version=1, title="Secret", pages=2, octets=9, sha256="cd", points=("a",))


def with_papers() -> Run:
    run = live()
    for paper in (PLAN, SECRET):
        run.do(c.AttachPaper(newest=paper), SYSTEM)
    return run


def page(run: Run) -> tuple[int, int] | None:
    """Version and number of the page that is shown."""
    shown = run.state.showing
    return (shown.version, shown.page) if shown is not None else None


def test_a_page_is_shown_turned_and_put_away() -> None:
    run = with_papers()
    run.do(c.ShowPage(paper="x-p1", page=2), LAN)
    assert run.log[-1].event == e.PageShown(paper="x-p1", version=1, page=2)
    assert page(run) == (1, 2)
    assert run.do(c.ShowPage(page=2), LAN) == ()
    run.do(c.ShowPage(page=3, zoom=2.0, x=0.25, y=0.75), LAN)
    assert page(run) == (1, 3)
    run.do(c.PutAway(), LAN)
    assert page(run) is None
    assert run.do(c.PutAway(), LAN) == ()


@pytest.mark.parametrize(
    ("command", "key"),
    [
        (c.ShowPage(page=1), "refusal.no_paper_shown"),
        (c.ShowPage(paper="x-p9", page=1), "refusal.unknown_paper"),
        (c.ShowPage(paper="x-p1", page=6), "refusal.unknown_page"),
    ],
)
def test_what_is_not_there_is_not_shown(command: c.ShowPage, key: str) -> None:
    outcome = with_papers().do(command, LAN)
    assert isinstance(outcome, Refusal)
    assert outcome.key == key


def test_points_turn_pages_while_they_present() -> None:
    """The chair, and who has the floor; nobody else, and nobody a paper that it may not see."""
    run = with_papers()
    show = {name: c.ShowPage(paper="x-p1", page=2, point=name) for name in ("a", "b")}
    assert run.state.chair == "a"
    refused = run.do(show["b"], point("b"))
    assert refused == Refusal(key="refusal.not_presenting")
    run.do(show["a"], point("a"))
    assert page(run) == (1, 2)
    run.do(c.PointUp(point="b"), SYSTEM)
    run.do(c.Grant(point="b"), LAN)
    run.do(c.ShowPage(page=4, point="b"), point("b"))
    assert page(run) == (1, 4)
    secret = run.do(c.ShowPage(paper="x-p2", page=1, point="b"), point("b"))
    assert isinstance(secret, Refusal)
    assert secret.key == "refusal.unknown_paper"


def test_a_new_version_is_shown_in_place_of_the_old_one() -> None:
    run = with_papers()
    run.do(c.ShowPage(paper="x-p1", page=3), LAN)
    newer = Paper(id="x-p1", version=2, title="Plan", pages=4, octets=9, sha256="ef")
    run.do(c.AttachPaper(newest=newer), SYSTEM)
    assert page(run) == (2, 3)
    shorter = Paper(id="x-p1", version=3, title="Plan", pages=1, octets=9, sha256="aa")
    run.do(c.AttachPaper(newest=shorter), SYSTEM)
    assert page(run) is None
    assert run.do(c.AttachPaper(newest=shorter), SYSTEM) == ()


def test_a_paper_that_is_withdrawn_is_not_shown_any_more() -> None:
    run = with_papers()
    run.do(c.ShowPage(paper="x-p1", page=1), LAN)
    run.do(c.WithdrawPaper(paper="x-p1"), SYSTEM)
    assert page(run) is None
    assert set(run.state.papers) == {"x-p2"}
    run.do(c.ShowPage(paper="x-p2", page=1), LAN)
    run.do(c.End(), LAN)
    assert page(run) is None
    assert set(run.state.papers) == {"x-p2"}  # the report names them
