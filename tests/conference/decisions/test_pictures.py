"""What is seen: preview, take, panes, cameras, banners and shared screens."""

from __future__ import annotations

import msgspec
import pytest

from bridge.conference import commands as c
from bridge.conference import events as e
from bridge.conference.apply import apply
from bridge.conference.model import SYSTEM
from bridge.conference.plan import Feed, feed_of, panes, plan
from tests.conference.support import POINTS, Run, live, point


def test_preview_and_take() -> None:
    run = live()
    assert run.refused(c.Take()) == "refusal.no_preview"
    run.ok(c.Preview(point="b"))
    assert run.ok(c.Take()) == (e.Taken(point="b", previous="a", swapped=True),)
    assert run.ok(c.Take(point="b")) == ()
    assert run.heard() == {"a"}, "a take is a picture, no microphone"
    run.ok(c.Return())
    assert run.state.on_air == "a"


def on_the_buses(run: Run) -> tuple[str, str | None]:
    """Who is on air, and who is on preview."""
    return run.state.on_air, run.state.preview


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        ([c.Preview(point="b"), c.Take()], ("b", "a")),
        ([c.Preview(point="b"), c.Take(), c.Take()], ("a", "b")),
        ([c.Take(point="b")], ("b", "a")),
        ([c.Preview(point="c"), c.Take(point="b")], ("b", "c")),  # what is prepared stays
        ([c.Take(point="b"), c.Return()], ("a", "b")),
        ([c.Take(point="b"), c.Preview(point="c"), c.Return()], ("a", "c")),
        ([c.Preview(point="b"), c.Grant(point="b")], ("b", "a")),
        ([c.Preview(point="c"), c.Grant(point="b")], ("b", "c")),
        ([c.Grant(point="b"), c.Preview(), c.Grant(point="c"), c.Return()], ("a", "b")),
        ([c.Grant(point="a")], ("a", None)),  # it was on air: nobody has left the programme
        ([c.Take(point="b"), c.Back()], ("a", "b")),
        ([c.Take(point="b"), c.Back(), c.Back()], ("b", "a")),
        ([c.Take(point="b"), c.Take(point="c"), c.Preview(point="d"), c.Back()], ("b", "d")),
        ([c.Take(point="b"), c.Preview(), c.Drop(point="b")], ("a", None)),  # it is out
    ],
)
def test_who_leaves_the_programme_goes_to_preview(
    commands: list[c.Command], expected: tuple[str, str | None]
) -> None:
    run = live()
    for command in commands:
        run.ok(command)
    assert on_the_buses(run) == expected


def test_a_cut_back_is_a_picture_only_and_needs_one_to_go_back_to() -> None:
    run = live()
    assert run.refused(c.Back()) == "refusal.no_previous"
    run.ok(c.Grant(point="b"))
    assert run.ok(c.Back()) == (e.Taken(point="a", previous="b", swapped=True),)
    assert run.state.floor is not None
    assert run.heard() == {"a", "b"}
    run.ok(c.PointDown(point="b", reason="lost"), SYSTEM)
    assert run.refused(c.Back()) == "refusal.point_absent"


def test_a_log_from_before_the_swap_is_read_as_it_was_meant() -> None:
    run = live()
    run.ok(c.Preview(point="b"))
    old = msgspec.json.encode({"type": "taken", "point": "b", "previous": "a"})
    recorded = e.Recorded(
        conference="hop-1",
        seq=run.state.seq + 1,
        at=run.now,
        actor="user:lan",
        reason="take",
        event=e.decoder.decode(old),
    )
    assert apply(run.state, recorded).preview is None


def test_a_shared_screen_is_shown_by_all_rooms_until_it_ends() -> None:
    """The layout that they had comes back, unless the director has chosen another meanwhile."""
    run = live()
    assert run.ok(c.Share()) == (
        e.ContentStarted(sharer="user:lan"),
        e.LayoutSet(layout="content", before="speaker"),
    )
    run.ok(c.Share(point="b"))  # another screen instead
    assert run.state.content == "point:b"
    assert run.ok(c.StopShare()) == (
        e.ContentStopped(sharer="point:b"),
        e.LayoutSet(layout="speaker"),
    )
    assert (run.state.layout, run.state.layout_before) == ("speaker", None)

    run.ok(c.Share())
    run.ok(c.SetLayout(layout="grid"))
    assert run.ok(c.StopShare()) == (e.ContentStopped(sharer="user:lan"),)

    run.ok(c.SetLayout(layout="content"))
    run.ok(c.Share(point="b"), point("b"))
    assert run.ok(c.StopShare(point="b"), point("b")) == (e.ContentStopped(sharer="point:b"),)


def test_a_film_has_a_sound_that_goes_on_and_off_while_it_is_shown() -> None:
    run = live()
    lan = "user:lan"
    assert run.ok(c.Share(sound=True)) == (
        e.ContentStarted(sharer=lan),
        e.ContentSound(sharer=lan, on=True),
        e.LayoutSet(layout="content", before="speaker"),
    )
    assert plan(run.state).film == "lan"
    assert run.ok(c.Share(sound=True)) == ()
    assert run.ok(c.Share()) == (e.ContentSound(sharer=lan, on=False),)
    assert (plan(run.state).film, run.state.content) == ("", lan)
    run.ok(c.Share(sound=True))
    run.ok(c.Share(point="b"))  # another screen takes its place, and its sound ends with it
    assert (run.state.content_sound, plan(run.state).film) == (False, "")
    run.ok(c.Share(sound=True))
    run.ok(c.StopShare())
    assert (run.state.content_sound, plan(run.state).film) == (False, "")
    run.ok(c.Share(sound=True))
    run.ok(c.End())
    assert not run.state.content_sound


def test_rooms_share_no_sound() -> None:
    """They are heard by their microphones, as those allow."""
    run = live()
    run.ok(c.Share(point="b", sound=True), point("b"))
    assert not run.state.content_sound
    assert plan(run.state).film == ""


def test_a_point_that_is_dropped_takes_its_screen_and_the_layout_with_it() -> None:
    run = live(layout="grid")
    run.ok(c.Share(point="b"), point("b"))
    assert run.state.layout == "content"
    run.ok(c.Drop(point="b"))
    assert (run.state.content, run.state.layout) == (None, "grid")


def test_what_cannot_be_shown() -> None:
    run = live(present=("a", "b"), observers=("d",))
    assert run.refused(c.Take(point="c")) == "refusal.point_absent"
    assert run.refused(c.Take(point="d")) == "refusal.observer"
    assert run.refused(c.Take(point="z")) == "refusal.unknown_point"
    assert run.refused(c.Preview(point="d")) == "refusal.observer"
    assert run.refused(c.Rank(points=("b", "z"))) == "refusal.unknown_point"


def test_who_is_on_air_sees_the_return_picture() -> None:
    run = live()
    run.ok(c.Take(point="b"))
    shown = {p: feed.point for p, feed in plan(run.state).programme.items() if feed}
    assert shown == {"a": "b", "b": "a", "c": "b", "d": "b"}
    run.ok(c.ReturnPicture(point="d"))
    feed = plan(run.state).programme["b"]
    assert feed is not None
    assert feed.point == "d"
    run.ok(c.ReturnPicture())
    run.ok(c.Return())
    feed = plan(run.state).programme["a"]
    assert feed is not None
    assert feed.point == "b", "the chair sees who was before"


def test_panes_are_fixed_or_ranked() -> None:
    run = live()
    assert panes(run.state) == POINTS
    run.ok(c.Pin(pane=2, point="d"))
    run.ok(c.Rank(points=("c",)))
    assert panes(run.state) == ("c", "d", "a", "b")
    run.ok(c.Pin(pane=1, point="d"))
    assert run.state.pins == {1: "d"}, "a point stands in one pane"
    run.ok(c.Pin(pane=1))
    assert panes(run.state) == ("c", "a", "b", "d")


def test_a_camera_that_is_off_is_shown_to_nobody() -> None:
    run = live()
    run.ok(c.Take(point="b"))
    run.ok(c.Camera(point="b", off=True))
    current = plan(run.state)
    # Everybody is told who is on air; the picture is not shown.
    assert current.viewer == Feed("b", dark=True)
    assert feed_of(current, "c", "thumb:1", {"thumb:1": "b"}) is None
    run.ok(c.Camera(point="b", off=False))
    assert plan(run.state).viewer == Feed("b")


def test_banners_and_shared_screens() -> None:
    run = live()
    run.ok(c.Banner(text="  Nghỉ 10 phút "))
    run.ok(c.Banner(text="Chỉnh camera", point="b"))
    assert (run.state.banner, run.state.banners) == ("Nghỉ 10 phút", {"b": "Chỉnh camera"})
    run.ok(c.Banner(point="b"))
    assert run.state.banners == {}
    run.ok(c.Share(point="b"), point("b"))
    assert run.refused(c.Share(point="c"), point("c")) == "refusal.already_shared"
    run.ok(c.Share())
    content = plan(run.state).content
    assert content is not None
    assert (run.state.content, content.user) == ("user:lan", "lan")
    assert run.ok(c.StopShare(point="b"), point("b")) == ()
    run.ok(c.StopShare())
    assert plan(run.state).content is None
